using System.Runtime.Intrinsics;
using ILGPU;
using ILGPU.Runtime;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;
using NativeStyle.Kernels.Simd;

namespace NativeStyle.Kernels.Operators.Pool2x2;

// Average pooling 2x2, stride 2. n(p) is the number of pixels of window p that exist (4 inside).
//
//   forward   y[p, c] = 1 / n(p)  sum over q in window p of x[q, c]
//   backward  dx[q, c] = dy[p, c] / n(p)  for the window p that holds q, else 0 (floor drops the odd last row, column)

/// <summary>2x2 average pooling, forward and backward.</summary>
public static unsafe class AveragePoolOp
{
    private static readonly Operator<ForwardArguments> s_forward = new Operator<ForwardArguments>(
            "AveragePool.Forward", a => ($"{a.Shape}", Work.Each(a.Shape.InLength, 1, 2)))
        .Vectorized(VectorForward)
        .Plain((device, a) => device.Launch(ForwardKernel, a.Output.Length, a.Input, a.Output, a.Shape));

    private static readonly Operator<BackwardArguments> s_backward = new Operator<BackwardArguments>(
            "AveragePool.Backward", a => ($"{a.Shape}", Work.Each(a.Shape.InLength, 1, 2)))
        .Vectorized(VectorBackward)
        .Plain((device, a) => device.Launch(
            BackwardKernel, a.GradInput.Length, a.GradOutput, a.GradInput, a.Shape, a.Beta));

    private readonly record struct ForwardArguments(ArrayView<float> Input, ArrayView<float> Output, PoolShape Shape);

    private readonly record struct BackwardArguments(
        ArrayView<float> GradOutput, ArrayView<float> GradInput, PoolShape Shape, float Beta);

    internal static void ForwardKernel(Index1D index, ArrayView<float> input, ArrayView<float> output, PoolShape shape)
    {
        int c = index % shape.Channels;
        int window = index / shape.Channels;
        int row = window / shape.OutWidth * 2;
        int column = window % shape.OutWidth * 2;
        float sum = 0f;
        int count = 0;
        for (int k = 0; k < 4; k++)
        {
            if (row + (k / 2) < shape.Height && column + (k % 2) < shape.Width)
            {
                sum += input[((((row + (k / 2)) * shape.Width) + column + (k % 2)) * shape.Channels) + c];
                count++;
            }
        }

        output[index] = sum / count;
    }

    internal static void BackwardKernel(
        Index1D index, ArrayView<float> gradOutput, ArrayView<float> gradInput, PoolShape shape, float beta)
    {
        int c = index % shape.Channels;
        int pixel = index / shape.Channels;
        int row = pixel / shape.Width / 2;
        int column = pixel % shape.Width / 2;
        float gradient = 0f;
        if (row < shape.OutHeight && column < shape.OutWidth)
        {
            gradient = gradOutput[(((row * shape.OutWidth) + column) * shape.Channels) + c]
                / shape.WindowPixels(row, column);
        }
        Accumulate.Into(ref gradInput[index], gradient, beta);
    }

    /// <summary>y = the mean of each window.</summary>
    /// <param name="input">(height, width, channels).</param>
    /// <param name="output">(out height, out width, channels).</param>
    public static void Forward(ComputeDevice device, ArrayView<float> input, ArrayView<float> output, PoolShape shape)
    {
        Require.Length(input, shape.InLength, nameof(input));
        Require.Length(output, shape.OutLength, nameof(output));
        s_forward.Run(device, new ForwardArguments(input, output, shape));
    }

    /// <summary>dx = beta dx + dy spread evenly over each window.</summary>
    public static void Backward(
        ComputeDevice device, ArrayView<float> gradOutput, ArrayView<float> gradInput, PoolShape shape, float beta)
    {
        Require.Length(gradInput, shape.InLength, nameof(gradInput));
        Require.Length(gradOutput, shape.OutLength, nameof(gradOutput));
        s_backward.Run(device, new BackwardArguments(gradOutput, gradInput, shape, beta));
    }

    private static void VectorForward(CpuDevice cpu, ForwardArguments arguments) =>
        PoolWindows.ForEach(
            cpu, arguments.Input.Pointer, arguments.Output.Pointer, arguments.Shape,
            (a, right, down, y) =>
            {
                int c = 0, channels = arguments.Shape.Channels;
                for (; c <= channels - Rows.Lanes; c += Rows.Lanes)
                {
                    Vector256<float> top = Vector256.Load(a + c) + Vector256.Load(a + right + c);
                    Vector256<float> bottom = Vector256.Load(a + down + c) + Vector256.Load(a + down + right + c);
                    ((top + bottom) * 0.25f).Store(y + c);
                }

                for (; c < channels; c++)
                    y[c] = (a[c] + a[right + c] + (a[down + c] + a[down + right + c])) * 0.25f;
            });

    private static void VectorBackward(CpuDevice cpu, BackwardArguments a)
    {
        (PoolShape shape, float beta) = (a.Shape, a.Beta);
        (int height, int width, int channels) = (shape.Height, shape.Width, shape.Channels);
        float* gradOutput = a.GradOutput.Pointer, gradInput = a.GradInput.Pointer;
        cpu.Parallel(height, row =>
        {
            for (int column = 0; column < width; column++)
            {
                float* dx = gradInput + ((((long)row * width) + column) * channels);
                (int y, int x) = (row / 2, column / 2);
                bool pooled = y < shape.OutHeight && x < shape.OutWidth;
                float* dy = gradOutput + (pooled ? (((long)y * shape.OutWidth) + x) * channels : 0);
                float share = pooled ? 1f / shape.WindowPixels(y, x) : 0f;
                if (beta == 0f && !pooled)
                    new Span<float>(dx, channels).Clear();
                else if (beta == 0f)
                    for (int c = 0; c < channels; c++) dx[c] = dy[c] * share;
                else if (beta != 1f)
                    for (int c = 0; c < channels; c++) dx[c] = (beta * dx[c]) + (pooled ? dy[c] * share : 0f);
                else if (pooled)
                    Rows.AddScaled(dx, dy, share, channels);
            }
        });
    }
}
