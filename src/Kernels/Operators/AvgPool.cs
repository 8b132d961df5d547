using System.Runtime.Intrinsics;

namespace NativeStyle.Kernels;

// Average pooling 2x2, stride 2. n(p) is the number of pixels of window p that exist (4 inside).
//
//   forward   y[p, c] = 1 / n(p)  sum over q in window p of x[q, c]
//   backward  dx[q, c] = dy[p, c] / n(p)  for the window p that holds q, else 0 (floor drops the odd last row, column)

/// <summary>2x2 average pooling, forward and backward.</summary>
public static unsafe class AvgPool
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
        int count = 0;
        for (int dy = 0; dy < 2; dy++)
        {
            for (int dx = 0; dx < 2; dx++)
            {
                if (y + dy < height && x + dx < width)
                {
                    sum += input[((((y + dy) * width) + x + dx) * channels) + c];
                    count++;
                }
            }
        }

        output[index] = sum / count;
    }

    [Kernel]
    public static void BackwardKernel(
        Index1D index, ArrayView<float> gradOutput, ArrayView<float> gradInput, int height, int width, int channels,
        int outHeight, int outWidth, float beta)
    {
        int c = index % channels;
        int pixel = index / channels;
        int y = pixel / width / 2;
        int x = pixel % width / 2;
        float gradient = 0f;
        if (y < outHeight && x < outWidth)
        {
            int rows = (2 * y) + 1 < height ? 2 : 1;
            int columns = (2 * x) + 1 < width ? 2 : 1;
            gradient = gradOutput[(((y * outWidth) + x) * channels) + c] / (rows * columns);
        }

        gradInput[index] = beta == 0f ? gradient : (beta * gradInput[index]) + gradient;
    }

    /// <summary>y = the mean of each window.</summary>
    /// <param name="input">(height, width, channels).</param>
    /// <param name="output">(out height, out width, channels).</param>
    public static void Forward(Accelerator accelerator, ArrayView<float> input, ArrayView<float> output, PoolShape shape)
    {
        Require.Length(input, shape.InLength, nameof(input));
        Require.Length(output, shape.OutLength, nameof(output));
        using Profiler.Scope scope = accelerator.Measure("AvgPool.Forward", shape.InLength, 1, 2);
        if (accelerator is CpuAccelerator { Path: CpuPath.Vectorized } cpu)
        {
            VectorForward(cpu, input.Pointer, output.Pointer, shape);
            return;
        }

        accelerator.Launch(
            ForwardKernel, (Index1D)output.IntLength, input, output, shape.Height, shape.Width, shape.Channels,
            shape.OutWidth);
    }

    /// <summary>dx = beta dx + dy spread evenly over each window.</summary>
    public static void Backward(
        Accelerator accelerator, ArrayView<float> gradOutput, ArrayView<float> gradInput, PoolShape shape, float beta)
    {
        Require.Length(gradInput, shape.InLength, nameof(gradInput));
        Require.Length(gradOutput, shape.OutLength, nameof(gradOutput));
        using Profiler.Scope scope = accelerator.Measure("AvgPool.Backward", shape.InLength, 1, 2);
        if (accelerator is CpuAccelerator { Path: CpuPath.Vectorized } cpu)
        {
            VectorBackward(cpu, gradOutput.Pointer, gradInput.Pointer, shape, beta);
            return;
        }

        accelerator.Launch(
            BackwardKernel, (Index1D)gradInput.IntLength, gradOutput, gradInput, shape.Height, shape.Width,
            shape.Channels, shape.OutHeight, shape.OutWidth, beta);
    }

    private static void VectorForward(CpuAccelerator cpu, float* input, float* output, PoolShape shape) =>
        Pool2x2.ForEachWindow(cpu, input, output, shape, (a, right, down, y) =>
        {
            int c = 0;
            for (; c <= shape.Channels - Rows.Lanes; c += Rows.Lanes)
            {
                Vector256<float> top = Vector256.Load(a + c) + Vector256.Load(a + right + c);
                Vector256<float> bottom = Vector256.Load(a + down + c) + Vector256.Load(a + down + right + c);
                ((top + bottom) * 0.25f).Store(y + c);
            }

            for (; c < shape.Channels; c++)
                y[c] = (a[c] + a[right + c] + (a[down + c] + a[down + right + c])) * 0.25f;
        });

    private static void VectorBackward(CpuAccelerator cpu, float* gradOutput, float* gradInput, PoolShape shape, float beta)
    {
        (int height, int width, int channels) = (shape.Height, shape.Width, shape.Channels);
        cpu.Parallel(height, (row, _) =>
        {
            for (int column = 0; column < width; column++)
            {
                float* dx = gradInput + ((((long)row * width) + column) * channels);
                (int y, int x) = (row / 2, column / 2);
                bool pooled = y < shape.OutHeight && x < shape.OutWidth;
                int count = ((2 * y) + 1 < height ? 2 : 1) * ((2 * x) + 1 < width ? 2 : 1);
                float* dy = gradOutput + (pooled ? (((long)y * shape.OutWidth) + x) * channels : 0);
                float share = pooled ? 1f / count : 0f;
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
