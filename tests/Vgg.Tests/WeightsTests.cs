using NativeStyle.Vgg.Weights;

namespace NativeStyle.Vgg.Tests;

/// <summary>
/// Reads small networks in the published structures, written by numpy and scipy (Fixtures/make_weights.py).
/// </summary>
public class WeightsTests
{
    private const int Filters = 64;

    [Theory]
    [InlineData("vgg_new.mat")]
    [InlineData("vgg_new_uncompressed.mat")]
    [InlineData("vgg_old.mat")]
    [InlineData("vgg_filters_biases.mat")]
    [InlineData("vgg_big_endian.mat")]
    [InlineData("vgg_stored.npz")]
    [InlineData("vgg_fortran_float64.npz")]
    [InlineData("vgg_big_endian_float16.npz")]
    public void EveryFormatGivesTheSameNetwork(string name) =>
        AssertKernel(WeightsFile.Load(Fixture(name), ["conv1_1"]), 1f);

    [Fact]
    public void BgrWeightsAreTurnedToRgb() =>
        AssertKernel(WeightsFile.Load(Fixture("vgg_bgr.npz"), ["conv1_1"], WeightsConvention.Bgr255), 1f);

    [Fact]
    public void UnitWeightsGiveTheSameActivationsOnPixelsOf255()
    {
        // W ((x / 255 - μ) / σ) must equal W' (x - mean') for any pixel x.
        VggWeights raw = WeightsFile.Load(Fixture("vgg_stored.npz"), ["conv1_1"]);
        VggWeights unit = WeightsFile.Load(Fixture("vgg_stored.npz"), ["conv1_1"], WeightsConvention.RgbUnit);
        double[] mean = [0.485, 0.456, 0.406], deviation = [0.229, 0.224, 0.225];
        for (int channel = 0; channel < 3; channel++)
        {
            int at = ((4 * 3) + channel) * Filters;
            foreach (double x in new[] { 0.0, 99, 255 })
            {
                double expected = raw.Layers["conv1_1"].Filter[at] * ((x / 255) - mean[channel]) / deviation[channel];
                Assert.Equal(expected, unit.Layers["conv1_1"].Filter[at] * (x - unit.Mean[channel]), 4);
            }
        }
    }

    [Theory]
    [InlineData("vgg_new.mat", "MAT-file level 5", true)]
    [InlineData("vgg_old.mat", "MAT-file level 5", true)]
    [InlineData("vgg_stored.npz", ".npz archive", false)]
    public void InfoListsLayersFormatAndMean(string name, string format, bool mean)
    {
        WeightsContents contents = WeightsFile.Describe(Fixture(name));
        Assert.Contains(format, contents.Format, StringComparison.Ordinal);
        Assert.Equal(["conv1_1", "fc6"], contents.Entries.Select(entry => entry.Layer));
        Assert.Equal([3, 3, 3, Filters], contents.Entries[0].Filter);
        Assert.Equal(mean, contents.Mean is not null);
        if (mean) for (int c = 0; c < 3; c++) Assert.Equal(VggWeights.CaffeMean[c], contents.Mean![c], 3);
    }

    [Fact]
    public void ChecksumsAreThoseOfTheFile()
    {
        using var folder = new TemporaryFolder();
        string file = folder.File("abc");
        File.WriteAllText(file, "abc");
        WeightsIdentity identity = WeightsFile.Identify(file);
        // RFC 1321, A.5 and FIPS 180-2, B.1.
        Assert.Equal("900150983cd24fb0d6963f7d28e17f72", identity.Md5);
        Assert.Equal("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", identity.Sha256);
        Assert.Null(identity.PublishedAs);
    }

    [Theory]
    [InlineData("vgg_new.mat", "conv1_2", "conv1_2")]
    [InlineData("vgg_stored.npz", "conv4_2", "conv1_2")]
    public void ALayerThatIsMissingIsNamed(string name, string layer, string missing)
    {
        string file = Fixture(name);
        var error = Assert.Throws<MissingLayerException>(() => WeightsFile.Load(file, [layer]));
        Assert.StartsWith($"{file} lacks layer {missing}", error.Message, StringComparison.Ordinal);
        Assert.Equal(missing, error.Layer);
    }

    [Theory]
    [InlineData("not_vgg.mat", "conv1_1", "no variable 'layers'")]
    [InlineData("not_vgg.npz", "conv1_1", "none called conv1_1_W")]
    [InlineData("make_weights.py", "conv1_1", "no weights file")]
    public void WhatIsMissingIsNamed(string name, string layer, string reason)
    {
        string file = Fixture(name);
        var error = Assert.Throws<InvalidDataException>(() => WeightsFile.Load(file, [layer]));
        Assert.StartsWith(file, error.Message, StringComparison.Ordinal);
        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
    }

    [SkippableFact]
    public void TheTrainedLayersLoadAndLookTrained()
    {
        string file = TestData.Path("weights", "vgg19_trained_conv1_to_conv3_bgr.npz");
        VggWeights weights = WeightsFile.Load(file, ["conv3_4"], WeightsConvention.Bgr255);
        Assert.Equal(8, weights.Layers.Count);
        Assert.Same(VggArchitecture.Vgg19, weights.Architecture);
        // The published bias of VGG-19's first layer, and its first kernel's weights for red.
        float[] bias = weights.Layers["conv1_1"].Bias, kernel = weights.Layers["conv1_1"].Filter;
        Assert.Equal([0.73017758f, 0.06493629f, 0.03428847f, 0.8260386f], bias[..4]);
        Assert.Equal(0.37740308f, kernel[1 * 3 * Filters], 6);
        Assert.Equal(0.2671299f, kernel[3 * 3 * Filters], 6);
    }

    [Fact]
    public void RandomWeightsAreTheSamePerSeedAndKeepActivationsAlive()
    {
        VggWeights a = RandomWeights.Create(VggArchitecture.Vgg19, 3, "conv2_2");
        VggWeights b = RandomWeights.Create(VggArchitecture.Vgg19, 3, "conv3_1");
        VggWeights other = RandomWeights.Create(VggArchitecture.Vgg19, 4, "conv2_2");
        Assert.Equal(a.Layers["conv2_1"].Filter, b.Layers["conv2_1"].Filter);
        Assert.NotEqual(a.Layers["conv2_1"].Filter, other.Layers["conv2_1"].Filter);
        Assert.Throws<ArgumentException>(() => RandomWeights.Create(VggArchitecture.Vgg19, 3, "conv6_1"));
    }

    private static string Fixture(string name) => Path.Combine(AppContext.BaseDirectory, "Fixtures", name);

    private static void AssertKernel(VggWeights weights, float scale)
    {
        LayerWeights layer = weights.Layers["conv1_1"];
        for (int y = 0; y < 3; y++)
        for (int x = 0; x < 3; x++)
        for (int i = 0; i < 3; i++)
        for (int o = 0; o < Filters; o++)
        {
            float expected = scale * (((((3 * y) + x) * 3) + i) + (o / 64f));
            Assert.Equal(expected, layer.Filter[(((((y * 3) + x) * 3) + i) * Filters) + o]);
        }

        for (int o = 0; o < Filters; o++) Assert.Equal((o / 16f) - 1, layer.Bias[o]);
    }
}
