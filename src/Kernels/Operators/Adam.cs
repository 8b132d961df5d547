namespace NativeStyle.Kernels;

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
public static class Adam
{
    [Kernel]
    public static void StepKernel(
        Index1D index, ArrayView<float> x, ArrayView<float> gradient, ArrayView<float> m, ArrayView<float> v,
        float learningRate, float beta1, float beta2, float epsilon, float correction1, float correction2)
    {
        float g = gradient[index];
        float mean = (beta1 * m[index]) + ((1f - beta1) * g);
        float square = (beta2 * v[index]) + ((1f - beta2) * g * g);
        m[index] = mean;
        v[index] = square;
        x[index] -= learningRate * (mean / correction1) / (MathF.Sqrt(square / correction2) + epsilon);
    }

    /// <summary>Step number <paramref name="step"/> (from 1) of all elements of x.</summary>
    /// <param name="x">The parameters; changed.</param>
    /// <param name="gradient">g, of the same length.</param>
    /// <param name="m">First moment, zero before step 1; changed.</param>
    /// <param name="v">Second moment, zero before step 1; changed.</param>
    public static void Step(
        Accelerator accelerator, ArrayView<float> x, ArrayView<float> gradient, ArrayView<float> m,
        ArrayView<float> v, AdamSettings settings, int step)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(step, 1);
        Require.Length(gradient, x.Length, nameof(gradient));
        Require.Length(m, x.Length, nameof(m));
        Require.Length(v, x.Length, nameof(v));
        using Profiler.Scope scope = accelerator.Measure("Adam.Step", x.Length, 12, 7);
        var correction1 = (float)(1 - Math.Pow(settings.Beta1, step));
        var correction2 = (float)(1 - Math.Pow(settings.Beta2, step));
        (float rate, float beta1, float beta2, float epsilon) = settings;
        if (accelerator is CpuAccelerator { Path: CpuPath.Vectorized } cpu)
        {
            Rows.ForEachRange(cpu, x.Length, (start, end) =>
            {
                for (int i = start; i < end; i++) StepKernel(i, x, gradient, m, v, rate, beta1, beta2, epsilon, correction1, correction2);
            });
            return;
        }

        accelerator.Launch(
            StepKernel, (Index1D)x.IntLength, x, gradient, m, v, rate, beta1, beta2, epsilon, correction1, correction2);
    }
}
