using System.Numerics;
using NativeStyle.Imaging.Metadata;
using NativeStyle.Imaging.Png;
using NativeStyle.Imaging.Stb;
using StbImageSharp;

namespace NativeStyle.Imaging;

/// <summary>Decodes picture files. It checks what a file states against limits before it decodes anything.</summary>
internal static class PictureDecoder
{
    private const string OnWhite = "its transparent parts were put on white";

    /// <summary>Decodes a file.</summary>
    /// <param name="memory">The most bytes that decoding may use.</param>
    /// <exception cref="InvalidDataException">
    /// The bytes are not such a picture, or it is too large or damaged. The message is meant to follow a file's name.
    /// </exception>
    public static PictureSource Decode(byte[] bytes, long memory)
    {
        PictureFormat format = PictureFormat.Of(bytes);
        try
        {
            if (format == PictureFormat.Png) return DecodePng(bytes, memory);
            return format == PictureFormat.Jpeg ? DecodeJpeg(bytes, memory) : DecodeOther(bytes, format, memory);
        }
        catch (Exception damage) when (damage is EndOfStreamException or IndexOutOfRangeException or ArgumentException
            or OverflowException or NullReferenceException)
        {
            // Decoders fail on a damaged file's numbers in many places.
            throw new InvalidDataException($"is a damaged {format.Name}", damage);
        }
    }

    private static PictureSource DecodePng(byte[] bytes, long memory)
    {
        PngDecoder png = PngDecoder.Open(bytes);
        PictureFormat format = png.Interlaced ? PictureFormat.InterlacedPng : PictureFormat.Png;
        RequireRoom(format, bytes, png.Height, png.Width, memory);
        // Transparent pixels on white lie between the values of a byte.
        return png.Depth == 16 || png.HasAlpha ? DecodePng<ushort>(png) : DecodePng<byte>(png);
    }

    private static StoredPicture<T> DecodePng<T>(PngDecoder png)
        where T : unmanaged, IBinaryInteger<T>, IMinMaxValue<T>
    {
        float largest = float.CreateChecked(T.MaxValue);
        // Allocate with the first row: by then the decoder has found the size credible.
        T[] rgb = [];
        bool transparent = png.ForEachRow((y, row) =>
        {
            if (rgb.Length == 0) rgb = new T[checked(3 * png.Height * png.Width)];
            Span<T> samples = rgb.AsSpan(y * row.Length, row.Length);
            for (int i = 0; i < row.Length; i++) samples[i] = T.CreateTruncating((row[i] * largest) + 0.5f);
        });
        string? alpha = transparent ? OnWhite : null;
        return new StoredPicture<T>(png.Height, png.Width, rgb)
        {
            Notices = [.. Notices(alpha, OtherColors(png.Profile))],
        };
    }

    private static StoredPicture<byte> DecodeJpeg(byte[] bytes, long memory)
    {
        JpegMarkers markers = JpegMarkers.Parse(bytes);
        PictureFormat format = markers.Progressive ? PictureFormat.ProgressiveJpeg : PictureFormat.Jpeg;
        (int height, int width, _) = StbDecoder.Measure(bytes, format);
        RequireRoom(format, bytes, height, width, memory);
        byte[] stored = StbDecoder.Decode(bytes, format, ColorComponents.RedGreenBlue, markers.Length);
        byte[] rgb = Orientation.Apply(stored, height, width, markers.Orientation);
        if (Orientation.Turned(markers.Orientation)) (height, width) = (width, height);
        string? turned = markers.Orientation == 1 ? null : Orientation.Notice;
        return new StoredPicture<byte>(height, width, rgb)
        {
            Notices = [.. Notices(turned, OtherColors(markers.Profile))],
        };
    }

    private static PictureSource DecodeOther(byte[] bytes, PictureFormat format, long memory)
    {
        (int height, int width, int channels) = StbDecoder.Measure(bytes, format);
        RequireRoom(format, bytes, height, width, memory);
        // StbImageSharp leaves all rows but the first undefined if a row is too short or too long for run lengths.
        if (format == PictureFormat.Hdr && width is < 8 or >= 32768)
        {
            throw new InvalidDataException(
                $"is a Radiance HDR of {width} pixels a row, expected 8 to 32767; save it as PNG");
        }

        if (format == PictureFormat.Hdr)
        {
            ushort[] tones = ToneMapping.Apply(StbDecoder.DecodeLight(bytes));
            return new StoredPicture<ushort>(height, width, tones) { Notices = [ToneMapping.Notice] };
        }

        if (channels is 1 or 3)
        {
            byte[] rgb = StbDecoder.Decode(bytes, format, ColorComponents.RedGreenBlue);
            return new StoredPicture<byte>(height, width, rgb);
        }

        byte[] rgba = StbDecoder.Decode(bytes, format, ColorComponents.RedGreenBlueAlpha);
        bool transparent = false;
        for (int at = 3; at < rgba.Length && !transparent; at += 4) transparent = rgba[at] < byte.MaxValue;
        return transparent
            ? new StoredPicture<ushort>(height, width, PutOnWhite(rgba)) { Notices = [OnWhite] }
            : new StoredPicture<byte>(height, width, WithoutAlpha(rgba));
    }

    private static ushort[] PutOnWhite(byte[] rgba)
    {
        const uint White = byte.MaxValue, Square = White * White;
        ushort[] rgb = new ushort[rgba.Length / 4 * 3];
        for (int from = 0, to = 0; from < rgba.Length; from += 4, to += 3)
        {
            uint alpha = rgba[from + 3];
            for (int c = 0; c < 3; c++)
            {
                uint onWhite = (alpha * rgba[from + c]) + ((White - alpha) * White);
                rgb[to + c] = (ushort)(((onWhite * ushort.MaxValue) + (Square / 2)) / Square);
            }
        }

        return rgb;
    }

    private static byte[] WithoutAlpha(byte[] rgba)
    {
        byte[] rgb = new byte[rgba.Length / 4 * 3];
        for (int from = 0, to = 0; from < rgba.Length; from += 4, to += 3) rgba.AsSpan(from, 3).CopyTo(rgb.AsSpan(to));
        return rgb;
    }

    /// <summary>Checks what a file states against the limit of pixels, its own length, and the memory.</summary>
    private static void RequireRoom(PictureFormat format, byte[] bytes, int height, int width, long memory)
    {
        PictureSize.Require(height, width);
        long pixels = (long)height * width;
        if (pixels > (long)format.PixelsPerByte * bytes.Length)
        {
            throw new InvalidDataException(
                $"is a damaged or truncated {format.Name}: {bytes.Length:n0} bytes "
                + $"do not hold {width} x {height} pixels");
        }

        long needed = (long)(pixels * format.DecodingBytes) + bytes.Length;
        if (needed > memory)
        {
            throw new PictureMemoryException(
                $"has {width} x {height} pixels, and decoding a {format.Name} of that size takes "
                    + $"about {needed >> 20} MiB of memory, of {memory >> 20} MiB",
                needed, memory);
        }
    }

    private static string? OtherColors(IccProfile? profile) =>
        profile is null or { IsSrgb: true }
            ? null
            : $"its colours are taken as sRGB, though its ICC profile says otherwise ({profile.Name})";

    private static IEnumerable<string> Notices(params string?[] notices) => notices.OfType<string>();
}
