using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using NativeStyle.Vgg.Weights;

namespace NativeStyle.Vgg.Tests;

/// <summary>Damaged and hostile files end in an answer or in the reader's own refusal.</summary>
public class DamageTests
{
    public static TheoryData<string> Targets => [.. WeightsTargets.All.Select(target => target.Name)];

    [Theory]
    [MemberData(nameof(Targets))]
    public void DamagedFilesAreReadOrRefused(string name) => Fuzz.Rounds(Target(name), 500);

    /// <summary>A pickle can name what it remembers again in a few bytes, and make it anew each time.</summary>
    [Theory]
    [InlineData("ccollections\nOrderedDict\n", 1 << 16)]
    [InlineData("c_codecs\nencode\n", 1 << 19)]
    public void PicklesThatMultiplyWhatTheyRememberAreRefused(string name, int size)
    {
        byte[] argument = name.StartsWith("c_codecs", StringComparison.Ordinal)
            ? [(byte)'X', .. BitConverter.GetBytes(size), .. new byte[size]]
            : [.. "]("u8, .. Pairs(size), (byte)'e'];
        byte[] again = [.. "h\0h\u0001"u8, 0x85, .. "R0"u8];
        byte[] pickle =
        [
            .. Encoding.Latin1.GetBytes(name), .. "q\00"u8, .. argument, .. "q\u00010"u8,
            .. Enumerable.Repeat(again, 2000).SelectMany(each => each), .. "N."u8,
        ];
        byte[] header = [.. "{'descr': '|O', 'fortran_order': False, 'shape': (), }\n"u8];
        AssertRefused([0x93, .. "NUMPY"u8, 1, 0, (byte)header.Length, 0, .. header, .. pickle], "pickle", 256 << 20);

        static byte[] Pairs(int count) =>
            [.. Enumerable.Repeat<byte[]>([(byte)'K', 1, (byte)'N', 0x86], count).SelectMany(each => each)];
    }

    /// <summary>An entry states many bytes, which as few compressed ones cannot make.</summary>
    [Fact]
    public void ArchivesThatLieAboutALengthAreRefused()
    {
        var file = new MemoryStream();
        using (var archive = new ZipArchive(file, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach (string name in new[] { "conv1_1_W.npy", "conv1_1_b.npy" })
            {
                using Stream entry = archive.CreateEntry(name).Open();
                byte[] header = [.. "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 3, 1024, 1000), }\n"u8];
                entry.Write([0x93, .. "NUMPY"u8, 1, 0, (byte)header.Length, 0, .. header]);
            }
        }

        byte[] bytes = file.ToArray();
        for (int at = 0; at < bytes.Length - 4; at++)
        {
            if (bytes.AsSpan(at).StartsWith("PK\u0001\u0002"u8))
                BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(at + 24), 1 << 30);
        }

        AssertRefused(bytes, "states 1,073,741,824 bytes", 4 << 20);
    }

    /// <summary>Numbers, cells and compressed variables that the file cannot hold.</summary>
    [Fact]
    public void MatFilesThatLieAreRefusedBeforeMemoryIsTaken()
    {
        byte[] flags(int kind) => [.. Words(6, 8), .. Words(kind, 0)];
        byte[] name = [.. Words((1 << 16) | 1, 'x')];
        byte[] numbers =
            [.. flags(7), .. Words(5, 16), .. Words(3, 3), .. Words(1024, 1000), .. name, .. Words(2, 9 * 1024 * 1000)];
        AssertRefused(Mat(14, numbers), "bytes in 0", 1 << 20);
        // A cell of as many empty cells as one may have, and beside it another one.
        byte[] cells(int count) => [.. flags(1), .. Words(5, 8), .. Words(1, count), .. name];
        byte[] empty = new byte[8 * 99_999];
        for (int at = 0; at < empty.Length; at += 8) empty[at] = 14;
        byte[] inner = [.. cells(99_999), .. empty];
        byte[] outer = [.. cells(2), .. Words(14, inner.Length), .. inner, .. Words(14, inner.Length), .. inner];
        AssertRefused(Mat(14, outer), "more than 100,000", 64 << 20);
        AssertRefused(Mat(15, [0x78, 0x20, 1, 2, 3, 4, 5, 6]), "cannot be inflated", 1 << 20);
        var zlib = new MemoryStream();
        using (var deflated = new ZLibStream(zlib, CompressionLevel.Fastest, leaveOpen: true))
            deflated.Write(Words(14, int.MaxValue));
        AssertRefused(Mat(15, zlib.ToArray()), "compressed ones", 1 << 20);
    }

    /// <summary>A MAT-file of one element.</summary>
    private static byte[] Mat(int type, byte[] body) =>
        [.. "MATLAB 5.0"u8, .. new byte[114], 0, 1, .. "IM"u8, .. Words(type, body.Length), .. body];

    private static byte[] Words(int first, int second) =>
        [.. BitConverter.GetBytes(first), .. BitConverter.GetBytes(second)];

    private static void AssertRefused(byte[] bytes, string words, long most)
    {
        using var folder = new TemporaryFolder();
        string file = folder.File("hostile");
        File.WriteAllBytes(file, bytes);
        long before = GC.GetAllocatedBytesForCurrentThread();
        var error = Assert.Throws<InvalidDataException>(() => WeightsFile.Load(file, ["conv1_1"]));
        Assert.StartsWith(file, error.Message, StringComparison.Ordinal);
        Assert.Contains(words, error.Message, StringComparison.Ordinal);
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.True(allocated < most + (2 * bytes.Length), $"{allocated} bytes");
    }

    private static FuzzTarget Target(string name) => WeightsTargets.All.First(target => target.Name == name);
}
