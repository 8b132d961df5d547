using ILGPU;
using ILGPU.Runtime;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;
using NativeStyle.Kernels.Simd;

namespace NativeStyle.Kernels.Operators.Guidance;

// Multiplies a feature map by a guidance map t with one weight a pixel (Gatys et al. 2017, "Controlling perceptual
// factors in neural style transfer", eq. 4). The Gram matrix of the result is that of a region.
//
//   forward   y[p, c] = t[p] x[p, c]          backward  dx[p, c] = t[p] dy[p, c]

/// <summary>Multiplies each pixel of a feature map by a weight; forward and backward are the same.</summary>
public static unsafe class GuidanceOp
{
    private static readonly Operator<Arguments> s_apply = new Operator<Arguments>(
            "Guidance.Apply", a => ($"{a.X.Length}", Work.Each(a.X.Length, 1, 2)))
        .Vectorized((cpu, a) =>
        {
            float* x = a.X.Pointer, t = a.Map.Pointer, y = a.Y.Pointer;
            int channels = a.Channels;
            Rows.ForEachPart(cpu, a.X.Length, (start, count) =>
            {
                for (long i = start; i < start + count; i++)
                    Accumulate.Into(ref y[i], t[i / channels] * x[i], a.Beta);
            });
        })
        .Plain((device, a) => device.Launch(ApplyKernel, a.X.Length, a.X, a.Map, a.Y, a.Channels, a.Beta));

    private readonly record struct Arguments(
        ArrayView<float> X, ArrayView<float> Map, ArrayView<float> Y, int Channels, float Beta);

    internal static void ApplyKernel(
        Index1D index, ArrayView<float> x, ArrayView<float> guidance, ArrayView<float> y, int channels, float beta) =>
        Accumulate.Into(ref y[index], guidance[index / channels] * x[index], beta);

    /// <summary>y = beta y + t x.</summary>
    /// <param name="x">(pixels, channels).</param>
    /// <param name="guidance">t, (pixels).</param>
    public static void Apply(
        ComputeDevice device, ArrayView<float> x, ArrayView<float> guidance, ArrayView<float> y, int channels,
        float beta)
    {
        Require.Length(y, x.Length, nameof(y));
        Require.Length(guidance, x.Length / channels, nameof(guidance));
        s_apply.Run(device, new Arguments(x, guidance, y, channels, beta));
    }
}
