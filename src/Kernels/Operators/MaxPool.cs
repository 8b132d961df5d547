using System.Runtime.Intrinsics;

namespace NativeStyle.Kernels;

// Max pooling 2x2, stride 2.
//
//   forward   y[p, c] = max over q in window p of x[q, c]
//   backward  dx[q, c] = dy[p, c] for the first q of window p (in row order) that holds the maximum, else 0

/// <summary>2x2 max pooling, forward and backward.</summary>
public static unsafe class MaxPool
{
    [Kernel]
    public static void ForwardKernel(
        Index1D index, ArrayView<float> input, ArrayView<float> output, int height, int width, int channels,
        int outWidth)
    {
        int window = index / channels;
        output[index] = input[ArgMax(
            input, window / outWidth, window % outWidth, index % channels, height, width, channels)];
    }

    [Kernel]
    public static void BackwardKernel(
        Index1D index, ArrayView<float> gradOutput, ArrayView<float> input, ArrayView<float> gradInput, int height,
        int width, int channels, int outHeight, int outWidth, float beta)
    {
        int pixel = index / channels;
        int y = pixel / width / 2;
        int x = pixel % width / 2;
        float gradient = 0f;
        if (y < outHeight && x < outWidth && ArgMax(input, y, x, index % channels, height, width, channels) == index)
            gradient = gradOutput[(((y * outWidth) + x) * channels) + (index % channels)];
        gradInput[index] = beta == 0f ? gradient : (beta * gradInput[index]) + gradient;
    }

    /// <summary>y = the largest of each window.</summary>
    public static void Forward(Accelerator accelerator, ArrayView<float> input, ArrayView<float> output, PoolShape shape)
    {
        Require.Length(input, shape.InLength, nameof(input));
        Require.Length(output, shape.OutLength, nameof(output));
        using Profiler.Scope scope = accelerator.Measure("MaxPool.Forward", shape.InLength, 1, 2);
        if (accelerator is CpuAccelerator { Path: CpuPath.Vectorized } cpu)
        {
            VectorForward(cpu, input.Pointer, output.Pointer, shape);
            return;
        }

        accelerator.Launch(
            ForwardKernel, (Index1D)output.IntLength, input, output, shape.Height, shape.Width, shape.Channels,
            shape.OutWidth);
    }

    /// <summary>dx = beta dx + dy at the maximum of each window.</summary>
    /// <param name="input">x of the forward pass.</param>
    public static void Backward(
        Accelerator accelerator, ArrayView<float> gradOutput, ArrayView<float> input, ArrayView<float> gradInput,
        PoolShape shape, float beta)
    {
        Require.Length(input, shape.InLength, nameof(input));
        Require.Length(gradInput, shape.InLength, nameof(gradInput));
        Require.Length(gradOutput, shape.OutLength, nameof(gradOutput));
        using Profiler.Scope scope = accelerator.Measure("MaxPool.Backward", shape.InLength, 1, 2);
        if (accelerator is CpuAccelerator { Path: CpuPath.Vectorized } cpu)
        {
            VectorBackward(cpu, gradOutput.Pointer, input.Pointer, gradInput.Pointer, shape, beta);
            return;
        }

        accelerator.Launch(
            BackwardKernel, (Index1D)gradInput.IntLength, gradOutput, input, gradInput, shape.Height, shape.Width,
            shape.Channels, shape.OutHeight, shape.OutWidth, beta);
    }

    private static void VectorForward(CpuAccelerator cpu, float* input, float* output, PoolShape shape) =>
        Pool2x2.ForEachWindow(cpu, input, output, shape, (a, right, down, y) =>
        {
            int c = 0;
            for (; c <= shape.Channels - Rows.Lanes; c += Rows.Lanes)
            {
                Vector256<float> top = Vector256.Max(Vector256.Load(a + c), Vector256.Load(a + right + c));
                Vector256<float> bottom = Vector256.Max(Vector256.Load(a + down + c), Vector256.Load(a + down + right + c));
                Vector256.Max(top, bottom).Store(y + c);
            }

            for (; c < shape.Channels; c++)
                y[c] = MathF.Max(MathF.Max(a[c], a[right + c]), MathF.Max(a[down + c], a[down + right + c]));
        });

    /// <summary>Window by window, all channels; what no window covers (floor) gets no gradient.</summary>
    private static void VectorBackward(
        CpuAccelerator cpu, float* gradOutput, float* input, float* gradInput, PoolShape shape, float beta)
    {
        (int height, int width, int channels) = (shape.Height, shape.Width, shape.Channels);
        cpu.Parallel((height + 1) / 2, (row, _) =>
        {
            long* pixels = stackalloc long[4];
            for (int column = 0; column < (width + 1) / 2; column++)
            {
                int count = 0;
                for (int k = 0; k < 4; k++)
                {
                    (int y, int x) = ((2 * row) + (k / 2), (2 * column) + (k % 2));
                    if (y < height && x < width) pixels[count++] = (((long)y * width) + x) * channels;
                }

                bool pooled = row < shape.OutHeight && column < shape.OutWidth;
                float* dy = pooled ? gradOutput + ((((long)row * shape.OutWidth) + column) * channels) : null;
                int c = 0;
                for (; c <= channels - Rows.Lanes; c += Rows.Lanes)
                {
                    Vector256<float> largest = Vector256.Load(input + pixels[0] + c);
                    for (int k = 1; k < count; k++) largest = Vector256.Max(largest, Vector256.Load(input + pixels[k] + c));
                    Vector256<float> left = pooled ? Vector256.Load(dy + c) : default;
                    for (int k = 0; k < count; k++)
                    {
                        // The first that holds the maximum takes the gradient, and leaves none for later ones.
                        Vector256<float> holds = Vector256.Equals(Vector256.Load(input + pixels[k] + c), largest);
                        Vector256<float> gradient = left & holds;
                        left = Vector256.AndNot(left, holds);
                        float* dx = gradInput + pixels[k] + c;
                        if (beta != 0f)
                            gradient = Vector256.FusedMultiplyAdd(Vector256.Create(beta), Vector256.Load(dx), gradient);
                        gradient.Store(dx);
                    }
                }

                for (; c < channels; c++)
                {
                    int best = 0;
                    for (int k = 1; k < count; k++)
                        if (input[pixels[k] + c] > input[pixels[best] + c]) best = k;
                    for (int k = 0; k < count; k++)
                    {
                        float gradient = pooled && k == best ? dy[c] : 0f;
                        float* dx = gradInput + pixels[k] + c;
                        *dx = beta == 0f ? gradient : (beta * *dx) + gradient;
                    }
                }
            }
        });
    }

    /// <summary>The element of window (y, x) with the largest value; of equals the first.</summary>
    private static int ArgMax(ArrayView<float> input, int y, int x, int c, int height, int width, int channels)
    {
        int best = (((2 * y * width) + (2 * x)) * channels) + c;
        for (int k = 1; k < 4; k++)
        {
            int row = (2 * y) + (k / 2);
            int column = (2 * x) + (k % 2);
            if (row < height && column < width)
            {
                int candidate = (((row * width) + column) * channels) + c;
                if (input[candidate] > input[best]) best = candidate;
            }
        }

        return best;
    }
}
