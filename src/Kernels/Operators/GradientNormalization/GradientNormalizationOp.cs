using ILGPU;
using ILGPU.Runtime;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;
using NativeStyle.Kernels.Simd;

namespace NativeStyle.Kernels.Operators.GradientNormalization;

// jcjohnson's -normalize_gradients: it scales a loss's gradient on its feature map to an L1 norm equal to the loss's
// weight w, however large it was. The incoming gradient g is that of the weighted loss, w times the loss's own.
//
//   forward   y = x                backward  dx = w g / (‖g‖₁ + w ε)

/// <summary>The backward pass that rescales a gradient; it is not the gradient of any function.</summary>
public static unsafe class GradientNormalizationOp
{
    private const float Epsilon = 1e-8f;

    private static readonly Operator<Arguments> s_backward = new Operator<Arguments>(
            "GradientNormalization.Backward", a => ($"{a.Gradient.Length}", Work.Each(a.Gradient.Length, 2, 3)))
        .Vectorized((cpu, a) =>
        {
            float* from = a.Gradient.Pointer, to = a.GradX.Pointer;
            float norm = *a.Norm.Pointer;
            Rows.ForEachPart(cpu, a.Gradient.Length, (start, count) =>
            {
                for (long i = start; i < start + count; i++)
                    Accumulate.Into(ref to[i], Normalize(from[i], norm, a.Weight), a.Beta);
            });
        })
        .Plain((device, a) => device.Launch(
            BackwardKernel, a.Gradient.Length, a.Gradient, a.Norm, a.GradX, a.Weight, a.Beta));

    private readonly record struct Arguments(
        ArrayView<float> Gradient, ArrayView<float> Norm, ArrayView<float> GradX, float Weight, float Beta);

    internal static void BackwardKernel(
        Index1D index, ArrayView<float> gradient, ArrayView<float> norm, ArrayView<float> gradX, float weight,
        float beta) =>
        Accumulate.Into(ref gradX[index], Normalize(gradient[index], norm[0], weight), beta);

    /// <summary>dx = beta dx + w g / (‖g‖₁ + w ε).</summary>
    /// <param name="gradient">g.</param>
    /// <param name="norm">‖g‖₁, one element, from <see cref="Reduction.ReductionOp.AbsoluteSum"/>.</param>
    /// <param name="weight">w, not 0.</param>
    public static void Backward(
        ComputeDevice device, ArrayView<float> gradient, ArrayView<float> norm, ArrayView<float> gradX, float weight,
        float beta)
    {
        Require.Length(gradX, gradient.Length, nameof(gradX));
        Require.Length(norm, 1, nameof(norm));
        s_backward.Run(device, new Arguments(gradient, norm, gradX, weight, beta));
    }

    private static float Normalize(float gradient, float norm, float weight) =>
        weight * gradient / (norm + (weight * Epsilon));
}
