namespace NativeStyle.Kernels;

// Total variation in its squared (anisotropic L2) form, as jcjohnson's neural-style and the TensorFlow tutorials use
// it (Mahendran and Vedaldi 2015, "Understanding deep image representations by inverting them", eq. 6 with beta 2).
//
//   forward   L = s sum over pixels, channels of (x[r, c+1] - x[r, c])² + (x[r+1, c] - x[r, c])²
//   backward  dx[q] = 2 s dL sum over the up to four neighbours n of q of (x[q] - x[n])

/// <summary>The sum of squared differences of neighbouring pixels of a picture (height, width, channels).</summary>
public static unsafe class TotalVariation
{
    [Kernel]
    public static void PartsKernel(
        Index1D part, ArrayView<float> x, ArrayView<float> partials, int height, int width, int channels)
    {
        int rowLength = width * channels;
        int length = height * rowLength;
        float sum = 0f;
        for (int i = part; i < length; i += Reduction.Parts)
        {
            if (i % rowLength < rowLength - channels)
            {
                float right = x[i + channels] - x[i];
                sum += right * right;
            }

            if (i < length - rowLength)
            {
                float down = x[i + rowLength] - x[i];
                sum += down * down;
            }
        }

        partials[part] = sum;
    }

    [Kernel]
    public static void BackwardKernel(
        Index1D index, ArrayView<float> x, ArrayView<float> gradLoss, ArrayView<float> gradX, int height, int width,
        int channels, float scale, float beta)
    {
        int rowLength = width * channels;
        int inRow = index % rowLength;
        float center = x[index];
        float sum = 0f;
        if (inRow >= channels) sum += center - x[index - channels];
        if (inRow < rowLength - channels) sum += center - x[index + channels];
        if (index >= rowLength) sum += center - x[index - rowLength];
        if (index < (height - 1) * rowLength) sum += center - x[index + rowLength];
        float gradient = 2f * scale * gradLoss[0] * sum;
        gradX[index] = beta == 0f ? gradient : (beta * gradX[index]) + gradient;
    }

    /// <summary>loss[0] = scale x the sum of squared neighbour differences.</summary>
    public static void Forward(
        Accelerator accelerator, ArrayView<float> x, ArrayView<float> loss, int height, int width, int channels,
        float scale)
    {
        Require.Length(x, (long)height * width * channels, nameof(x));
        Require.Length(loss, 1, nameof(loss));
        using Profiler.Scope scope = accelerator.Measure("TotalVariation.Forward", x.Length, 6, 1);
        if (accelerator is CpuAccelerator { Path: CpuPath.Vectorized } cpu)
        {
            loss.Pointer[0] = (float)(scale * Rows.SumParts(cpu, x.Length, (start, count) =>
                SumOf(x.Pointer, start, start + count, x.Length, (long)width * channels, channels)));
            return;
        }

        Reduction.TwoSteps(accelerator, loss, scale, partials => accelerator.Launch(
            PartsKernel, (Index1D)Reduction.Parts, x, partials, height, width, channels));
    }

    /// <summary>dx = beta dx + the gradient of <see cref="Forward"/> times dL.</summary>
    public static void Backward(
        Accelerator accelerator, ArrayView<float> x, ArrayView<float> gradLoss, ArrayView<float> gradX, int height,
        int width, int channels, float scale, float beta)
    {
        Require.Length(x, (long)height * width * channels, nameof(x));
        Require.Length(gradX, x.Length, nameof(gradX));
        Require.Length(gradLoss, 1, nameof(gradLoss));
        using Profiler.Scope scope = accelerator.Measure("TotalVariation.Backward", x.Length, 9, 2);
        if (accelerator is CpuAccelerator { Path: CpuPath.Vectorized } cpu)
        {
            Rows.ForEachRange(cpu, x.Length, (start, end) =>
            {
                for (int i = start; i < end; i++) BackwardKernel(i, x, gradLoss, gradX, height, width, channels, scale, beta);
            });
            return;
        }

        accelerator.Launch(
            BackwardKernel, (Index1D)x.IntLength, x, gradLoss, gradX, height, width, channels, scale, beta);
    }

    /// <summary>The terms whose left or upper element is in [start, end).</summary>
    private static double SumOf(float* x, long start, long end, long length, long rowLength, int channels)
    {
        double sum = 0;
        long inRow = start % rowLength;
        for (long i = start; i < end; i++)
        {
            if (inRow < rowLength - channels) sum += (x[i + channels] - x[i]) * (x[i + channels] - x[i]);
            if (i < length - rowLength) sum += (x[i + rowLength] - x[i]) * (x[i + rowLength] - x[i]);
            if (++inRow == rowLength) inRow = 0;
        }

        return sum;
    }
}
