using NativeStyle.Autodiff;
using NativeStyle.Autodiff.Operators;
using NativeStyle.GradientCheck;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Operators.Conv3x3;
using NativeStyle.Kernels.Operators.Pool2x2;
using NativeStyle.Style.Options;
using NativeStyle.Style.Tiling;
using NativeStyle.Vgg;
using NativeStyle.Vgg.Weights;

namespace NativeStyle.Style.Tests;

/// <summary>
/// Networks of other widths than VGG's. No width is a multiple of a vector's; some are as small as the pixels' three.
/// </summary>
public sealed class WidthTests
{
    private static readonly VggArchitecture s_narrow = VggArchitecture.Vgg19.WithChannels(new Dictionary<string, int>
    {
        ["conv1_1"] = 5,
        ["conv1_2"] = 12,
        ["conv2_1"] = 20,
        ["conv2_2"] = 7,
        ["conv3_1"] = 3,
        ["conv3_2"] = 33,
        ["conv3_3"] = 1,
        ["conv3_4"] = 17,
    });

    /// <summary>Compares maps, and the gradient of the pixels, with MathNet in double precision.</summary>
    [Theory]
    [InlineData("cpu", Pooling.Average, Padding.Zero)]
    [InlineData("cpu", Pooling.Max, Padding.Replicate)]
    [InlineData("cpu", Pooling.L2, Padding.Zero)]
    [InlineData("cpu-kernels", Pooling.Average, Padding.Replicate)]
    [InlineData("cpu-kernels", Pooling.Max, Padding.Zero)]
    public void MapsAndGradientsOfAnyWidthAreTheReferences(string name, Pooling pooling, Padding padding)
    {
        const int Height = 13, Width = 18;
        string[] layers = ["conv1_1", "conv1_2", "conv2_2", "conv3_1", "conv3_4"];
        VggWeights weights = RandomWeights.Create(s_narrow, 4, "conv3_4");
        using ComputeDevice device = NativeStyle.Tests.TestDevice.Open(name);
        using var network = new VggNetwork(device, weights, new VggOptions(pooling, PoolEdge.Floor, padding));
        var random = new Random(2);
        float[] pixels = [.. Enumerable.Range(0, Height * Width * 3).Select(_ => random.NextSingle())];
        using Tensor image = new Tensor(device, new Shape(Height, Width, 3), pixels, requiresGradient: true).Retain();
        using var tape = new Tape(device);
        Dictionary<string, float[]> maps = [];
        List<Tensor> terms = [], zeros = [];
        foreach ((string layer, Tensor map) in network.Features(tape, image, 1f, layers))
        {
            maps[layer] = map.ToArray();
            var zero = new Tensor(device, map.Shape, new float[map.Shape.Length]);
            zeros.Add(zero);
            terms.Add(tape.SquaredError(map, zero, 1f));
        }

        tape.Backward(tape.Sum(terms));
        foreach (Tensor zero in zeros) zero.Dispose();
        var reference = new ReferenceNetwork(
            weights, pooling, PoolEdge.Floor, padding, [255, 255, 255],
            Array.ConvertAll(VggWeights.CaffeMean, value => (double)value));
        ReferenceNetwork.Pass pass =
            reference.Forward(Array.ConvertAll(pixels, value => (double)value), Height, Width, "conv3_4");
        foreach (string layer in layers)
        {
            Assert.Equal(s_narrow.Find(layer)!.OutChannels, pass.Maps[layer].Channels);
            Assert.True(GradientChecker.RelativeError(maps[layer], pass.Maps[layer].Values) < 2e-5, layer);
        }

        double[] gradient = pass.Backward(layers.ToDictionary(
            layer => layer, layer => Array.ConvertAll(pass.Maps[layer].Values, value => 2 * value)));
        Assert.True(GradientChecker.RelativeError(image.GradientToArray(), gradient) < 2e-5);
    }

    /// <summary>
    /// A plan counts the network's own channels. Only the first layer is padded, though another reads
    /// three channels too.
    /// </summary>
    [Fact]
    public void TilesAndPlansKnowTheWidths()
    {
        using var cpu = new CpuDevice(2);
        TransferOptions options = Presets.Gatys with
        {
            ContentLayers = [new LayerWeight("conv3_2", 1)],
            StyleLayers = [new LayerWeight("conv1_2", 1), new LayerWeight("conv3_4", 1)],
            Optimizer = OptimizerKind.Adam, InputPadding = Padding.Replicate,
        };
        long narrow = new MemoryPlanner(cpu, s_narrow, options, 6000L << 20).At(1500, 2000).PeakBytes;
        Assert.True(
            narrow < new MemoryPlanner(cpu, VggArchitecture.Vgg19, options, 6000L << 20).At(1500, 2000).PeakBytes / 2);
        using var network = new VggNetwork(cpu, RandomWeights.Create(s_narrow, 4, "conv3_4"), options.Network);
        var random = new Random(9);
        var picture =
            new Imaging.Picture(40, 52, [.. Enumerable.Range(0, 40 * 52 * 3).Select(_ => random.NextSingle())]);
        var style = new StyleInput(
            new Imaging.Picture(33, 44, [.. Enumerable.Range(0, 33 * 44 * 3).Select(i => i % 71 / 71f)]));
        float[] start = Array.ConvertAll(picture.Pixels, value => (1 - value) * options.PixelRange);
        (double whole, float[] gradient) = Evaluate(new WholePlanner(network.Architecture, options));
        (double tiled, float[] ofTiles) = Evaluate(new TestPlanner(
            network.Architecture, options, (plan, h, w) => TilePlans.Random(random, plan, h, w)));
        Assert.Equal(1, tiled / whole, 2e-5);
        Assert.True(GradientChecker.RelativeError(ofTiles, Array.ConvertAll(gradient, value => (double)value)) < 2e-4);

        (double, float[]) Evaluate(PassPlanner planner)
        {
            using var objective = new Objective(cpu, network, options, 40, 52, picture, [style], planner);
            using Tensor pixels = new Tensor(cpu, new Shape(40, 52, 3), start, requiresGradient: true).Retain();
            return (objective.ValueAndGradient(pixels).Total, pixels.GradientToArray());
        }
    }
}
