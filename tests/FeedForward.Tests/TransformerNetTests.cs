using NativeStyle.Autodiff;
using NativeStyle.Autodiff.Operators;
using NativeStyle.Kernels.Devices;

namespace NativeStyle.FeedForward.Tests;

public class TransformerNetTests
{
    /// <summary>
    /// The drawing is PyTorch's in double precision, up to float32's rounding. PyTorch's own float32 drawing is 0.0005
    /// levels of 255 away from it.
    /// </summary>
    [Theory]
    [InlineData("cpu")]
    [InlineData("cpu-128")]
    [InlineData("cpu-kernels")]
    public void ItDrawsWhatPyTorchDraws(string deviceName)
    {
        using ComputeDevice device = TestDevice.Open(deviceName);
        float[] drawing = Draw(device, Fixtures.Picture, Fixtures.Height, Fixtures.Width);
        float[] expected = Fixtures.Drawing;
        double worst = 0;
        for (int y = 0; y < Fixtures.Height; y++)
        for (int i = 0; i < 3 * Fixtures.Width; i++)
        {
            double difference =
                drawing[(y * 3 * Fixtures.Width) + i] - expected[(y * 3 * Fixtures.DrawnWidth) + i];
            worst = Math.Max(worst, Math.Abs(difference));
        }

        Assert.True(worst < 2e-3, $"differs by {worst} levels");
    }

    /// <summary>
    /// The derivative of a loss along a random direction of each parameter, and of the pixels, is that of the double
    /// precision reference by central differences. The gradient of the picture is asked for or not.
    /// </summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void EveryGradientIsTheDerivativeOfTheReference(bool pixelsToo)
    {
        const int Height = 14, Width = 19;
        const double Step = 1e-6;
        TransformerWeights weights = ModelFile.Read(Fixtures.Of("small_zip.pth")).Weights;
        var random = new Random(4);
        float[] pixels = [.. Enumerable.Range(0, 3 * Height * Width).Select(_ => 255 * random.NextSingle())];
        float[] factors = [.. Enumerable.Range(0, pixels.Length).Select(_ => random.NextSingle() - 0.5f)];
        using ComputeDevice device = TestDevice.Open("cpu");
        using var net = new TransformerNet(device, weights, trainable: true);
        using var input = new Tensor(device, new Shape(Height, Width, 3), pixels, pixelsToo);
        using var tape = new Tape(device);
        tape.Backward(net.Run(tape, input.Retain()), factors);
        Dictionary<string, double[]> gradients = net.Parameters.ToDictionary(
            item => item.Parameter.Name, item => Wide(item.Tensor.GradientToArray()));
        Dictionary<string, double[]> values = net.Parameters.ToDictionary(
            item => item.Parameter.Name, item => Wide(weights[item.Parameter.Name]));
        (gradients["pixels"], values["pixels"]) =
            (pixelsToo ? Wide(input.GradientToArray()) : new double[pixels.Length], Wide(pixels));
        foreach (string name in values.Keys.Where(name => pixelsToo == (name == "pixels")))
        {
            double[] direction = [.. values[name].Select(_ => random.NextDouble() - 0.5)];
            double expected = (Loss(Step) - Loss(-Step)) / (2 * Step);
            double[] terms = [.. gradients[name].Zip(direction, (g, d) => g * d)];
            // A bias before a norm has no effect, and its terms are rounding of sums over positions.
            double size = Math.Sqrt(terms.Sum(term => term * term));
            Assert.True(
                Math.Abs(terms.Sum() - expected) < (1e-5 * size) + 5e-4, $"{name}: {terms.Sum()}, {expected}, {size}");

            double Loss(double step)
            {
                double[] Moved(string each) => each != name
                    ? values[each] : [.. values[each].Zip(direction, (value, d) => value + (step * d))];
                double[] drawing = new ReferenceTransformer(2, Moved).Draw(Moved("pixels"), Height, Width);
                return drawing.Zip(factors, (value, factor) => value * factor).Sum();
            }
        }
    }

    [Theory]
    [InlineData(5, 5)]
    [InlineData(6, 13)]
    [InlineData(16, 7)]
    [InlineData(11, 32)]
    public void ADrawingHasThePicturesSizeAndIsThatOfTheReference(int height, int width)
    {
        var random = new Random(5);
        float[] pixels = [.. Enumerable.Range(0, 3 * height * width).Select(_ => 255 * random.NextSingle())];
        TransformerWeights weights = ModelFile.Read(Fixtures.Of("small_zip.pth")).Weights;
        using ComputeDevice device = TestDevice.Open("cpu");
        float[] drawing = Draw(device, pixels, height, width);
        double[] expected =
            new ReferenceTransformer(2, name => Wide(weights[name])).Draw(Wide(pixels), height, width);
        Assert.Equal(expected.Length, drawing.Length);
        for (int i = 0; i < drawing.Length; i++) Assert.Equal(expected[i], drawing[i], 0.01);
    }

    [Theory]
    [InlineData(4, 9, 3)]
    [InlineData(9, 4, 3)]
    [InlineData(9, 9, 1)]
    public void APictureThatCannotBeDrawnIsRefused(int height, int width, int channels)
    {
        using ComputeDevice device = TestDevice.Open("cpu");
        using var net = new TransformerNet(device, TransformerWeights.Random(Fixtures.Architecture, 1));
        using var picture = new Tensor(
            device, new Shape(height, width, channels), new float[height * width * channels]);
        using var tape = new Tape(device);
        var error = Assert.Throws<ArgumentException>(() => net.Run(tape, picture));
        string words = $"{width} x {height} x {channels}, expected at least 5 x 5 x 3";
        Assert.Contains(words, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void TheSameNetworkGivesTheSameBytesWithAnyNumberOfThreads()
    {
        float[][] runs = [.. new[] { 1, 2, 3, 2 }.Select(threads =>
        {
            using ComputeDevice device = DeviceCatalog.Find("cpu")!.Open(threads);
            using var net = new TransformerNet(
                device, TransformerWeights.Random(Fixtures.Architecture, 8), trainable: true);
            using var picture = new Tensor(
                device, new Shape(Fixtures.Height, Fixtures.Width, 3), Fixtures.Picture);
            using var tape = new Tape(device);
            Tensor drawing = net.Run(tape, picture).Retain();
            float[] drawn = drawing.ToArray();
            tape.Backward(drawing, drawn);
            return (float[])[.. drawn, .. net.Parameters.SelectMany(item => item.Tensor.GradientToArray())];
        })];
        Assert.All(runs, run => Assert.Equal(runs[0], run));
        Assert.All(runs[0], value => Assert.True(float.IsFinite(value)));
    }

    /// <summary>PyTorch counts 1,679,235 parameters of its network in 62 tensors.</summary>
    [Fact]
    public void TheFullNetworkIsThePublishedOne()
    {
        TransformerParameter[] parameters = [.. TransformerArchitecture.Full.Parameters];
        Assert.Equal(62, parameters.Length);
        Assert.Equal(1_679_235, parameters.Sum(parameter => parameter.Shape.Length));
        Assert.Equal(TransformerArchitecture.Full, TransformerArchitecture.OfWidth(1));
        Assert.Equal(new TransformerArchitecture(16, 32, 64, 5), TransformerArchitecture.OfWidth(0.5));
    }

    [Fact]
    public void RandomWeightsAreThoseOfPyTorchsLayers()
    {
        TransformerArchitecture half = TransformerArchitecture.OfWidth(0.5);
        TransformerWeights a = TransformerWeights.Random(half, 3), b = TransformerWeights.Random(half, 3);
        TransformerWeights other = TransformerWeights.Random(half, 4);
        Assert.All(half.Parameters, parameter => Assert.Equal(a[parameter.Name], b[parameter.Name]));
        Assert.NotEqual(a["conv1.conv2d.weight"], other["conv1.conv2d.weight"]);
        Assert.NotEqual(a["res1.conv1.conv2d.weight"], a["res1.conv2.conv2d.weight"]);
        Assert.All(a["in4.weight"], value => Assert.Equal(1f, value));
        Assert.All(a["res2.in2.bias"], value => Assert.Equal(0f, value));
        // U(-b, b) has the variance b b / 3. The mean of n squares deviates by sqrt(4 / 5 / n) of itself.
        double bound = 1 / Math.Sqrt(9 * 64);
        float[] filter = a["res3.conv1.conv2d.weight"];
        Assert.All(filter, value => Assert.InRange(value, -bound, bound));
        double variance = filter.Average(value => (double)value * value), deviation = Math.Sqrt(0.8 / filter.Length);
        Assert.InRange(variance / (bound * bound / 3), 1 - (4 * deviation), 1 + (4 * deviation));
        Assert.All(a["res3.conv1.conv2d.bias"], value => Assert.InRange(value, -bound, bound));
        Assert.True(a["res3.conv1.conv2d.bias"].Distinct().Count() > 60);
    }

    private static double[] Wide(float[] values) => Array.ConvertAll(values, value => (double)value);

    private static float[] Draw(ComputeDevice device, float[] pixels, int height, int width)
    {
        using var net = new TransformerNet(device, ModelFile.Read(Fixtures.Of("small_zip.pth")).Weights);
        using var picture = new Tensor(device, new Shape(height, width, 3), pixels);
        using var tape = new Tape(device);
        return net.Run(tape, picture).ToArray();
    }
}
