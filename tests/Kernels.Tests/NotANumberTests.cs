using ILGPU;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;
using NativeStyle.Kernels.Operators.Conv3x3;
using NativeStyle.Kernels.Operators.Pixels;
using NativeStyle.Kernels.Operators.Pool2x2;
using NativeStyle.Kernels.Operators.Relu;

namespace NativeStyle.Kernels.Tests;

/// <summary>
/// Not-a-number passes through ReLU and max pooling on every device, so that a run notices when its losses are no
/// longer finite. GPUs' max instructions would drop it. Gradients pass to where it is too, as in PyTorch, and to the
/// first of equal maxima.
/// </summary>
public class NotANumberTests
{
    /// <summary>Odd sizes, one row, one column, one pixel.</summary>
    private static readonly (int Height, int Width)[] s_sizes = [(5, 7), (4, 5), (1, 6), (7, 1), (1, 1)];

    [Theory]
    [InlineData("cpu")]
    [InlineData("cpu-256")]
    [InlineData("cpu-128")]
    [InlineData("cpu-kernels")]
    public void OnTheCpu(string device) => Check(device);

    [SkippableFact]
    [Trait("Device", "OpenCl")]
    public void OnOpenCl() => Check("opencl");

    /// <summary>Runs the form of GPUs on the CPU.</summary>
    [Fact]
    public void InTheTiledForm()
    {
        using ComputeDevice device = TestDevice.Open("cpu-kernels");
        foreach (Pooling pooling in new[] { Pooling.None, Pooling.Average, Pooling.Max })
            CheckConvolution(device, new Conv3x3Shape(4, 6, 8, 8, Relu: true, Pooling: pooling), WinogradGpu.Forward);
    }

    [Theory]
    [InlineData("cpu")]
    [InlineData("cpu-256")]
    [InlineData("cpu-128")]
    [InlineData("cpu-kernels")]
    public void BackwardOnTheCpu(string device) => CheckBackward(device);

    [SkippableFact]
    [Trait("Device", "OpenCl")]
    public void BackwardOnOpenCl() => CheckBackward("opencl");

    /// <summary>Runs the forms of GPUs on the CPU.</summary>
    [Fact]
    public void BackwardInTheFormsOfGpus()
    {
        using ComputeDevice device = TestDevice.Open("cpu-kernels");
        CheckGates(device, new(3, 7, 8, 8), WinogradGpu.Forward, WinogradGpu.BackwardData);
        CheckGates(device, new(3, 5, 3, 4), DirectGpu.Forward, DirectGpu.BackwardFewInputs);
        CheckGates(device, new(3, 4, 5, 4), DirectGpu.Forward, DirectGpu.BackwardData);
    }

    private static void CheckBackward(string name)
    {
        using ComputeDevice device = TestDevice.Open(name);
        using DeviceBuffer<float> y = device.Allocate<float>([0f, float.NaN, 2f, 0f, 3f]);
        using DeviceBuffer<float> dy = device.Allocate<float>([1f, 5f, float.NaN, float.NaN, 4f]);
        using DeviceBuffer<float> dx = device.Allocate<float>(5);
        ReluOp.Backward(device, dy.View, y.View, dx.View, 0f);
        Assert.Equal([0f, 5f, float.NaN, 0f, 4f], dx.GetAsArray());

        foreach ((int height, int width) in s_sizes)
        {
            foreach (PoolEdge edge in new[] { PoolEdge.Floor, PoolEdge.Same })
            {
                foreach (int channels in new[] { 1, 3, 8, 19, 33 })
                {
                    var shape = new PoolShape(height, width, channels, edge);
                    if (shape.OutLength > 0) CheckMaxPool(device, shape);
                    foreach (Pooling pooling in new[] { Pooling.None, Pooling.Average, Pooling.Max })
                        CheckReluPool(device, new(height, width, 1, channels, Padding.Zero, true, pooling, edge));
                }
            }
        }

        foreach (Conv3x3Shape shape in new Conv3x3Shape[] { new(5, 7, 3, 19), new(7, 5, 16, 33), new(6, 5, 16, 16) })
            CheckGates(device, shape, RunForward, RunBackward);
    }

    /// <summary>Windows of few different values, so that many are equal, with not-a-number among them.</summary>
    private static void CheckMaxPool(ComputeDevice device, PoolShape shape)
    {
        float[] x = Few(shape.InLength, 1), dy = Few(shape.OutLength, 2);
        float[] y = new float[shape.OutLength], dx = new float[shape.InLength];
        ForEachWindow(shape, (output, window) =>
        {
            int first = FirstMaximum(window, x);
            (y[output], dx[first]) = (x[first], dy[output]);
        });
        using DeviceBuffer<float> input = device.Allocate<float>(x), gradOutput = device.Allocate<float>(dy);
        using DeviceBuffer<float> output = device.Allocate<float>(y.Length);
        using DeviceBuffer<float> gradInput = device.Allocate<float>(Nans(dx.Length));
        MaxPoolOp.Forward(device, input.View, output.View, shape);
        Assert.Equal(y, output.GetAsArray());
        MaxPoolOp.Backward(device, gradOutput.View, input.View, gradInput.View, shape, 0f);
        Assert.Equal(dx, gradInput.GetAsArray());
    }

    private static void CheckReluPool(ComputeDevice device, Conv3x3Shape shape)
    {
        float[] z = Few(shape.PreactivationLength, 3), dy = Few(shape.OutLength, 4);
        using DeviceBuffer<float> preactivation = device.Allocate<float>(z), gradOutput = device.Allocate<float>(dy);
        using DeviceBuffer<float> output = device.Allocate<float>(Nans(shape.OutLength));
        using DeviceBuffer<float> gradient = device.Allocate<float>(Nans(z.Length));
        using DeviceBuffer<uint> gate = device.Allocate<uint>(shape.GateLength);
        ReluPoolOp.Forward(device, preactivation.View, output.View, gate.View, shape);
        (float[] y, bool[] open) = ReluAndPool(z, shape);
        Assert.Equal(y, output.GetAsArray());
        Assert.Equal(open, Bits(gate.GetAsArray(), shape));

        float[] dz = new float[z.Length];
        if (shape.Pooling == Pooling.None)
        {
            for (int i = 0; i < dz.Length; i++) dz[i] = open[i] ? dy[i] : 0f;
        }
        else
        {
            ForEachWindow(shape.PoolShape, (index, window) =>
            {
                foreach (int at in window)
                    if (open[at]) dz[at] = shape.Pooling == Pooling.Max ? dy[index] : dy[index] / window.Length;
            });
        }

        ReluPoolOp.Backward(device, gradOutput.View, gate.View, gradient.View, shape);
        Assert.Equal(dz, gradient.GetAsArray());
    }

    /// <summary>
    /// Holds outputs and gates of a convolution that pools against what ReLU and pooling make of the same form's
    /// outputs without pooling. Every other filter is zero, so that all of a window's values are equal. Backward must
    /// take not-a-number where a gate is open, and leave it where all gates of a window are shut.
    /// </summary>
    private static void CheckGates(
        ComputeDevice device, Conv3x3Shape sizes, Action<ComputeDevice, Conv3x3Op.ForwardArguments> forward,
        Action<ComputeDevice, Conv3x3Op.BackwardDataArguments> backward)
    {
        var random = new Random(2);
        float[] w = [.. Enumerable.Range(0, (int)sizes.FilterLength)
            .Select(i => i % sizes.OutChannels % 2 == 0 ? random.NextSingle() - 0.5f : 0f)];
        float[] b = [.. Enumerable.Range(0, sizes.OutChannels).Select(o => o % 4 < 2 ? 0.25f : -0.25f)];
        float[] x = [.. Enumerable.Range(0, (int)sizes.InLength).Select(_ => random.NextSingle() - 0.5f)];
        x[^1] = float.NaN;
        using var weights = new Conv3x3Weights(device, w, b);
        using DeviceBuffer<float> input = device.Allocate<float>(x);
        float[] bare = Forward(sizes with { Relu = true }).Y;
        Assert.Contains(bare, float.IsNaN);
        foreach (Pooling pooling in new[] { Pooling.None, Pooling.Average, Pooling.Max })
        {
            foreach (PoolEdge edge in new[] { PoolEdge.Floor, PoolEdge.Same })
            {
                Conv3x3Shape shape = sizes with { Relu = true, Pooling = pooling, PoolEdge = edge };
                (float[] y, uint[] gate) = Forward(shape);
                (float[] expected, bool[] open) = ReluAndPool(bare, shape);
                for (int i = 0; i < y.Length; i++)
                {
                    Assert.True(
                        float.IsNaN(expected[i]) ? float.IsNaN(y[i]) : Math.Abs(expected[i] - y[i]) <= 1e-5f,
                        $"{device.Name}, {shape}: {y[i]} at {i}, expected {expected[i]}");
                }

                Assert.Equal(open, Bits(gate, shape));
                CheckGradients(shape, gate, open);
            }
        }

        (float[] Y, uint[] Gate) Forward(Conv3x3Shape shape)
        {
            using DeviceBuffer<float> output = device.Allocate<float>(Nans(shape.OutLength));
            using DeviceBuffer<uint> gate = device.Allocate<uint>(shape.GateLength);
            forward(device, new(input.View, weights, output.View, gate.View, shape));
            return (output.GetAsArray(), gate.GetAsArray());
        }

        void CheckGradients(Conv3x3Shape shape, uint[] gate, bool[] open)
        {
            int[][] windows = new int[shape.OutLength][];
            if (shape.Pooling == Pooling.None) windows = [.. Enumerable.Range(0, open.Length).Select(i => new[] { i })];
            else ForEachWindow(shape.PoolShape, (index, window) => windows[index] = window);
            float[] clean = [.. windows.Select((window, i) => window.Any(at => open[at]) ? (i % 7) - 3f : 0f)];
            float[] behindGates = [.. windows.Select((window, i) => window.Any(at => open[at]) ? clean[i] : float.NaN)];
            Assert.Contains(behindGates, float.IsNaN);
            float[] expected = Backward(clean);
            Assert.All(expected, value => Assert.True(float.IsFinite(value)));
            Assert.Equal(expected, Backward(behindGates));

            int through = Array.FindLastIndex(windows, window => window.Any(at => open[at]));
            clean[through] = float.NaN;
            float[] dx = Backward(clean);
            foreach (int at in windows[through].Where(at => open[at]))
            {
                int pixel = at / shape.OutChannels * shape.InChannels;
                Assert.All(dx[pixel..(pixel + shape.InChannels)], value => Assert.Equal(float.NaN, value));
            }

            float[] Backward(float[] dy)
            {
                using DeviceBuffer<float> gradOutput = device.Allocate<float>(dy);
                using DeviceBuffer<float> gradInput = device.Allocate<float>(Nans(shape.InLength));
                using DeviceBuffer<uint> gates = device.Allocate<uint>(gate);
                backward(device, new(gradOutput.View, gates.View, weights, gradInput.View, shape, 0f));
                return gradInput.GetAsArray();
            }
        }
    }

    /// <summary>
    /// ReLU and pooling as their definitions say: the outputs, and for each element whether a gradient passes to it.
    /// </summary>
    private static (float[] Y, bool[] Open) ReluAndPool(float[] z, Conv3x3Shape shape)
    {
        float[] rectified = Array.ConvertAll(z, value => value < 0f ? 0f : value);
        bool[] positive = Array.ConvertAll(rectified, value => value > 0f || float.IsNaN(value));
        if (shape.Pooling == Pooling.None) return (rectified, positive);
        float[] y = new float[shape.OutLength];
        bool[] open = new bool[z.Length];
        ForEachWindow(shape.PoolShape, (index, window) =>
        {
            int first = FirstMaximum(window, rectified);
            bool isMax = shape.Pooling == Pooling.Max;
            y[index] = isMax ? rectified[first] : window.Sum(at => rectified[at]) / window.Length;
            foreach (int at in window) open[at] = positive[at] && (!isMax || at == first);
        });
        return (y, open);
    }

    /// <summary>The first not-a-number of a window, or else the first of its largest values.</summary>
    private static int FirstMaximum(int[] window, float[] values)
    {
        int first = Array.FindIndex(window, at => float.IsNaN(values[at]));
        float largest = window.Max(at => values[at]);
        return window[first >= 0 ? first : Array.FindIndex(window, at => values[at] == largest)];
    }

    /// <summary>Calls visit(output index, indices of the window's elements in row order) for every window.</summary>
    private static void ForEachWindow(PoolShape shape, Action<int, int[]> visit)
    {
        for (int i = 0; i < shape.OutLength; i++)
        {
            (int pixel, int c) = (i / shape.Channels, i % shape.Channels);
            (int top, int left) = (pixel / shape.OutWidth * 2, pixel % shape.OutWidth * 2);
            List<int> window = [];
            for (int row = top; row < Math.Min(top + 2, shape.Height); row++)
                for (int column = left; column < Math.Min(left + 2, shape.Width); column++)
                    window.Add((((row * shape.Width) + column) * shape.Channels) + c);
            visit(i, [.. window]);
        }
    }

    private static bool[] Bits(uint[] gate, Conv3x3Shape shape)
    {
        (int channels, int words) = (shape.OutChannels, shape.GateWordsPerPixel);
        return [.. Enumerable.Range(0, (int)shape.PreactivationLength)
            .Select(i => (gate[(i / channels * words) + (i % channels / 32)] >> (i % channels % 32) & 1) != 0)];
    }

    /// <summary>Values of -2, -1, 0, 1, 2 and not-a-number.</summary>
    private static float[] Few(long length, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, (int)length)
            .Select(_ => random.Next(8) == 0 ? float.NaN : random.Next(-2, 3))];
    }

    private static float[] Nans(long length) => [.. Enumerable.Repeat(float.NaN, (int)length)];

    private static void Check(string name)
    {
        using ComputeDevice device = TestDevice.Open(name);
        using DeviceBuffer<float> x = device.Allocate<float>([-1f, float.NaN, 2f, 0f]), y = device.Allocate<float>(4);
        ReluOp.Forward(device, x.View, y.View);
        Assert.Equal([0f, float.NaN, 2f, 0f], y.GetAsArray());
        PixelsOp.Clamp(device, x.View, -0.5f, 1f);
        Assert.Equal([-0.5f, float.NaN, 1f, 0f], x.GetAsArray());

        // Puts not-a-number at each of a window's four places, in vectors and outside them.
        foreach (int channels in new[] { 3, 19 })
        {
            var shape = new PoolShape(2, 2, channels, PoolEdge.Floor);
            for (int place = 0; place < 4; place++)
            {
                float[] values = [.. Enumerable.Range(0, 4 * channels)
                    .Select(i => i / channels == place && i % channels != 1 ? float.NaN : i)];
                using DeviceBuffer<float> input = device.Allocate<float>(values);
                using DeviceBuffer<float> output = device.Allocate<float>(channels);
                MaxPoolOp.Forward(device, input.View, output.View, shape);
                Assert.Equal(
                    Enumerable.Range(0, channels).Select(c => c == 1 ? (3 * channels) + 1 : float.NaN),
                    output.GetAsArray());
            }
        }

        foreach (int channels in new[] { 3, 5, 16 })
        {
            foreach (Pooling pooling in new[] { Pooling.None, Pooling.Average, Pooling.Max })
            {
                var shape = new Conv3x3Shape(5, 6, channels, 16, Relu: true, Pooling: pooling);
                CheckConvolution(device, shape, RunForward);
            }
        }
    }

    private static void RunForward(ComputeDevice device, Conv3x3Op.ForwardArguments a) =>
        Conv3x3Op.Forward(device, a.Input, a.Weights, a.Output, a.Gate, a.Shape);

    private static void RunBackward(ComputeDevice device, Conv3x3Op.BackwardDataArguments a) =>
        Conv3x3Op.BackwardData(device, a.GradOutput, a.Gate, a.Weights, a.GradInput, a.Shape, a.Beta);

    /// <summary>
    /// Wherever the direct sum has a not-a-number, the convolution has one too (Winograd spreads it over its tile).
    /// </summary>
    private static void CheckConvolution(
        ComputeDevice device, Conv3x3Shape shape, Action<ComputeDevice, Conv3x3Op.ForwardArguments> forward)
    {
        var random = new Random(1);
        float[] w = [.. Enumerable.Range(0, (int)shape.FilterLength).Select(_ => random.NextSingle() - 0.5f)];
        float[] x = [.. Enumerable.Range(0, (int)shape.InLength).Select(_ => random.NextSingle() - 0.5f)];
        x[((shape.Width + 2) * shape.InChannels) + 1] = float.NaN;
        using var weights = new Conv3x3Weights(device, w, new float[shape.OutChannels]);
        using DeviceBuffer<float> input = device.Allocate<float>(x), output = device.Allocate<float>(shape.OutLength);
        using DeviceBuffer<uint> gate = device.Allocate<uint>(shape.GateLength);
        forward(device, new(input.View, weights, output.View, gate.View, shape));
        float[] y = output.GetAsArray();
        int width = shape.Pooling == Pooling.None ? shape.Width : shape.PoolShape.OutWidth;
        int step = shape.Pooling == Pooling.None ? 1 : 2;
        for (int row = 0; row <= 2; row++)
        {
            for (int column = 1; column <= 3; column++)
            {
                int pixel = (row / step * width) + (column / step);
                if ((pixel + 1) * shape.OutChannels > y.Length) continue;
                Assert.All(
                    y[(pixel * shape.OutChannels)..((pixel + 1) * shape.OutChannels)],
                    value => Assert.True(
                        float.IsNaN(value), $"{device.Name}, {shape}: {value} at ({row}, {column})"));
            }
        }
    }
}
