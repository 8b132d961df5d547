namespace NativeStyle.Imaging.Tests;

public class JpegTests
{
    /// <summary>
    /// Compares with the PNGs that ImageMagick (libjpeg) decoded from the same files. Inverse DCTs and colour
    /// conversions may differ by a level each. If chroma is at most two samples wide, libjpeg repeats its samples and
    /// Stb interpolates them. Then only the luminance is comparable, as far as colours are not clipped at black or
    /// white.
    /// </summary>
    [SkippableFact]
    public void DecodesAsLibjpeg()
    {
        string[] files = Directory.GetFiles(TestData.Path("jpeg"), "*.jpg");
        Assert.True(files.Length >= 29);
        foreach (string file in files)
        {
            Picture expected = PictureFile.Read(Path.ChangeExtension(file, ".png"));
            Picture actual = PictureFile.Read(file);
            Assert.Equal((expected.Height, expected.Width), (actual.Height, actual.Width));
            bool interpolated = Path.GetFileName(file) is "jpg-size-3x3.jpg" or "jpg-size-4x4.jpg";
            (double largest, double mean) = interpolated
                ? Difference(Luminances(expected), Luminances(actual))
                : Difference(expected.Pixels, actual.Pixels);
            Assert.True(
                interpolated ? largest <= 5 && mean <= 0.8 : largest <= 3 && mean <= 0.35,
                $"{Path.GetFileName(file)}: up to {largest:f1} levels, mean {mean:f2}");
        }
    }

    private static float[] Luminances(Picture picture) =>
    [
        .. picture.Pixels.Chunk(3).Select(rgb => (0.299f * rgb[0]) + (0.587f * rgb[1]) + (0.114f * rgb[2])),
    ];

    private static (double Largest, double Mean) Difference(float[] expected, float[] actual)
    {
        double[] differences = [.. expected.Zip(actual, (a, b) => 255 * Math.Abs((double)a - b))];
        return (differences.Max(), differences.Average());
    }

    [Fact]
    public void ATruncatedFileIsRefused()
    {
        byte[] whole = Encode(Pictures.Random(40, 40, 5), 90);
        for (int length = 0; length < whole.Length; length++)
            Assert.Throws<InvalidDataException>(() => PictureFile.Decode(whole[..length]));
    }

    [Theory]
    [InlineData(1, 1, 95, 0.02)]
    [InlineData(17, 30, 95, 0.03)]
    [InlineData(64, 64, 50, 0.10)]
    public void WritingAndReadingKeepsAPictureToItsQuality(int height, int width, int quality, double most)
    {
        Picture picture = Pictures.Smooth(height, width);
        Pictures.AssertClose(picture, PictureFile.Decode(Encode(picture, quality)), most);
    }

    [Fact]
    public void QualityDecidesTheSize()
    {
        Picture picture = Pictures.Random(64, 64, 2);
        Assert.True(Encode(picture, 30).Length < Encode(picture, 60).Length);
        Assert.True(Encode(picture, 60).Length < Encode(picture, 95).Length);
    }

    /// <summary>The eight orientations of a 2 x 3 picture as Exif 2.3 shows them.</summary>
    [Theory]
    [InlineData(1, 2, 3, "abcdef")]
    [InlineData(2, 2, 3, "cbafed")]
    [InlineData(3, 2, 3, "fedcba")]
    [InlineData(4, 2, 3, "defabc")]
    [InlineData(5, 3, 2, "adbecf")]
    [InlineData(6, 3, 2, "daebfc")]
    [InlineData(7, 3, 2, "fcebda")]
    [InlineData(8, 3, 2, "cfbead")]
    public void ExifOrientationIsApplied(int orientation, int height, int width, string expected)
    {
        // Each letter is a flat area of 8 x 8 with its own grey.
        var stored = new Picture(16, 24);
        for (int i = 0; i < stored.Pixels.Length; i++)
        {
            (int row, int column) = (i / 3 / 24, i / 3 % 24);
            stored.Pixels[i] = ((row / 8 * 3) + (column / 8)) / 5f;
        }

        byte[] file = Encode(stored, 100);
        byte[] exif =
        [
            0xFF, 0xE1, 0, 34, .. "Exif\0\0"u8, .. "MM\0*"u8, 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1,
            0, (byte)orientation, 0, 0, 0, 0, 0, 0,
        ];
        Picture picture = PictureFile.Decode([.. file[..2], .. exif, .. file[2..]]);
        Assert.Equal((8 * height, 8 * width), (picture.Height, picture.Width));
        string letters = "";
        for (int row = 4; row < picture.Height; row += 8)
        for (int column = 4; column < picture.Width; column += 8)
            letters += (char)('a' + (int)MathF.Round(picture[row, column, 0] * 5));
        Assert.Equal(expected, letters);
    }

    private static byte[] Encode(Picture picture, int quality)
    {
        using var folder = new TemporaryFolder();
        PictureFile.Write(folder.File("a.jpg"), picture, new PictureWriteOptions(JpegQuality: quality));
        return File.ReadAllBytes(folder.File("a.jpg"));
    }
}
