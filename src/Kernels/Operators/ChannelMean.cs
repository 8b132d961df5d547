namespace NativeStyle.Kernels;

// The mean of each channel of a feature map F, a (pixels x channels) matrix.
//
//   forward   m[c] = s sum over p of F[p, c]          s is 1 / pixels
//   backward  dF[p, c] = s dm[c]

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

    /// <summary>m = scale times the sum of each channel.</summary>
    /// <param name="features">F, (pixels, channels).</param>
    /// <param name="mean">m, (channels).</param>
    /// <param name="scale">1 / pixels for the mean; of a part of a map, 1 / pixels of the whole.</param>
    public static void Forward(
        Accelerator accelerator, ArrayView<float> features, ArrayView<float> mean, int pixels, int channels, float scale)
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

        accelerator.Launch(Gram.SumPiecesKernel, (Index1D)channels, sums.View, mean, Pieces, channels, scale);
    }

    /// <summary>dF = beta dF + scale dm.</summary>
    public static void Backward(
        Accelerator accelerator, ArrayView<float> gradMean, ArrayView<float> gradFeatures, int pixels, int channels, float scale,
        float beta)
    {
        Require.Length(gradFeatures, (long)pixels * channels, nameof(gradFeatures));
        Require.Length(gradMean, channels, nameof(gradMean));
        using Profiler.Scope scope = accelerator.Measure("ChannelMean.Backward", gradFeatures.Length, 1, 2);
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
