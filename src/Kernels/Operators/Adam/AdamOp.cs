using System.Runtime.Intrinsics;
using ILGPU;
using ILGPU.Runtime;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;
using NativeStyle.Kernels.Simd;

namespace NativeStyle.Kernels.Operators.Adam;

// One step of Adam (Kingma and Ba 2015, algorithm 1), t = 1, 2, ...:
//
//   m = β₁ m + (1 - β₁) g            v = β₂ v + (1 - β₂) g²
//   x = x - α  (m / (1 - β₁ᵗ)) / (sqrt(v / (1 - β₂ᵗ)) + ε)

/// <summary>The settings of Adam.</summary>
/// <param name="LearningRate">α, in units of x.</param>
/// <param name="Beta1">β₁, decay of the mean of gradients.</param>
/// <param name="Beta2">β₂, decay of the mean of squared gradients.</param>
/// <param name="Epsilon">ε.</param>
public readonly record struct AdamSettings(
    float LearningRate, float Beta1 = 0.9f, float Beta2 = 0.999f, float Epsilon = 1e-8f);

/// <summary>The Adam step, in place.</summary>
public static unsafe class AdamOp
{
    private static readonly Operator<Arguments> s_step = new Operator<Arguments>(
            "Adam.Step", a => ($"{a.X.Length}", Work.Each(a.X.Length, 12, 7)))
        .Vectorized(VectorStep)
        .Plain((device, a) => device.Launch(StepKernel, a.X.Length, a.X, a.Gradient, a.M, a.V, a.Step));

    /// <summary>The values that are the same for all elements of a step.</summary>
    /// <param name="Correction1">1 - β₁ᵗ.</param>
    /// <param name="Correction2">1 - β₂ᵗ.</param>
    internal readonly record struct StepFactors(AdamSettings Settings, float Correction1, float Correction2);

    private readonly record struct Arguments(
        ArrayView<float> X, ArrayView<float> Gradient, ArrayView<float> M, ArrayView<float> V, StepFactors Step);

    internal static void StepKernel(
        Index1D index, ArrayView<float> x, ArrayView<float> gradient, ArrayView<float> m, ArrayView<float> v,
        StepFactors step) =>
        Update(ref x[index], gradient[index], ref m[index], ref v[index], step);

    /// <summary>Makes step number <paramref name="step"/> (from 1) for all elements of x.</summary>
    /// <param name="x">The parameters; changed.</param>
    /// <param name="gradient">g, of the same length.</param>
    /// <param name="m">First moment, zero before step 1; changed.</param>
    /// <param name="v">Second moment, zero before step 1; changed.</param>
    public static void Step(
        ComputeDevice device, ArrayView<float> x, ArrayView<float> gradient, ArrayView<float> m,
        ArrayView<float> v, AdamSettings settings, int step)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(step, 1);
        Require.Length(gradient, x.Length, nameof(gradient));
        Require.Length(m, x.Length, nameof(m));
        Require.Length(v, x.Length, nameof(v));
        var factors = new StepFactors(
            settings, (float)(1 - Math.Pow(settings.Beta1, step)), (float)(1 - Math.Pow(settings.Beta2, step)));
        s_step.Run(device, new Arguments(x, gradient, m, v, factors));
    }

    private static void Update(ref float x, float g, ref float m, ref float v, StepFactors step)
    {
        (float beta1, float beta2) = (step.Settings.Beta1, step.Settings.Beta2);
        m = (beta1 * m) + ((1f - beta1) * g);
        v = (beta2 * v) + ((1f - beta2) * g * g);
        x -= step.Settings.LearningRate * (m / step.Correction1)
            / (MathF.Sqrt(v / step.Correction2) + step.Settings.Epsilon);
    }

    /// <summary>Makes the same step, eight elements at a time.</summary>
    private static void VectorStep(CpuDevice cpu, Arguments a)
    {
        float* x = a.X.Pointer, gradient = a.Gradient.Pointer, m = a.M.Pointer, v = a.V.Pointer;
        StepFactors step = a.Step;
        ((float rate, float beta1, float beta2, float epsilon), float correction1, float correction2) = step;
        Rows.ForEachPart(cpu, a.X.Length, (start, count) =>
        {
            long i = start, end = start + count;
            for (; i <= end - Rows.Lanes; i += Rows.Lanes)
            {
                Vector256<float> g = Vector256.Load(gradient + i);
                Vector256<float> mean = (beta1 * Vector256.Load(m + i)) + ((1f - beta1) * g);
                Vector256<float> square = (beta2 * Vector256.Load(v + i)) + ((1f - beta2) * g * g);
                mean.Store(m + i);
                square.Store(v + i);
                Vector256<float> root = Vector256.Sqrt(square / correction2) + Vector256.Create(epsilon);
                (Vector256.Load(x + i) - (rate * (mean / correction1) / root)).Store(x + i);
            }

            for (; i < end; i++) Update(ref x[i], gradient[i], ref m[i], ref v[i], step);
        });
    }
}
