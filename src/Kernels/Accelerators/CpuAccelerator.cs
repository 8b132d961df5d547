using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace NativeStyle.Kernels;

/// <summary>How the CPU accelerator runs the operators that have a hand-vectorised path.</summary>
public enum CpuPath
{
    /// <summary>The hand-vectorised path where there is one: for speed.</summary>
    Vectorized,

    /// <summary>Every operator by its C# kernel, the one that GPUs run: for debugging, tests and study.</summary>
    Kernels,
}

/// <summary>
/// Runs kernels as the C# methods they are, on the threads of this process. Implicitly grouped kernels are spread
/// over all cores; explicitly grouped ones get a thread per work item, shared memory and true barriers. Set a
/// breakpoint in a kernel and step through it.
/// </summary>
public sealed unsafe class CpuAccelerator : Accelerator
{
    private readonly WorkerTeam _team;

    /// <param name="threads">Threads to use; 0 for one per core that this process may use.</param>
    /// <param name="path">Hand-vectorised operators, or the kernels themselves.</param>
    /// <param name="vectorBits">
    /// Width of the vectors: 128, 256, 512, or 0 for the widest that this machine is fast with. A wider one than the
    /// machine has still computes, slowly.
    /// </param>
    public CpuAccelerator(int threads = 0, CpuPath path = CpuPath.Vectorized, int vectorBits = 0)
        : base(pagesComeLate: true)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(threads);
        if (vectorBits is not (0 or 128 or 256 or 512))
            throw new ArgumentOutOfRangeException(nameof(vectorBits), vectorBits, "expected 0, 128, 256 or 512");
        Threads = threads == 0 ? Environment.ProcessorCount : threads;
        Path = path;
        VectorBits = vectorBits == 0 ? WidestVectorBits : vectorBits;
        _team = new WorkerTeam(Threads);
    }

    public int Threads { get; }

    public CpuPath Path { get; }

    /// <summary>Width of the vectors of the hand-vectorised operators.</summary>
    public int VectorBits { get; }

    /// <summary>The widest vectors that this machine is fast with; 128 also where it has none.</summary>
    public static int WidestVectorBits =>
        Vector512.IsHardwareAccelerated ? 512 : Vector256.IsHardwareAccelerated ? 256 : 128;

    public override string Name =>
        Path == CpuPath.Kernels ? "cpu-kernels" : VectorBits == WidestVectorBits ? "cpu" : $"cpu-{VectorBits}";

    public override string Description => Path == CpuPath.Kernels
        ? $"{Threads} threads, the C# kernels as they are (for debugging and tests)"
        : $"{Threads} threads, hand-vectorised operators, {VectorBits}-bit vectors ({VectorUnit})";

    private string VectorUnit => VectorBits switch
    {
        512 => Vector512.IsHardwareAccelerated ? "AVX-512" : "emulated",
        256 => Fma.IsSupported ? "AVX2 and FMA" : Vector256.IsHardwareAccelerated ? "no FMA" : "emulated",
        _ => AdvSimd.IsSupported ? "NEON" : Vector128.IsHardwareAccelerated ? "SSE" : "emulated",
    };

    /// <summary>What was free when this was made; see <see cref="SystemMemory.AvailableBytes"/>.</summary>
    public override long AvailableBytes { get; } = SystemMemory.AvailableBytes;

    public override void Synchronize()
    {
        // Every launch has ended when it returns.
    }

    /// <summary>Runs <paramref name="body"/>(part, worker) for every part, on all threads.</summary>
    internal void Parallel(int parts, Action<int, int> body) => _team.Run(parts, body);

    /// <summary>Runs a job in the form that was compiled for this accelerator's vector width.</summary>
    internal void Vectorize<TJob>(TJob job) where TJob : IVectorJob
    {
        if (VectorBits == 512) job.Run<Lanes512>(this);
        else if (VectorBits == 256) job.Run<Lanes256>(this);
        else job.Run<Lanes128x2>(this);
    }

    /// <inheritdoc cref="WorkerTeam.Scratch"/>
    internal float* Scratch(int worker, long floats) => _team.Scratch(worker, floats);

    protected override void Upload(ReadOnlySpan<byte> source, nint address) =>
        source.CopyTo(new Span<byte>((void*)address, source.Length));

    protected override void Download(nint address, Span<byte> target) =>
        new ReadOnlySpan<byte>((void*)address, target.Length).CopyTo(target);

    protected override nint AllocateBytes(long bytes) => (nint)NativeMemory.AlignedAlloc((nuint)bytes, 64);

    protected override void FreeBytes(nint address) => NativeMemory.AlignedFree((void*)address);

    protected override void Run<TIndex>(MethodInfo kernel, TIndex extent, Action<TIndex> body, object[] arguments)
    {
        long size = extent.Size;
        if (size == 0) return;
        int parts = (int)Math.Min(size, Threads * 8L);
        Parallel(parts, (part, _) =>
        {
            LocalArena local = LocalArena.OfThisThread;
            long end = size * (part + 1) / parts;
            for (long i = size * part / parts; i < end; i++)
            {
                body(TIndex.FromLinear(extent, i));
                local.Clear();
            }
        });
    }

    protected override void RunGrouped(MethodInfo kernel, KernelConfig config, Action body, object[] arguments)
    {
        long groups = config.GridDim.Size;
        int groupSize = checked((int)config.GroupDim.Size);
        if (groups == 0 || groupSize == 0) return;

        // A crew is one group's worth of threads; each crew takes every crews-th group. Real threads give real
        // barriers: a kernel that deadlocks or races on a GPU can be caught here.
        int crews = (int)Math.Min(groups, Math.Max(1, Math.Min(Threads, 512 / groupSize)));
        var contexts = new GroupContext[crews];
        var threads = new List<Thread>(crews * groupSize);
        var betweenGroups = new Barrier[crews];
        for (int crew = 0; crew < crews; crew++)
        {
            var context = contexts[crew] = new GroupContext(config);
            long group = crew;
            context.MoveTo(group);
            int step = crews;
            Barrier between = betweenGroups[crew] = new Barrier(groupSize, _ => context.MoveTo(group += step));
            for (int item = 0; item < groupSize; item++)
            {
                var workItem = new WorkItem(context, Index3D.FromLinear(config.GroupDim, item));
                int first = crew;
                var thread = new Thread(() => RunItem(workItem, between, body, first, step, groups), 512 * 1024)
                {
                    IsBackground = true,
                };
                threads.Add(thread);
            }
        }

        threads.ForEach(thread => thread.Start());
        threads.ForEach(thread => thread.Join());
        Exception? fault = contexts.Select(context => context.Fault).FirstOrDefault(fault => fault is not null);
        foreach (GroupContext context in contexts) context.Dispose();
        foreach (Barrier between in betweenGroups) between.Dispose();
        if (fault is not null) throw new InvalidOperationException($"kernel {kernel.Name}: {fault.Message}", fault);
    }

    private static void RunItem(WorkItem item, Barrier between, Action body, long first, int step, long groups)
    {
        WorkItem.Current = item;
        for (long group = first; group < groups; group += step)
        {
            Exception? fault = null;
            item.BeginGroup();
            try
            {
                body();
            }
            catch (Exception thrown)
            {
                fault = thrown;
            }

            LocalArena.OfThisThread.Clear();
            item.Group.End(fault);
            between.SignalAndWait();
            if (item.Group.Fault is not null) break;
        }

        WorkItem.Leave();
    }

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        _team.Dispose();
    }
}
