namespace NativeStyle.Kernels;

// jcjohnson's -normalize_gradients: a loss's gradient on its feature map gets an L1 norm of the loss's weight w, however
// large it was. The gradient g that arrives is that of the weighted loss, w times the loss's own.
//
//   forward   y = x                backward  dx = w g / (‖g‖₁ + w ε)

/// <summary>The backward pass that rescales a gradient; it is not the gradient of any function.</summary>
public static class GradientNormalization
{
    private const float Epsilon = 1e-8f;

    [Kernel]
    public static void BackwardKernel(
        Index1D index, ArrayView<float> gradient, ArrayView<float> norm, ArrayView<float> gradX, float weight, float epsilon, float beta)
    {
        float value = weight * gradient[index] / (norm[0] + epsilon);
        gradX[index] = beta == 0f ? value : (beta * gradX[index]) + value;
    }

    /// <summary>dx = beta dx + w g / (‖g‖₁ + w ε).</summary>
    /// <param name="gradient">g.</param>
    /// <param name="norm">‖g‖₁, one element, of <see cref="Reduction.AbsoluteSum"/>.</param>
    /// <param name="weight">w, not 0.</param>
    public static void Backward(
        Accelerator accelerator, ArrayView<float> gradient, ArrayView<float> norm, ArrayView<float> gradX, float weight, float beta)
    {
        Require.Length(gradX, gradient.Length, nameof(gradX));
        Require.Length(norm, 1, nameof(norm));
        using Profiler.Scope scope = accelerator.Measure("GradientNormalization", gradient.Length, 2, 3);
        if (accelerator is CpuAccelerator { Path: CpuPath.Vectorized } cpu)
        {
            Rows.ForEachRange(cpu, gradient.Length, (start, end) =>
            {
                for (int i = start; i < end; i++) BackwardKernel(i, gradient, norm, gradX, weight, weight * Epsilon, beta);
            });
            return;
        }

        accelerator.Launch(BackwardKernel, (Index1D)gradient.IntLength, gradient, norm, gradX, weight, weight * Epsilon, beta);
    }
}
