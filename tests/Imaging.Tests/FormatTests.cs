using System.Globalization;
using System.Text;

namespace NativeStyle.Imaging.Tests;

/// <summary>
/// Compares BMP, TGA, GIF, PSD and Radiance HDR, which StbImageSharp decodes, with what Pillow reads
/// (Fixtures/make_formats.sh).
/// </summary>
public class FormatTests
{
    private static readonly string s_folder = Path.Combine(AppContext.BaseDirectory, "Fixtures", "formats");

    public static TheoryData<string> Files =>
        [.. Lines().Select(fields => fields[0]).Where(name => name != "light.hdr")];

    [Theory]
    [MemberData(nameof(Files))]
    public void EveryFormatReadsAsPillowReadsIt(string name)
    {
        Reference expected = Expected(name);
        Picture picture = PictureFile.Read(Path.Combine(s_folder, name));
        Assert.Equal((expected.Height, expected.Width), (picture.Height, picture.Width));
        // Transparent pixels on white are rounded to 16 bits twice.
        bool alpha = name.StartsWith("alpha", StringComparison.Ordinal);
        var reference = new Picture(expected.Height, expected.Width, expected.Values);
        Pictures.AssertClose(reference, picture, alpha ? 2.0 / 65535 : 1e-6);
        bool transparent = alpha || name.StartsWith("transparent", StringComparison.Ordinal);
        Assert.Equal(transparent, picture.Notices.Any(notice => notice.Contains("white", StringComparison.Ordinal)));
    }

    /// <summary>
    /// Applies equations 1, 2 and 4, written a second time from the paper, to light that ImageMagick read.
    /// </summary>
    [Fact]
    public void LightIsBroughtToTheRangeOfAScreen()
    {
        Reference light = Expected("light.hdr");
        Picture picture = PictureFile.Read(Path.Combine(s_folder, "light.hdr"));
        // A mantissa has eight bits, at the coarsest in steps of 1/128 of its value. The roundings of ImageMagick and
        // Stb differ by half a step.
        Pictures.AssertClose(new Picture(light.Height, light.Width, ToneMapped(light.Values)), picture, 0.004);
        Assert.Contains(picture.Notices, notice => notice.Contains("range of a screen", StringComparison.Ordinal));
    }

    /// <summary>
    /// Encodes values far above one by hand, with three mantissas and an exponent per pixel (Ward 1991). Short rows are
    /// not compressed.
    /// </summary>
    [Fact]
    public void BrightLightKeepsItsOrderAndTheBrightestIsWhite()
    {
        byte[][] pixels =
        [
            [128, 128, 128, 121], [128, 128, 128, 129], [128, 128, 128, 133], [128, 64, 0, 129], [0, 0, 0, 0],
            [200, 200, 200, 136],
        ];
        pixels = [.. pixels, .. pixels[..2], .. pixels, .. pixels[2..4]];
        byte[] header = "#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 2 +X 8\n"u8.ToArray();
        byte[] file = [.. header, .. pixels.SelectMany(pixel => pixel)];
        float[] light =
        [
            .. pixels.SelectMany(pixel =>
                pixel[..3].Select(mantissa => (float)(mantissa * Math.Pow(2, pixel[3] - 136)))),
        ];
        Picture picture = PictureFile.Decode(file);
        Pictures.AssertClose(new Picture(2, 8, ToneMapped(light)), picture, 1.0 / 65535);
        for (int y = 0; y < 2; y++)
        {
            Assert.True(picture[y, 0, 0] < picture[y, 1, 0] && picture[y, 1, 0] < picture[y, 2, 0]);
            Assert.Equal(1f, picture[y, 5, 0]);
            Assert.Equal(0f, picture[y, 4, 0]);
        }
    }

    [Theory]
    [InlineData("AdobeRGB1998", true, "Adobe RGB")]
    [InlineData("sRGB", false, "")]
    [InlineData("default_rgb", false, "")]
    public void AProfileThatIsNotSrgbIsToldOf(string name, bool notice, string words)
    {
        foreach (string extension in new[] { ".jpg", ".png" })
        {
            string notices = string.Join(' ', PictureFile.Read(Path.Combine(s_folder, name + extension)).Notices);
            Assert.Equal(notice, notices.Contains("taken as sRGB", StringComparison.Ordinal));
            Assert.Contains(words, notices, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("RIFF\0\0\0\0WEBPVP8 ", "is a WebP picture")]
    [InlineData("\0\0\0\u0018ftypheic", "is a HEIC")]
    [InlineData("II*\0\u0008\0\0\0", "is a TIFF picture")]
    [InlineData("%PDF-1.7", "is a PDF document")]
    [InlineData("hello", "is no picture that can be read (it begins with bytes 68656c6c6f)")]
    [InlineData("", "is empty")]
    public void WhatIsNotReadIsNamed(string contents, string words)
    {
        using var folder = new TemporaryFolder();
        string file = folder.File("picture.png");
        File.WriteAllBytes(file, Encoding.Latin1.GetBytes(contents));
        var error = Assert.Throws<InvalidDataException>(() => PictureFile.Read(file));
        Assert.StartsWith($"{file} {words}", error.Message, StringComparison.Ordinal);
        Assert.Contains("expected a JPEG, PNG", error.Message, StringComparison.Ordinal);
    }

    /// <summary>In every format, the header states more than the file can hold, or more than is supported.</summary>
    [Theory]
    [InlineData("rgb24.bmp", 18, false, 4)]
    [InlineData("rgb.tga", 12, false, 2)]
    [InlineData("rle.tga", 12, false, 2)]
    [InlineData("plain.gif", 6, false, 2)]
    [InlineData("rle.psd", 14, true, 4)]
    [InlineData("sRGB.jpg", -1, true, 2)]
    public void AbsurdSizesAreRefusedBeforeMemoryIsTaken(string name, int at, bool bigEndian, int bytes)
    {
        byte[] file = File.ReadAllBytes(Path.Combine(s_folder, name));
        // A JPEG's size is in its frame header.
        if (at < 0) at = file.AsSpan().IndexOf([(byte)0xFF, (byte)0xC0]) + 5;
        (int, string)[] sides = [(25_000, "megapixels"), (11_000, "do not hold 11000 x 11000 pixels")];
        foreach ((int side, string words) in sides)
        {
            for (int i = 0; i < 2 * bytes; i++)
            {
                int place = bigEndian ? bytes - 1 - (i % bytes) : i % bytes;
                file[at + i] = (byte)(place < 4 ? side >> (8 * place) : 0);
            }

            long before = GC.GetAllocatedBytesForCurrentThread();
            var error = Assert.Throws<InvalidDataException>(() => PictureFile.Decode(file));
            Assert.Contains(words, error.Message, StringComparison.Ordinal);
            Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 1_000_000);
        }
    }

    [Fact]
    public void APictureThatDoesNotGoIntoTheMemoryIsRefused()
    {
        using var folder = new TemporaryFolder();
        string file = folder.File("a.jpg");
        PictureFile.Write(file, Pictures.Smooth(300, 400));
        var error = Assert.Throws<PictureMemoryException>(() => PictureFile.Open(file, memory: 500_000));
        Assert.StartsWith($"{file} has 400 x 300 pixels", error.Message, StringComparison.Ordinal);
        Assert.Equal(500_000, error.MemoryBytes);
        Assert.InRange(error.NeededBytes, 500_001, 2_000_000);
        Assert.Equal(3 * 300 * 400, PictureFile.Open(file, memory: 2_000_000).HeldBytes);
    }

    private static float[] ToneMapped(float[] light)
    {
        const double Delta = 1e-6, Key = 0.18;
        double[] luminances =
        [
            .. light.Chunk(3).Select(rgb => (0.2126 * rgb[0]) + (0.7152 * rgb[1]) + (0.0722 * rgb[2])),
        ];
        double average = Math.Exp(luminances.Average(value => Math.Log(Delta + value))) - Delta;
        double white = Math.Max(1, Key / average * luminances.Max());
        return [.. light.Select((value, i) =>
        {
            double scaled = Key / average * luminances[i / 3];
            double displayed = scaled * (1 + (scaled / (white * white))) / (1 + scaled);
            double linear = luminances[i / 3] == 0 ? 0 : Math.Min(1, value / luminances[i / 3] * displayed);
            return (float)(linear <= 0.0031308 ? 12.92 * linear : (1.055 * Math.Pow(linear, 1 / 2.4)) - 0.055);
        })];
    }

    private sealed record Reference(int Height, int Width, float[] Values);

    private static Reference Expected(string name)
    {
        string[] fields = Lines().Single(line => line[0] == name);
        int[] numbers = [.. fields[1..4].Select(field => int.Parse(field, CultureInfo.InvariantCulture))];
        byte[] bytes = Convert.FromHexString(fields[4]);
        float[] values = numbers[2] == 8 ? [.. bytes.Select(value => value / 255f)]
            : [.. bytes.Chunk(2).Select(pair => ((pair[0] << 8) | pair[1]) / 65535f)];
        return new Reference(numbers[1], numbers[0], values);
    }

    private static IEnumerable<string[]> Lines() =>
        File.ReadAllLines(Path.Combine(AppContext.BaseDirectory, "Fixtures", "formats.txt"))
            .Select(line => line.Split(' '));
}
