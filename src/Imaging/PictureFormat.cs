using NativeStyle.Imaging.Png;

namespace NativeStyle.Imaging;

/// <summary>A readable kind of picture file, with limits on what such a file can hold and needs.</summary>
/// <param name="Name">A name to show to users.</param>
/// <param name="PixelsPerByte">
/// The most pixels that a byte of the file can stand for. A small file that states more is refused before memory is
/// allocated.
/// </param>
/// <param name="DecodingBytes">
/// The peak of memory during decoding in bytes per pixel, without the file itself, measured on 24 megapixels.
/// </param>
internal sealed record PictureFormat(string Name, int PixelsPerByte, double DecodingBytes)
{
    // A block of 64 pixels takes at least a bit. A file of several scans also needs its coefficients during decoding.
    public static readonly PictureFormat Jpeg = new("JPEG", 512, 6.2);
    public static readonly PictureFormat ProgressiveJpeg = new("progressive JPEG", 512, 12.2);

    // Deflate makes at most 1032 bytes out of one, and a pixel takes at least a bit.
    public static readonly PictureFormat Png = new("PNG", 8 * 1032, 6.2);
    public static readonly PictureFormat InterlacedPng = new("interlaced PNG", 8 * 1032, 18.2);

    // Only uncompressed files are supported.
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

    /// <summary>Common formats that are not supported.</summary>
    private static readonly (int At, byte[] Bytes, string Name)[] s_others =
    [
        (8, [.. "WEBP"u8], "a WebP picture"),
        (4, [.. "ftyp"u8], "a HEIC, AVIF or film file"),
        (0, [.. "II*\0"u8], "a TIFF picture"),
        (0, [.. "MM\0*"u8], "a TIFF picture"),
        (0, [.. "%PDF"u8], "a PDF document"),
        (0, [.. "<svg"u8], "an SVG drawing"),
    ];

    /// <summary>Returns the format that the first bytes of a file belong to.</summary>
    /// <exception cref="InvalidDataException">It is not a readable format.</exception>
    public static PictureFormat Of(ReadOnlySpan<byte> bytes)
    {
        const string Expected = $"a {PictureFile.Readable} picture";
        if (bytes.IsEmpty) throw new InvalidDataException($"is empty, expected {Expected}");
        foreach ((byte[] signature, PictureFormat format) in s_starts)
            if (bytes.StartsWith(signature)) return format;
        if (LooksLikeTga(bytes)) return Tga;
        foreach ((int at, byte[] sign, string name) in s_others)
        {
            if (bytes.Length >= at + sign.Length && bytes.Slice(at, sign.Length).SequenceEqual(sign))
                throw new InvalidDataException($"is {name}, expected {Expected}; convert it to PNG or JPEG");
        }

        string start = Convert.ToHexStringLower(bytes[..Math.Min(8, bytes.Length)]);
        throw new InvalidDataException(
            $"is no picture that can be read (it begins with bytes {start}), "
            + $"expected {Expected}; convert it to PNG or JPEG");
    }

    /// <summary>
    /// A TGA file has no signature at its start. The fields of its header (Truevision TGA 2.0) must make sense
    /// together.
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
