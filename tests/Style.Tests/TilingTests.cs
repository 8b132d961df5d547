using System.Globalization;
using NativeStyle.Autodiff;
using NativeStyle.Imaging;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Operators.Conv3x3;
using NativeStyle.Kernels.Operators.Pool2x2;
using NativeStyle.Style;
using NativeStyle.Style.Options;
using NativeStyle.Style.Tiling;
using NativeStyle.Tests;
using NativeStyle.Vgg;
using NativeStyle.Vgg.Weights;

namespace NativeStyle.Style.Tests;

/// <summary>
/// Tiles are exact. Whatever the cuts, losses and gradient are those of the whole picture, which other tests compare
/// with MathNet. Only rounding may differ, by the order of additions and by where Winograd's 4x4 tiles begin.
/// </summary>
public sealed class TilingTests
{
    /// <summary>The relative bound for losses and for the gradient's 2-norm.</summary>
    private const double Bound = 2e-5;

    private const int UsualTilings = 8;

    private static readonly VggWeights s_weights = RandomWeights.Create(VggArchitecture.Vgg19, 5, "conv5_1");

    /// <summary>Seeds of the ordinary run; NATIVESTYLE_TILINGS sets their number for a long campaign.</summary>
    public static TheoryData<int> Seeds => [.. Enumerable.Range(
        1, int.TryParse(
            Environment.GetEnvironmentVariable("NATIVESTYLE_TILINGS"), CultureInfo.InvariantCulture, out int many)
            ? many : UsualTilings)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void RandomTilesGiveTheLossesAndTheGradientOfTheWhole(int seed)
    {
        using var cpu = new CpuDevice(2);
        Compare(cpu, seed, 96);
    }

    [SkippableTheory]
    [Trait("Device", "OpenCl")]
    [InlineData(101)]
    [InlineData(102)]
    public void TheSameOnOpenCl(int seed)
    {
        using ComputeDevice device = TestDevice.OpenCl();
        Compare(device, seed, 28);
    }

    /// <summary>
    /// Where float32 may fail the Wasserstein loss: features whose mean is a hundred deviations and more (the first
    /// layer's, of a picture that hardly varies), and more channels than positions, whose covariances lack full rank.
    /// </summary>
    [Theory]
    [InlineData(PoolEdge.Floor, 0.01f, 48, 41, "conv1_1")]
    [InlineData(PoolEdge.Same, 0.03f, 37, 52, "conv1_1")]
    [InlineData(PoolEdge.Floor, 1f, 37, 31, "conv3_1")]
    [InlineData(PoolEdge.Same, 1f, 26, 33, "conv2_2", "conv3_1")]
    public void SoTheyDoForWassersteinOnHardData(
        PoolEdge edge, float contrast, int height, int width, params string[] layers)
    {
        using var cpu = new CpuDevice(2);
        var random = new Random(height);
        TransferOptions options = Presets.Coursera with
        {
            ContentWeight = 0,
            StyleWeight = 1,
            TvWeight = 0,
            StyleLoss = StyleLoss.Wasserstein,
            StyleLayers = [.. layers.Select(layer => new LayerWeight(layer, 1))],
            PoolEdge = edge,
            InputPadding = Padding.Replicate,
        };
        Picture start = Flat(height, width, 0.4f * contrast), style = Flat(width, height, contrast);
        Compare(cpu, random, options, start, [new StyleInput(style)], start);

        Picture Flat(int rows, int columns, float factor)
        {
            Picture picture = Noise(random, rows, columns);
            for (int i = 0; i < picture.Pixels.Length; i++)
                picture.Pixels[i] = 0.7f + (factor * 0.6f * (picture.Pixels[i] - 0.5f));
            return picture;
        }
    }

    /// <summary>A user's own statistics are sums over positions too, with masks and several styles.</summary>
    [Fact]
    public void SoTheyDoForALossOfOnesOwn()
    {
        using var cpu = new CpuDevice(2);
        var random = new Random(11);
        TransferOptions options = Presets.Coursera with
        {
            StyleLayers = [new("conv1_2", 1), new("conv3_1", 2)],
            CustomStyleLoss = new OwnGramLoss(),
        };
        Picture content = Noise(random, 61, 53), mask = Noise(random, 30, 20);
        StyleInput[] styles =
            [new(Noise(random, 40, 50)), new(Noise(random, 33, 70), 2), new(Noise(random, 45, 31), 1, mask)];
        Compare(cpu, random, options, content, [.. styles], Noise(random, 61, 53));
    }

    private static void Compare(ComputeDevice device, int seed, int largest)
    {
        var random = new Random(seed);
        int height = random.Next(17, largest), width = random.Next(17, largest);
        TransferOptions options = RandomOptions(random);
        Picture content = Noise(random, height, width);
        List<StyleInput> styles = [];
        for (int i = 0; i <= random.Next(3); i++)
        {
            Picture style = Noise(random, random.Next(17, largest), random.Next(17, largest));
            styles.Add(new StyleInput(
                style, 1 + random.NextDouble(), i > 0 && random.Next(2) == 0 ? Noise(random, 30, 20) : null,
                random.Next(3) == 0 ? Noise(random, 9, 12) : null));
        }

        Compare(device, random, options, content, styles, Noise(random, height, width));
    }

    private static void Compare(
        ComputeDevice device, Random random, TransferOptions options, Picture content, List<StyleInput> styles,
        Picture iterate)
    {
        (int height, int width) = (content.Height, content.Width);
        using var network = new VggNetwork(device, s_weights, options.Network);
        float[] start = Array.ConvertAll(iterate.Pixels, value => value * options.PixelRange);
        (LossValues whole, float[] gradient) = Evaluate(new WholePlanner(network.Architecture, options), start);
        var cuts = new List<string>();
        var planner = new TestPlanner(network.Architecture, options, (steps, h, w) =>
        {
            TilePlan plan = TilePlans.Random(random, steps, h, w);
            cuts.Add(string.Join(" | ", plan.Segments.Select(Words)));
            return plan;
        });
        (LossValues tiled, float[] tiledGradient) = Evaluate(planner, start);
        string what = $"{options.Name} {width}x{height}, {cuts[0]}";
        Assert.True(double.IsFinite(whole.Total) && whole.Total > 0, what);
        AssertNear("total", whole.Total, tiled.Total);
        AssertNear("content", whole.Content, tiled.Content);
        AssertNear("style", whole.Style, tiled.Style);
        AssertNear("tv", whole.Tv, tiled.Tv);
        foreach ((LayerLoss expected, LayerLoss actual) in whole.Layers!.Zip(tiled.Layers!))
            AssertNear(expected.Layer, expected.Value, actual.Value);
        double difference = Difference(tiledGradient), rounding = Bound;
        // Gradients jump where a unit is at zero or where two maxima are equal. Rounding the pixels themselves does the
        // same there.
        if (difference > rounding)
        {
            using var objective = new Objective(device, network, options, height, width, content, styles);
            for (int i = 0; i < 20 && difference > rounding; i++)
            {
                float[] nudged = Array.ConvertAll(start, value => value * (1 + (2e-7f * (random.NextSingle() - 0.5f))));
                using Tensor pixels =
                    new Tensor(device, new Shape(height, width, 3), nudged, requiresGradient: true).Retain();
                objective.ValueAndGradient(pixels);
                rounding = Math.Max(rounding, 2 * Difference(pixels.GradientToArray()));
            }
        }

        Assert.True(
            difference <= Math.Min(rounding, 0.01),
            $"the gradient differs by {difference:g3}, by rounding of pixels {rounding / 2:g3}: {what}");

        static string Words(SegmentPlan plan)
        {
            (string gates, string disk) = (plan.SavesGates ? " gates" : "", plan.OutputOnDisk ? " disk" : "");
            return $"{plan.Segment.Layers[0].Name}.. {plan.Cells}{gates}{disk}";
        }

        double Difference(float[] other) =>
            Math.Sqrt(gradient.Zip(other, (a, b) => Math.Pow((double)a - b, 2)).Sum()
                / gradient.Sum(value => Math.Pow(value, 2)));

        (LossValues Losses, float[] Gradient) Evaluate(PassPlanner planner, float[] at)
        {
            using var objective = new Objective(device, network, options, height, width, content, styles, planner);
            using Tensor pixels = new Tensor(device, new Shape(height, width, 3), at, requiresGradient: true).Retain();
            LossValues first = objective.ValueAndGradient(pixels, byLayer: true);
            // One evaluation leaves nothing for the next.
            LossValues second = objective.ValueAndGradient(pixels, byLayer: true);
            Assert.Equal(first.Total, second.Total);
            return (second, pixels.GradientToArray());
        }

        void AssertNear(string name, double expected, double actual) =>
            Assert.True(
                Math.Abs(expected - actual) <= Bound * Math.Abs(expected),
                $"{name}: {actual}, expected {expected}: {what}");
    }

    private static TransferOptions RandomOptions(Random random)
    {
        string[] layers = [
            "conv1_1", "conv1_2", "conv2_1", "conv2_2", "conv3_1", "conv3_3", "conv3_4", "conv4_1", "conv4_2",
            "conv4_4", "conv5_1"];
        TransferOptions preset = Presets.All[random.Next(Presets.All.Count)];
        TransferOptions options = preset with
        {
            ContentLayers = Some(1, 2),
            StyleLayers = Some(1, 4),
            ContentWeight = random.Next(5) == 0 ? 0 : 1,
            StyleWeight = 1,
            TvWeight = random.Next(2) == 0 ? 0 : 1e-3,
            ContentLossScale = Any<LossScale>(),
            StyleLossScale = Any<LossScale>(),
            GramScale = Any<GramScale>(),
            StyleLoss = random.Next(4) == 0 ? StyleLoss.Wasserstein : StyleLoss.Gram,
            StyleBlend = Any<StyleBlend>(),
            TvKind = Any<VariationKind>(),
            TvScale = Any<VariationScale>(),
            NormalizeGradients = random.Next(3) == 0,
            Pooling = (Pooling)random.Next(1, 4),
            PoolEdge = Any<PoolEdge>(),
            PoolRescale = random.Next(2) == 0,
            InputPadding = Any<Padding>(),
        };
        if (options.StyleLoss != StyleLoss.Wasserstein) return options;
        // Roots of 512 x 512 matrices would take most of the time of all these tests, and no tile sees them.
        LayerWeight[] shallow =
            [.. options.StyleLayers.Where(style => string.CompareOrdinal(style.Layer, "conv4") < 0)];
        return options with { StyleLayers = shallow.Length > 0 ? shallow : [new LayerWeight("conv3_4", 1)] };

        T Any<T>() where T : struct, Enum => Enum.GetValues<T>()[random.Next(Enum.GetValues<T>().Length)];

        LayerWeight[] Some(int least, int most)
        {
            string[] chosen = [.. layers];
            random.Shuffle(chosen);
            return [.. chosen
                .Take(random.Next(least, most + 1))
                .Select(layer => new LayerWeight(layer, 0.5 + random.NextDouble()))];
        }
    }

    /// <summary>
    /// Noise around waves, with its own contrast and colour. The statistics differ clearly, so that no loss is a
    /// difference of equals.
    /// </summary>
    private static Picture Noise(Random random, int height, int width)
    {
        var picture = new Picture(height, width);
        double contrast = 0.05 + (0.4 * random.NextDouble());
        double wave = 0.05 + (0.5 * random.NextDouble());
        double phase = 6 * random.NextDouble();
        double[] color = [random.NextDouble(), random.NextDouble(), random.NextDouble()];
        for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
        for (int c = 0; c < 3; c++)
        {
            double waves = 0.25 * Math.Sin((wave * x) + phase + c) * Math.Cos(wave * y);
            double value = (0.25 + (0.5 * color[c])) + waves + (contrast * (random.NextDouble() - 0.5));
            picture[y, x, c] = (float)Math.Clamp(value, 0, 1);
        }

        return picture;
    }
}
