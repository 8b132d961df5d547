using System.Runtime.Intrinsics;

namespace NativeStyle.Kernels;

// L2 pooling 2x2, stride 2: the length of each window's vector, a compromise between average and maximum.
//
//   forward   y[p, c] = sqrt(sum over q in window p of x[q, c]²)
//   backward  dx[q, c] = dy[p, c] x[q, c] / y[p, c]  for the window p that holds q, 0 where y is 0 or no window holds q

/// <summary>2x2 L2 pooling, forward and backward.</summary>
public static unsafe class L2Pool
{
    [Kernel]
    public static void ForwardKernel(
        Index1D index, ArrayView<float> input, ArrayView<float> output, int height, int width, int channels,
        int outWidth)
    {
        int c = index % channels;
        int pixel = index / channels;
        int y = pixel / outWidth * 2;
        int x = pixel % outWidth * 2;
        float sum = 0f;
        for (int k = 0; k < 4; k++)
        {
            int row = y + (k / 2);
            int column = x + (k % 2);
            if (row < height && column < width)
            {
                float value = input[(((row * width) + column) * channels) + c];
                sum += value * value;
            }
        }

        output[index] = MathF.Sqrt(sum);
    }

    [Kernel]
    public static void BackwardKernel(
        Index1D index, ArrayView<float> gradOutput, ArrayView<float> input, ArrayView<float> output,
        ArrayView<float> gradInput, int width, int channels, int outHeight, int outWidth, float beta)
    {
        int c = index % channels;
        int pixel = index / channels;
        int y = pixel / width / 2;
        int x = pixel % width / 2;
        float gradient = 0f;
        if (y < outHeight && x < outWidth)
        {
            int at = (((y * outWidth) + x) * channels) + c;
            if (output[at] > 0f) gradient = gradOutput[at] * input[index] / output[at];
        }

        gradInput[index] = beta == 0f ? gradient : (beta * gradInput[index]) + gradient;
    }

    /// <summary>y = the 2-norm of each window.</summary>
    /// <param name="input">(height, width, channels).</param>
    /// <param name="output">(out height, out width, channels).</param>
    public static void Forward(Accelerator accelerator, ArrayView<float> input, ArrayView<float> output, PoolShape shape)
    {
        Require.Length(input, shape.InLength, nameof(input));
        Require.Length(output, shape.OutLength, nameof(output));
        using Profiler.Scope scope = accelerator.Measure("L2Pool.Forward", shape.InLength, 2, 2);
        if (accelerator is CpuAccelerator { Path: CpuPath.Vectorized } cpu)
        {
            VectorForward(cpu, input.Pointer, output.Pointer, shape);
            return;
        }

        accelerator.Launch(
            ForwardKernel, (Index1D)output.IntLength, input, output, shape.Height, shape.Width, shape.Channels, shape.OutWidth);
    }

    /// <summary>dx = beta dx + dy x / y.</summary>
    /// <param name="input">x of the forward pass.</param>
    /// <param name="output">y of the forward pass.</param>
    public static void Backward(
        Accelerator accelerator, ArrayView<float> gradOutput, ArrayView<float> input, ArrayView<float> output,
        ArrayView<float> gradInput, PoolShape shape, float beta)
    {
        Require.Length(gradInput, shape.InLength, nameof(gradInput));
        Require.Length(input, shape.InLength, nameof(input));
        Require.Length(output, shape.OutLength, nameof(output));
        Require.Length(gradOutput, shape.OutLength, nameof(gradOutput));
        using Profiler.Scope scope = accelerator.Measure("L2Pool.Backward", shape.InLength, 2, 3);
        if (accelerator is CpuAccelerator { Path: CpuPath.Vectorized } cpu)
        {
            Rows.ForEachRange(cpu, shape.InLength, (start, end) =>
            {
                for (int i = start; i < end; i++)
                    BackwardKernel(i, gradOutput, input, output, gradInput, shape.Width, shape.Channels, shape.OutHeight, shape.OutWidth, beta);
            });
            return;
        }

        accelerator.Launch(
            BackwardKernel, (Index1D)gradInput.IntLength, gradOutput, input, output, gradInput, shape.Width, shape.Channels,
            shape.OutHeight, shape.OutWidth, beta);
    }

    /// <summary>A window over the edge reads pixels twice: those count once.</summary>
    private static void VectorForward(CpuAccelerator cpu, float* input, float* output, PoolShape shape) =>
        Pool2x2.ForEachWindow(cpu, input, output, shape, (a, right, down, y) =>
        {
            (float withRight, float withDown) = (right == 0 ? 0f : 1f, down == 0 ? 0f : 1f);
            int c = 0;
            for (; c <= shape.Channels - Rows.Lanes; c += Rows.Lanes)
            {
                Vector256<float> p = Vector256.Load(a + c), q = Vector256.Load(a + right + c);
                Vector256<float> r = Vector256.Load(a + down + c), s = Vector256.Load(a + down + right + c);
                Vector256.Sqrt((p * p) + (q * q * withRight) + (((r * r) + (s * s * withRight)) * withDown)).Store(y + c);
            }

            for (; c < shape.Channels; c++)
            {
                y[c] = MathF.Sqrt((a[c] * a[c]) + (a[right + c] * a[right + c] * withRight)
                    + (((a[down + c] * a[down + c]) + (a[down + right + c] * a[down + right + c] * withRight)) * withDown));
            }
        });
}
