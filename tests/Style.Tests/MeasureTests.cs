using NativeStyle.Imaging;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Operators.Conv3x3;
using NativeStyle.Kernels.Operators.Pool2x2;
using NativeStyle.Style.Study;
using NativeStyle.Vgg;
using NativeStyle.Vgg.Weights;

namespace NativeStyle.Style.Tests;

/// <summary>Compares the measure of a result with maps and Gram matrices in double precision.</summary>
public class MeasureTests
{
    private static readonly VggWeights s_weights = RandomWeights.Create(
        VggArchitecture.Vgg19.WithChannels(
            VggArchitecture.Vgg19.Layers.ToDictionary(layer => layer.Name, _ => 8)), 4, "conv2_2");

    [Fact]
    public void DistancesAreThoseOfTheReference()
    {
        (Picture result, Picture content, Picture style) = (Noise(24, 32, 1), Noise(24, 32, 2), Noise(32, 26, 3));
        using var cpu = new CpuDevice(2);
        using var network = new VggNetwork(cpu, s_weights, TransferMeasure.Network);
        Measured measured =
            new TransferMeasure(cpu, network, ["conv1_1", "conv2_1"], ["conv2_2"], size: 32).Of(result, content, style);
        double[] means = [.. s_weights.Mean.Select(value => (double)value)];
        var reference =
            new ReferenceNetwork(s_weights, Pooling.Average, PoolEdge.Same, Padding.Replicate, [255, 255, 255], means);
        var (of, to, by) = (Maps(result), Maps(content), Maps(style));
        Assert.Equal(["conv1_1", "conv2_1"], measured.Style.Select(layer => layer.Layer));
        foreach (LayerLoss layer in measured.Style)
        {
            double expected = Relative(Gram(of[layer.Layer]), Gram(by[layer.Layer]));
            Assert.Equal(expected, layer.Value, 1e-3 * expected);
        }

        LayerLoss scene = Assert.Single(measured.Content);
        Assert.Equal(Relative(of["conv2_2"].Values, to["conv2_2"].Values), scene.Value, 1e-3 * scene.Value);
        Assert.Equal(measured.Style.Sum(layer => layer.Value) / 2, measured.MeanStyle, 1e-12);

        IReadOnlyDictionary<string, ReferenceNetwork.Map> Maps(Picture picture) =>
            reference.Forward(
                [.. picture.Pixels.Select(value => (double)value)], picture.Height, picture.Width, "conv2_2").Maps;
    }

    [Fact]
    public void NothingDiffersFromItself()
    {
        Picture picture = Noise(20, 20, 5);
        using var cpu = new CpuDevice(2);
        using var network = new VggNetwork(cpu, s_weights, TransferMeasure.Network);
        Measured measured =
            new TransferMeasure(cpu, network, ["conv1_1"], ["conv2_1"], size: 20).Of(picture, picture, picture);
        Assert.Equal(0, measured.MeanStyle, 1e-9);
        Assert.Equal(0, measured.Content[0].Value, 1e-9);
    }

    private static double Relative(double[] value, double[] target) =>
        value.Zip(target, (a, b) => (a - b) * (a - b)).Sum() / target.Sum(b => b * b);

    private static double[] Gram(ReferenceNetwork.Map map)
    {
        double[] gram = new double[map.Channels * map.Channels];
        for (int p = 0; p < map.Pixels; p++)
        for (int i = 0; i < map.Channels; i++)
        for (int j = 0; j < map.Channels; j++)
        {
            double product = map.Values[(p * map.Channels) + i] * map.Values[(p * map.Channels) + j];
            gram[(i * map.Channels) + j] += product / map.Pixels;
        }

        return gram;
    }

    private static Picture Noise(int height, int width, int seed)
    {
        var random = new Random(seed);
        var picture = new Picture(height, width);
        for (int i = 0; i < picture.Pixels.Length; i++) picture.Pixels[i] = random.NextSingle();
        return picture;
    }
}
