using NativeStyle.Imaging.Png;

namespace NativeStyle.Imaging;

/// <summary>A kind of picture file that is read, and what a file of it can hold and takes.</summary>
/// <param name="Name">For people.</param>
/// <param name="PixelsPerByte">
/// The most pixels that a byte of the file can stand for: a small file that states more is refused before memory is taken.
/// </param>
/// <param name="DecodingBytes">Bytes of memory a pixel, beside the file's, at the highest while it is decoded: measured on 24 megapixels.</param>
internal sealed record PictureFormat(string Name, int PixelsPerByte, double DecodingBytes)
{
    /// <summary>Whether a marker follows the picture.</summary>
    public bool EndsWithMarker { get; private init; }

    // A block of 64 pixels takes a bit at least; a file of several scans also holds its coefficients while it is decoded.
    public static readonly PictureFormat Jpeg = new("JPEG", 512, 6.2) { EndsWithMarker = true };
    public static readonly PictureFormat ProgressiveJpeg = new("progressive JPEG", 512, 12.2) { EndsWithMarker = true };

    // Deflate makes at most 1032 bytes of one, and a pixel is a bit at least.
    public static readonly PictureFormat Png = new("PNG", 8 * 1032, 6.2);
    public static readonly PictureFormat InterlacedPng = new("interlaced PNG", 8 * 1032, 18.2);

    // Only what is not compressed is read.
    public static readonly PictureFormat Bmp = new("BMP", 8, 10.1);

    // A packet of two bytes repeats a pixel 128 times.
    public static readonly PictureFormat Tga = new("TGA", 64, 10.1);

    // A code of 12 bits stands for at most 4096 pixels.
    public static readonly PictureFormat Gif = new("GIF", 4096, 10.1);

    // PackBits: two bytes repeat a sample 128 times, and three samples are a pixel.
    public static readonly PictureFormat Psd = new("PSD", 64, 10.1);

    // Two bytes repeat a sample 127 times, and four samples are a pixel.
    public static readonly PictureFormat Hdr = new("Radiance HDR", 16, 24.2);

    private static readonly (byte[] Start, PictureFormat Format)[] s_starts =
    [
        ([0xFF, 0xD8, 0xFF], Jpeg),
        ([.. PngEncoder.Signature[..4]], Png),
        ([.. "BM"u8], Bmp),
        ([.. "GIF8"u8], Gif),
        ([.. "8BPS"u8], Psd),
        ([.. "#?RADIANCE"u8], Hdr),
        ([.. "#?RGBE"u8], Hdr),
    ];

    /// <summary>What people bring that is not read.</summary>
    private static readonly (int At, byte[] Bytes, string Name)[] s_others =
    [
        (8, [.. "WEBP"u8], "a WebP picture"),
        (4, [.. "ftyp"u8], "a HEIC, AVIF or film file"),
        (0, [.. "II*\0"u8], "a TIFF picture"),
        (0, [.. "MM\0*"u8], "a TIFF picture"),
        (0, [.. "%PDF"u8], "a PDF document"),
        (0, [.. "<svg"u8], "an SVG drawing"),
    ];

    /// <summary>The format that a file begins as.</summary>
    /// <exception cref="InvalidDataException">It is none that is read.</exception>
    public static PictureFormat Of(ReadOnlySpan<byte> bytes)
    {
        const string Expected = $"a {PictureFile.Readable} picture";
        if (bytes.IsEmpty) throw new InvalidDataException($"is empty, expected {Expected}");
        foreach ((byte[] start, PictureFormat format) in s_starts)
            if (bytes.StartsWith(start)) return format;
        if (LooksLikeTga(bytes)) return Tga;
        foreach ((int at, byte[] sign, string name) in s_others)
        {
            if (bytes.Length >= at + sign.Length && bytes.Slice(at, sign.Length).SequenceEqual(sign))
                throw new InvalidDataException($"is {name}, expected {Expected}; convert it to PNG or JPEG");
        }

        throw new InvalidDataException(
            $"is no picture that can be read (it begins with bytes {Convert.ToHexStringLower(bytes[..Math.Min(8, bytes.Length)])}), " +
            $"expected {Expected}; convert it to PNG or JPEG");
    }

    /// <summary>
    /// A TGA file has no signature in front: the fields of its header (Truevision TGA 2.0) must make sense together.
    /// </summary>
    private static bool LooksLikeTga(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < 18 || bytes[1] > 1) return false;
        bool indexed = bytes[1] == 1;
        int type = bytes[2] & 7, entryBits = bytes[7], bits = bytes[16];
        bool kind = bytes[2] is 1 or 2 or 3 or 9 or 10 or 11 && (type == 1) == indexed;
        bool depth = type == 2 ? bits is 15 or 16 or 24 or 32 : bits is 8 or 16;
        return kind && depth && (!indexed || entryBits is 15 or 16 or 24 or 32) && (bytes[17] & 0xC0) == 0;
    }
}
