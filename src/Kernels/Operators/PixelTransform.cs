namespace NativeStyle.Kernels;

// Between pixels and the network's input, per channel c of an RGB picture:
//
//   forward   y[p, c] = s[c] x[p, c] - mean[c]       backward  dx[p, c] = s[c] dy[p, c]
//   Clamp     x = min(max(x, low), high)             (the box constraint after a step)

/// <summary>Image pre- and post-processing.</summary>
public static class PixelTransform
{
    [Kernel]
    public static void NormalizeKernel(
        Index1D index, ArrayView<float> pixels, ArrayView<float> output, float scale0, float scale1, float scale2,
        float mean0, float mean1, float mean2)
    {
        int channel = index % 3;
        float scale = channel == 0 ? scale0 : channel == 1 ? scale1 : scale2;
        float mean = channel == 0 ? mean0 : channel == 1 ? mean1 : mean2;
        output[index] = (scale * pixels[index]) - mean;
    }

    [Kernel]
    public static void NormalizeBackwardKernel(
        Index1D index, ArrayView<float> gradOutput, ArrayView<float> gradPixels, float scale0, float scale1, float scale2,
        float beta)
    {
        int channel = index % 3;
        float scale = channel == 0 ? scale0 : channel == 1 ? scale1 : scale2;
        float gradient = scale * gradOutput[index];
        gradPixels[index] = beta == 0f ? gradient : (beta * gradPixels[index]) + gradient;
    }

    [Kernel]
    public static void ClampKernel(Index1D index, ArrayView<float> x, float low, float high) =>
        x[index] = MathF.Min(MathF.Max(x[index], low), high);

    /// <summary>output = scale x pixels - mean, of RGB pixels.</summary>
    /// <param name="scale">Three values, output by pixel.</param>
    /// <param name="mean">Three values, in units of the output.</param>
    public static void Normalize(
        Accelerator accelerator, ArrayView<float> pixels, ArrayView<float> output, ReadOnlySpan<float> scale,
        ReadOnlySpan<float> mean)
    {
        Require.Length(output, pixels.Length, nameof(output));
        using Profiler.Scope scope = accelerator.Measure("Normalize.Forward", pixels.Length, 2, 2);
        (float scale0, float scale1, float scale2) = (scale[0], scale[1], scale[2]);
        (float mean0, float mean1, float mean2) = (mean[0], mean[1], mean[2]);
        if (accelerator is CpuAccelerator { Path: CpuPath.Vectorized } cpu)
        {
            Rows.ForEachRange(cpu, pixels.Length, (start, end) =>
            {
                for (int i = start; i < end; i++) NormalizeKernel(i, pixels, output, scale0, scale1, scale2, mean0, mean1, mean2);
            });
            return;
        }

        accelerator.Launch(
            NormalizeKernel, (Index1D)pixels.IntLength, pixels, output, scale0, scale1, scale2, mean0, mean1, mean2);
    }

    /// <summary>gradPixels = beta gradPixels + scale x gradOutput.</summary>
    public static void NormalizeBackward(
        Accelerator accelerator, ArrayView<float> gradOutput, ArrayView<float> gradPixels, ReadOnlySpan<float> scale, float beta)
    {
        Require.Length(gradPixels, gradOutput.Length, nameof(gradPixels));
        using Profiler.Scope scope = accelerator.Measure("Normalize.Backward", gradOutput.Length, 1, 2);
        (float scale0, float scale1, float scale2) = (scale[0], scale[1], scale[2]);
        if (accelerator is CpuAccelerator { Path: CpuPath.Vectorized } cpu)
        {
            Rows.ForEachRange(cpu, gradOutput.Length, (start, end) =>
            {
                for (int i = start; i < end; i++) NormalizeBackwardKernel(i, gradOutput, gradPixels, scale0, scale1, scale2, beta);
            });
            return;
        }

        accelerator.Launch(
            NormalizeBackwardKernel, (Index1D)gradOutput.IntLength, gradOutput, gradPixels, scale0, scale1, scale2, beta);
    }

    /// <summary>Keeps every element within [low, high].</summary>
    public static void Clamp(Accelerator accelerator, ArrayView<float> x, float low, float high)
    {
        if (accelerator is CpuAccelerator { Path: CpuPath.Vectorized } cpu)
        {
            Rows.ForEachRange(cpu, x.Length, (start, end) =>
            {
                for (int i = start; i < end; i++) ClampKernel(i, x, low, high);
            });
            return;
        }

        accelerator.Launch(ClampKernel, (Index1D)x.IntLength, x, low, high);
    }
}
