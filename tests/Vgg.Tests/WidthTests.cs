using NativeStyle.Vgg.Weights;

namespace NativeStyle.Vgg.Tests;

/// <summary>Reads and writes files whose layers have other numbers of channels than VGG's.</summary>
public class WidthTests
{
    private static readonly VggArchitecture s_narrow = VggArchitecture.Vgg16.WithChannels(new Dictionary<string, int>
    {
        ["conv1_1"] = 3, ["conv1_2"] = 3, ["conv2_1"] = 20, ["conv2_2"] = 7,
        ["conv3_1"] = 1, ["conv3_2"] = 9, ["conv3_3"] = 11, ["conv4_1"] = 6,
    });

    [Fact]
    public void ChannelsChangeAndNamesStay()
    {
        IEnumerable<string> names = VggArchitecture.Vgg16.Layers.Select(layer => layer.Name);
        Assert.Equal(names, s_narrow.Layers.Select(layer => layer.Name));
        VggLayer third = s_narrow.Find("conv3_1")!, fourth = s_narrow.Find("conv4_2")!;
        Assert.Equal((7, 1, 3), (third.InChannels, s_narrow.Find("features.10")!.OutChannels, third.Block));
        Assert.Equal((6, 512), (fourth.InChannels, fourth.OutChannels));
        Assert.Same(VggArchitecture.Vgg19, VggArchitecture.Vgg19.WithChannels(Channels("conv2_1", 128)));
        Assert.Throws<ArgumentException>(() => s_narrow.WithChannels(Channels("conv3_4", 8)));
        Assert.Throws<ArgumentException>(() => s_narrow.WithChannels(Channels("conv3_3", 0)));

        static Dictionary<string, int> Channels(string layer, int count) => new() { [layer] = count };
    }

    /// <summary>In half precision, each number is read as the float16 nearest to the original: 11 bits.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void AFileOfAnyWidthIsReadAsItWasWritten(bool half)
    {
        using var folder = new TemporaryFolder();
        VggWeights written = RandomWeights.Create(s_narrow, 6, "conv4_1");
        string file = Save(folder, written, half);
        VggWeights read = WeightsFile.Load(file, ["conv4_1"]);
        Assert.Equal(s_narrow.Layers.Take(8), read.Architecture.Layers.Take(8));
        Assert.Equal(s_narrow.Layers.Take(8), WeightsFile.Describe(file).Architecture.Layers.Take(8));
        foreach ((string layer, LayerWeights expected) in written.Layers)
        {
            float[] kernel = half ? Array.ConvertAll(expected.Filter, Round) : expected.Filter;
            Assert.Equal(kernel, read.Layers[layer].Filter);
            Assert.Equal(expected.Bias, read.Layers[layer].Bias);
        }

        long numbers = written.Layers.Values.Sum(layer => (long)layer.Filter.Length + layer.Bias.Length);
        Assert.InRange(new FileInfo(file).Length - ((half ? 2 : 4) * numbers), 200, 4000);

        // Rounds to 11 significant bits, ties to even, without the type under test.
        static float Round(float value)
        {
            if (value == 0) return 0;
            double unit = Math.Pow(2, Math.Max(Math.Floor(Math.Log2(Math.Abs(value))), -14) - 10);
            return (float)(Math.Round(value / unit, MidpointRounding.ToEven) * unit);
        }
    }

    [Fact]
    public void ANumberTooLargeForHalfPrecisionIsAnError()
    {
        VggWeights weights = RandomWeights.Create(s_narrow, 6, "conv1_1");
        weights.Layers["conv1_1"].Bias[1] = 70_000;
        var error = Assert.Throws<OverflowException>(() => WeightsFile.Save(weights, Stream.Null, "", half: true));
        Assert.Contains("conv1_1.bias", error.Message, StringComparison.Ordinal);
    }

    /// <summary>A layer must read what the layer before it makes.</summary>
    [Theory]
    [InlineData("conv1_1", 4, "conv1_1 has 108 weights and 3 biases, expected (3, 3, 3, 3) and 3, as it reads RGB")]
    [InlineData(
        "conv2_1", 5,
        "conv2_1 has 900 weights and 20 biases, expected (3, 3, 3, 20) and 20, as it reads the channels of conv1_2")]
    public void LayersThatDoNotFitTogetherAreAnError(string layer, int reads, string words)
    {
        using var folder = new TemporaryFolder();
        VggWeights whole = RandomWeights.Create(s_narrow, 6, "conv2_2");
        int makes = whole.Layers[layer].Bias.Length;
        var layers = new Dictionary<string, LayerWeights>(whole.Layers)
        {
            [layer] = new(new float[9 * reads * makes], new float[makes]),
        };
        var arrays = new List<(string, int[], float[])>();
        foreach ((string name, (float[] kernel, float[] bias)) in layers)
        {
            arrays.Add(($"{name}.weight", [3, 3, kernel.Length / 9 / bias.Length, bias.Length], kernel));
            arrays.Add(($"{name}.bias", [bias.Length], bias));
        }

        var metadata = new Dictionary<string, string> { ["kernel_order"] = "height, width, in, out" };
        string file = folder.File("wrong.safetensors");
        using (FileStream stream = File.Create(file)) SafeTensors.Write(stream, arrays, metadata);
        var error = Assert.Throws<InvalidDataException>(() => WeightsFile.Load(file, ["conv2_2"]));
        Assert.StartsWith(file, error.Message, StringComparison.Ordinal);
        Assert.Contains(words, error.Message, StringComparison.Ordinal);
    }

    private static string Save(TemporaryFolder folder, VggWeights weights, bool half)
    {
        string file = folder.File("narrow.safetensors");
        using FileStream stream = File.Create(file);
        WeightsFile.Save(weights, stream, "", half);
        return file;
    }
}
