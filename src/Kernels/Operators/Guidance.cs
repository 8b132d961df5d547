namespace NativeStyle.Kernels;

// A feature map seen through a guidance map t, one weight a pixel (Gatys et al. 2017, "Controlling perceptual factors in
// neural style transfer", eq. 4): its Gram matrix is that of a region.
//
//   forward   y[p, c] = t[p] x[p, c]          backward  dx[p, c] = t[p] dy[p, c]

/// <summary>Pixels of a feature map times a weight each; forward and backward are the same.</summary>
public static class Guidance
{
    [Kernel]
    public static void ApplyKernel(
        Index1D index, ArrayView<float> x, ArrayView<float> guidance, ArrayView<float> y, int channels, float beta)
    {
        float value = guidance[index / channels] * x[index];
        y[index] = beta == 0f ? value : (beta * y[index]) + value;
    }

    /// <summary>y = beta y + t x.</summary>
    /// <param name="x">(pixels, channels).</param>
    /// <param name="guidance">t, (pixels).</param>
    public static void Apply(
        Accelerator accelerator, ArrayView<float> x, ArrayView<float> guidance, ArrayView<float> y, int channels, float beta)
    {
        Require.Length(y, x.Length, nameof(y));
        Require.Length(guidance, x.Length / channels, nameof(guidance));
        using Profiler.Scope scope = accelerator.Measure("Guidance", x.Length, 1, 2);
        if (accelerator is CpuAccelerator { Path: CpuPath.Vectorized } cpu)
        {
            Rows.ForEachRange(cpu, x.Length, (start, end) =>
            {
                for (int i = start; i < end; i++) ApplyKernel(i, x, guidance, y, channels, beta);
            });
            return;
        }

        accelerator.Launch(ApplyKernel, (Index1D)x.IntLength, x, guidance, y, channels, beta);
    }
}
