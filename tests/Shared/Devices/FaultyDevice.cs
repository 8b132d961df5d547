using System.Reflection;
using ILGPU;
using ILGPU.Runtime;
using NativeStyle.Kernels.Devices;

namespace NativeStyle.Tests;

/// <summary>A device that leaves the last element of every kernel undone, or fails as drivers do after a number of launches.</summary>
internal sealed class FaultyDevice : ComputeDevice
{
    private readonly CpuDevice _host = new(1);
    private readonly Exception? _failure;
    private readonly string? _faulty;
    private int _launchesLeft;

    /// <param name="kernel">Class and method of the one kernel that leaves its last tenth undone; null for all, of which each leaves its last element.</param>
    public FaultyDevice(string? kernel = null) : base(usesHostMemory: false) => (_launchesLeft, _faulty) = (int.MaxValue, kernel);

    /// <param name="launches">How many succeed.</param>
    /// <param name="failure">What the next one throws, and every call after it.</param>
    public FaultyDevice(int launches, Exception failure) : base(usesHostMemory: false) => (_launchesLeft, _failure) = (launches, failure);

    /// <summary>Launches made.</summary>
    public int Launches { get; private set; }

    /// <summary>Whether operators take their tiled forms on it.</summary>
    public bool FastGroups { get; init; }

    public override bool HasFastGroups => FastGroups;

    public override string Name => "faulty";

    public override string Description => "a device for tests";

    public override long AvailableBytes => 1L << 32;

    public override void Synchronize() => ThrowIfLost();

    protected override void Upload<T>(ReadOnlySpan<T> source, ArrayView<T> view)
    {
        ThrowIfLost();
        _host.Write(source, view);
    }

    protected override void Download<T>(ArrayView<T> view, Span<T> target)
    {
        ThrowIfLost();
        _host.Read(view, target);
    }

    protected override MemoryBuffer AllocateSlab(long bytes) => new HostSlab(bytes, null);

    protected override void FreeSlab(MemoryBuffer slab) => slab.Dispose();

    protected override void Run(MethodInfo kernel, long count, Action<int> body, Func<Accelerator, int, Delegate> load, Action<Delegate> launch)
    {
        Launches++;
        if (_failure is not null) _launchesLeft--;
        ThrowIfLost();
        long done = _failure is not null ? count : _faulty is null ? count - 1
            : _faulty == $"{kernel.DeclaringType!.Name}.{kernel.Name}" ? count - Math.Max(1, count / 10) : count;
        Parallel.For(0, (int)done, body);
    }

    protected override void RunGrouped(MethodInfo kernel, KernelConfig config, Func<Accelerator, Delegate> load, Action<Delegate> launch) =>
        throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        _host.Dispose();
    }

    private void ThrowIfLost()
    {
        if (_launchesLeft < 0) throw _failure!;
    }
}
