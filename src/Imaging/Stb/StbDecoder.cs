using StbImageSharp;

namespace NativeStyle.Imaging.Stb;

/// <summary>
/// Decodes pictures with StbImageSharp, which decodes into native memory and trusts what a file states. It therefore
/// reads from a <see cref="GuardedStream"/>, and a file is refused if the decoder read past its end.
/// </summary>
internal static class StbDecoder
{
    /// <summary>
    /// Held while a file is decoded. The decoder keeps its reason for a refusal in a static field, so only one file can
    /// be decoded at a time.
    /// </summary>
    private static readonly Lock s_one = new();

    /// <summary>Returns height, width and samples per pixel, without decoding the picture.</summary>
    /// <exception cref="InvalidDataException">
    /// The bytes are not of the format, or damaged. The message is meant to follow a file's name.
    /// </exception>
    public static (int Height, int Width, int Channels) Measure(byte[] bytes, PictureFormat format)
    {
        lock (s_one)
        {
            ImageInfo info = ImageInfo.FromStream(new GuardedStream(bytes))
                ?? throw Refused(format, StbImage.stbi__g_failure_reason);
            return info.Width > 0 && info.Height > 0
                ? (info.Height, info.Width, (int)info.ColorComponents)
                : throw Refused(format, "it has no pixels");
        }
    }

    /// <summary>Returns the samples of 8 bits, (height, width, channels).</summary>
    /// <param name="channels">RGB or RGBA. The value of a grey picture is repeated.</param>
    /// <param name="length">
    /// The bytes up to the picture's end, if that is known. A file of which the decoder reads less or more is refused.
    /// </param>
    /// <inheritdoc cref="Measure"/>
    public static byte[] Decode(byte[] bytes, PictureFormat format, ColorComponents channels, int? length = null) =>
        Read(bytes, format, stream => ImageResult.FromStream(stream, channels).Data, length);

    /// <summary>Returns the light of a Radiance HDR picture, (height, width, RGB), linear.</summary>
    /// <inheritdoc cref="Measure"/>
    public static float[] DecodeLight(byte[] bytes) =>
        Read(
            bytes,
            PictureFormat.Hdr,
            stream => ImageResultFloat.FromStream(stream, ColorComponents.RedGreenBlue).Data);

    private static T Read<T>(byte[] bytes, PictureFormat format, Func<Stream, T> decode, int? length = null)
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

            // The decoder does not report what it left out: after markers that it cannot read, all of the picture.
            if (stream.MissingBytes == 0 && (length is null || length == stream.Position)) return decoded;
            throw new InvalidDataException(
                $"is a truncated or damaged {format.Name}: it ends before its picture does");
        }
    }

    private static InvalidDataException Refused(PictureFormat format, string? reason) =>
        new($"is a damaged or unusual {format.Name}: {reason}; save it again as PNG or JPEG");
}
