using System.Diagnostics;
using ILGPU;
using ILGPU.Runtime;
using NativeStyle.Kernels.Memory;
using NativeStyle.Kernels.Operators;
using NativeStyle.Kernels.Operators.Vectors;
using NativeStyle.Kernels.Simd;

namespace NativeStyle.Kernels.Devices;

/// <summary>The measured limits of the machine, to compare an operator's time with.</summary>
/// <param name="GigaflopsPerSecond">Fused multiply-adds on registers by all threads, two operations each.</param>
/// <param name="GigabytesPerSecond">Reading and writing memory far larger than the caches.</param>
internal sealed record DevicePeak(double GigaflopsPerSecond, double GigabytesPerSecond)
{
    private const int KernelSteps = 4096;
    private const int KernelItems = 1 << 18;

    /// <summary>
    /// Measures for about half a second: on the CPU by vectorised loops, on GPUs by kernels. Returns null for ILGPU's
    /// CPU accelerator, which is for debugging.
    /// </summary>
    public static DevicePeak? Measure(ComputeDevice device)
    {
        if (device is not CpuDevice cpu) return device.HasFastGroups ? ByKernels(device) : null;
        var arithmetic = new ArithmeticJob();
        cpu.Vectorize(arithmetic);
        return new DevicePeak(arithmetic.BestRate / 1e9, Bandwidth(cpu) / 1e9);
    }

    /// <summary>Runs eight independent chains of four multiply-adds each, on registers.</summary>
    internal static void ArithmeticKernel(Index1D index, ArrayView<float> result, float factor, float offset, int steps)
    {
        Float4 y = Float4.Broadcast(offset);
        Float4 x = Float4.Broadcast(factor);
        Float4 s0 = Float4.Broadcast((int)index);
        Float4 s1 = s0 + x;
        Float4 s2 = s1 + x;
        Float4 s3 = s2 + x;
        Float4 s4 = s3 + x;
        Float4 s5 = s4 + x;
        Float4 s6 = s5 + x;
        Float4 s7 = s6 + x;
        for (int i = 0; i < steps; i++)
        {
            s0 = Float4.MultiplyAdd(factor, s0, y);
            s1 = Float4.MultiplyAdd(factor, s1, y);
            s2 = Float4.MultiplyAdd(factor, s2, y);
            s3 = Float4.MultiplyAdd(factor, s3, y);
            s4 = Float4.MultiplyAdd(factor, s4, y);
            s5 = Float4.MultiplyAdd(factor, s5, y);
            s6 = Float4.MultiplyAdd(factor, s6, y);
            s7 = Float4.MultiplyAdd(factor, s7, y);
        }

        Float4 sum = s0 + s1 + s2 + s3 + (s4 + s5 + s6 + s7);
        result[index] = sum.X + sum.Y + sum.Z + sum.W;
    }

    /// <summary>Copies 16 bytes. With 4 a work item, too few are under way to keep a large GPU's memory busy.</summary>
    internal static void CopyKernel(Index1D index, ArrayView<Float4> to, ArrayView<Float4> from) =>
        to[index] = from[index];

    private static DevicePeak ByKernels(ComputeDevice device)
    {
        using DeviceBuffer<float> from = device.Allocate<float>(1 << 26), to = device.Allocate<float>(1 << 26);
        VectorOps.Fill(device, from.View, 1f);
        double arithmetic = Best(() => device.Launch(
            ArithmeticKernel, KernelItems, to.View, 0.999f, 0.001f, KernelSteps));
        double copy = Best(() => device.Launch(
            CopyKernel, to.Length / 4, to.View.Cast<Float4>(), from.View.Cast<Float4>()));
        double flop = 2.0 * 32 * KernelSteps * KernelItems;
        return new DevicePeak(flop / arithmetic / 1e9, 2.0 * sizeof(float) * (1 << 26) / copy / 1e9);

        double Best(Action run)
        {
            double best = double.MaxValue;
            for (int round = 0; round < 3; round++)
            {
                device.Synchronize();
                long start = Stopwatch.GetTimestamp();
                run();
                device.Synchronize();
                best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
            }

            return best;
        }
    }

    private static unsafe double Bandwidth(CpuDevice cpu)
    {
        const int Floats = 1 << 26;
        using DeviceBuffer<float> from = cpu.Allocate<float>(Floats), to = cpu.Allocate<float>(Floats);
        float* source = from.View.Pointer, target = to.View.Pointer;
        VectorOps.Fill(cpu, from.View, 1f);
        double best = double.MaxValue;
        for (int round = 0; round < 5; round++)
        {
            long start = Stopwatch.GetTimestamp();
            Rows.ForEachPart(cpu, Floats, (first, count) =>
                Buffer.MemoryCopy(
                    source + first, target + first, (long)count * sizeof(float), (long)count * sizeof(float)));
            // The first round touches pages that are not mapped yet.
            if (round > 0) best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        return 2.0 * sizeof(float) * Floats / best;
    }

    private sealed unsafe class ArithmeticJob : IVectorJob
    {
        private const int Steps = 200_000;

        public double BestRate { get; private set; }

        public void Run<T>(CpuDevice cpu) where T : unmanaged, ILanes<T>
        {
            for (int round = 0; round < 10; round++)
            {
                long start = Stopwatch.GetTimestamp();
                cpu.Parallel(cpu.Threads, T.Count, (_, result) => Burn<T>(result));
                double flop = 2.0 * 12 * T.Count * Steps * cpu.Threads;
                BestRate = Math.Max(BestRate, flop / Stopwatch.GetElapsedTime(start).TotalSeconds);
            }
        }

        /// <summary>Runs twelve chains of dependent multiply-adds, which hide each other's latency.</summary>
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
