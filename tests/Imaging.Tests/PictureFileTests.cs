using System.Text;

namespace NativeStyle.Imaging.Tests;

public class PictureFileTests
{
    [Fact]
    public void NpyHoldsTheExactValues()
    {
        Picture picture = Pictures.Random(3, 5, 1);
        using var folder = new TemporaryFolder();
        PictureFile.Write(folder.File("a.npy"), picture);
        byte[] bytes = File.ReadAllBytes(folder.File("a.npy"));
        int headerLength = 10 + bytes[8] + (bytes[9] << 8);
        Assert.Equal(0, headerLength % 64);
        Assert.Equal("NUMPY", Encoding.ASCII.GetString(bytes, 1, 5));
        string header = Encoding.ASCII.GetString(bytes, 10, headerLength - 10);
        Assert.Contains("'descr': '<f4'", header, StringComparison.Ordinal);
        Assert.Contains("'shape': (3, 5, 3)", header, StringComparison.Ordinal);
        for (int i = 0; i < picture.Pixels.Length; i++)
            Assert.Equal(picture.Pixels[i], BitConverter.ToSingle(bytes, headerLength + (4 * i)));
    }

    [Fact]
    public void AFailedWriteLeavesTheOldFileAndNoOther()
    {
        using var folder = new TemporaryFolder();
        string file = folder.File("a.gif");
        File.WriteAllText(file, "old");
        Assert.Throws<ArgumentException>(() => PictureFile.Write(file, new Picture(1, 1)));
        Assert.Equal("old", File.ReadAllText(file));
        Assert.Single(Directory.GetFiles(folder.Path));
    }

    /// <summary>What a killed program left is removed by the next one that writes the same file.</summary>
    [Fact]
    public void AKilledProgramsTemporaryFileIsRemoved()
    {
        using var folder = new TemporaryFolder();
        string file = folder.File("a.png"), left = NameOfTemporaryFile(file);
        File.WriteAllText(left, "half a pict");
        PictureFile.Write(file, new Picture(2, 3));
        Assert.Equal([file], Directory.GetFiles(folder.Path));
        Assert.Equal(3, PictureFile.Read(file).Width);
    }

    /// <summary>Two writers of a file do not mix: each has a temporary file of its own, and the last one wins.</summary>
    [Fact]
    public void TwoWritersOfAFileDoNotMix()
    {
        using var folder = new TemporaryFolder();
        string file = folder.File("a.bin");
        AtomicFile.Write(file, first =>
        {
            first.Write(new byte[100]);
            AtomicFile.Write(file, second => second.Write([1, 2, 3]));
            Assert.Equal([1, 2, 3], File.ReadAllBytes(file));
            first.Write(new byte[100]);
        });
        Assert.Equal(new byte[200], File.ReadAllBytes(file));
        Assert.Equal([file], Directory.GetFiles(folder.Path));
    }

    /// <summary>Asks the writer where it writes.</summary>
    private static string NameOfTemporaryFile(string target)
    {
        using TemporaryFile temporary = TemporaryFile.For(target);
        Assert.True(File.Exists(temporary.Path));
        return temporary.Path;
    }

    [Fact]
    public void ResizingKeepsAFlatColourAndTheMean()
    {
        var flat = new Picture(20, 31);
        Array.Fill(flat.Pixels, 0.3f);
        Assert.All(Resampler.Resize(flat, 7, 50).Pixels, value => Assert.Equal(0.3f, value, 5));
        Picture picture = Pictures.Smooth(64, 48);
        Assert.Equal(picture.Pixels.Average(), Resampler.Resize(picture, 16, 12).Pixels.Average(), 2);
    }

    [Fact]
    public void ShrinkingDoesNotAlias()
    {
        // Stripes of one pixel are far above the new picture's resolution: they must become grey, not other stripes.
        var stripes = new Picture(16, 120);
        for (int i = 0; i < stripes.Pixels.Length; i++) stripes.Pixels[i] = i / 3 % 120 % 2;
        Assert.All(Resampler.Resize(stripes, 16, 17).Pixels, value => Assert.InRange(value, 0.40f, 0.60f));
    }

    [Theory]
    [InlineData(600, 800, 400, 300, 400)]
    [InlineData(10, 1000, 50, 1, 50)]
    [InlineData(100, 100, 256, 256, 256)]
    public void FitIntoKeepsTheShape(int height, int width, int size, int newHeight, int newWidth) =>
        Assert.Equal((newHeight, newWidth), Resampler.FitInto(height, width, size));
}
