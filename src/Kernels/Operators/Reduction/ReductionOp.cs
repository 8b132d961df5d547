using System.Numerics;
using System.Runtime.Intrinsics;
using ILGPU;
using ILGPU.Runtime;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;
using NativeStyle.Kernels.Simd;
using NativeStyle.Kernels.Translation;

namespace NativeStyle.Kernels.Operators.Reduction;

// Sums in a fixed order, without atomics on floats, so that the same input gives the same bytes.
//
// Step 1: each work item adds every n-th term of n (neighbours read neighbouring memory). Long sums have more of them,
//         so that a whole GPU is busy.
// Step 2: if step 1 gives more than Parts partial sums, Parts work items add those in the same way.
// Step 3: the partial sums are added; on GPUs one group adds them as a binary tree in shared memory.

/// <summary>
/// Deterministic sums, and the operators that are a map followed by a sum: sum, dot product, 1-norm.
/// </summary>
public static unsafe class ReductionOp
{
    /// <summary>The number of partial sums that step 3 adds.</summary>
    internal const int Parts = 1024;

    /// <summary>Partial sums of step 1 at most: as many as a large GPU has places for work items.</summary>
    private const int MostParts = 1 << 18;

    /// <summary>Terms of a partial sum of step 1 at least, unless there are only <see cref="Parts"/> of them.</summary>
    private const int LeastTerms = 8;

    /// <summary>The most pieces that one work item adds, one after the other.</summary>
    private const int MostPieces = 64;

    /// <summary>Work items of step 3.</summary>
    internal const int GroupSize = 64;

    private static readonly Operator<SumArguments> s_sum = new Operator<SumArguments>(
            "Reduction.Sum", a => ($"{a.Terms.Length}", Work.Each(a.Terms.Length, 1, 1)))
        .Vectorized(VectorSum)
        .Plain((device, a) => Steps(
            device, a.Terms.Length, a.Result, a.Scale,
            partials => device.Launch(SumPartsKernel, partials.Length, a.Terms, partials)));

    private static readonly Operator<DotArguments> s_dot = new Operator<DotArguments>(
            "Reduction.Dot", a => ($"{a.A.Length}", Work.Each(a.A.Length, 2, 2)))
        .Vectorized(VectorDot)
        .Plain((device, a) => Steps(
            device, a.A.Length, a.Result, a.Scale,
            partials => device.Launch(DotPartsKernel, partials.Length, a.A, a.B, partials)));

    private static readonly Operator<SumArguments> s_absoluteSum = new Operator<SumArguments>(
            "Reduction.AbsoluteSum", a => ($"{a.Terms.Length}", Work.Each(a.Terms.Length, 1, 1)))
        .Vectorized(VectorAbsoluteSum)
        .Plain((device, a) => Steps(
            device, a.Terms.Length, a.Result, a.Scale,
            partials => device.Launch(AbsolutePartsKernel, partials.Length, a.Terms, partials)));

    private static readonly Operator<SumArguments> s_partials = new Operator<SumArguments>(
            "Reduction.Partials", a => ($"{a.Terms.Length}", Work.Each(a.Terms.Length, 1, 1)))
        .Grouped((device, a) => device.LaunchGrouped(
            TreeKernel, new KernelConfig(1, GroupSize), a.Terms, a.Result, a.Scale))
        .Plain((device, a) => device.Launch(SumPiecesKernel, 1, a.Terms, a.Result, a.Scale));

    private static readonly Operator<SumArguments> s_pieces = new Operator<SumArguments>(
            "Reduction.SumPieces", a => ($"{a.Terms.Length}", Work.Each(a.Terms.Length, 1, 1)))
        .Plain(AddPieces);

    private readonly record struct SumArguments(ArrayView<float> Terms, ArrayView<float> Result, float Scale);

    private readonly record struct DotArguments(
        ArrayView<float> A, ArrayView<float> B, ArrayView<float> Result, float Scale);

    internal static void SumPartsKernel(Index1D part, ArrayView<float> terms, ArrayView<float> partials)
    {
        float sum = 0f;
        for (int i = part; i < terms.IntLength; i += partials.IntLength) sum += terms[i];
        partials[part] = sum;
    }

    internal static void DotPartsKernel(Index1D part, ArrayView<float> a, ArrayView<float> b, ArrayView<float> partials)
    {
        float sum = 0f;
        for (int i = part; i < a.IntLength; i += partials.IntLength) sum += a[i] * b[i];
        partials[part] = sum;
    }

    internal static void AbsolutePartsKernel(Index1D part, ArrayView<float> terms, ArrayView<float> partials)
    {
        float sum = 0f;
        for (int i = part; i < terms.IntLength; i += partials.IntLength) sum += MathF.Abs(terms[i]);
        partials[part] = sum;
    }

    /// <summary>result[0] = scale x the sum of the partials, by one group.</summary>
    [GroupItems(GroupSize)]
    internal static void TreeKernel(ArrayView<float> partials, ArrayView<float> result, float scale)
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

    /// <summary>
    /// Computes one element of the sum of pieces. Each piece is as long as the result, and they are added in their
    /// order.
    /// </summary>
    internal static void SumPiecesKernel(Index1D index, ArrayView<float> pieces, ArrayView<float> result, float scale)
    {
        float sum = 0f;
        for (int i = index; i < pieces.IntLength; i += result.IntLength) sum += pieces[i];
        result[index] = scale * sum;
    }

    /// <summary>result[0] = scale x sum of terms.</summary>
    public static void Sum(ComputeDevice device, ArrayView<float> terms, ArrayView<float> result, float scale = 1f)
    {
        Require.Length(result, 1, nameof(result));
        s_sum.Run(device, new SumArguments(terms, result, scale));
    }

    /// <summary>result[0] = scale x sum of a[i] b[i]; with a = b this is the squared 2-norm.</summary>
    public static void Dot(
        ComputeDevice device, ArrayView<float> a, ArrayView<float> b, ArrayView<float> result, float scale = 1f)
    {
        Require.Length(b, a.Length, nameof(b));
        Require.Length(result, 1, nameof(result));
        s_dot.Run(device, new DotArguments(a, b, result, scale));
    }

    /// <summary>result[0] = the sum of |terms|, the 1-norm.</summary>
    public static void AbsoluteSum(ComputeDevice device, ArrayView<float> terms, ArrayView<float> result)
    {
        Require.Length(result, 1, nameof(result));
        s_absoluteSum.Run(device, new SumArguments(terms, result, 1f));
    }

    /// <summary>result = scale x the sum of pieces that are each as long as the result.</summary>
    internal static void SumPieces(
        ComputeDevice device, ArrayView<float> pieces, ArrayView<float> result, float scale) =>
        s_pieces.Run(device, new SumArguments(pieces, result, scale));

    /// <summary>
    /// Runs step 1 by <paramref name="fillPartials"/>, then the others: result[0] = scale x sum.
    /// </summary>
    /// <param name="terms">The number of terms.</param>
    /// <param name="fillPartials">
    /// Sets each element of a view to the sum of every n-th term, with n the view's length.
    /// </param>
    internal static void Steps(
        ComputeDevice device, long terms, ArrayView<float> result, float scale, Action<ArrayView<float>> fillPartials)
    {
        using DeviceBuffer<float> partials = device.Allocate<float>(Parts);
        int parts = PartsOf(terms);
        if (parts == Parts)
        {
            fillPartials(partials.View);
        }
        else
        {
            using DeviceBuffer<float> many = device.Allocate<float>(parts);
            fillPartials(many.View);
            device.Launch(SumPartsKernel, Parts, many.View, partials.View);
        }

        s_partials.Run(device, new SumArguments(partials.View, result, scale));
    }

    /// <summary>
    /// The number of partial sums of step 1. It depends on the number of terms alone, because it decides the order of
    /// the additions.
    /// </summary>
    private static int PartsOf(long terms) =>
        (int)Math.Clamp((long)BitOperations.RoundUpToPowerOf2((ulong)(terms / LeastTerms)), Parts, MostParts);

    /// <summary>Adds many pieces in two rounds, so that there are more work items, and shorter sums.</summary>
    private static void AddPieces(ComputeDevice device, SumArguments a)
    {
        if (a.Terms.Length <= MostPieces * a.Result.Length)
        {
            device.Launch(SumPiecesKernel, a.Result.Length, a.Terms, a.Result, a.Scale);
            return;
        }

        using DeviceBuffer<float> sums = device.Allocate<float>(MostPieces * a.Result.Length);
        device.Launch(SumPiecesKernel, sums.Length, a.Terms, sums.View, 1f);
        device.Launch(SumPiecesKernel, a.Result.Length, sums.View, a.Result, a.Scale);
    }

    internal static Vector512<double> Widen(Vector256<float> value)
    {
        (Vector256<double> lower, Vector256<double> upper) = Vector256.Widen(value);
        return Vector512.Create(lower, upper);
    }

    private static void VectorSum(CpuDevice cpu, SumArguments a)
    {
        float* x = a.Terms.Pointer;
        *a.Result.Pointer = (float)(a.Scale * Rows.SumParts(cpu, a.Terms.Length, (start, count) =>
        {
            Vector512<double> sums = default;
            int i = 0;
            for (; i <= count - 8; i += 8) sums += Widen(Vector256.Load(x + start + i));
            double sum = Vector512.Sum(sums);
            for (; i < count; i++) sum += x[start + i];
            return sum;
        }));
    }

    private static void VectorDot(CpuDevice cpu, DotArguments a)
    {
        float* x = a.A.Pointer, y = a.B.Pointer;
        *a.Result.Pointer = (float)(a.Scale * Rows.SumParts(cpu, a.A.Length, (start, count) =>
        {
            Vector512<double> sums = default;
            int i = 0;
            for (; i <= count - 8; i += 8)
                sums += Widen(Vector256.Load(x + start + i)) * Widen(Vector256.Load(y + start + i));
            double sum = Vector512.Sum(sums);
            for (; i < count; i++) sum += (double)x[start + i] * y[start + i];
            return sum;
        }));
    }

    private static void VectorAbsoluteSum(CpuDevice cpu, SumArguments a)
    {
        float* x = a.Terms.Pointer;
        *a.Result.Pointer = (float)(a.Scale * Rows.SumParts(cpu, a.Terms.Length, (start, count) =>
        {
            double sum = 0;
            for (long i = start; i < start + count; i++) sum += Math.Abs(x[i]);
            return sum;
        }));
    }
}
