using StbImageSharp;

namespace NativeStyle.Imaging.Tests;

/// <summary>
/// Damaged and hostile files of every format soon end in a picture or an error, and leave no native memory behind. The
/// tests run alone, because native memory is counted per process.
/// </summary>
[CollectionDefinition(nameof(DamageTests), DisableParallelization = true)]
[Collection(nameof(DamageTests))]
public class DamageTests
{
    private static readonly string s_folder = Path.Combine(AppContext.BaseDirectory, "Fixtures", "formats");

    [Theory]
    [InlineData("*.jpg")]
    [InlineData("*.png")]
    [InlineData("*.bmp")]
    [InlineData("*.tga")]
    [InlineData("*.gif")]
    [InlineData("*.psd")]
    [InlineData("*.hdr")]
    public void DamagedFilesEndInAPictureOrAnError(string pattern)
    {
        var random = new Random(11);
        byte[][] whole =
        [
            .. Directory.GetFiles(s_folder, pattern).Order(StringComparer.Ordinal).Select(File.ReadAllBytes),
        ];
        for (int round = Damage.Rounds(1200); round > 0; round--)
            DecodeOrRefuse(Damage.Of(whole[round % whole.Length], random));
        Assert.Equal(0, StbImage.NativeAllocations);
    }

    /// <summary>
    /// These files have several scans, restarts and orientations, so that coefficients and lengths are damaged too.
    /// </summary>
    [SkippableFact]
    public void DamagedJpegsOfEveryKindEndInAPictureOrAnError()
    {
        var random = new Random(12);
        byte[][] whole =
        [
            .. Directory.GetFiles(TestData.Path("jpeg"), "*.jpg")
                .Order(StringComparer.Ordinal)
                .Select(File.ReadAllBytes)
                .Where(file => file.Length < 20_000),
        ];
        Assert.True(whole.Length > 10);
        for (int round = Damage.Rounds(1000); round > 0; round--)
            DecodeOrRefuse(Damage.Of(whole[round % whole.Length], random));
        Assert.Equal(0, StbImage.NativeAllocations);
    }

    /// <summary>
    /// Each corrupted file soon gives a picture or a clear error. On one of them Stb alone would never end.
    /// </summary>
    [SkippableFact]
    public void BrokenFilesEndInAPictureOrAnError()
    {
        string[] files = Directory.GetFiles(TestData.Path("jpeg-broken"), "*.jpg");
        Assert.True(files.Length >= 51);
        foreach (string file in files) DecodeOrRefuse(File.ReadAllBytes(file));
        Assert.Equal(0, StbImage.NativeAllocations);
    }

    /// <summary>
    /// StbImageSharp takes these files for complete and returns uninitialised memory, with other bytes each time.
    /// </summary>
    [Fact]
    public void FilesThatLeaveThePictureUndefinedAreRefused()
    {
        foreach (string file in Directory.GetFiles(Path.Combine(s_folder, "..", "damaged")))
            AssertRefused(File.ReadAllBytes(file), "damaged JPEG");
        byte[] plain = File.ReadAllBytes(Path.Combine(s_folder, "plain.jpg"));
        byte[] progressive = File.ReadAllBytes(Path.Combine(s_folder, "progressive.jpg"));
        byte[] startOfScan = [0xFF, 0xDA];
        int scan = plain.AsSpan().IndexOf(startOfScan);
        AssertRefused([.. plain[..scan], 0xFF, 0xD9], "picture data is missing");
        // 23 x 13 pixels are six blocks. A restart after each block makes five restarts.
        byte[] restarts = [0xFF, 0xDD, 0, 4, 0, 1];
        AssertRefused([.. plain[..scan], .. restarts, .. plain[scan..]], "5 of its restart markers are missing");
        AssertRefused([.. plain[..^2], 0xFF, 0xE0, 0, 2], "ends before its picture does");
        int first = progressive.AsSpan().IndexOf(startOfScan), length = progressive[first + 3];
        progressive[first + 1 + length] = 0x10;
        AssertRefused(progressive, "refines what no scan began");
        AssertRefused([.. "#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 2 +X 3\n"u8, .. new byte[24]], "3 pixels a row");
    }

    private static void AssertRefused(byte[] file, string words)
    {
        var error = Assert.Throws<InvalidDataException>(() => PictureFile.Decode(file));
        Assert.Contains(words, error.Message, StringComparison.Ordinal);
    }

    /// <summary>A scan of a few bytes goes over all of the picture. Thousands of them would take minutes.</summary>
    [Fact]
    public void AJpegOfVeryManyScansIsRefused()
    {
        byte[] scan = [0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 63, 0, 0];
        byte[] file = [0xFF, 0xD8, .. Enumerable.Repeat(scan, 300).SelectMany(bytes => bytes), 0xFF, 0xD9];
        AssertRefused(file, "scans");
    }

    [Theory]
    [InlineData(0xC9, 8, "arithmetic-coded")]
    [InlineData(0xC3, 8, "lossless")]
    [InlineData(0xC5, 8, "hierarchical")]
    [InlineData(0xC1, 12, "12-bit")]
    public void KindsOfJpegThatAreNotReadAreNamed(byte marker, byte precision, string words)
    {
        byte[] file = [0xFF, 0xD8, 0xFF, marker, 0, 11, precision, 0, 8, 0, 8, 1, 1, 0x11, 0, 0xFF, 0xD9];
        AssertRefused(file, words);
    }

    /// <summary>
    /// Decodes twice and compares the pixels: the second time, native memory holds the remains of the first time.
    /// </summary>
    private static void DecodeOrRefuse(byte[] bytes)
    {
        Picture? picture = DecodeOrNull(bytes);
        Assert.All(picture?.Pixels ?? [], value => Assert.InRange(value, 0f, 1f));
        Assert.Equal(picture?.Pixels, DecodeOrNull(bytes)?.Pixels);
    }

    private static Picture? DecodeOrNull(byte[] bytes)
    {
        try
        {
            return PictureFile.Decode(bytes);
        }
        catch (InvalidDataException refusal)
        {
            Assert.NotEmpty(refusal.Message);
            return null;
        }
    }
}
