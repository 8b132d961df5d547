using System.Runtime.Intrinsics;

namespace NativeStyle.Kernels;

// Sums in a fixed order, so that the same input gives the same bytes: no atomics on floats.
//
// Step 1: Parts work items each add every Parts-th term (neighbours read neighbouring memory).
// Step 2: one group adds the partial sums as a binary tree in shared memory.

/// <summary>Deterministic sums, and the operators that are a map followed by a sum: sum, dot product, squared norm.</summary>
public static unsafe class Reduction
{
    /// <summary>Partial sums of step 1: fixed, because their number decides the order of the additions.</summary>
    public const int Parts = 1024;

    /// <summary>Work items of step 2.</summary>
    public const int GroupSize = 64;

    [Kernel]
    public static void SumPartsKernel(Index1D part, ArrayView<float> terms, ArrayView<float> partials, int length)
    {
        float sum = 0f;
        for (int i = part; i < length; i += Parts) sum += terms[i];
        partials[part] = sum;
    }

    [Kernel]
    public static void DotPartsKernel(
        Index1D part, ArrayView<float> a, ArrayView<float> b, ArrayView<float> partials, int length)
    {
        float sum = 0f;
        for (int i = part; i < length; i += Parts) sum += a[i] * b[i];
        partials[part] = sum;
    }

    [Kernel]
    public static void AbsolutePartsKernel(Index1D part, ArrayView<float> terms, ArrayView<float> partials, int length)
    {
        float sum = 0f;
        for (int i = part; i < length; i += Parts) sum += MathF.Abs(terms[i]);
        partials[part] = sum;
    }

    /// <summary>result[0] = scale x the sum of the partials, by one group.</summary>
    [Kernel]
    public static void TreeKernel(ArrayView<float> partials, ArrayView<float> result, float scale)
    {
        ArrayView<float> shared = SharedMemory.Allocate<float>(GroupSize);
        int lane = Group.IdxX;
        float sum = 0f;
        for (int i = lane; i < Parts; i += GroupSize) sum += partials[i];
        shared[lane] = sum;
        Group.Barrier();
        for (int half = GroupSize / 2; half > 0; half /= 2)
        {
            if (lane < half) shared[lane] += shared[lane + half];
            Group.Barrier();
        }

        if (lane == 0) result[0] = scale * shared[0];
    }

    /// <summary>result[0] = scale x sum of terms.</summary>
    public static void Sum(Accelerator accelerator, ArrayView<float> terms, ArrayView<float> result, float scale = 1f)
    {
        Require.Length(result, 1, nameof(result));
        if (accelerator is CpuAccelerator { Path: CpuPath.Vectorized } cpu)
        {
            float* x = terms.Pointer;
            result.Pointer[0] = (float)(scale * Rows.SumParts(cpu, terms.Length, (start, count) =>
            {
                Vector512<double> sums = default;
                int i = 0;
                for (; i <= count - 8; i += 8) sums += Widen(Vector256.Load(x + start + i));
                double sum = Vector512.Sum(sums);
                for (; i < count; i++) sum += x[start + i];
                return sum;
            }));
            return;
        }

        TwoSteps(accelerator, result, scale, partials => accelerator.Launch(
            SumPartsKernel, (Index1D)Parts, terms, partials, terms.IntLength));
    }

    /// <summary>result[0] = scale x sum of a[i] b[i]; with a = b the squared 2-norm.</summary>
    public static void Dot(
        Accelerator accelerator, ArrayView<float> a, ArrayView<float> b, ArrayView<float> result, float scale = 1f)
    {
        Require.Length(b, a.Length, nameof(b));
        Require.Length(result, 1, nameof(result));
        if (accelerator is CpuAccelerator { Path: CpuPath.Vectorized } cpu)
        {
            float* x = a.Pointer, y = b.Pointer;
            result.Pointer[0] = (float)(scale * Rows.SumParts(cpu, a.Length, (start, count) =>
            {
                Vector512<double> sums = default;
                int i = 0;
                for (; i <= count - 8; i += 8)
                    sums += Widen(Vector256.Load(x + start + i)) * Widen(Vector256.Load(y + start + i));
                double sum = Vector512.Sum(sums);
                for (; i < count; i++) sum += (double)x[start + i] * y[start + i];
                return sum;
            }));
            return;
        }

        TwoSteps(accelerator, result, scale, partials => accelerator.Launch(
            DotPartsKernel, (Index1D)Parts, a, b, partials, a.IntLength));
    }

    /// <summary>result[0] = the sum of |terms|, the 1-norm.</summary>
    public static void AbsoluteSum(Accelerator accelerator, ArrayView<float> terms, ArrayView<float> result)
    {
        Require.Length(result, 1, nameof(result));
        if (accelerator is CpuAccelerator { Path: CpuPath.Vectorized } cpu)
        {
            float* x = terms.Pointer;
            result.Pointer[0] = (float)Rows.SumParts(cpu, terms.Length, (start, count) =>
            {
                double sum = 0;
                for (long i = start; i < start + count; i++) sum += Math.Abs(x[i]);
                return sum;
            });
            return;
        }

        TwoSteps(accelerator, result, 1f, partials => accelerator.Launch(
            AbsolutePartsKernel, (Index1D)Parts, terms, partials, terms.IntLength));
    }

    /// <summary>Step 1 by <paramref name="fillPartials"/>, then step 2: result[0] = scale x sum.</summary>
    internal static void TwoSteps(
        Accelerator accelerator, ArrayView<float> result, float scale, Action<ArrayView<float>> fillPartials)
    {
        using MemoryBuffer<float> partials = accelerator.Allocate<float>(Parts);
        fillPartials(partials.View);
        accelerator.LaunchGrouped(TreeKernel, new KernelConfig(1, GroupSize), partials.View, result, scale);
    }

    internal static Vector512<double> Widen(Vector256<float> value)
    {
        (Vector256<double> lower, Vector256<double> upper) = Vector256.Widen(value);
        return Vector512.Create(lower, upper);
    }
}
