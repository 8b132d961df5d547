using System.Buffers.Binary;
using System.IO.Compression;
using NativeStyle.Imaging.Metadata;
using NativeStyle.Imaging.Png;

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

    public static TheoryData<string> Targets => [.. PictureTargets.All.Select(target => target.Name)];

    [Theory]
    [MemberData(nameof(Targets))]
    public void DamagedFilesAreReadOrRefused(string name) => Fuzz.Rounds(Target(name), 500);

    /// <summary>
    /// These files have several scans, restarts and orientations, so that coefficients and lengths are damaged too.
    /// </summary>
    [SkippableFact]
    public void DamagedJpegsOfEveryKindAreReadOrRefused()
    {
        byte[][] whole =
        [
            .. Directory.GetFiles(TestData.Path("jpeg"), "*.jpg")
                .Order(StringComparer.Ordinal)
                .Select(File.ReadAllBytes)
                .Where(file => file.Length < 20_000),
        ];
        Assert.True(whole.Length > 10);
        Fuzz.Rounds(Target("jpeg") with { Seeds = () => whole }, 500);
    }

    /// <summary>
    /// Each corrupted file soon gives a picture or a clear error. On one of them Stb alone would never end.
    /// </summary>
    [SkippableFact]
    public void BrokenFilesAreReadOrRefused()
    {
        string[] files = Directory.GetFiles(TestData.Path("jpeg-broken"), "*.jpg");
        Assert.True(files.Length >= 51);
        using var folder = new TemporaryFolder();
        var check = new FuzzCheck(Target("jpeg"), folder.Path);
        foreach (string file in files) check.Accepts(File.ReadAllBytes(file));
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
    /// A zlib stream may ask for a dictionary (RFC 1950, 2.2), which PNG has none of. .NET reports that as an error of
    /// files.
    /// </summary>
    [Fact]
    public void StreamsThatAskForADictionaryAreRefused()
    {
        byte[] picture = PictureFile.Encode(new Picture(1, 1), ".png");
        byte[] asking = [0x78, 0x20, 1, 2, 3, 4, 5, 6, 7, 8];
        int data = picture.AsSpan().IndexOf("IDAT"u8) - 4;
        AssertRefused([.. picture[..data], .. Chunk("IDAT", asking), .. Chunk("IEND", [])], "cannot be inflated");
        using var folder = new TemporaryFolder();
        byte[] With(string type) =>
            [.. picture[..data], .. Chunk(type, [.. "key\0\0"u8, .. asking]), .. picture[data..]];
        File.WriteAllBytes(folder.File("text.png"), With("zTXt"));
        Assert.Throws<InvalidDataException>(() => PngText.Read(folder.File("text.png")));
        File.WriteAllBytes(folder.File("icc.png"), With("iCCP"));
        string notice = Assert.Single(PictureFile.Open(folder.File("icc.png")).Notices);
        Assert.Contains("damaged", notice, StringComparison.Ordinal);
    }

    /// <summary>Each of many chunks states little, and all of them together would take gigabytes.</summary>
    [Fact]
    public void ManyCompressedChunksTakeAsMuchMemoryAsOne()
    {
        byte[] picture = PictureFile.Encode(new Picture(1, 1), ".png");
        var bomb = new MemoryStream();
        using (var zlib = new ZLibStream(bomb, CompressionLevel.Fastest, leaveOpen: true))
            zlib.Write(new byte[10 << 20]);
        int data = picture.AsSpan().IndexOf("IDAT"u8) - 4;
        byte[] Many(string type) =>
        [
            .. picture[..data],
            .. Enumerable.Range(0, 40).SelectMany(i => Chunk(type, [(byte)('a' + i), 0, 0, .. bomb.ToArray()])),
            .. picture[data..],
        ];
        using var folder = new TemporaryFolder();
        long before = GC.GetAllocatedBytesForCurrentThread();
        File.WriteAllBytes(folder.File("icc.png"), Many("iCCP"));
        Assert.Single(PictureFile.Open(folder.File("icc.png")).Notices);
        File.WriteAllBytes(folder.File("text.png"), Many("zTXt"));
        var error = Assert.Throws<InvalidDataException>(() => PngText.Read(folder.File("text.png")));
        Assert.StartsWith(folder.File("text.png"), error.Message, StringComparison.Ordinal);
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 200 << 20);
    }

    /// <summary>Notices go to a terminal, where a control character can begin a command.</summary>
    [Fact]
    public void AProfilesNameHasNoControlCharacters()
    {
        byte[] profile = new byte[200];
        "\u001b[2J"u8.CopyTo(profile.AsSpan(16));
        Assert.Equal("an unnamed [2J profile", IccProfile.Parse(profile).Name);
    }

    private static byte[] Chunk(string type, byte[] body)
    {
        byte[] chunk = [0, 0, 0, 0, .. System.Text.Encoding.Latin1.GetBytes(type), .. body, 0, 0, 0, 0];
        BinaryPrimitives.WriteInt32BigEndian(chunk, body.Length);
        BinaryPrimitives.WriteUInt32BigEndian(chunk.AsSpan(chunk.Length - 4), Crc32.Of(chunk.AsSpan(4..^4)));
        return chunk;
    }

    private static FuzzTarget Target(string name) => PictureTargets.All.First(target => target.Name == name);
}
