using System.Diagnostics;

namespace NativeStyle.Kernels;

/// <summary>What the machine can do at most, measured: the yardstick beside an operator's time.</summary>
/// <param name="GigaflopsPerSecond">Fused multiply-adds on registers by all threads, two operations each.</param>
/// <param name="GigabytesPerSecond">Reading and writing memory far larger than the caches.</param>
public sealed record CpuPeak(double GigaflopsPerSecond, double GigabytesPerSecond)
{
    /// <summary>Measures for about half a second.</summary>
    public static CpuPeak Measure(CpuAccelerator cpu)
    {
        var arithmetic = new ArithmeticJob();
        cpu.Vectorize(arithmetic);
        return new CpuPeak(arithmetic.BestRate / 1e9, Bandwidth(cpu) / 1e9);
    }

    private static unsafe double Bandwidth(CpuAccelerator cpu)
    {
        const int Floats = 1 << 26;
        using MemoryBuffer<float> from = cpu.Allocate<float>(Floats), to = cpu.Allocate<float>(Floats);
        float* source = from.View.Pointer, target = to.View.Pointer;
        VectorOps.Fill(cpu, from.View, 1f);
        double best = double.MaxValue;
        for (int round = 0; round < 5; round++)
        {
            long start = Stopwatch.GetTimestamp();
            Rows.ForEachPart(cpu, Floats, (first, count) =>
                Buffer.MemoryCopy(source + first, target + first, (long)count * sizeof(float), (long)count * sizeof(float)));
            // The first round meets pages that are not there yet.
            if (round > 0) best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        return 2.0 * sizeof(float) * Floats / best;
    }

    private sealed unsafe class ArithmeticJob : IVectorJob
    {
        private const int Steps = 200_000;

        public double BestRate { get; private set; }

        public void Run<T>(CpuAccelerator cpu) where T : unmanaged, ILanes<T>
        {
            for (int round = 0; round < 10; round++)
            {
                long start = Stopwatch.GetTimestamp();
                cpu.Parallel(cpu.Threads, (_, worker) => Burn<T>(cpu.Scratch(worker, T.Count)));
                double flop = 2.0 * 12 * T.Count * Steps * cpu.Threads;
                BestRate = Math.Max(BestRate, flop / Stopwatch.GetElapsedTime(start).TotalSeconds);
            }
        }

        /// <summary>Twelve chains of dependent multiply-adds hide each other's latency.</summary>
        private static void Burn<T>(float* result) where T : unmanaged, ILanes<T>
        {
            T x = T.Broadcast(0.999f), y = T.Broadcast(0.001f);
            T s0 = x, s1 = x, s2 = x, s3 = x, s4 = x, s5 = x, s6 = x, s7 = x, s8 = x, s9 = x, s10 = x, s11 = x;
            for (int i = 0; i < Steps; i++)
            {
                s0 = T.MultiplyAdd(s0, x, y);
                s1 = T.MultiplyAdd(s1, x, y);
                s2 = T.MultiplyAdd(s2, x, y);
                s3 = T.MultiplyAdd(s3, x, y);
                s4 = T.MultiplyAdd(s4, x, y);
                s5 = T.MultiplyAdd(s5, x, y);
                s6 = T.MultiplyAdd(s6, x, y);
                s7 = T.MultiplyAdd(s7, x, y);
                s8 = T.MultiplyAdd(s8, x, y);
                s9 = T.MultiplyAdd(s9, x, y);
                s10 = T.MultiplyAdd(s10, x, y);
                s11 = T.MultiplyAdd(s11, x, y);
            }

            (s0 + s1 + s2 + s3 + s4 + s5 + s6 + s7 + s8 + s9 + s10 + s11).Store(result);
        }
    }
}
