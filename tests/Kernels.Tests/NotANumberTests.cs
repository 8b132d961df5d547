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
/// longer finite. GPUs' max instructions would drop it.
/// </summary>
public class NotANumberTests
{
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
