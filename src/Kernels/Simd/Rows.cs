using System.Runtime.Intrinsics;
using NativeStyle.Kernels.Devices;

namespace NativeStyle.Kernels.Simd;

/// <summary>Loops over contiguous floats that the vectorised forms of operators share.</summary>
internal static unsafe class Rows
{
    /// <summary>Floats of a vector.</summary>
    public const int Lanes = 8;

    /// <summary>
    /// Elements of one part of a parallel loop: large enough to hide the cost of starting it, small enough to balance.
    /// </summary>
    public const int Part = 1 << 15;

    /// <summary>y[i] += s x[i].</summary>
    public static void AddScaled(float* y, float* x, float s, int count)
    {
        var scale = Vector256.Create(s);
        int i = 0;
        for (; i <= count - Lanes; i += Lanes)
            Vector256.FusedMultiplyAdd(scale, Vector256.Load(x + i), Vector256.Load(y + i)).Store(y + i);
        for (; i < count; i++) y[i] = MathF.FusedMultiplyAdd(s, x[i], y[i]);
    }

    /// <summary>Runs <paramref name="body"/>(start, count) over all elements in parts of <see cref="Part"/>.</summary>
    public static void ForEachPart(CpuDevice cpu, long length, Action<long, int> body)
    {
        int parts = (int)((length + Part - 1) / Part);
        cpu.Parallel(parts, part =>
        {
            long start = (long)part * Part;
            body(start, (int)Math.Min(Part, length - start));
        });
    }

    /// <summary>
    /// The sum of <paramref name="partial"/>(start, count) over all parts, added in their order. The bytes are the same
    /// for any number of threads.
    /// </summary>
    public static double SumParts(CpuDevice cpu, long length, Func<long, int, double> partial)
    {
        double[] sums = new double[(length + Part - 1) / Part];
        ForEachPart(cpu, length, (start, count) => sums[start / Part] = partial(start, count));
        double total = 0;
        foreach (double sum in sums) total += sum;
        return total;
    }
}
