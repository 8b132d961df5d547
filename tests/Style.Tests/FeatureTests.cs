using NativeStyle.Autodiff;
using NativeStyle.Imaging;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Operators.Pool2x2;
using NativeStyle.Style.Study;
using NativeStyle.Vgg;
using NativeStyle.Vgg.Weights;

namespace NativeStyle.Style.Tests;

public class FeatureTests
{
    private static readonly VggWeights s_weights = RandomWeights.Create(VggArchitecture.Vgg19, 3, "conv4_1");

    /// <summary>A unit's gradient reaches the pixels of its receptive field up to its edges, and no others.</summary>
    [Theory]
    [InlineData("conv1_1", 3, 1)]
    [InlineData("conv1_2", 5, 1)]
    [InlineData("conv2_1", 10, 2)]
    [InlineData("conv3_1", 24, 4)]
    [InlineData("conv4_1", 68, 8)]
    public void AUnitsGradientFillsItsReceptiveField(string name, int size, int stride)
    {
        VggLayer layer = VggArchitecture.Vgg19.Find(name)!;
        ReceptiveField field = ReceptiveField.Of(VggArchitecture.Vgg19, layer);
        Assert.Equal((size, stride), (field.Size, field.Stride));
        const int Side = 112;
        using var cpu = new CpuDevice(2);
        using var network = new VggNetwork(cpu, s_weights, new VggOptions(Pooling.Average));
        using Tensor pixels = new Tensor(cpu, new Shape(Side, Side, 3), Noise(Side).Pixels, true).Retain();
        using var tape = new Tape(cpu);
        Tensor map = network.Features(tape, pixels, 1f, [name]).Single().Map;
        (int height, int width, int channels) = map.Shape;
        (int row, int column) = (height / 2, (width / 2) - 1);
        float[] seed = new float[map.Shape.Length];
        Array.Fill(seed, 1f, ((row * width) + column) * channels, channels);
        tape.Backward(map, seed);
        float[] gradient = pixels.GradientToArray();
        // Winograd's tiles leave rounding errors beside the field, where there should be zeros.
        float least = 2e-6f * gradient.Max(Math.Abs);
        int[] reached =
            [.. Enumerable.Range(0, Side * Side).Where(p => gradient.AsSpan(3 * p, 3).ToArray().Max(Math.Abs) > least)];
        (int top, int left) = (field.At(row).First, field.At(column).First);
        Assert.Equal((top, top + size - 1), (reached.Min(p => p / Side), reached.Max(p => p / Side)));
        Assert.Equal((left, left + size - 1), (reached.Min(p => p % Side), reached.Max(p => p % Side)));
    }

    /// <summary>
    /// The patches that are found have the largest activations of the maps.
    /// </summary>
    [Fact]
    public void TheStrongestPatchIsWhereTheMapIsLargest()
    {
        using var cpu = new CpuDevice(2);
        using var network = new VggNetwork(cpu, s_weights, new VggOptions(Pooling.Max));
        var finder = new StrongestPatches(cpu, network, "conv2_1", 5, 4, 2);
        Picture[] pictures = [Noise(40), Noise(44), Noise(48)];
        for (int i = 0; i < pictures.Length; i++) finder.Add($"{i}", pictures[i]);
        float[] best = [.. pictures.Select(picture =>
        {
            FeatureMap map = FeatureMaps.Of(cpu, network, picture, ["conv2_1"]).Single();
            return map.Values.Where((_, i) => i % map.Channels == 5).Max();
        })];
        Assert.Equal(best.Max(), finder.Found[0].Activation);
        Assert.Equal(finder.Found.OrderByDescending(patch => patch.Activation), finder.Found);
        Assert.Equal(4, finder.Found.Count);
        Assert.All(finder.Found.GroupBy(patch => patch.Source), group => Assert.True(group.Count() <= 2));
        Assert.All(finder.Found, patch => Assert.Equal((10, 10), (patch.Patch.Height, patch.Patch.Width)));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void AscentRaisesTheActivation(bool center)
    {
        using var cpu = new CpuDevice(2);
        using var network = new VggNetwork(cpu, s_weights, new VggOptions(Pooling.Max));
        List<double> activations = [];
        var options = new MaximizeOptions(32, 40, CenterOnly: center, Jitter: 2);
        Picture picture = UnitMaximizer.Run(
            cpu, network, "conv2_1", 7, options, (_, activation) => activations.Add(activation), default);
        Assert.True(
            activations[^5..].Average() > 3 * Math.Max(1, activations[0]), $"{activations[0]} to {activations[^1]}");
        Assert.All(picture.Pixels, value => Assert.InRange(value, 0f, 1f));
        Assert.Equal(
            picture.Pixels, UnitMaximizer.Run(cpu, network, "conv2_1", 7, options, (_, _) => { }, default).Pixels);
        Assert.Throws<TransferException>(
            () => UnitMaximizer.Run(cpu, network, "conv2_1", 500, options, (_, _) => { }, default));
    }

    private static Picture Noise(int side)
    {
        var random = new Random(side);
        var picture = new Picture(side, side);
        for (int i = 0; i < picture.Pixels.Length; i++) picture.Pixels[i] = random.NextSingle();
        return picture;
    }
}
