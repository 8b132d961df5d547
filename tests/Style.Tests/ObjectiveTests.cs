using MathNet.Numerics.LinearAlgebra;
using NativeStyle.Autodiff;
using NativeStyle.GradientCheck.References;
using NativeStyle.Imaging;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Operators.Conv3x3;
using NativeStyle.Kernels.Operators.Pool2x2;
using NativeStyle.Style.Options;
using NativeStyle.Vgg;
using NativeStyle.Vgg.Weights;

namespace NativeStyle.Style.Tests;

/// <summary>Tests what options that no preset uses make of the losses, on two layers of a random network.</summary>
public class ObjectiveTests
{
    private const int Height = 24, Width = 32;

    private static readonly VggWeights s_weights = RandomWeights.Create(VggArchitecture.Vgg19, 3, "conv2_1");

    private static readonly TransferOptions s_gram = Presets.Coursera with
    {
        ContentWeight = 0,
        StyleWeight = 3,
        StyleLayers = [new("conv1_2", 0.25), new("conv2_1", 0.75)],
    };

    /// <summary>
    /// A style for the left half alone is compared by the Gram matrix of the left columns of each map, in MathNet.
    /// </summary>
    [Theory]
    [InlineData(StyleLoss.Gram)]
    [InlineData(StyleLoss.Wasserstein)]
    public void AMaskedStyleComparesItsRegionAlone(StyleLoss loss)
    {
        TransferOptions options = s_gram with { StyleLoss = loss, StyleLayers = [new("conv1_2", 1)] };
        Picture left = new(Height, Width), top = new(Height, Width);
        for (int row = 0; row < Height; row++)
        for (int column = 0; column < Width; column++)
        for (int c = 0; c < 3; c++)
        {
            left[row, column, c] = column < Width / 2 ? 1 : 0;
            top[row, column, c] = row < Height / 3 ? 1 : 0;
        }

        (double value, _) = Evaluate(options, new StyleInput(Smooth(2), 1, left, top));
        (double[] point, int channels) = Map("conv1_2", Smooth(3));
        (double[] style, _) = Map("conv1_2", Smooth(2));
        double[] region = Pick(point, channels, (_, column) => column < Width / 2);
        double[] part = Pick(style, channels, (row, _) => row < Height / 3);
        (int regionPixels, int partPixels) = (region.Length / channels, part.Length / channels);
        double expected;
        if (loss == StyleLoss.Gram)
        {
            // The matrices are means over each region's pixels. The scale is coursera's, 1 / (4 C²).
            double[] gram = StyleReference.Gram(region, regionPixels, channels, 1.0 / regionPixels);
            double[] goal = StyleReference.Gram(part, partPixels, channels, 1.0 / partPixels);
            expected = 3 * StyleReference.SquaredError(gram, goal, 1 / (4.0 * channels * channels));
        }
        else
        {
            (Vector<double> mean, Matrix<double> covariance) = Statistics(region);
            (Vector<double> goalMean, Matrix<double> goalCovariance) = Statistics(part);
            Matrix<double> half = NewtonSchulz.Root(goalCovariance), root = NewtonSchulz.Root(half * covariance * half);
            expected = 3.0 / channels * (
                Math.Pow((mean - goalMean).L2Norm(), 2) + (goalCovariance + covariance - (2 * root)).Trace());
        }

        Assert.Equal(expected, value, 1e-3 * expected);

        (Vector<double>, Matrix<double>) Statistics(double[] map)
        {
            Matrix<double> features = Matrix<double>.Build.DenseOfRowMajor(map.Length / channels, channels, map);
            Vector<double> average = features.ColumnSums() / features.RowCount;
            return (
                average,
                (features.TransposeThisAndMultiply(features) / features.RowCount) - average.OuterProduct(average)
                + (Matrix<double>.Build.DenseIdentity(channels) * 1e-4));
        }
    }

    [Fact]
    public void AWhiteMaskIsNoMaskAndABlackOneNoStyle()
    {
        Picture white = new(8, 8), black = new(8, 8);
        Array.Fill(white.Pixels, 1f);
        (double masked, float[] gradient) = Evaluate(s_gram, new StyleInput(Smooth(2), 1, white, white));
        (double free, float[] expected) = Evaluate(s_gram, new StyleInput(Smooth(2)));
        Assert.Equal(free, masked, 1e-5 * free);
        AssertNear(expected, gradient, 1e-4);
        (double none, _) = Evaluate(s_gram, new StyleInput(Smooth(2), 1, black), new StyleInput(Smooth(4), 1, white));
        Assert.True(double.IsFinite(none));
    }

    /// <summary>
    /// sum b ‖G - G_b‖² and ‖G - sum b G_b‖² differ by a term that does not depend on G. So their values
    /// differ, and their gradients do not.
    /// </summary>
    [Fact]
    public void BlendedTargetsAndBlendedLossesHaveOneGradient()
    {
        StyleInput[] styles = [new(Smooth(2), 3), new(Smooth(4), 1)];
        (double targets, float[] a) = Evaluate(s_gram, styles);
        (double losses, float[] b) = Evaluate(s_gram with { StyleBlend = StyleBlend.Losses }, styles);
        AssertNear(a, b, 1e-4);
        Assert.True(losses > 1.01 * targets);
        (double first, _) = Evaluate(s_gram, styles[0]);
        (double second, _) = Evaluate(s_gram, styles[1]);
        Assert.Equal((0.75 * first) + (0.25 * second), losses, 1e-4 * losses);
    }

    [Fact]
    public void TheLayerFactorWeighsDeeperLayersAndKeepsTheSum()
    {
        TransferOptions options = s_gram with
        {
            StyleLayers = [new("conv1_1", 1), new("conv1_2", 1), new("conv2_1", 1)],
            StyleLayerFactor = 2,
        };
        Assert.Equal(
            [3 / 7.0, 6 / 7.0, 12 / 7.0], options.StyleTerms.Select(layer => layer.Weight),
            (a, b) => Math.Abs(a - b) < 1e-12);
    }

    /// <summary>
    /// jcjohnson's -normalize_gradients: the gradient that a loss leaves on its map has a 1-norm of its weight.
    /// </summary>
    [Fact]
    public void NormalizedGradientsDoNotDependOnTheLossesScale()
    {
        TransferOptions options = s_gram with { NormalizeGradients = true, StyleLayers = [new("conv1_2", 1)] };
        (_, float[] a) = Evaluate(options, new StyleInput(Smooth(2)));
        (_, float[] b) = Evaluate(
            options with { GramScale = GramScale.PerElement, StyleLossScale = LossScale.Mean },
            new StyleInput(Smooth(2)));
        (_, float[] doubled) = Evaluate(options with { StyleWeight = 6 }, new StyleInput(Smooth(2)));
        AssertNear(a, b, 1e-4);
        AssertNear(Array.ConvertAll(a, value => 2 * value), doubled, 1e-4);
        (_, float[] plain) = Evaluate(options with { NormalizeGradients = false }, new StyleInput(Smooth(2)));
        double ratio = a.Zip(plain, (x, y) => (double)x * y).Sum() / plain.Sum(y => (double)y * y);
        AssertNear(Array.ConvertAll(plain, value => (float)(ratio * value)), a, 1e-3);
    }

    /// <summary>Average pooling times 2 and L2 pooling times 0.78 are factors of the maps after them.</summary>
    [Theory]
    [InlineData(Pooling.Average, 2.0)]
    [InlineData(Pooling.L2, 0.78)]
    [InlineData(Pooling.Max, 1.0)]
    public void RescaledPoolingIsAFactorOfThePooledMap(Pooling pooling, double factor)
    {
        using var cpu = new CpuDevice(2);
        using var network =
            new VggNetwork(cpu, s_weights, new VggOptions(pooling, PoolEdge.Same, Padding.Zero, PoolRescale: true));
        var reference = new ReferenceNetwork(
            s_weights, pooling, PoolEdge.Same, Padding.Zero, [255, 255, 255],
            Array.ConvertAll(VggWeights.CaffeMean, value => (double)value), factor);
        using var tape = new Tape(cpu);
        using var pixels = new Tensor(cpu, new Shape(Height, Width, 3), Smooth(1).Pixels);
        float[] map = network.Features(tape, pixels, 1, ["conv2_1"]).Single().Map.ToArray();
        double[] picture = Array.ConvertAll(Smooth(1).Pixels, value => (double)value);
        double[] expected = reference.Forward(picture, Height, Width, "conv2_1").Maps["conv2_1"].Values;
        AssertNear(Array.ConvertAll(expected, value => (float)value), map, 1e-5);
    }

    /// <summary>A user's Gram loss is 1/2 Σ (G - A)² in MathNet, with G = Fᵀ F / positions and the weight 3.</summary>
    [Fact]
    public void ALossOfOnesOwnIsItsFormula()
    {
        TransferOptions options =
            s_gram with { StyleLayers = [new("conv1_2", 1)], CustomStyleLoss = new OwnGramLoss() };
        (double value, _) = Evaluate(options, new StyleInput(Smooth(2)));
        (double[] point, int channels) = Map("conv1_2", Smooth(3));
        (double[] style, _) = Map("conv1_2", Smooth(2));
        double[] gram = StyleReference.Gram(point, Height * Width, channels, 1.0 / (Height * Width));
        double[] goal = StyleReference.Gram(style, Height * Width, channels, 1.0 / (Height * Width));
        double expected = 3 * StyleReference.SquaredError(gram, goal, 0.5);
        Assert.Equal(expected, value, 1e-3 * expected);
    }

    private static (double Loss, float[] Gradient) Evaluate(TransferOptions options, params StyleInput[] styles)
    {
        using var cpu = new CpuDevice(2);
        using var network = new VggNetwork(cpu, s_weights, options.Network);
        using var objective = new Objective(cpu, network, options, Height, Width, null, styles);
        using var pixels = new Tensor(
            cpu, new Shape(Height, Width, 3), Array.ConvertAll(Smooth(3).Pixels, value => value * options.PixelRange),
            true);
        using var tape = new Tape(cpu);
        LossTensors losses = objective.Evaluate(tape, pixels);
        tape.Backward(losses.Total);
        Assert.Equal(
            losses.Style.ToArray()[0], losses.Terms.Sum(term => term.Value.ToArray()[0]),
            1e-4 * losses.Style.ToArray()[0]);
        return (losses.Total.ToArray()[0], pixels.GradientToArray());
    }

    private static (double[] Map, int Channels) Map(string layer, Picture picture)
    {
        var reference = new ReferenceNetwork(
            s_weights, Pooling.Average, PoolEdge.Same, Padding.Zero, [1, 1, 1],
            Array.ConvertAll(VggWeights.CaffeMean, value => (double)value));
        ReferenceNetwork.Map map = reference.Forward(
            Array.ConvertAll(picture.Pixels, value => 255.0 * value), Height, Width, layer).Maps[layer];
        return (map.Values, map.Channels);
    }

    private static double[] Pick(double[] map, int channels, Func<int, int, bool> inside) =>
        [.. map.Where((_, i) => inside(i / channels / Width, i / channels % Width))];

    private static void AssertNear(float[] expected, float[] actual, double tolerance)
    {
        double largest = expected.Max(Math.Abs);
        double difference = expected.Zip(actual, (a, b) => Math.Abs(a - b)).Max();
        Assert.True(difference <= tolerance * largest, $"they differ by {difference / largest:g3}");
    }

    private static Picture Smooth(int seed)
    {
        var picture = new Picture(Height, Width);
        for (int i = 0; i < picture.Pixels.Length; i++)
        {
            int row = i / 3 / Width, column = i / 3 % Width, c = i % 3;
            picture.Pixels[i] =
                0.5f + (0.4f * MathF.Sin((seed * 1.7f) + (row * 0.3f * seed) + (column * 0.21f) + c));
        }

        return picture;
    }
}
