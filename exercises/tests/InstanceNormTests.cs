using NativeStyle.Autodiff;
using NativeStyle.GradientCheck;
using NativeStyle.Kernels.Devices;

namespace NativeStyle.Exercises.Tests;

public class InstanceNormTests
{
    [Fact]
    public void TheKernelsPassTheGradientCheck()
    {
        foreach (Func<ComputeDevice> open in new Func<ComputeDevice>[] { () => new CpuDevice(1), KernelDevice.OnCpu })
        {
            using ComputeDevice device = open();
            foreach ((int height, int width, int channels, double mean) in
                new[] { (2, 2, 1, 0.0), (5, 7, 3, 0.0), (1, 40, 5, 0.5), (9, 8, 6, -2.0) })
            {
                CheckResult result = GradientChecker.Check(Case(height, width, channels, mean), device);
                Assert.True(
                    result.Passed,
                    $"{height} x {width} x {channels} on {device.Name}: errors {result.ForwardError:g2} forward, "
                    + $"{result.BackwardError:g2} backward");
            }
        }
    }

    private static CheckCase Case(int height, int width, int channels, double mean)
    {
        var random = new Random(height + width);
        double[] Values(int count, double offset) =>
            [.. Enumerable.Range(0, count).Select(_ => (double)(float)(offset + (2 * random.NextDouble()) - 1))];
        var shape = new Shape(height, width, channels);
        return TapeCase.Of(
            "InstanceNorm",
            [
                (shape, Values(height * width * channels, mean)), (new Shape(channels), Values(channels, 1.5)),
                (new Shape(channels), Values(channels, 0)),
            ],
            shape, (tape, inputs) => tape.Normalized(inputs[0], inputs[1], inputs[2]),
            inputs => Forward(inputs, channels), (inputs, dy) => Backward(inputs, dy, channels), 2e-5);
    }

    private static double[] Forward(double[][] inputs, int channels) =>
        [.. inputs[0].Select((_, i) => (i / channels, i % channels)).Select(((int Pixel, int Channel) at) =>
            (inputs[1][at.Channel] * Hats(inputs[0], channels, at.Channel)[at.Pixel]) + inputs[2][at.Channel])];

    /// <summary>
    /// dx by the matrix of all derivatives of x̂, term by term: nothing of it is summed up beforehand.
    /// </summary>
    private static double[][] Backward(double[][] inputs, double[] dy, int channels)
    {
        int pixels = inputs[0].Length / channels;
        double[] dx = new double[inputs[0].Length], dGamma = new double[channels], dShift = new double[channels];
        for (int c = 0; c < channels; c++)
        {
            double[] hats = Hats(inputs[0], channels, c), g = [.. Column(dy, channels, c)];
            double root = 1 / Math.Sqrt(Variance(inputs[0], channels, c) + 1e-5);
            (dGamma[c], dShift[c]) = (g.Zip(hats, (a, b) => a * b).Sum(), g.Sum());
            for (int q = 0; q < pixels; q++)
                for (int p = 0; p < pixels; p++)
                    dx[(q * channels) + c] += g[p] * inputs[1][c] * root
                        * ((p == q ? 1 : 0) - (1.0 / pixels) - (hats[p] * hats[q] / pixels));
        }

        return [dx, dGamma, dShift];
    }

    private static IEnumerable<double> Column(double[] x, int channels, int c) => x.Where((_, i) => i % channels == c);

    private static double Variance(double[] x, int channels, int c)
    {
        double mean = Column(x, channels, c).Average();
        return Column(x, channels, c).Average(value => (value - mean) * (value - mean));
    }

    private static double[] Hats(double[] x, int channels, int c)
    {
        double mean = Column(x, channels, c).Average(), root = 1 / Math.Sqrt(Variance(x, channels, c) + 1e-5);
        return [.. Column(x, channels, c).Select(value => (value - mean) * root)];
    }
}
