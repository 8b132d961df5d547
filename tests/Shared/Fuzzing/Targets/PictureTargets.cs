using System.Runtime.InteropServices;
using NativeStyle.Imaging;
using NativeStyle.Imaging.Metadata;
using NativeStyle.Imaging.Png;
using StbImageSharp;

namespace NativeStyle.Tests;

/// <summary>The readers of pictures and of what stands beside the pixels.</summary>
internal static class PictureTargets
{
    /// <summary>What decoding may take. Larger pictures are refused, so that many small ones are decoded.</summary>
    private const long Memory = 16 << 20;

    private static readonly string[] s_png =
    [
        "IHDR", "PLTE", "IDAT", "IEND", "tRNS", "iCCP", "tEXt", "zTXt", "iTXt", "eXIf", "gAMA", "acTL", "fcTL", "fdAT",
        "\u0089PNG\r\n\u001a\n",
    ];

    private static readonly string[] s_jpeg =
    [
        "\u00ff\u00d8", "\u00ff\u00d9", "\u00ff\u00c0", "\u00ff\u00c2", "\u00ff\u00c4", "\u00ff\u00da", "\u00ff\u00db",
        "\u00ff\u00dd", "\u00ff\u00d0", "\u00ff\u00d7", "\u00ff\u00e1", "\u00ff\u00e2", "\u00ff\u00ee", "\u00ff\u00ff",
        "\u00ff\0", "Exif\0\0", "ICC_PROFILE\0\u0001\u0001", "Adobe", "JFIF\0", "II*\0", "MM\0*",
    ];

    public static IReadOnlyList<FuzzTarget> All { get; } =
    [
        Picture("png", "*.png", Pngs) with { Shape = new PngShape(), Words = s_png },
        Picture("jpeg", "*.jpg") with { Words = s_jpeg },
        Picture("bmp", "*.bmp"),
        Picture("tga", "*.tga"),
        Picture("gif", "*.gif") with { Words = ["GIF87a", "GIF89a", "!\u00f9\u0004", "!\u00ff", ",", ";"] },
        Picture("psd", "*.psd") with { Words = ["8BPS", "8BIM", "8B64"] },
        Picture("hdr", "*.hdr") with
        {
            Words = ["#?RADIANCE\n", "FORMAT=32-bit_rle_rgbe\n", "\n\n-Y ", " +X ", "\u0002\u0002"],
        },
        new("png-text", () => [.. FuzzTarget.Fixtures("formats", "*.png"), .. Pngs()], ReadText)
        {
            // A text of up to 16 MiB is inflated and decoded.
            Shape = new PngShape(), Words = s_png, MostBytes = 256 << 20,
        },
        new("icc-profile", Profiles, ReadProfile)
        {
            Words = ["desc", "mluc", "curv", "para", "rXYZ", "gXYZ", "bXYZ", "gTRC", "kTRC", "RGB ", "GRAY"],
            Refuses = _ => false, MostBytes = 1 << 20,
        },
        new("orientation", Segments, ReadOrientation)
        {
            Words = ["Exif\0\0", "II*\0", "MM\0*", "\u0001\u0012", "\u0012\u0001"],
            Refuses = _ => false, MostBytes = 1 << 20,
        },
    ];

    private static FuzzTarget Picture(string name, string pattern, Func<IEnumerable<byte[]>>? more = null) =>
        new(name, () => [.. FuzzTarget.Fixtures("formats", pattern), .. more?.Invoke() ?? []], Decode)
        {
            Extension = pattern[1..],
            Refuses = refusal => refusal is InvalidDataException or PictureMemoryException,
            // Beside the picture, buffers are allocated anew for each row, and a profile takes up to 16 MiB.
            MostBytes = (3 * Memory) + (32 << 20),
        };

    private static int Decode(string path)
    {
        var digest = new HashCode();
        try
        {
            PictureSource picture = PictureFile.Open(path, Memory);
            int rows = 0;
            picture.ForEachRow((y, row) =>
            {
                if (y != rows++ || row.Length != 3 * picture.Width)
                    throw new Finding($"row {y} has {row.Length} values");
                foreach (float value in row)
                    if (!(value is >= 0 and <= 1)) throw new Finding($"a pixel is {value}");
                digest.AddBytes(MemoryMarshal.AsBytes(row));
            });
            Finding.Require(rows == picture.Height, $"{rows} rows of {picture.Height}");
            foreach (string notice in picture.Notices) digest.Add(notice);
        }
        finally
        {
            Finding.Require(StbImage.NativeAllocations == 0, "native memory was left");
        }

        return digest.ToHashCode();
    }

    private static int ReadText(string path)
    {
        var digest = new HashCode();
        foreach ((string keyword, string text) in PngText.Read(path)) digest.Add((keyword, text));
        return digest.ToHashCode();
    }

    private static int ReadProfile(string path)
    {
        IccProfile profile = IccProfile.Parse(File.ReadAllBytes(path));
        bool plain = profile.Name.Length is > 0 and <= 80 && !profile.Name.Any(char.IsControl);
        Finding.Require(plain, $"a profile is called '{profile.Name}'");
        return profile.GetHashCode();
    }

    private static int ReadOrientation(string path)
    {
        int? orientation = Orientation.Parse(File.ReadAllBytes(path));
        Finding.Require(orientation is null or (>= 1 and <= 8), $"the orientation is {orientation}");
        return orientation ?? 0;
    }

    /// <summary>PNG pictures of 8 and 16 bits with texts, of this program.</summary>
    private static IEnumerable<byte[]> Pngs()
    {
        var picture = new Picture(9, 7);
        for (int i = 0; i < picture.Pixels.Length; i++) picture.Pixels[i] = i * 37 % 256 / 255f;
        var text = new Dictionary<string, string> { ["Software"] = "NativeStyle", ["nativestyle"] = "{\"größe\": 7}" };
        foreach (int depth in new[] { 8, 16 })
            yield return PictureFile.Encode(picture, ".png", new PictureWriteOptions(depth, Text: text));
    }

    /// <summary>The profiles in the seeds' APP2 segments.</summary>
    private static IEnumerable<byte[]> Profiles()
    {
        foreach (byte[] jpeg in FuzzTarget.Fixtures("formats", "*.jpg"))
        {
            int at = jpeg.AsSpan().IndexOf("ICC_PROFILE\0"u8);
            if (at < 0) continue;
            yield return jpeg[(at + 14)..(at - 2 + ((jpeg[at - 2] << 8) | jpeg[at - 1]))];
        }
    }

    /// <summary>Exif segments of both byte orders with the tag.</summary>
    private static IEnumerable<byte[]> Segments() =>
    [
        [.. "Exif\0\0MM\0*\0\0\0\u0008\0\u0001\u0001\u0012\0\u0003\0\0\0\u0001\0\u0006\0\0\0\0\0\0"u8],
        [.. "Exif\0\0II*\0\u0008\0\0\0\u0001\0\u0012\u0001\u0003\0\u0001\0\0\0\u0003\0\0\0\0\0\0\0"u8],
    ];
}
