using System.Runtime.Intrinsics;
using ILGPU;
using ILGPU.Runtime;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;
using NativeStyle.Kernels.Simd;

namespace NativeStyle.Kernels.Operators.Pool2x2;

// L2 pooling 2x2, stride 2: the length of each window's vector, a compromise between average and maximum.
//
//   forward   y[p, c] = sqrt(sum over q in window p of x[q, c]²)
//   backward  dx[q, c] = dy[p, c] x[q, c] / y[p, c]  for the window p that holds q, 0 where y is 0 or no window holds q

/// <summary>2x2 L2 pooling, forward and backward.</summary>
public static unsafe class L2PoolOp
{
    private static readonly Operator<ForwardArguments> s_forward = new Operator<ForwardArguments>(
            "L2Pool.Forward", a => ($"{a.Shape}", Work.Each(a.Shape.InLength, 2, 2)))
        .Vectorized(VectorForward)
        .Plain((device, a) => device.Launch(ForwardKernel, a.Output.Length, a.Input, a.Output, a.Shape));

    private static readonly Operator<BackwardArguments> s_backward = new Operator<BackwardArguments>(
            "L2Pool.Backward", a => ($"{a.Shape}", Work.Each(a.Shape.InLength, 2, 3)))
        .Vectorized(VectorBackward)
        .Plain((device, a) => device.Launch(
            BackwardKernel, a.GradInput.Length, a.GradOutput, a.Input, a.Output, a.GradInput, a.Shape, a.Beta));

    private readonly record struct ForwardArguments(ArrayView<float> Input, ArrayView<float> Output, PoolShape Shape);

    private readonly record struct BackwardArguments(
        ArrayView<float> GradOutput,
        ArrayView<float> Input,
        ArrayView<float> Output,
        ArrayView<float> GradInput,
        PoolShape Shape,
        float Beta);

    internal static void ForwardKernel(Index1D index, ArrayView<float> input, ArrayView<float> output, PoolShape shape)
    {
        int c = index % shape.Channels;
        int window = index / shape.Channels;
        int row = window / shape.OutWidth * 2;
        int column = window % shape.OutWidth * 2;
        float sum = 0f;
        for (int k = 0; k < 4; k++)
        {
            if (row + (k / 2) < shape.Height && column + (k % 2) < shape.Width)
            {
                float value = input[((((row + (k / 2)) * shape.Width) + column + (k % 2)) * shape.Channels) + c];
                sum += value * value;
            }
        }

        output[index] = MathF.Sqrt(sum);
    }

    internal static void BackwardKernel(
        Index1D index,
        ArrayView<float> gradOutput,
        ArrayView<float> input,
        ArrayView<float> output,
        ArrayView<float> gradInput,
        PoolShape shape,
        float beta)
    {
        int c = index % shape.Channels;
        int pixel = index / shape.Channels;
        int row = pixel / shape.Width / 2;
        int column = pixel % shape.Width / 2;
        float gradient = 0f;
        if (row < shape.OutHeight && column < shape.OutWidth)
        {
            int at = (((row * shape.OutWidth) + column) * shape.Channels) + c;
            if (output[at] > 0f) gradient = gradOutput[at] * input[index] / output[at];
        }

        Accumulate.Into(ref gradInput[index], gradient, beta);
    }

    /// <summary>y = the 2-norm of each window.</summary>
    /// <param name="input">(height, width, channels).</param>
    /// <param name="output">(out height, out width, channels).</param>
    public static void Forward(ComputeDevice device, ArrayView<float> input, ArrayView<float> output, PoolShape shape)
    {
        Require.Length(input, shape.InLength, nameof(input));
        Require.Length(output, shape.OutLength, nameof(output));
        s_forward.Run(device, new ForwardArguments(input, output, shape));
    }

    /// <summary>dx = beta dx + dy x / y.</summary>
    /// <param name="input">x of the forward pass.</param>
    /// <param name="output">y of the forward pass.</param>
    public static void Backward(
        ComputeDevice device, ArrayView<float> gradOutput, ArrayView<float> input, ArrayView<float> output,
        ArrayView<float> gradInput, PoolShape shape, float beta)
    {
        Require.Length(gradInput, shape.InLength, nameof(gradInput));
        Require.Length(input, shape.InLength, nameof(input));
        Require.Length(output, shape.OutLength, nameof(output));
        Require.Length(gradOutput, shape.OutLength, nameof(gradOutput));
        s_backward.Run(device, new BackwardArguments(gradOutput, input, output, gradInput, shape, beta));
    }

    /// <summary>Pools all windows. A window over the edge reads pixels twice, which are counted once.</summary>
    private static void VectorForward(CpuDevice cpu, ForwardArguments arguments) =>
        PoolWindows.ForEach(
            cpu, arguments.Input.Pointer, arguments.Output.Pointer, arguments.Shape,
            (a, right, down, y) =>
            {
                int channels = arguments.Shape.Channels;
                (float withRight, float withDown) = (right == 0 ? 0f : 1f, down == 0 ? 0f : 1f);
                int c = 0;
                for (; c <= channels - Rows.Lanes; c += Rows.Lanes)
                {
                    Vector256<float> p = Vector256.Load(a + c), q = Vector256.Load(a + right + c);
                    Vector256<float> r = Vector256.Load(a + down + c), s = Vector256.Load(a + down + right + c);
                    Vector256<float> upper = (p * p) + (q * q * withRight), lower = (r * r) + (s * s * withRight);
                    Vector256.Sqrt(upper + (lower * withDown)).Store(y + c);
                }

                for (; c < channels; c++)
                {
                    y[c] = MathF.Sqrt((a[c] * a[c]) + (a[right + c] * a[right + c] * withRight)
                        + (((a[down + c] * a[down + c])
                            + (a[down + right + c] * a[down + right + c] * withRight)) * withDown));
                }
            });

    private static void VectorBackward(CpuDevice cpu, BackwardArguments a)
    {
        (PoolShape shape, float beta, int channels) = (a.Shape, a.Beta, a.Shape.Channels);
        float* gradOutput = a.GradOutput.Pointer, input = a.Input.Pointer;
        float* output = a.Output.Pointer, gradInput = a.GradInput.Pointer;
        cpu.Parallel(shape.Height, row =>
        {
            for (int column = 0; column < shape.Width; column++)
            {
                long at = (((long)row * shape.Width) + column) * channels;
                bool pooled = row / 2 < shape.OutHeight && column / 2 < shape.OutWidth;
                long window = pooled ? (((long)(row / 2) * shape.OutWidth) + (column / 2)) * channels : 0;
                for (int c = 0; c < channels; c++)
                {
                    float norm = pooled ? output[window + c] : 0f;
                    float gradient = norm > 0f ? gradOutput[window + c] * input[at + c] / norm : 0f;
                    Accumulate.Into(ref gradInput[at + c], gradient, beta);
                }
            }
        });
    }
}
