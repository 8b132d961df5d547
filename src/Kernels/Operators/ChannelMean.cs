namespace NativeStyle.Kernels;

// The mean of each channel of a feature map F, a (pixels x channels) matrix.
//
//   forward   m[c] = 1 / pixels  sum over p of F[p, c]
//   backward  dF[p, c] = dm[c] / pixels

/// <summary>Means of channels, forward and backward.</summary>
public static unsafe class ChannelMean
{
    /// <summary>Pieces that the pixels are cut into: fixed, because their number decides the order of the additions.</summary>
    private const int Pieces = 64;

    /// <summary>The sum of one channel over one piece.</summary>
    [Kernel]
    public static void PiecesKernel(Index1D index, ArrayView<float> features, ArrayView<float> sums, int pixels, int channels)
    {
        int c = index % channels;
        int piece = index / channels;
        float sum = 0f;
        for (int p = piece; p < pixels; p += Pieces) sum += features[(p * channels) + c];
        sums[index] = sum;
    }

    [Kernel]
    public static void BackwardKernel(
        Index1D index, ArrayView<float> gradMean, ArrayView<float> gradFeatures, int channels, float scale, float beta)
    {
        float gradient = scale * gradMean[index % channels];
        gradFeatures[index] = beta == 0f ? gradient : (beta * gradFeatures[index]) + gradient;
    }

    /// <summary>m = the mean of each channel.</summary>
    /// <param name="features">F, (pixels, channels).</param>
    /// <param name="mean">m, (channels).</param>
    public static void Forward(Accelerator accelerator, ArrayView<float> features, ArrayView<float> mean, int pixels, int channels)
    {
        Require.Length(features, (long)pixels * channels, nameof(features));
        Require.Length(mean, channels, nameof(mean));
        using Profiler.Scope scope = accelerator.Measure("ChannelMean.Forward", features.Length, 1, 1);
        using MemoryBuffer<float> sums = accelerator.Allocate<float>((long)Pieces * channels);
        if (accelerator is CpuAccelerator { Path: CpuPath.Vectorized } cpu)
        {
            float* to = sums.View.Pointer, from = features.Pointer;
            cpu.Parallel(Pieces, (piece, _) =>
            {
                float* sum = to + ((long)piece * channels);
                new Span<float>(sum, channels).Clear();
                for (int p = piece; p < pixels; p += Pieces) Rows.AddScaled(sum, from + ((long)p * channels), 1f, channels);
            });
        }
        else
        {
            accelerator.Launch(PiecesKernel, (Index1D)(Pieces * channels), features, sums.View, pixels, channels);
        }

        accelerator.Launch(Gram.SumPiecesKernel, (Index1D)channels, sums.View, mean, Pieces, channels, 1f / pixels);
    }

    /// <summary>dF = beta dF + dm / pixels.</summary>
    public static void Backward(
        Accelerator accelerator, ArrayView<float> gradMean, ArrayView<float> gradFeatures, int pixels, int channels, float beta)
    {
        Require.Length(gradFeatures, (long)pixels * channels, nameof(gradFeatures));
        Require.Length(gradMean, channels, nameof(gradMean));
        using Profiler.Scope scope = accelerator.Measure("ChannelMean.Backward", gradFeatures.Length, 1, 2);
        float scale = 1f / pixels;
        if (accelerator is CpuAccelerator { Path: CpuPath.Vectorized } cpu)
        {
            Rows.ForEachRange(cpu, gradFeatures.Length, (start, end) =>
            {
                for (int i = start; i < end; i++) BackwardKernel(i, gradMean, gradFeatures, channels, scale, beta);
            });
            return;
        }

        accelerator.Launch(BackwardKernel, (Index1D)gradFeatures.IntLength, gradMean, gradFeatures, channels, scale, beta);
    }
}
