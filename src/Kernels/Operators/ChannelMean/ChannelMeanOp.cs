using ILGPU;
using ILGPU.Runtime;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;
using NativeStyle.Kernels.Operators.Reduction;
using NativeStyle.Kernels.Simd;

namespace NativeStyle.Kernels.Operators.ChannelMean;

// The mean of each channel of a feature map F, a (pixels x channels) matrix.
//
//   forward   m[c] = s sum over p of F[p, c]          s is 1 / pixels
//   backward  dF[p, c] = s dm[c]

/// <summary>Means of channels, forward and backward.</summary>
public static unsafe class ChannelMeanOp
{
    /// <summary>
    /// The number of pieces that the pixels are cut into. It is fixed, because it decides the order of the additions.
    /// </summary>
    private const int Pieces = 64;

    private static readonly Operator<ForwardArguments> s_forward = new Operator<ForwardArguments>(
            "ChannelMean.Forward", a => ($"{a.Features.Length}", Work.Each(a.Features.Length, 1, 1)))
        .Vectorized(
            (cpu, a) => SumPieces(cpu, a, sums => VectorPieces(cpu, a.Features, sums, a.Pixels, a.Channels)))
        .Plain(
            (device, a) => SumPieces(
                device, a,
                sums => device.Launch(PiecesKernel, sums.Length, a.Features, sums, a.Pixels, a.Channels)));

    private static readonly Operator<BackwardArguments> s_backward = new Operator<BackwardArguments>(
            "ChannelMean.Backward", a => ($"{a.GradFeatures.Length}", Work.Each(a.GradFeatures.Length, 1, 2)))
        .Vectorized(VectorBackward)
        .Plain((device, a) => device.Launch(
            BackwardKernel, a.GradFeatures.Length, a.GradMean, a.GradFeatures, a.Scale, a.Beta));

    private readonly record struct ForwardArguments(
        ArrayView<float> Features, ArrayView<float> Mean, int Pixels, int Channels, float Scale);

    private readonly record struct BackwardArguments(
        ArrayView<float> GradMean, ArrayView<float> GradFeatures, float Scale, float Beta);

    /// <summary>Computes the sum of one channel over one piece.</summary>
    internal static void PiecesKernel(
        Index1D index, ArrayView<float> features, ArrayView<float> sums, int pixels, int channels)
    {
        int c = index % channels;
        int piece = index / channels;
        float sum = 0f;
        for (int p = piece; p < pixels; p += Pieces) sum += features[(p * channels) + c];
        sums[index] = sum;
    }

    internal static void BackwardKernel(
        Index1D index, ArrayView<float> gradMean, ArrayView<float> gradFeatures, float scale, float beta) =>
        Accumulate.Into(ref gradFeatures[index], scale * gradMean[index % gradMean.IntLength], beta);

    /// <summary>m = scale times the sum of each channel.</summary>
    /// <param name="features">F, (pixels, channels).</param>
    /// <param name="mean">m, (channels).</param>
    /// <param name="scale">1 / pixels for the mean; for a part of a map, 1 / pixels of the whole map.</param>
    public static void Forward(
        ComputeDevice device, ArrayView<float> features, ArrayView<float> mean, int pixels, int channels, float scale)
    {
        Require.Length(features, (long)pixels * channels, nameof(features));
        Require.Length(mean, channels, nameof(mean));
        s_forward.Run(device, new ForwardArguments(features, mean, pixels, channels, scale));
    }

    /// <summary>dF = beta dF + scale dm.</summary>
    public static void Backward(
        ComputeDevice device, ArrayView<float> gradMean, ArrayView<float> gradFeatures, int pixels, int channels,
        float scale,
        float beta)
    {
        Require.Length(gradFeatures, (long)pixels * channels, nameof(gradFeatures));
        Require.Length(gradMean, channels, nameof(gradMean));
        s_backward.Run(device, new BackwardArguments(gradMean, gradFeatures, scale, beta));
    }

    private static void SumPieces(ComputeDevice device, ForwardArguments a, Action<ArrayView<float>> fill)
    {
        using DeviceBuffer<float> sums = device.Allocate<float>((long)Pieces * a.Channels);
        fill(sums.View);
        ReductionOp.SumPieces(device, sums.View, a.Mean, a.Scale);
    }

    private static void VectorPieces(
        CpuDevice cpu, ArrayView<float> features, ArrayView<float> sums, int pixels, int channels)
    {
        float* to = sums.Pointer, from = features.Pointer;
        cpu.Parallel(Pieces, piece =>
        {
            float* sum = to + ((long)piece * channels);
            new Span<float>(sum, channels).Clear();
            for (int p = piece; p < pixels; p += Pieces) Rows.AddScaled(sum, from + ((long)p * channels), 1f, channels);
        });
    }

    private static void VectorBackward(CpuDevice cpu, BackwardArguments a)
    {
        float* mean = a.GradMean.Pointer, to = a.GradFeatures.Pointer;
        int channels = a.GradMean.IntLength;
        Rows.ForEachPart(cpu, a.GradFeatures.Length, (start, count) =>
        {
            int c = (int)(start % channels);
            for (long i = start; i < start + count; i++)
            {
                Accumulate.Into(ref to[i], a.Scale * mean[c], a.Beta);
                if (++c == channels) c = 0;
            }
        });
    }
}
