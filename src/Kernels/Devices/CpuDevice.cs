using System.Reflection;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using ILGPU;
using ILGPU.Runtime;
using NativeStyle.Kernels.Memory;
using NativeStyle.Kernels.Operators;
using NativeStyle.Kernels.Simd;

namespace NativeStyle.Kernels.Devices;

/// <summary>
/// The CPU at full speed. Operators run in their hand-vectorised forms; a kernel without such a form is called by all
/// threads as a plain C# method. (ILGPU's own CPU accelerator, <see cref="KernelDevice.OnCpu"/>, is for tests and the
/// debugger.)
/// </summary>
public sealed unsafe class CpuDevice : ComputeDevice
{
    /// <summary>What a working thread takes by itself: its stack, and what the runtime keeps for it.</summary>
    private const long ThreadBytes = 3 << 18;

    private readonly WorkerTeam? _team;
    private readonly long[] _rehearsedScratch;

    /// <param name="threads">Threads to use; 0 for one per core that this process may use.</param>
    /// <param name="vectorBits">
    /// Width of the vectors: 128, 256, 512, or 0 for the widest that is fast on this machine. A width that the machine
    /// does not have still computes, slowly.
    /// </param>
    public CpuDevice(int threads = 0, int vectorBits = 0)
        : base(usesHostMemory: true)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(threads);
        if (vectorBits is not (0 or 128 or 256 or 512))
            throw new ArgumentOutOfRangeException(nameof(vectorBits), vectorBits, "expected 0, 128, 256 or 512");
        Threads = threads == 0 ? Environment.ProcessorCount : threads;
        VectorBits = vectorBits == 0 ? WidestVectorBits : vectorBits;
        (_team, _rehearsedScratch) = (new WorkerTeam(Threads), []);
    }

    private CpuDevice(CpuDevice rehearsed)
        : base(usesHostMemory: true, isRehearsal: true)
    {
        (Threads, VectorBits, AvailableBytes) = (rehearsed.Threads, rehearsed.VectorBits, rehearsed.AvailableBytes);
        _rehearsedScratch = new long[Threads];
    }

    /// <summary>The number of threads that share the work.</summary>
    public int Threads { get; }

    /// <summary>Width of the vectors of the hand-vectorised operators.</summary>
    public int VectorBits { get; }

    /// <summary>The widest vectors that are fast on this machine; 128 also if it has none.</summary>
    public static int WidestVectorBits =>
        Vector512.IsHardwareAccelerated ? 512 : Vector256.IsHardwareAccelerated ? 256 : 128;

    /// <inheritdoc/>
    public override string Name => VectorBits == WidestVectorBits ? "cpu" : $"cpu-{VectorBits}";

    /// <inheritdoc/>
    public override string Description =>
        $"{Threads} threads, hand-vectorised operators, {VectorBits}-bit vectors ({UnitOf(VectorBits)})";

    /// <summary>What computes with vectors of that width here.</summary>
    internal static string UnitOf(int vectorBits) => vectorBits switch
    {
        512 => Vector512.IsHardwareAccelerated ? "AVX-512" : "emulated",
        256 => Fma.IsSupported ? "AVX2 and FMA" : Vector256.IsHardwareAccelerated ? "no FMA" : "emulated",
        _ => AdvSimd.IsSupported ? "NEON" : Vector128.IsHardwareAccelerated ? "SSE" : "emulated",
    };

    /// <summary>The free memory when this device was made; see <see cref="SystemMemory.AvailableBytes"/>.</summary>
    public override long AvailableBytes { get; } = SystemMemory.AvailableBytes;

    /// <inheritdoc/>
    public override bool HasGroups => false;

    /// <inheritdoc/>
    public override long ScratchBytes => (_team?.ScratchBytes ?? _rehearsedScratch.Sum()) + (ThreadBytes * Threads);

    /// <inheritdoc/>
    public override ComputeDevice Rehearsal() => new CpuDevice(this);

    /// <inheritdoc/>
    public override void ResetPeak()
    {
        base.ResetPeak();
        Array.Clear(_rehearsedScratch);
    }

    /// <inheritdoc/>
    public override void Synchronize()
    {
        // Every launch has finished when it returns.
    }

    internal override bool Runs(FormKind kind) => kind is FormKind.Vectorized or FormKind.Plain;

    /// <summary>Runs <paramref name="body"/>(part) for every part, on all threads.</summary>
    internal void Parallel(int parts, Action<int> body) => _team?.Run(parts, 0, (part, _) => body(part));

    /// <summary>Runs <paramref name="body"/>(part, scratch) for every part, on all threads.</summary>
    /// <param name="scratchFloats">
    /// Floats of scratch memory for each part, aligned to a cache line and undefined at first. Each thread has its own.
    /// </param>
    /// <exception cref="OutOfMemoryException">There is no memory for the scratch; no part has run.</exception>
    internal void Parallel(int parts, long scratchFloats, PartBody body)
    {
        if (_team is not null)
        {
            BeforeCall?.Invoke(this, DeviceCall.Launch);
            _team.Run(parts, scratchFloats, body);
            return;
        }

        for (int worker = 0; worker < Math.Min(parts, Threads); worker++)
            _rehearsedScratch[worker] = Math.Max(_rehearsedScratch[worker], scratchFloats * sizeof(float));
    }

    /// <summary>Runs a job in the form compiled for this device's vector width.</summary>
    internal void Vectorize<TJob>(TJob job) where TJob : IVectorJob
    {
        if (VectorBits == 512) job.Run<Lanes512>(this);
        else if (VectorBits == 256) job.Run<Lanes256>(this);
        else job.Run<Lanes128x2>(this);
    }

    private protected override void Upload<T>(ReadOnlySpan<T> source, ArrayView<T> view)
    {
        BeforeCall?.Invoke(this, DeviceCall.Upload);
        source.CopyTo(new Span<T>(view.Pointer, source.Length));
    }

    private protected override void Download<T>(ArrayView<T> view, Span<T> target)
    {
        BeforeCall?.Invoke(this, DeviceCall.Download);
        new ReadOnlySpan<T>(view.Pointer, target.Length).CopyTo(target);
    }

    private protected override MemoryBuffer AllocateSlab(long bytes)
    {
        BeforeCall?.Invoke(this, DeviceCall.Allocation);
        return new HostSlab(bytes, null);
    }

    private protected override void FreeSlab(MemoryBuffer slab) => slab.Dispose();

    private protected override void Run(
        MethodInfo kernel, long count, Action<int> body, Func<Accelerator, int, Delegate> load, Action<Delegate> launch)
    {
        _ = checked((int)count);
        int parts = (int)Math.Min(count, Threads * 8L);
        Parallel(parts, part =>
        {
            int end = (int)(count * (part + 1) / parts);
            for (int i = (int)(count * part / parts); i < end; i++) body(i);
        });
    }

    /// <exception cref="DeviceException">Always: groups need barriers, which plain calls do not have.</exception>
    private protected override void RunGrouped(
        MethodInfo kernel, KernelConfig config, Func<Accelerator, Delegate> load, Action<Delegate> launch) =>
        throw new DeviceException($"{kernel.Name} is a kernel of groups: it runs on cpu-kernels and on GPUs");

    private protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        _team?.Dispose();
    }
}
