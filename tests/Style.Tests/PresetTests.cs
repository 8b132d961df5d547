using MathNet.Numerics.LinearAlgebra;
using NativeStyle.Autodiff;
using NativeStyle.GradientCheck.References;
using NativeStyle.Imaging;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Operators.Conv3x3;
using NativeStyle.Kernels.Operators.Pool2x2;
using NativeStyle.Style.Options;
using NativeStyle.Style.Tiling;
using NativeStyle.Vgg;
using NativeStyle.Vgg.Weights;

namespace NativeStyle.Style.Tests;

/// <summary>
/// Compares each preset's losses and gradient with the formulas of the system that it reproduces. The formulas are
/// written down here from that system's text or code, and computed in double precision with MathNet. The style and
/// autodiff code takes no part in that.
/// </summary>
public class PresetTests
{
    private static readonly string[] s_gatysLayers = ["conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1"];

    [Fact]
    public void Coursera()
    {
        // J = 10 sum (aC - aG)² / (4 nH nW nC) + 40 sum 0.2 sum (GS - GG)² / (4 nC² (nH nW)²),
        // average pooling SAME.
        var problem = new Problem(Presets.Coursera, Pooling.Average, PoolEdge.Same, Padding.Zero, 255);
        problem.AddContent("conv4_2", n => 10 / (4.0 * n));
        foreach (string layer in s_gatysLayers)
            problem.AddGram(layer, (pixels, channels) => 1, (m, n) => 40 * 0.2 / (4.0 * n * n * m * m));
        problem.Check();
    }

    [Fact]
    public void LightOnMath()
    {
        // 1000 mean(0.5 (c - g)²) on the top-most convolution + 0.001 sum over seven of 1/7 mean((Gc - Gg)²), VGG-16.
        var problem = new Problem(
            Presets.Find("light-on-math")!, Pooling.Average, PoolEdge.Same, Padding.Zero, 255, VggArchitecture.Vgg16);
        problem.AddContent("conv3_3", n => 1000 * 0.5 / n);
        foreach (string layer in new[] { "conv1_1", "conv1_2", "conv2_1", "conv2_2", "conv3_1", "conv3_2", "conv3_3" })
            problem.AddGram(layer, (pixels, channels) => 1, (m, n) => 0.001 / 7 / ((double)n * n));
        problem.Check();
    }

    [Fact]
    public void CostFunction()
    {
        // alpha 1/2 ||aC - aG||² + beta sum lambda ||GS - GG||² / (2 nH nW nC)².
        var problem = new Problem(Presets.Find("cost-function")!, Pooling.Average, PoolEdge.Same, Padding.Zero, 255);
        problem.AddContent("conv4_2", n => 1e-4 * 0.5);
        foreach (string layer in s_gatysLayers)
            problem.AddGram(layer, (pixels, channels) => 1, (m, n) => 0.2 / Math.Pow(2.0 * m * n, 2));
        problem.Check();
    }

    [Fact]
    public void Notebook()
    {
        // Input (p - 0.5) / 0.5; mean((T - I)²) + 1e6 sum w mean((G - T)²), G = XᵀX / (H W); weights fall
        // from layer to layer.
        double[] deviation = [0.229, 0.224, 0.225];
        var problem = new Problem(
            Presets.Find("notebook")!, Pooling.Max, PoolEdge.Floor, Padding.Zero, 2,
            scale: [.. deviation.Select(std => 255 * std / 0.5 / 2)],
            mean: [.. deviation.Select(std => 255 * std * 0.5 / 0.5)]);
        problem.AddContent("conv4_2", n => 1.0 / n);
        foreach ((string layer, double weight) in s_gatysLayers.Zip([1, 0.75, 0.2, 0.2, 0.2]))
            problem.AddGram(layer, (pixels, channels) => 1.0 / pixels, (m, n) => 1e6 * weight / ((double)n * n));
        problem.Check();
    }

    [Theory]
    [InlineData("ryanchankh", PoolEdge.Same, 1e-6)]
    [InlineData("gatys", PoolEdge.Floor, 1e-5)]
    public void RyanChanKhAndGatys(string name, PoolEdge edge, double alpha)
    {
        // alpha 1/2 sum (F - P)² + sum 0.2 / (4 M² N²) sum (G - A)².
        var problem = new Problem(Presets.Find(name)!, Pooling.Average, edge, Padding.Zero, 255);
        problem.AddContent("conv4_2", n => alpha * 0.5);
        foreach (string layer in s_gatysLayers)
            problem.AddGram(layer, (pixels, channels) => 1, (m, n) => 0.2 / (4.0 * m * m * n * n));
        problem.Check();
    }

    [Fact]
    public void NeuralStyle()
    {
        // 256 p - mean; 5 MSE + 100 MSE of G / numel; TV's gradient is 1e-3 times the differences of all but the last
        // row and column (TVLoss:updateGradInput), so its loss is half the sum of their squares.
        var problem =
            new Problem(Presets.NeuralStyle, Pooling.Max, PoolEdge.Floor, Padding.Zero, 256, scale: [1, 1, 1]);
        problem.AddContent("conv4_2", n => 5.0 / n);
        foreach (string layer in s_gatysLayers)
            problem.AddGram(layer, (pixels, channels) => 1.0 / (pixels * channels), (m, n) => 100.0 / ((double)n * n));
        problem.AddVariation(
            (row, column) => row < Problem.Height - 1 && column < Problem.Width - 1 ? (0.5e-3, 0.5e-3) : (0, 0));
        problem.Check();
    }

    [Fact]
    public void AnishAthalye()
    {
        // content_weight 2 l2_loss / size; style_weight 1/5 2 l2_loss(gram - style_gram) / size with gram / size of the
        // map; tv_weight 2 (l2_loss(dy) / size(dy) + l2_loss(dx) / size(dx)); l2_loss(t) = sum t² / 2.
        var problem = new Problem(Presets.Find("anishathalye")!, Pooling.Max, PoolEdge.Same, Padding.Zero, 255);
        problem.AddContent("conv4_2", n => 5 * 2 / (2.0 * n));
        foreach (string layer in s_gatysLayers)
            problem.AddGram(
                layer, (pixels, channels) => 1.0 / (pixels * channels), (m, n) => 500 * 0.2 * 2 / (2.0 * n * n));
        (double across, double down) =
            (3 * Problem.Height * (Problem.Width - 1), 3 * (Problem.Height - 1) * Problem.Width);
        problem.AddVariation((_, _) => (100 * 2 / (2 * across), 100 * 2 / (2 * down)));
        problem.Check();
    }

    [Fact]
    public void CrowsonKb()
    {
        // 0.015 MSE; StyleLossW2 by sqrtm_ns_lyap with 12 iterations, layers weighted 256 to 1 and
        // normalised; 2 TVLoss.
        var problem = new Problem(Presets.Find("crowsonkb")!, Pooling.Max, PoolEdge.Floor, Padding.Replicate, 1);
        problem.AddContent("conv4_2", n => 0.015 / n);
        foreach ((string layer, double weight) in s_gatysLayers.Zip([256, 64, 16, 4, 1]))
            problem.AddWasserstein(layer, weight / 341);
        problem.AddNinePoint(2);
        // Roots of singular matrices (fewer pixels than channels) amplify the rounding errors of single precision.
        problem.Check(3e-3);
    }

    [Fact]
    public void DefaultRandom()
    {
        var problem = new Problem(Presets.DefaultRandom, Pooling.Average, PoolEdge.Same, Padding.Replicate, 1);
        problem.AddRelativeContent("conv3_1", 0.02);
        (string, double)[] shares =
            [("conv1_1", 10.0), ("conv1_2", 20), ("conv2_1", 25), ("conv2_2", 25), ("conv3_1", 20)];
        foreach ((string layer, double share) in shares) problem.AddRelativeGram(layer, share);
        problem.AddVariation(
            (_, _) => (0.8 / (Problem.Height * Problem.Width * 3), 0.8 / (Problem.Height * Problem.Width * 3)));
        problem.Check();
    }

    [Theory]
    [InlineData("default-trained", "conv4_2:5", "conv1_1 conv2_1 conv3_1 conv4_1 conv5_1")]
    [InlineData("default-trained-to-block3", "conv3_2:5", "conv1_1 conv2_1 conv3_1 conv3_4")]
    [InlineData("default-compact", "conv2_2:1.5 conv3_2:3.5", "conv1_1 conv2_1 conv3_1 conv3_4")]
    public void DefaultTrained(string name, string content, string layers)
    {
        var problem = new Problem(Presets.Find(name)!, Pooling.Average, PoolEdge.Same, Padding.Replicate, 1);
        foreach (string[] term in content.Split(' ').Select(term => term.Split(':')))
            problem.AddRelativeContent(
                term[0], double.Parse(term[1], System.Globalization.CultureInfo.InvariantCulture));
        string[] style = layers.Split(' ');
        foreach (string layer in style) problem.AddRelativeGram(layer, 100.0 / style.Length);
        problem.AddVariation(
            (_, _) => (30.0 / (Problem.Height * Problem.Width * 3), 30.0 / (Problem.Height * Problem.Width * 3)));
        problem.Check();
    }

    /// <summary>
    /// A small problem: two pictures, a point to evaluate at, and random weights. Tests add the formula's terms to it.
    /// </summary>
    private sealed class Problem
    {
        public const int Height = 17;
        public const int Width = 21;

        private readonly TransferOptions _options;
        private readonly VggWeights _weights;
        private readonly Picture _content = Smooth(1);
        private readonly Picture _style = Smooth(2);
        private readonly double[] _pixels;
        private readonly ReferenceNetwork.Pass _point;
        private readonly ReferenceNetwork.Pass _contentPass;
        private readonly ReferenceNetwork.Pass _stylePass;
        private readonly Dictionary<string, double[]> _mapGradients = [];
        private readonly double[] _pixelGradient = new double[Height * Width * 3];
        private double _contentLoss;
        private double _styleLoss;
        private double _variation;

        /// <param name="range">The value of white in the system's picture.</param>
        public Problem(
            TransferOptions options, Pooling pooling, PoolEdge edge, Padding padding, double range,
            VggArchitecture? architecture = null, double[]? scale = null, double[]? mean = null)
        {
            _options = options;
            architecture = NarrowNetwork.Of(architecture ?? VggArchitecture.Vgg19);
            string last = architecture.Layers.Last(layer => options.Layers.Contains(layer.Name)).Name;
            _weights = RandomWeights.Create(architecture, 5, last);
            scale ??= [255 / range, 255 / range, 255 / range];
            mean ??= Array.ConvertAll(VggWeights.CaffeMean, value => (double)value);
            var network = new ReferenceNetwork(_weights, pooling, edge, padding, scale, mean);
            _pixels = InUnits(Smooth(3));
            _point = network.Forward(_pixels, Height, Width, last);
            _contentPass = network.Forward(InUnits(_content), Height, Width, last);
            _stylePass = network.Forward(InUnits(_style), Height, Width, last);

            double[] InUnits(Picture picture) => Array.ConvertAll(picture.Pixels, value => value * range);
        }

        public void AddContent(string layer, Func<int, double> factor)
        {
            (ReferenceNetwork.Map map, double[] target) = (_point.Maps[layer], _contentPass.Maps[layer].Values);
            double scale = factor(target.Length);
            _contentLoss += StyleReference.SquaredError(map.Values, target, scale);
            AddGradient(layer, StyleReference.SquaredErrorBackward(map.Values, target, scale));
        }

        public void AddRelativeContent(string layer, double weight) =>
            AddContent(layer, _ => weight / Square(_contentPass.Maps[layer].Values));

        /// <param name="gramFactor">The factor of FᵀF, from pixels and channels.</param>
        /// <param name="lossFactor">The factor of the sum of squares, from pixels and channels.</param>
        public void AddGram(string layer, Func<int, int, double> gramFactor, Func<int, int, double> lossFactor)
        {
            (ReferenceNetwork.Map map, ReferenceNetwork.Map style) = (_point.Maps[layer], _stylePass.Maps[layer]);
            double scale = gramFactor(map.Pixels, map.Channels), factor = lossFactor(map.Pixels, map.Channels);
            double[] gram = StyleReference.Gram(map.Values, map.Pixels, map.Channels, scale);
            double[] target = StyleReference.Gram(style.Values, style.Pixels, style.Channels, scale);
            _styleLoss += StyleReference.SquaredError(gram, target, factor);
            AddGradient(layer, StyleReference.GramBackward(
                map.Values, StyleReference.SquaredErrorBackward(gram, target, factor), map.Pixels, map.Channels,
                scale));
        }

        public void AddRelativeGram(string layer, double weight)
        {
            ReferenceNetwork.Map style = _stylePass.Maps[layer];
            AddGram(
                layer, (_, _) => 1,
                (_, _) => weight / Square(StyleReference.Gram(style.Values, style.Pixels, style.Channels, 1)));
        }

        /// <summary>
        /// StyleLossW2. The root and its gradient are iterated as in the system's code, twelve times each.
        /// </summary>
        public void AddWasserstein(string layer, double weight)
        {
            (ReferenceNetwork.Map map, ReferenceNetwork.Map style) = (_point.Maps[layer], _stylePass.Maps[layer]);
            int n = map.Channels;
            Matrix<double> eye = Matrix<double>.Build.DenseIdentity(n);
            (Matrix<double> features, Vector<double> mean, Matrix<double> covariance) = Statistics(map);
            (_, Vector<double> targetMean, Matrix<double> targetCovariance) = Statistics(style);
            Matrix<double> half = NewtonSchulz.Root(targetCovariance);
            Matrix<double> root = NewtonSchulz.Root(half * covariance * half);
            double trace = (targetCovariance + covariance - (2 * root)).Trace();
            _styleLoss += weight * ((mean - targetMean).PointwisePower(2).Sum() / n + (trace / n));
            // The gradient goes from A, with d/dA of -2 tr(A^½) / n, to the covariance, then to mean
            // and second moment.
            Matrix<double> ofRoot = NewtonSchulz.RootBackward(root, eye * (-2.0 / n));
            Matrix<double> ofCovariance = weight * ((eye / n) + (half * ofRoot * half));
            Vector<double> ofMean =
                (weight * 2 / n * (mean - targetMean)) - ((ofCovariance + ofCovariance.Transpose()) * mean);
            Matrix<double> gradient = features * (ofCovariance + ofCovariance.Transpose()) / map.Pixels;
            for (int p = 0; p < map.Pixels; p++) gradient.SetRow(p, gradient.Row(p) + (ofMean / map.Pixels));
            AddGradient(layer, gradient.ToRowMajorArray());

            static (Matrix<double>, Vector<double>, Matrix<double>) Statistics(ReferenceNetwork.Map of)
            {
                Matrix<double> f = Matrix<double>.Build.DenseOfRowMajor(of.Pixels, of.Channels, of.Values);
                Vector<double> average = f.ColumnSums() / of.Pixels;
                Matrix<double> moment = f.TransposeThisAndMultiply(f) / of.Pixels;
                return (
                    f, average,
                    moment - average.OuterProduct(average) + (Matrix<double>.Build.DenseIdentity(of.Channels) * 1e-4));
            }
        }

        /// <param name="weights">
        /// The weights of the squared differences across and down from a pixel (row, column).
        /// </param>
        public void AddVariation(Func<int, int, (double Across, double Down)> weights)
        {
            for (int row = 0; row < Height; row++)
            for (int column = 0; column < Width; column++)
            for (int c = 0; c < 3; c++)
            {
                (double across, double down) = weights(row, column);
                int at = (((row * Width) + column) * 3) + c;
                if (column + 1 < Width) AddPair(at, at + 3, across);
                if (row + 1 < Height) AddPair(at, at + (3 * Width), down);
            }
        }

        /// <summary>
        /// TVLoss: 2 (d1 / 3 + d2 / 3 + d3 / 12 + d4 / 12) of means over slices of the padded picture.
        /// </summary>
        public void AddNinePoint(double weight)
        {
            double straight = weight * 2 / 3 / (Height * Width * 3);
            double diagonal = weight * 2 / 12 / ((Height + 1) * (Width + 1) * 3);
            for (int c = 0; c < 3; c++)
            {
                for (int row = 0; row <= Height; row++)
                for (int column = 0; column <= Width; column++)
                {
                    if (row < Height && column < Width)
                    {
                        AddPair(At(row, column), At(row, column + 1), straight);
                        AddPair(At(row, column), At(row + 1, column), straight);
                    }

                    AddPair(At(row - 1, column - 1), At(row, column), diagonal);
                    AddPair(At(row - 1, column), At(row, column - 1), diagonal);
                }

                int At(int row, int column) =>
                    (((Math.Clamp(row, 0, Height - 1) * Width) + Math.Clamp(column, 0, Width - 1)) * 3) + c;
            }
        }

        public void Check(double tolerance = 1e-3)
        {
            using var cpu = new CpuDevice(2);
            using var network = new VggNetwork(cpu, _weights, _options.Network);
            var random = new Random(7);
            foreach (PassPlanner planner in new PassPlanner[]
            {
                new WholePlanner(network.Architecture, _options),
                new TestPlanner(network.Architecture, _options, (plan, h, w) => TilePlans.Random(random, plan, h, w)),
            })
            {
                Check(tolerance, cpu, network, planner);
            }
        }

        private void Check(double tolerance, CpuDevice cpu, VggNetwork network, PassPlanner planner)
        {
            using var objective =
                new Objective(cpu, network, _options, Height, Width, _content, [new StyleInput(_style)], planner);
            using Tensor image =
                new Tensor(cpu, new Shape(Height, Width, 3), Array.ConvertAll(_pixels, v => (float)v), true).Retain();
            LossValues losses = objective.ValueAndGradient(image);
            AssertNear("content", _contentLoss, losses.Content);
            AssertNear("style", _styleLoss, losses.Style);
            AssertNear("variation", _variation, losses.Tv);
            AssertNear("total", _contentLoss + _styleLoss + _variation, losses.Total);

            double[] expected = VectorReference.Axpy(_point.Backward(_mapGradients), _pixelGradient, 1);
            float[] actual = image.GradientToArray();
            double error =
                VectorReference.Norm([.. expected.Zip(actual, (e, a) => e - a)]) / VectorReference.Norm(expected);
            Assert.True(error < tolerance, $"the gradient's relative error is {error:g3}");

            void AssertNear(string name, double value, double found)
            {
                // Features are accurate to 1e-5, and their differences are squared.
                Assert.True(
                    Math.Abs(found - value) <= (tolerance * Math.Abs(value)) + 1e-12,
                    $"{name}: {found}, expected {value}");
            }
        }

        private void AddPair(int a, int b, double weight)
        {
            double difference = _pixels[b] - _pixels[a];
            _variation += weight * difference * difference;
            _pixelGradient[b] += 2 * weight * difference;
            _pixelGradient[a] -= 2 * weight * difference;
        }

        private void AddGradient(string layer, double[] gradient) => _mapGradients[layer] =
            _mapGradients.TryGetValue(layer, out double[]? known) ? VectorReference.Axpy(known, gradient, 1) : gradient;

        private static double Square(double[] values) => VectorReference.Dot(values, values);

        private static Picture Smooth(int seed)
        {
            var picture = new Picture(Height, Width);
            for (int i = 0; i < picture.Pixels.Length; i++)
            {
                (int row, int column, int c) = (i / 3 / Width, i / 3 % Width, i % 3);
                picture.Pixels[i] =
                    0.5f + (0.4f * MathF.Sin((seed * 1.7f) + (row * 0.3f * seed) + (column * 0.21f) + c));
            }

            return picture;
        }
    }
}
