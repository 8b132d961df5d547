using NativeStyle.Autodiff;
using NativeStyle.GradientCheck;
using NativeStyle.GradientCheck.References;
using NativeStyle.Imaging;
using NativeStyle.Kernels;
using NativeStyle.Vgg;
using NativeStyle.Vgg.Weights;

namespace NativeStyle.Style.Tests;

/// <summary>
/// The losses of presets against their published formulas, computed here in double precision with MathNet from
/// feature maps of the reference convolution: nothing of the style or autodiff code takes part.
/// </summary>
public class ObjectiveTests
{
    private const int Height = 16;
    private const int Width = 20;

    [Fact]
    public void CourseraIsTheAssignmentsFormula()
    {
        TransferOptions options = Presets.Coursera;
        Setup setup = new(options);
        double content = 0, style = 0;
        foreach (LayerWeight layer in options.ContentLayers)
        {
            // J = sum (aC - aG)² / (4 nH nW nC)
            (double[] a, double[] b, int pixels, int channels) = setup.Maps(layer.Layer, setup.Content);
            content += StyleReference.SquaredError(b, a, 1.0 / (4.0 * pixels * channels));
        }

        foreach (LayerWeight layer in options.StyleLayers)
        {
            // J_l = sum (GS - GG)² / (4 nC² (nH nW)²), G = A Aᵀ unnormalised, 0.2 each
            (double[] a, double[] b, int pixels, int channels) = setup.Maps(layer.Layer, setup.Style);
            double[] gs = StyleReference.Gram(a, pixels, channels, 1), gg = StyleReference.Gram(b, pixels, channels, 1);
            style += 0.2 * StyleReference.SquaredError(gg, gs, 1.0 / (4.0 * channels * channels * pixels * pixels));
        }

        setup.AssertLosses(10 * content, 40 * style, 0);
    }

    [Fact]
    public void GatysIsNeuralStylesFormula()
    {
        TransferOptions options = Presets.Gatys;
        Setup setup = new(options);
        (double[] a, double[] b, int pixels, int channels) = setup.Maps("conv4_2", setup.Content);
        double content = 5 * StyleReference.SquaredError(b, a, 1.0 / (pixels * channels));
        double style = 0;
        foreach (string layer in new[] { "conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1" })
        {
            // Gram matrices divided by the number of elements, mean squared error, weight 100 on each layer.
            (a, b, pixels, channels) = setup.Maps(layer, setup.Style);
            double[] gs = StyleReference.Gram(a, pixels, channels, 1.0 / (pixels * channels));
            double[] gg = StyleReference.Gram(b, pixels, channels, 1.0 / (pixels * channels));
            style += 100 * StyleReference.SquaredError(gg, gs, 1.0 / (channels * channels));
        }

        double tv = StyleReference.TotalVariation(setup.Pixels, Height, Width, 3, 0.5e-3);
        setup.AssertLosses(content, style, tv);
    }

    [Fact]
    public void DefaultIsRelativeToItsTargets()
    {
        TransferOptions options = Presets.DefaultRandom;
        Setup setup = new(options);
        (double[] a, double[] b, int pixels, int channels) = setup.Maps("conv3_1", setup.Content);
        double content = 0.02 * StyleReference.SquaredError(b, a, 1 / StyleReference.SquaredError(a, new double[a.Length], 1));
        double style = 0;
        foreach ((string layer, int share) in new[] { ("conv1_1", 10), ("conv1_2", 20), ("conv2_1", 25), ("conv2_2", 25), ("conv3_1", 20) })
        {
            (a, b, pixels, channels) = setup.Maps(layer, setup.Style);
            double[] gs = StyleReference.Gram(a, pixels, channels, 1), gg = StyleReference.Gram(b, pixels, channels, 1);
            style += share * StyleReference.SquaredError(gg, gs, 1 / StyleReference.SquaredError(gs, new double[gs.Length], 1));
        }

        double tv = StyleReference.TotalVariation(setup.Pixels, Height, Width, 3, 0.8 / (Height * Width * 3));
        setup.AssertLosses(content, style, tv);
    }

    /// <summary>
    /// The gradient on the pixels against central differences of the loss. The loss is computed in float32 and its
    /// differences are coarse: the directional derivative along the gradient, where they are largest, within 1%.
    /// </summary>
    [Theory]
    [InlineData("default")]
    [InlineData("coursera")]
    public void TheGradientPointsUpTheLoss(string preset)
    {
        TransferOptions options = Presets.Find(preset, null);
        Setup setup = new(options);
        float[] gradient = setup.Evaluate(setup.Pixels, out _);
        double norm = Math.Sqrt(gradient.Sum(g => (double)g * g));
        double step = 0.002 * options.PixelRange;
        setup.Evaluate(Moved(step), out double up);
        setup.Evaluate(Moved(-step), out double down);
        Assert.Equal(norm, (up - down) / (2 * step), 0.01 * norm);

        double[] Moved(double distance) => [.. setup.Pixels.Select((pixel, i) => pixel + (distance * gradient[i] / norm))];
    }

    /// <summary>A small problem: two pictures, a point to evaluate at, random weights.</summary>
    private sealed class Setup
    {
        private readonly TransferOptions _options;
        private readonly VggWeights _weights = RandomWeights.Create(VggArchitecture.Vgg19, 5, "conv5_1");

        public Setup(TransferOptions options)
        {
            _options = options;
            Content = Smooth(1);
            Style = Smooth(2);
            Pixels = Array.ConvertAll(Smooth(3).Pixels, value => (double)(value * options.PixelRange));
        }

        public Picture Content { get; }

        public Picture Style { get; }

        /// <summary>The point, in units of the pixel range.</summary>
        public double[] Pixels { get; }

        public float[] Evaluate(double[] pixels, out double loss)
        {
            (double[] losses, float[] gradient) = Run(pixels);
            loss = losses[0];
            return gradient;
        }

        public void AssertLosses(double content, double style, double tv)
        {
            (double[] losses, _) = Run(Pixels);
            // Features are good to 1e-4, and their differences enter squared.
            Assert.Equal(content + style + tv, losses[0], 1e-3 * (content + style + tv));
            Assert.Equal(content, losses[1], 1e-3 * content);
            Assert.Equal(style, losses[2], 1e-3 * style);
            Assert.Equal(tv, losses[3], (1e-4 * tv) + 1e-12);
        }

        /// <summary>Total, content, style and TV loss of this project's code, and the gradient of the total.</summary>
        private (double[] Losses, float[] Gradient) Run(double[] pixels)
        {
            using var cpu = new CpuAccelerator(2);
            using var network = new VggNetwork(cpu, _weights, new VggOptions(_options.Pooling, _options.PoolEdge, _options.InputPadding));
            using var objective = new Objective(cpu, network, _options, Content, Style);
            using var image = new Tensor(cpu, new Shape(Height, Width, 3), Array.ConvertAll(pixels, v => (float)v), true);
            using var tape = new Tape(cpu);
            Losses losses = objective.Evaluate(tape, image);
            tape.Backward(losses.Total);
            Tensor[] scalars = [losses.Total, losses.Content, losses.Style, losses.Variation];
            return ([.. scalars.Select(scalar => (double)scalar.ToArray()[0])], image.GradientToArray());
        }

        /// <summary>Reference feature maps of a target picture and of the point.</summary>
        public (double[] Target, double[] Point, int Pixels, int Channels) Maps(string layer, Picture target)
        {
            (double[] a, int pixels, int channels) = Map(layer, Array.ConvertAll(target.Pixels, v => 255.0 * v));
            (double[] b, _, _) = Map(layer, Array.ConvertAll(Pixels, v => 255.0 / _options.PixelRange * v));
            return (a, b, pixels, channels);
        }

        private (double[] Map, int Pixels, int Channels) Map(string name, double[] pixels255)
        {
            double[] x = [.. pixels255.Select((value, i) => value - VggWeights.CaffeMean[i % 3])];
            (int height, int width, int block) = (Height, Width, 1);
            foreach (VggLayer layer in VggArchitecture.Vgg19.Layers)
            {
                if (layer.Block != block)
                {
                    var pool = new PoolShape(height, width, layer.InChannels, _options.PoolEdge);
                    x = _options.Pooling == Pooling.Average ? PoolReference.Average(x, pool) : PoolReference.Max(x, pool);
                    (height, width, block) = (pool.OutHeight, pool.OutWidth, layer.Block);
                }

                LayerWeights w = _weights.Layers[layer.Name];
                var shape = new Conv3x3Shape(
                    height, width, layer.InChannels, layer.OutChannels, layer.InChannels == 3 ? _options.InputPadding : Padding.Zero);
                x = VectorReference.Relu(ConvolutionReference.Forward(
                    x, Array.ConvertAll(w.Kernel, v => (double)v), Array.ConvertAll(w.Bias, v => (double)v), shape));
                if (layer.Name == name) return (x, height * width, layer.OutChannels);
            }

            throw new ArgumentException(name);
        }

        private static Picture Smooth(int seed)
        {
            var picture = new Picture(Height, Width);
            for (int i = 0; i < picture.Pixels.Length; i++)
            {
                (int row, int column, int c) = (i / 3 / Width, i / 3 % Width, i % 3);
                picture.Pixels[i] = 0.5f + (0.4f * MathF.Sin((seed * 1.7f) + (row * 0.3f * seed) + (column * 0.21f) + c));
            }

            return picture;
        }
    }
}
