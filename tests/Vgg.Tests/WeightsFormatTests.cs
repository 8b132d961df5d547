using System.IO.Compression;
using System.Text;
using NativeStyle.Vgg.Weights;

namespace NativeStyle.Vgg.Tests;

/// <summary>
/// Reads one small network in every format, written by numpy, torch and h5py (Fixtures/make_weights.py).
/// </summary>
public class WeightsFormatTests
{
    private const int Filters = 64;

    [Theory]
    [InlineData("tensorflow_vgg_protocol3.npy", WeightsConvention.Bgr255, "tensorflow-vgg")]
    [InlineData("tensorflow_vgg_python2.npy", WeightsConvention.Bgr255, "tensorflow-vgg")]
    [InlineData("torchvision_zip.pth", WeightsConvention.RgbUnit, "PyTorch")]
    [InlineData("torchvision_legacy.pth", WeightsConvention.RgbUnit, "PyTorch")]
    [InlineData("gatys_legacy_double.pth", WeightsConvention.Bgr255, "PyTorch")]
    [InlineData("float32.safetensors", WeightsConvention.RgbUnit, ".safetensors")]
    [InlineData("float16.safetensors", WeightsConvention.Rgb255, ".safetensors")]
    [InlineData("float64_bgr.safetensors", WeightsConvention.Bgr255, ".safetensors")]
    [InlineData("bfloat16_bias.safetensors", WeightsConvention.Rgb255, ".safetensors")]
    [InlineData("vgg_stored.npz", WeightsConvention.Rgb255, ".npz")]
    [InlineData("vgg_new.mat", WeightsConvention.Rgb255, "MAT-file")]
    [InlineData("keras.h5", WeightsConvention.Bgr255, "HDF5")]
    [InlineData("keras_application.h5", WeightsConvention.Bgr255, "HDF5")]
    [InlineData("keras_save_weights.h5", WeightsConvention.Bgr255, "HDF5")]
    [InlineData("keras_model.h5", WeightsConvention.Bgr255, "HDF5")]
    [InlineData("keras3_model.h5", WeightsConvention.Bgr255, "HDF5")]
    [InlineData("keras_gzip_shuffle_float16.h5", WeightsConvention.Bgr255, "HDF5")]
    [InlineData("keras_compact.h5", WeightsConvention.Bgr255, "HDF5")]
    [InlineData("keras_latest.h5", WeightsConvention.Bgr255, "HDF5")]
    public void TheSameNetworkInAnyFormatGivesTheSameActivations(
        string name, WeightsConvention convention, string format)
    {
        WeightsContents contents = WeightsFile.Describe(Fixture(name));
        Assert.Equal(convention, contents.Convention);
        Assert.Contains(format, contents.Format, StringComparison.Ordinal);
        Assert.Contains(contents.Entries, entry => entry.Layer == "conv1_1");
        VggWeights weights = WeightsFile.Load(Fixture(name), ["conv1_1"]);
        LayerWeights layer = weights.Layers["conv1_1"];
        // Compare the convolution of one window of random pixels with the numbers that make_weights.py states.
        var random = new Random(5);
        double[] pixels = [.. Enumerable.Range(0, 27).Select(_ => 255 * random.NextDouble())];
        bool unit = convention == WeightsConvention.RgbUnit;
        // A network trained on 0..1 has its own mean.
        double[] mean = unit
            ? [255 * 0.485, 255 * 0.456, 255 * 0.406]
            : [.. VggWeights.CaffeMean.Select(value => (double)value)];
        for (int o = 0; o < Filters; o++)
        {
            double expected = (o / 16.0) - 1, actual = layer.Bias[o];
            for (int at = 0; at < 27; at++)
            {
                expected += (at + (o / 64.0)) * (pixels[at] - mean[at % 3]);
                actual += layer.Filter[(at * Filters) + o] * (pixels[at] - weights.Mean[at % 3]);
            }

            Assert.Equal(expected, actual, 0.05);
        }
    }

    /// <summary>
    /// Reads a view of a tensor in half precision, with an offset into its storage, strides of its own, and red and
    /// blue exchanged.
    /// </summary>
    [Fact]
    public void TensorsAreWindowsOnTheirStorage()
    {
        string file = Fixture("gatys_zip_half_strided.pth");
        VggWeights weights = WeightsFile.Load(file, ["conv1_1"], WeightsConvention.Rgb255);
        float[] kernel = weights.Layers["conv1_1"].Filter;
        for (int at = 0; at < 27; at++)
        for (int o = 0; o < Filters; o++)
            Assert.Equal(((at / 3) * 3) + (2 - (at % 3)) + (o / 64f), kernel[(at * Filters) + o]);
    }

    [Fact]
    public void AConvertedFileHoldsTheSameNetworkAndSaysWhereItIsFrom()
    {
        using var folder = new TemporaryFolder();
        string file = folder.File("vgg.safetensors");
        VggWeights before = WeightsFile.Load(Fixture("tensorflow_vgg_python2.npy"), ["conv1_1"]);
        using (FileStream stream = File.Create(file)) WeightsFile.Save(before, stream, "0123");
        VggWeights after = WeightsFile.Load(file, ["conv1_1"]);
        Assert.Equal(before.Layers["conv1_1"].Filter, after.Layers["conv1_1"].Filter);
        Assert.Equal(before.Layers["conv1_1"].Bias, after.Layers["conv1_1"].Bias);
        Assert.Equal(before.Mean, after.Mean);
        WeightsContents contents = WeightsFile.Describe(file);
        Assert.Equal(WeightsConvention.Rgb255, contents.Convention);
        Assert.Equal("the file's metadata says so", contents.ConventionReason);
        // Any program that reads safetensors can read it: eight bytes of length, followed by JSON.
        byte[] bytes = File.ReadAllBytes(file);
        string header = Encoding.UTF8.GetString(bytes, 8, BitConverter.ToInt32(bytes, 0));
        const string Entry = "\"conv1_1.weight\":{\"dtype\":\"F32\",\"shape\":[3,3,3,64],\"data_offsets\":[0,6912]}";
        Assert.Contains(Entry, header, StringComparison.Ordinal);
        Assert.Contains("tensorflow_vgg_python2.npy", header, StringComparison.Ordinal);
        Assert.Equal(0, (8 + BitConverter.ToInt32(bytes, 0)) % 8);
    }

    /// <summary>
    /// Reads eight-bit floats that are encoded by hand, with the values of Micikevicius et al. 2022, tables 1 and 2.
    /// </summary>
    [Theory]
    [InlineData(
        "F8_E4M3",
        new byte[] { 0x38, 0x7e, 0x01, 0x08, 0xb8, 0x00, 0x44, 0x07 },
        new[] { 1f, 448f, 0.001953125f, 0.015625f, -1f, 0f, 3f, 0.013671875f })]
    [InlineData(
        "F8_E5M2",
        new byte[] { 0x3c, 0x7b, 0x01, 0x04, 0xbc, 0x00, 0x42, 0x03 },
        new[] { 1f, 57344f, 1.52587890625e-5f, 6.103515625e-5f, -1f, 0f, 3f, 4.57763671875e-5f })]
    public void EightBitFloatsHaveTheirValues(string type, byte[] bytes, float[] values)
    {
        using var folder = new TemporaryFolder();
        string file = folder.File("eight.safetensors");
        byte[] bias = [.. Enumerable.Range(0, 8).SelectMany(_ => bytes)];
        string weightEntry = $"{{\"dtype\":\"{type}\",\"shape\":[3,3,3,64],\"data_offsets\":[64,1792]}}";
        string biasEntry = $"{{\"dtype\":\"{type}\",\"shape\":[64],\"data_offsets\":[0,64]}}";
        byte[] header = Encoding.ASCII.GetBytes(
            $"{{\"conv1_1.weight\":{weightEntry},\"conv1_1.bias\":{biasEntry}}}");
        byte[] length = BitConverter.GetBytes((long)header.Length);
        File.WriteAllBytes(file, [.. length, .. header, .. bias, .. new byte[1728]]);
        Assert.Equal(values, WeightsFile.Load(file, ["conv1_1"]).Layers["conv1_1"].Bias[..8]);
    }

    /// <summary>
    /// The archive's arrays are far larger than they state. Only as much is read as their shapes need.
    /// </summary>
    [Fact]
    public void AnArchiveBombIsNotInflated()
    {
        using var folder = new TemporaryFolder();
        string file = folder.File("bomb.npz");
        (string, string)[] contents =
        [
            ("conv1_1_W.npy", "(3, 3, 3, 64)"), ("conv1_1_b.npy", "(64,)"), ("fc6_W.npy", "(1000000000, 1000000000)"),
            ("fc6_b.npy", "(1,)"),
        ];
        using (var archive = new ZipArchive(File.Create(file), ZipArchiveMode.Create))
        {
            foreach ((string name, string shape) in contents)
            {
                using Stream stream = archive.CreateEntry(name, CompressionLevel.Optimal).Open();
                string header = $"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}".PadRight(117) + "\n";
                stream.Write(Encoding.Latin1.GetBytes("\u0093NUMPY\u0001\u0000\u0076\u0000" + header));
                byte[] zeros = new byte[1 << 20];
                for (int i = 0; i < 300; i++) stream.Write(zeros);
            }
        }

        long before = GC.GetAllocatedBytesForCurrentThread();
        var watch = System.Diagnostics.Stopwatch.StartNew();
        LayerWeights layer = WeightsFile.Load(file, ["conv1_1"]).Layers["conv1_1"];
        Assert.All(layer.Filter, value => Assert.Equal(0f, value));
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 16 << 20);
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(30), "it was inflated");
    }

    /// <summary>A MAT-file of a few hundred KB inflates to 300 MB, which are skipped in small pieces.</summary>
    [Fact]
    public void AZlibBombCostsNoMemory()
    {
        using var folder = new TemporaryFolder();
        string file = folder.File("bomb.mat");
        var inflated = new MemoryStream();
        using (var zlib = new ZLibStream(inflated, CompressionLevel.Optimal, leaveOpen: true))
        {
            const int Megabytes = 300, Bytes = Megabytes << 20;
            // miMATRIX: flags of class single, dimensions, name "x", and the numbers.
            int[] words = [14, 56 + Bytes, 6, 8, 7, 0, 5, 8, Bytes / 4, 1, 1, 1, 'x', 0, 7, Bytes];
            foreach (int word in words) zlib.Write(BitConverter.GetBytes(word));
            byte[] zeros = new byte[1 << 20];
            for (int i = 0; i < Megabytes; i++) zlib.Write(zeros);
        }

        byte[] header = [.. Encoding.ASCII.GetBytes("MATLAB 5.0 MAT-file".PadRight(124)), 0, 1, (byte)'I', (byte)'M'];
        byte[] tag = [.. BitConverter.GetBytes(15), .. BitConverter.GetBytes((int)inflated.Length)];
        File.WriteAllBytes(file, [.. header, .. tag, .. inflated.ToArray()]);
        long before = GC.GetAllocatedBytesForCurrentThread();
        var error = Assert.Throws<InvalidDataException>(() => WeightsFile.Describe(file));
        Assert.Contains("no variable 'layers'", error.Message, StringComparison.Ordinal);
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 16 << 20);
    }

    /// <summary>Nesting half a million deep overflows no stack.</summary>
    [Fact]
    public void DeepNestingIsAnErrorAndNoCrash()
    {
        using var folder = new TemporaryFolder();
        string pickle = folder.File("deep.pth"), json = folder.File("deep.safetensors");
        byte[] open = [.. Enumerable.Repeat((byte)'(', 500_000)], close = [.. Enumerable.Repeat((byte)'t', 500_000)];
        File.WriteAllBytes(pickle, [0x80, 2, .. open, .. close, (byte)'.']);
        Assert.Throws<InvalidDataException>(() => WeightsFile.Describe(pickle));
        byte[] header = [(byte)'{', .. "\"a\":"u8, .. Enumerable.Repeat((byte)'[', 500_000)];
        File.WriteAllBytes(json, [.. BitConverter.GetBytes((long)header.Length), .. header]);
        Assert.Throws<InvalidDataException>(() => WeightsFile.Describe(json));
    }

    [SkippableFact]
    public void ThePublishedNumbersTellTheOrderOfChannels()
    {
        string file = TestData.Path("weights", "vgg19_trained_conv1_to_conv3_bgr.npz");
        WeightsContents contents = WeightsFile.Describe(file);
        Assert.Equal(WeightsConvention.Bgr255, contents.Convention);
        Assert.Contains("blue first", contents.ConventionReason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("relu4_2", "conv4_2")]
    [InlineData("CONV1_1", "conv1_1")]
    [InlineData("block4_conv2", "conv4_2")]
    [InlineData("features.21", "conv4_2")]
    [InlineData("features.22", "conv4_2")]
    [InlineData("features.0", "conv1_1")]
    public void LayersHaveTheNamesOfAllPeers(string name, string layer)
    {
        Assert.Equal(layer, VggArchitecture.Vgg19.Find(name)?.Name);
        Assert.Null(VggArchitecture.Vgg19.Find("features.4"));
        Assert.Equal("conv4_3", VggArchitecture.Vgg16.Find("features.21")?.Name);
        Assert.Null(VggArchitecture.Vgg16.Find("block3_conv4"));
    }

    /// <summary>
    /// Pickles are programs. One that needs anything else than arrays is refused, and nothing of it is run.
    /// </summary>
    [Theory]
    [InlineData("cos\nsystem\n(S'touch {0}'\ntR.", "os.system")]
    [InlineData("cbuiltins\neval\n(S'open(\"{0}\", \"w\")'\ntR.", "builtins.eval")]
    [InlineData("\u0080\u0002cposix\nsystem\nX\u0005\u0000\u0000\u0000touch\u0085R.", "posix.system")]
    [InlineData("\u0080\u0004\u008c\u0002os\u008c\u0006system\u0093\u008c\u0005touch\u0085R.", "os.system")]
    [InlineData(
        "\u0080\u0002ccollections\nOrderedDict\n)Rctorch._utils\n_rebuild_qtensor\n)R.",
        "torch._utils._rebuild_qtensor")]
    public void PicklesThatAskForAnythingElseAreRefused(string pickle, string name)
    {
        using var folder = new TemporaryFolder();
        string file = folder.File("hostile.pth"), touched = folder.File("touched");
        byte[] body = Encoding.Latin1.GetBytes(pickle.Replace("{0}", touched, StringComparison.Ordinal));
        // Test it as the first pickle of a legacy file, and as the dictionary of an .npy.
        string header = "{'descr': '|O', 'fortran_order': False, 'shape': (), }".PadRight(69) + "\n";
        byte[] head = Encoding.Latin1.GetBytes("\u0093NUMPY\u0001\u0000\u0046\u0000" + header);
        foreach (byte[] bytes in new[] { (byte[])[0x80, 2, .. body], [.. head, .. body] })
        {
            File.WriteAllBytes(file, bytes);
            var error = Assert.Throws<InvalidDataException>(() => WeightsFile.Load(file, ["conv1_1"]));
            Assert.Contains(name, error.Message, StringComparison.Ordinal);
            Assert.False(File.Exists(touched));
        }
    }

    /// <summary>Wrong lengths, up to 2^63, cost neither time nor memory.</summary>
    [Theory]
    [InlineData("\u0080\u0004\u008e\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u007f")]
    [InlineData("\u0080\u0004\u008d\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u007f")]
    [InlineData("\u0080\u0004\u008e\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff")]
    [InlineData("\u0080\u0002T\u00ff\u00ff\u00ff\u00ff")]
    [InlineData("\u0080\u0002\u008b\u00ff\u00ff\u00ff\u007f")]
    [InlineData("\u0080\u0002h\u0001.")]
    [InlineData("\u0080\u0002t.")]
    [InlineData("\u0080\u0002]q\u0000h\u0000a.")]
    public void LengthsThatLieAreErrors(string pickle)
    {
        using var folder = new TemporaryFolder();
        string file = folder.File("hostile.pth");
        File.WriteAllBytes(file, Encoding.Latin1.GetBytes(pickle));
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<InvalidDataException>(() => WeightsFile.Load(file, ["conv1_1"]));
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 4 << 20);
    }

    [Theory]
    [InlineData(ulong.MaxValue)]
    [InlineData((ulong)long.MaxValue)]
    [InlineData(1UL << 40)]
    [InlineData(99_999_999UL)]
    public void SafetensorsHeadersThatLieAreErrors(ulong length)
    {
        using var folder = new TemporaryFolder();
        string file = folder.File("hostile.safetensors");
        File.WriteAllBytes(file, [.. BitConverter.GetBytes(length), .. "{}"u8]);
        var error = Assert.Throws<InvalidDataException>(() => WeightsFile.Describe(file));
        Assert.Contains("states a header", error.Message, StringComparison.Ordinal);
    }

    private static string Fixture(string name) => Path.Combine(AppContext.BaseDirectory, "Fixtures", name);
}
