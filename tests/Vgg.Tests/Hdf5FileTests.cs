using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using NativeStyle.Vgg.Weights;

namespace NativeStyle.Vgg.Tests;

/// <summary>
/// Reads files that h5py wrote (Fixtures/make_weights.py), and the same files with structures that state wrong values.
/// </summary>
public class Hdf5FileTests
{
    /// <summary>fc1 states 400 MB that the file does not have. It is listed, but not read.</summary>
    [Fact]
    public void LayersThatAreNotNeededAreListedAndNotRead()
    {
        WeightsContents contents = WeightsFile.Describe(Fixture("keras_application.h5"));
        Assert.Equal(["conv1_1", "fc1"], contents.Entries.Select(entry => entry.Layer));
        Assert.Equal([25088, 4096], contents.Entries[1].Filter);
        Assert.Equal("Keras's VGG files are BGR", contents.ConventionReason);
        Assert.True(WeightsFile.Has(Fixture("keras_application.h5"), ["conv1_1"]));
        Assert.False(WeightsFile.Has(Fixture("keras_application.h5"), ["conv1_2"]));
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Single(WeightsFile.Load(Fixture("keras_application.h5"), ["conv1_1"]).Layers);
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 4 << 20);
        var lacks = Assert.Throws<MissingLayerException>(
            () => WeightsFile.Load(Fixture("keras_application.h5"), ["conv2_1"]));
        const string Reason = "lacks layer conv1_2: it has the convolutions conv1_1";
        Assert.Contains(Reason, lacks.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("external_link", "soft or external links")]
    [InlineData("soft_link", "soft or external links")]
    [InlineData("external_storage", "in another file")]
    [InlineData("virtual", "virtual")]
    [InlineData("lzf", "filter 32000")]
    [InlineData("huge", "1073741824")]
    [InlineData("unwritten", "never written")]
    [InlineData("hole", "lacks 1 of 8 chunks")]
    [InlineData("integers", "other values")]
    [InlineData("fill_value", "fill value")]
    [InlineData("large_group", "libver='earliest'")]
    [InlineData("newer_chunks", "libver='earliest'")]
    [InlineData("group_in_itself", "no kernel of a name")]
    [InlineData("not_vgg", "without a group block1_conv1")]
    public void WhatIsNotReadIsRefusedWithTheReason(string kind, string reason)
    {
        // The files that links and the like refer to exist, so their absence is not the reason.
        Assert.True(File.Exists(Fixture("keras.h5")));
        AssertRefused(Fixture($"refused_{kind}.h5"), reason);
    }

    /// <summary>The index of the root, or of the chunks, leads back to itself without end.</summary>
    [Theory]
    [InlineData("keras.h5", 0)]
    [InlineData("keras_compact.h5", 1)]
    public void ATreeThatContainsItselfIsAnErrorAndNoCrash(string name, byte type)
    {
        const int Level = 5, FirstChildOfGroup = 32;
        byte[] bytes = File.ReadAllBytes(Fixture(name));
        int tree = Find(bytes, "TREE", at => bytes[at + 4] == type && BitConverter.ToUInt16(bytes, at + 6) > 0);
        bytes[tree + Level] = 1;
        // A chunk's address follows its size, its mask and five coordinates.
        int child = tree + (type == 0 ? FirstChildOfGroup : 24 + 48);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(child), tree);
        AssertRefused(bytes, "");
    }

    [Fact]
    public void AHeaderThatContinuesInItselfIsAnError()
    {
        byte[] bytes = File.ReadAllBytes(Fixture("keras_application.h5"));
        // Find the continuation message of the root's header by its type, its size and its empty flags.
        int message = Find(bytes, [0x10, 0, 16, 0, 0, 0, 0, 0]);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(message + 8), message);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(message + 16), 24);
        AssertRefused(bytes, "overlaps");
    }

    /// <summary>
    /// Hidden parts of the root's header would otherwise hide lengths in another header that overlaps it.
    /// </summary>
    [Fact]
    public void HeadersThatOverlapAreRefused()
    {
        byte[] bytes = File.ReadAllBytes(Fixture("keras_application.h5"));
        int message = Find(bytes, [0x10, 0, 16, 0, 0, 0, 0, 0]);
        long to = BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(message + 8));
        int other = Find(bytes[(message + 24)..], [0x10, 0, 16, 0, 0, 0, 0, 0]) + message + 24;
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(other + 8), to);
        AssertRefused(bytes, "overlaps");
    }

    [Theory]
    [InlineData(1L << 30)]
    [InlineData(int.MaxValue)]
    [InlineData(-1L)]
    public void AHeapThatStatesMoreThanThereIsIsNotAllocated(long size)
    {
        byte[] bytes = File.ReadAllBytes(Fixture("keras.h5"));
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(Find(bytes, "HEAP", _ => true) + 8), size);
        AssertRefused(bytes, "states a heap");
    }

    /// <summary>
    /// A chunk's stored size is accepted up to the largest possible one, and the chunk is inflated to its own size
    /// only.
    /// </summary>
    [Fact]
    public void ChunksThatLieAreNeitherAllocatedNorInflated()
    {
        byte[] bytes = File.ReadAllBytes(Fixture("keras_gzip_shuffle_float16.h5"));
        int tree = Find(bytes, "TREE", at => bytes[at + 4] == 1);
        byte[] large = [.. bytes];
        BinaryPrimitives.WriteInt32LittleEndian(large.AsSpan(tree + 24), 1 << 30);
        AssertRefused(large, "for a chunk of");

        // Replace the chunk by half a gigabyte of zeros, as far as a chunk's size allows.
        const int Stored = 3000;
        var bomb = new MemoryStream();
        using (var zlib = new ZLibStream(bomb, CompressionLevel.SmallestSize, leaveOpen: true))
            for (int i = 0; i < 512; i++) zlib.Write(new byte[1 << 20]);
        byte[] inflated = [.. bytes, .. bomb.ToArray().AsSpan(0, Stored)];
        BinaryPrimitives.WriteInt32LittleEndian(inflated.AsSpan(tree + 24), Stored);
        BinaryPrimitives.WriteInt64LittleEndian(inflated.AsSpan(tree + 24 + 48), bytes.Length);
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder.File("bomb.h5"), inflated);
        long before = GC.GetAllocatedBytesForCurrentThread();
        LayerWeights layer = WeightsFile.Load(folder.File("bomb.h5"), ["conv1_1"]).Layers["conv1_1"];
        Assert.All(layer.Filter, value => Assert.Equal(0f, value));
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 4 << 20);
    }

    private static void AssertRefused(byte[] bytes, string reason)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder.File("hostile.h5"), bytes);
        AssertRefused(folder.File("hostile.h5"), reason);
    }

    /// <summary>
    /// Requires an error that names the file and suggests what to do, and that costs little memory and time.
    /// </summary>
    private static void AssertRefused(string file, string reason)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        var watch = System.Diagnostics.Stopwatch.StartNew();
        var error = Assert.Throws<InvalidDataException>(() => WeightsFile.Load(file, ["conv1_1"]));
        Assert.StartsWith(file, error.Message, StringComparison.Ordinal);
        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
        Assert.Contains("download it again", error.Message, StringComparison.Ordinal);
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 64 << 20);
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(30), "it took long");
    }

    private static int Find(byte[] bytes, string signature, Func<int, bool> which)
    {
        byte[] name = Encoding.ASCII.GetBytes(signature);
        return Enumerable.Range(0, bytes.Length - 64).First(at => bytes.AsSpan(at).StartsWith(name) && which(at));
    }

    private static int Find(byte[] bytes, byte[] pattern) => bytes.AsSpan().IndexOf(pattern);

    private static string Fixture(string name) => Path.Combine(AppContext.BaseDirectory, "Fixtures", name);
}
