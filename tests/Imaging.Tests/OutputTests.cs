using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using NativeStyle.Imaging.Png;

namespace NativeStyle.Imaging.Tests;

/// <summary>
/// Reads TIFF, texts in PNG, animated PNG and labels with code that is written a second time from their specifications.
/// </summary>
public class OutputTests
{
    [Fact]
    public void ATiffHoldsSixteenBitsAChannelWhereItsTagsSay()
    {
        using var folder = new TemporaryFolder();
        Picture picture = Pictures.Smooth(5, 7);
        PictureFile.Write(folder.File("a.tif"), picture);
        byte[] file = File.ReadAllBytes(folder.File("a.tif"));
        Assert.Equal("II*\0"u8.ToArray(), file[..4]);
        int directory = Int(4), count = Word(directory);
        Dictionary<int, (int Type, int Count, int Value)> tags = [];
        for (int i = 0; i < count; i++)
        {
            int at = directory + 2 + (12 * i);
            tags.Add(Word(at), (Word(at + 2), Int(at + 4), Int(at + 8)));
        }

        Assert.Equal(tags.Keys.Order(), tags.Keys);
        Assert.Equal(0, Int(directory + 2 + (12 * count)));
        // Width, height, no compression, RGB, three samples, one strip of all rows.
        Assert.Equal([7, 5, 1, 2, 3, 5], new[] { 256, 257, 259, 262, 277, 278 }.Select(tag => tags[tag].Value));
        Assert.Equal([16, 16, 16], Enumerable.Range(0, 3).Select(i => Word(tags[258].Value + (2 * i))));
        Assert.Equal((6 * 35, file.Length), (tags[279].Value, tags[273].Value + tags[279].Value));
        for (int i = 0; i < picture.Pixels.Length; i++)
            Assert.Equal(picture.Pixels[i], Word(tags[273].Value + (2 * i)) / 65535f, 1e-5);

        int Int(int at) => BinaryPrimitives.ReadInt32LittleEndian(file.AsSpan(at));

        int Word(int at) => BinaryPrimitives.ReadUInt16LittleEndian(file.AsSpan(at));
    }

    [Fact]
    public void TextsOfAPngAreReadBackAndThePictureIsTheSame()
    {
        using var folder = new TemporaryFolder();
        var texts = new Dictionary<string, string>
        {
            ["Software"] = "NativeStyle",
            ["nativestyle"] = "{\"of\": \"Düsseldorf ✓\"}",
        };
        PictureFile.Write(folder.File("a.png"), Pictures.Smooth(5, 7), new PictureWriteOptions(Text: texts));
        PictureFile.Write(folder.File("b.png"), Pictures.Smooth(5, 7));
        Assert.Equal(texts, PngText.Read(folder.File("a.png")));
        Assert.Empty(PngText.Read(folder.File("b.png")));
        Assert.Equal(PictureFile.Read(folder.File("b.png")).Pixels, PictureFile.Read(folder.File("a.png")).Pixels);
    }

    /// <summary>PngSuite's files with texts: none, plain, compressed, and in other languages.</summary>
    [SkippableTheory]
    [InlineData("ct0n0g04.png", 0, "", "")]
    [InlineData("ct1n0g04.png", 6, "Title", "PngSuite")]
    [InlineData("ctzn0g04.png", 6, "Title", "PngSuite")]
    [InlineData("cten0g04.png", 6, "Author", "Willem van Schaik (willem@schaik.com)")]
    public void TextsOfOtherProgramsAreRead(string name, int count, string keyword, string text)
    {
        string file = Path.Combine(TestData.Path("pngsuite"), name);
        Skip.IfNot(File.Exists(file), $"{name} is not among the test files");
        IReadOnlyDictionary<string, string> texts = PngText.Read(file);
        Assert.Equal(count, texts.Count);
        if (count > 0) Assert.Equal(text, texts[keyword]);
    }

    [Fact]
    public void DamagedTextsAreRefusedAndNothingCrashes()
    {
        using var folder = new TemporaryFolder();
        string file = folder.File("a.png");
        var texts = new Dictionary<string, string> { ["k"] = new('x', 300) };
        PictureFile.Write(file, Pictures.Smooth(5, 7), new PictureWriteOptions(Text: texts));
        byte[] good = File.ReadAllBytes(file);
        var random = new Random(1);
        int refused = 0;
        for (int round = 0; round < 500; round++)
        {
            byte[] bad = round % 2 == 0 ? good[..random.Next(good.Length)] : [.. good];
            if (round % 2 != 0) bad[random.Next(bad.Length)] ^= (byte)(1 << random.Next(8));
            File.WriteAllBytes(file, bad);
            try
            {
                PngText.Read(file);
            }
            catch (InvalidDataException error)
            {
                refused++;
                Assert.StartsWith(file, error.Message, StringComparison.Ordinal);
            }
        }

        Assert.True(refused > 100);
    }

    [Fact]
    public void AnAnimationHoldsItsFramesInOrder()
    {
        using var folder = new TemporaryFolder();
        string file = folder.File("a.png");
        Picture[] frames = [Pictures.Smooth(6, 8), new(6, 8), Pictures.Smooth(3, 4)];
        var animation = new AnimatedPng(6, 8, 100);
        foreach (Picture frame in frames) animation.Add(frame);
        animation.Write(file);
        // A reader without support for animation shows the first frame.
        float[] first = PictureFile.Read(file).Pixels;
        Assert.Equal(Pictures.Smooth(6, 8).Pixels, first, (a, b) => Math.Abs(a - b) <= 0.51f / 255);
        byte[] bytes = File.ReadAllBytes(file);
        List<string> types = [];
        List<int> sequence = [];
        List<byte[]> data = [];
        for (int at = 8; at < bytes.Length;)
        {
            int length = BinaryPrimitives.ReadInt32BigEndian(bytes.AsSpan(at));
            string type = Encoding.ASCII.GetString(bytes, at + 4, 4);
            byte[] body = bytes[(at + 8)..(at + 8 + length)];
            types.Add(type);
            if (type == "acTL") Assert.Equal((3, 0), (Int(body, 0), Int(body, 4)));
            if (type is "fcTL" or "fdAT") sequence.Add(Int(body, 0));
            if (type == "fcTL") Assert.Equal((8, 6), (Int(body, 4), Int(body, 8)));
            if (type == "fdAT") data.Add(body[4..]);
            at += 12 + length;
        }

        Assert.Equal(["IHDR", "acTL", "fcTL", "IDAT", "fcTL", "fdAT", "fcTL", "fdAT", "IEND"], types);
        Assert.Equal([0, 1, 2, 3, 4], sequence);
        using var inflated = new MemoryStream();
        new ZLibStream(new MemoryStream(data[0]), CompressionMode.Decompress).CopyTo(inflated);
        // The second frame is black: each row is a filter byte and zeros.
        Assert.Equal(6 * (1 + (3 * 8)), inflated.Length);

        static int Int(byte[] body, int at) => BinaryPrimitives.ReadInt32BigEndian(body.AsSpan(at));
    }

    [Fact]
    public void ASheetPutsPicturesUnderTheirLabels()
    {
        var red = new Picture(10, 20);
        for (int i = 0; i < red.Pixels.Length; i += 3) red.Pixels[i] = 1f;
        Picture sheet = ContactSheet.Create(
            [[new("one", red), new("empty", null)], [new("two", red)]], 20, 40, "Title");
        bool[] inkRows = [.. Enumerable.Range(0, sheet.Height).Select(HasInk)];
        Assert.True(inkRows.Take(25).Any(ink => ink), "the title is not there");
        int reds = Enumerable.Range(0, sheet.Height * sheet.Width)
            .Count(i => sheet.Pixels[3 * i] > 0.9f && sheet.Pixels[(3 * i) + 1] < 0.1f);
        Assert.Equal(2 * 20 * 40, reds);

        bool HasInk(int row) => Enumerable.Range(0, sheet.Width)
            .Any(column => sheet[row, column, 1] < 0.5f && sheet[row, column, 0] < 0.5f);
    }

    [Fact]
    public void LettersDifferAndUnknownOnesAreBlank()
    {
        const string Letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.,-_+:/()=";
        string[] bitmaps = [.. Letters.Select(letter =>
        {
            var picture = new Picture(8, 6);
            Lettering.Write(picture, letter.ToString(), 0, 0, 1, 1f);
            return string.Concat(picture.Pixels.Select(value => value > 0 ? '1' : '0'));
        })];
        Assert.Equal(Letters.Length, bitmaps.Distinct().Count());
        Assert.All(bitmaps, bitmap => Assert.Contains('1', bitmap));
        var blank = new Picture(8, 6);
        Lettering.Write(blank, "✓", 0, 0, 1, 1f);
        Assert.All(blank.Pixels, value => Assert.Equal(0f, value));
    }
}
