using System.Runtime.Intrinsics;

namespace NativeStyle.Kernels;

// The loss under every content and style loss; systems differ only in the scale s.
//
//   forward   L = s sum over i of (x[i] - t[i])²
//   backward  dx[i] = 2 s (x[i] - t[i]) dL

/// <summary>A scaled sum of squared differences to a fixed target.</summary>
public static unsafe class SquaredError
{
    [Kernel]
    public static void PartsKernel(
        Index1D part, ArrayView<float> x, ArrayView<float> target, ArrayView<float> partials, int length)
    {
        float sum = 0f;
        for (int i = part; i < length; i += Reduction.Parts)
        {
            float difference = x[i] - target[i];
            sum += difference * difference;
        }

        partials[part] = sum;
    }

    [Kernel]
    public static void BackwardKernel(
        Index1D index, ArrayView<float> x, ArrayView<float> target, ArrayView<float> gradLoss,
        ArrayView<float> gradX, float scale, float beta)
    {
        float gradient = 2f * scale * gradLoss[0] * (x[index] - target[index]);
        gradX[index] = beta == 0f ? gradient : (beta * gradX[index]) + gradient;
    }

    /// <summary>loss[0] = scale x sum of (x - target)².</summary>
    public static void Forward(
        Accelerator accelerator, ArrayView<float> x, ArrayView<float> target, ArrayView<float> loss, float scale)
    {
        Require.Length(target, x.Length, nameof(target));
        Require.Length(loss, 1, nameof(loss));
        using Profiler.Scope scope = accelerator.Measure("SquaredError.Forward", x.Length, 3, 2);
        if (accelerator is CpuAccelerator { Path: CpuPath.Vectorized } cpu)
        {
            float* a = x.Pointer, t = target.Pointer;
            loss.Pointer[0] = (float)(scale * Rows.SumParts(cpu, x.Length, (start, count) =>
            {
                Vector512<double> sums = default;
                int i = 0;
                for (; i <= count - 8; i += 8)
                {
                    Vector256<float> difference = Vector256.Load(a + start + i) - Vector256.Load(t + start + i);
                    sums += Reduction.Widen(difference * difference);
                }

                double sum = Vector512.Sum(sums);
                for (; i < count; i++) sum += (a[start + i] - t[start + i]) * (a[start + i] - t[start + i]);
                return sum;
            }));
            return;
        }

        Reduction.TwoSteps(accelerator, loss, scale, partials => accelerator.Launch(
            PartsKernel, (Index1D)Reduction.Parts, x, target, partials, x.IntLength));
    }

    /// <summary>dx = beta dx + 2 scale dL (x - target).</summary>
    /// <param name="gradLoss">dL, one element.</param>
    public static void Backward(
        Accelerator accelerator, ArrayView<float> x, ArrayView<float> target, ArrayView<float> gradLoss,
        ArrayView<float> gradX, float scale, float beta)
    {
        Require.Length(target, x.Length, nameof(target));
        Require.Length(gradX, x.Length, nameof(gradX));
        Require.Length(gradLoss, 1, nameof(gradLoss));
        using Profiler.Scope scope = accelerator.Measure("SquaredError.Backward", x.Length, 2, 3);
        if (accelerator is CpuAccelerator { Path: CpuPath.Vectorized } cpu)
        {
            float* a = x.Pointer, t = target.Pointer, dx = gradX.Pointer;
            float factor = 2f * scale * gradLoss.Pointer[0];
            Rows.ForEachPart(cpu, x.Length, (start, count) =>
            {
                for (long i = start; i < start + count; i++)
                {
                    float gradient = factor * (a[i] - t[i]);
                    dx[i] = beta == 0f ? gradient : (beta * dx[i]) + gradient;
                }
            });
            return;
        }

        accelerator.Launch(BackwardKernel, (Index1D)x.IntLength, x, target, gradLoss, gradX, scale, beta);
    }
}
