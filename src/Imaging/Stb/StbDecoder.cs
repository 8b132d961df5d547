using StbImageSharp;

namespace NativeStyle.Imaging.Stb;

/// <summary>
/// Pictures through StbImageSharp, which decodes into native memory and believes what a file says: it reads from a
/// <see cref="GuardedStream"/>, and a file that it read past the end of is refused.
/// </summary>
internal static class StbDecoder
{
    /// <summary>The decoder's reason for a refusal is a static field: one file at a time.</summary>
    private static readonly Lock s_one = new();

    /// <summary>Height, width and samples a pixel, without the picture.</summary>
    /// <exception cref="InvalidDataException">Not of the format, or damaged; the message goes after a file's name.</exception>
    public static (int Height, int Width, int Channels) Measure(byte[] bytes, PictureFormat format)
    {
        lock (s_one)
        {
            ImageInfo info = ImageInfo.FromStream(new GuardedStream(bytes)) ?? throw Refused(format, StbImage.stbi__g_failure_reason);
            return info.Width > 0 && info.Height > 0 ? (info.Height, info.Width, (int)info.ColorComponents) : throw Refused(format, "it has no pixels");
        }
    }

    /// <summary>The samples, (height, width, channels), of 8 bits.</summary>
    /// <param name="channels">RGB or RGBA; a grey picture's value is repeated.</param>
    /// <inheritdoc cref="Measure"/>
    public static byte[] Decode(byte[] bytes, PictureFormat format, ColorComponents channels) =>
        Read(bytes, format, stream => ImageResult.FromStream(stream, channels).Data);

    /// <summary>The light of a Radiance HDR picture, (height, width, RGB), linear.</summary>
    /// <inheritdoc cref="Measure"/>
    public static float[] DecodeLight(byte[] bytes) =>
        Read(bytes, PictureFormat.Hdr, stream => ImageResultFloat.FromStream(stream, ColorComponents.RedGreenBlue).Data);

    private static T Read<T>(byte[] bytes, PictureFormat format, Func<Stream, T> decode)
    {
        lock (s_one)
        {
            using var stream = new GuardedStream(bytes);
            T decoded;
            try
            {
                decoded = decode(stream);
            }
            catch (InvalidOperationException refusal)
            {
                throw Refused(format, stream.MissingBytes > 0 ? "it ends early" : refusal.Message);
            }

            // A JPEG was read to its end only where the decoder met the marker for it: it says nothing of what it left out.
            bool ended = !format.EndsWithMarker || bytes.AsSpan(0, (int)stream.Position).EndsWith([(byte)0xFF, (byte)0xD9]);
            return stream.MissingBytes == 0 && ended ? decoded
                : throw new InvalidDataException($"is a truncated or damaged {format.Name}: it ends before its picture does");
        }
    }

    private static InvalidDataException Refused(PictureFormat format, string? reason) => new($"is a damaged or unusual {format.Name}: {reason}; save it again as PNG or JPEG");
}
