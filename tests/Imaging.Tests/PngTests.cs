using System.Globalization;

namespace NativeStyle.Imaging.Tests;

public class PngTests
{
    /// <summary>
    /// Compares every good picture of the PngSuite at 12 places with what libpng reads (Fixtures/make_pngsuite.sh).
    /// </summary>
    [SkippableFact]
    public void PngSuiteReadsAsLibpngReadsIt()
    {
        string folder = TestData.Path("pngsuite");
        string[] lines = File.ReadAllLines(Path.Combine(AppContext.BaseDirectory, "Fixtures", "pngsuite.txt"));
        Assert.True(lines.Length >= 160);
        foreach (string[] fields in lines.Select(line => line.Split(' ')))
        {
            Picture picture = PictureFile.Read(Path.Combine(folder, fields[0]));
            Assert.Equal((fields[1], fields[2]), ($"{picture.Width}", $"{picture.Height}"));
            foreach (string sample in fields[3..])
            {
                string[] parts = sample.Split(':', ',');
                int pixel = int.Parse(parts[0], CultureInfo.InvariantCulture);
                for (int c = 0; c < 3; c++)
                {
                    double expected = int.Parse(parts[1 + c], CultureInfo.InvariantCulture) / 65535.0;
                    float actual = picture.Pixels[(3 * pixel) + c];
                    // libpng rounds a sample to its depth, and the fixture rounds it to 1/65535.
                    Assert.True(
                        Math.Abs(expected - actual) < 2e-5,
                        $"{fields[0]} pixel {pixel} channel {c}: {actual}, libpng has {expected}");
                }
            }
        }
    }

    [SkippableFact]
    public void BrokenPngsAreRefusedWithTheFileName()
    {
        string[] broken = Directory.GetFiles(TestData.Path("pngsuite"), "x*.png");
        Assert.Equal(14, broken.Length);
        foreach (string file in broken)
        {
            var error = Assert.Throws<InvalidDataException>(() => PictureFile.Read(file));
            Assert.StartsWith(file, error.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(8, 1, 1)]
    [InlineData(8, 7, 13)]
    [InlineData(16, 5, 3)]
    public void WritingAndReadingKeepsPixelsToTheDepth(int depth, int height, int width)
    {
        Picture picture = Pictures.Random(height, width, seed: depth);
        using var folder = new TemporaryFolder();
        PictureFile.Write(folder.File("a.png"), picture, new PictureWriteOptions(PngDepth: depth));
        Picture read = PictureFile.Read(folder.File("a.png"));
        Pictures.AssertClose(picture, read, 0.5001 / ((1 << depth) - 1));
    }

    [Fact]
    public void TransparencyIsPutOnWhiteWithANotice()
    {
        // The picture is 1 x 1 of colour type 6: filter byte 0 and half transparent black.
        Picture picture = PictureFile.Decode(Pictures.Png(1, 1, 8, 6, [0, 0, 0, 0, 128]));
        Assert.Equal(1 - (128 / 255f), picture[0, 0, 0], 6);
        Assert.Contains(picture.Notices, notice => notice.Contains("white", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(0u, 5u)]
    [InlineData(0x7FFFFFFFu, 0x7FFFFFFFu)]
    [InlineData(0xFFFFFFFFu, 1u)]
    [InlineData(200_000u, 200_000u)]
    [InlineData(10_000u, 10_000u)]
    public void AbsurdSizesAreRefusedBeforeMemoryIsTaken(uint width, uint height)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        byte[] file = Pictures.Png(width, height, 8, 2, [0]);
        var error = Assert.Throws<InvalidDataException>(() => PictureFile.Decode(file));
        Assert.Contains($"{width} x {height}", error.Message, StringComparison.Ordinal);
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 10_000_000);
    }

    [Fact]
    public void EveryTruncationIsAClearError()
    {
        Picture picture = Pictures.Random(9, 11, seed: 3);
        using var folder = new TemporaryFolder();
        PictureFile.Write(folder.File("a.png"), picture);
        byte[] whole = File.ReadAllBytes(folder.File("a.png"));
        for (int length = 0; length < whole.Length; length++)
            Assert.Throws<InvalidDataException>(() => PictureFile.Decode(whole[..length]));
    }

    [Fact]
    public void EveryFlippedBitIsRefused()
    {
        // A checksum, a signature or a length covers each byte.
        byte[] whole = Pictures.Png(3, 2, 8, 2, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
        for (int bit = 0; bit < 8 * whole.Length; bit++)
        {
            byte[] damaged = [.. whole];
            damaged[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.Throws<InvalidDataException>(() => PictureFile.Decode(damaged));
        }
    }
}
