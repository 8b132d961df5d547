using System.Runtime.Intrinsics;

namespace NativeStyle.Kernels;

// The vector operations that optimisers are made of (BLAS level 1). Dot products are in Reduction.
//
//   Copy   y = x          Fill   y = s          Scale  y = s y          Axpy  y = y + s x          Lerp  y = y + t (x - y)

/// <summary>Operations on vectors of any length that stay on the device.</summary>
public static unsafe class VectorOps
{
    [Kernel]
    public static void CopyKernel(Index1D index, ArrayView<float> y, ArrayView<float> x) => y[index] = x[index];

    [Kernel]
    public static void FillKernel(Index1D index, ArrayView<float> y, float value) => y[index] = value;

    [Kernel]
    public static void ScaleKernel(Index1D index, ArrayView<float> y, float factor) => y[index] *= factor;

    [Kernel]
    public static void AxpyKernel(Index1D index, ArrayView<float> y, ArrayView<float> x, float factor) =>
        y[index] += factor * x[index];

    [Kernel]
    public static void LerpKernel(Index1D index, ArrayView<float> y, ArrayView<float> x, float amount) =>
        y[index] += amount * (x[index] - y[index]);

    /// <summary>y = value.</summary>
    public static void Fill(Accelerator accelerator, ArrayView<float> y, float value)
    {
        if (accelerator is CpuAccelerator { Path: CpuPath.Vectorized }) y.AsSpan().Fill(value);
        else accelerator.Launch(FillKernel, (Index1D)y.IntLength, y, value);
    }

    /// <summary>y = x.</summary>
    public static void Copy(Accelerator accelerator, ArrayView<float> y, ArrayView<float> x)
    {
        Require.Length(x, y.Length, nameof(x));
        if (accelerator is CpuAccelerator { Path: CpuPath.Vectorized }) x.AsSpan().CopyTo(y.AsSpan());
        else accelerator.Launch(CopyKernel, (Index1D)y.IntLength, y, x);
    }

    /// <summary>y = factor y.</summary>
    public static void Scale(Accelerator accelerator, ArrayView<float> y, float factor) =>
        accelerator.Launch(ScaleKernel, (Index1D)y.IntLength, y, factor);

    /// <summary>y = y + factor x.</summary>
    public static void Axpy(Accelerator accelerator, ArrayView<float> y, ArrayView<float> x, float factor)
    {
        Require.Length(x, y.Length, nameof(x));
        if (accelerator is CpuAccelerator { Path: CpuPath.Vectorized } cpu)
        {
            float* to = y.Pointer, from = x.Pointer;
            Rows.ForEachPart(cpu, y.Length, (start, count) => Rows.AddScaled(to + start, from + start, factor, count));
            return;
        }

        accelerator.Launch(AxpyKernel, (Index1D)y.IntLength, y, x, factor);
    }

    /// <summary>y = y + amount (x - y): a step of an exponential moving average.</summary>
    public static void Lerp(Accelerator accelerator, ArrayView<float> y, ArrayView<float> x, float amount)
    {
        Require.Length(x, y.Length, nameof(x));
        if (accelerator is CpuAccelerator { Path: CpuPath.Vectorized } cpu)
        {
            Rows.ForEachRange(cpu, y.Length, (start, end) =>
            {
                for (int i = start; i < end; i++) LerpKernel(i, y, x, amount);
            });
            return;
        }

        accelerator.Launch(LerpKernel, (Index1D)y.IntLength, y, x, amount);
    }

    /// <summary>The sum of x[i] y[i], read back to the host.</summary>
    public static float Dot(Accelerator accelerator, ArrayView<float> x, ArrayView<float> y)
    {
        using MemoryBuffer<float> product = accelerator.Allocate<float>(1);
        Reduction.Dot(accelerator, x, y, product.View);
        return product.GetAsArray()[0];
    }

    /// <summary>The 2-norm of x, read back to the host.</summary>
    public static float Norm(Accelerator accelerator, ArrayView<float> x) => MathF.Sqrt(Dot(accelerator, x, x));

    /// <summary>The 1-norm of x, read back to the host.</summary>
    public static float AbsoluteNorm(Accelerator accelerator, ArrayView<float> x)
    {
        using MemoryBuffer<float> sum = accelerator.Allocate<float>(1);
        Reduction.AbsoluteSum(accelerator, x, sum.View);
        return sum.GetAsArray()[0];
    }
}
