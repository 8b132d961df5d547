using System.Text;
using NativeStyle.Vgg.Weights;

namespace NativeStyle.Vgg.Tests;

/// <summary>One small network in every format, written by numpy, torch and h5py (Fixtures/make_weights.py).</summary>
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
    public void TheSameNetworkInAnyFormatGivesTheSameActivations(string name, WeightsConvention convention, string format)
    {
        WeightsContents contents = WeightsFile.Describe(Fixture(name));
        Assert.Equal(convention, contents.Convention);
        Assert.Contains(format, contents.Format, StringComparison.Ordinal);
        Assert.Contains(contents.Entries, entry => entry.Layer == "conv1_1");
        VggWeights weights = WeightsFile.Load(Fixture(name), ["conv1_1"]);
        LayerWeights layer = weights.Layers["conv1_1"];
        // The convolution of one window: random pixels against the numbers that make_weights.py states.
        var random = new Random(5);
        double[] pixels = [.. Enumerable.Range(0, 27).Select(_ => 255 * random.NextDouble())];
        bool unit = convention == WeightsConvention.RgbUnit;
        // A network trained on 0..1 has its own mean.
        double[] mean = unit ? [255 * 0.485, 255 * 0.456, 255 * 0.406] : [.. VggWeights.CaffeMean.Select(value => (double)value)];
        for (int o = 0; o < Filters; o++)
        {
            double expected = (o / 16.0) - 1, actual = layer.Bias[o];
            for (int at = 0; at < 27; at++)
            {
                expected += (at + (o / 64.0)) * (pixels[at] - mean[at % 3]);
                actual += layer.Kernel[(at * Filters) + o] * (pixels[at] - weights.Mean[at % 3]);
            }

            Assert.Equal(expected, actual, 0.05);
        }
    }

    /// <summary>A view of a tensor: half precision, an offset into its storage, strides of its own, red and blue exchanged.</summary>
    [Fact]
    public void TensorsAreWindowsOnTheirStorage()
    {
        float[] kernel = WeightsFile.Load(Fixture("gatys_zip_half_strided.pth"), ["conv1_1"], WeightsConvention.Rgb255).Layers["conv1_1"].Kernel;
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
        Assert.Equal(before.Layers["conv1_1"].Kernel, after.Layers["conv1_1"].Kernel);
        Assert.Equal(before.Layers["conv1_1"].Bias, after.Layers["conv1_1"].Bias);
        Assert.Equal(before.Mean, after.Mean);
        WeightsContents contents = WeightsFile.Describe(file);
        Assert.Equal((WeightsConvention.Rgb255, "the file's metadata says so"), (contents.Convention, contents.ConventionReason));
        // Anything that reads safetensors reads it: eight bytes of length, then JSON.
        byte[] bytes = File.ReadAllBytes(file);
        string header = Encoding.UTF8.GetString(bytes, 8, BitConverter.ToInt32(bytes, 0));
        Assert.Contains("\"conv1_1.weight\":{\"dtype\":\"F32\",\"shape\":[3,3,3,64],\"data_offsets\":[0,6912]}", header, StringComparison.Ordinal);
        Assert.Contains("tensorflow_vgg_python2.npy", header, StringComparison.Ordinal);
        Assert.Equal(0, (8 + BitConverter.ToInt32(bytes, 0)) % 8);
    }

    [SkippableFact]
    public void ThePublishedNumbersTellTheOrderOfChannels()
    {
        WeightsContents contents = WeightsFile.Describe(TestData.Path("weights", "vgg19_trained_conv1_to_conv3_bgr.npz"));
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

    [Fact]
    public void KerasFilesAreRefusedWithTheCommandThatConvertsThem()
    {
        var error = Assert.Throws<InvalidDataException>(() => WeightsFile.Describe(Fixture("keras.h5")));
        Assert.Contains("HDF5", error.Message, StringComparison.Ordinal);
        Assert.Contains("numpy.savez", error.Message, StringComparison.Ordinal);
    }

    /// <summary>Pickles are programs: one that asks for anything else than arrays is refused, and nothing of it is run.</summary>
    [Theory]
    [InlineData("cos\nsystem\n(S'touch {0}'\ntR.", "os.system")]
    [InlineData("cbuiltins\neval\n(S'open(\"{0}\", \"w\")'\ntR.", "builtins.eval")]
    [InlineData("\u0080\u0002cposix\nsystem\nX\u0005\u0000\u0000\u0000touch\u0085R.", "posix.system")]
    [InlineData("\u0080\u0004\u008c\u0002os\u008c\u0006system\u0093\u008c\u0005touch\u0085R.", "os.system")]
    [InlineData("\u0080\u0002ccollections\nOrderedDict\n)Rctorch._utils\n_rebuild_tensor\n)R.", "torch._utils._rebuild_tensor")]
    public void PicklesThatAskForAnythingElseAreRefused(string pickle, string name)
    {
        using var folder = new TemporaryFolder();
        string file = folder.File("hostile.pth"), touched = folder.File("touched");
        byte[] body = Encoding.Latin1.GetBytes(pickle.Replace("{0}", touched, StringComparison.Ordinal));
        // As the first pickle of a legacy file, and as the dictionary of an .npy.
        byte[] head = Encoding.Latin1.GetBytes("\u0093NUMPY\u0001\u0000\u0046\u0000" + "{'descr': '|O', 'fortran_order': False, 'shape': (), }".PadRight(69) + "\n");
        foreach (byte[] bytes in new[] { (byte[])[0x80, 2, .. body], [.. head, .. body] })
        {
            File.WriteAllBytes(file, bytes);
            var error = Assert.Throws<InvalidDataException>(() => WeightsFile.Load(file, ["conv1_1"]));
            Assert.Contains(name, error.Message, StringComparison.Ordinal);
            Assert.False(File.Exists(touched));
        }
    }

    /// <summary>Lengths that lie, up to 2^63, cost neither time nor memory.</summary>
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
        Assert.Contains("states a header", Assert.Throws<InvalidDataException>(() => WeightsFile.Describe(file)).Message, StringComparison.Ordinal);
    }

    /// <summary>A thousand damaged versions of each file: an answer or an error that names the file, nothing else.</summary>
    [Theory]
    [InlineData("tensorflow_vgg_protocol3.npy")]
    [InlineData("tensorflow_vgg_python2.npy")]
    [InlineData("torchvision_zip.pth")]
    [InlineData("torchvision_legacy.pth")]
    [InlineData("gatys_zip_half_strided.pth")]
    [InlineData("gatys_legacy_double.pth")]
    [InlineData("float32.safetensors")]
    [InlineData("float64_bgr.safetensors")]
    public void DamagedFilesAreErrorsOrAnswers(string name)
    {
        byte[] whole = File.ReadAllBytes(Fixture(name));
        using var folder = new TemporaryFolder();
        string file = folder.File("damaged" + Path.GetExtension(name));
        foreach (int seed in new[] { 7, Environment.TickCount & 0xFFFF })
        {
            var random = new Random(seed);
            for (int round = 0; round < 500; round++)
            {
                File.WriteAllBytes(file, Damage.Of(whole, random));
                try
                {
                    Assert.NotNull(WeightsFile.Load(file, ["conv1_1"]));
                }
                catch (InvalidDataException refusal)
                {
                    Assert.StartsWith(file, refusal.Message, StringComparison.Ordinal);
                }
                catch (Exception other)
                {
                    Assert.Fail($"{name}, seed {seed}, round {round}: {other}");
                }
            }
        }
    }

    private static string Fixture(string name) => Path.Combine(AppContext.BaseDirectory, "Fixtures", name);
}
