using System.Reflection;
using ILGPU;
using ILGPU.Runtime;
using NativeStyle.Kernels.Devices;

namespace NativeStyle.Tests;

/// <summary>
/// A device that leaves the last element of every kernel undone, or fails after a number of launches as drivers do.
/// </summary>
internal sealed class FaultyDevice : ComputeDevice
{
    private readonly CpuDevice _host = new(1);
    private readonly Exception? _failure;
    private readonly string? _faulty;
    private int _launchesLeft;

    /// <param name="kernel">
    /// Class and method of the one kernel that leaves its last tenth undone. If it is null, all kernels leave their
    /// last element undone.
    /// </param>
    public FaultyDevice(string? kernel = null)
        : base(usesHostMemory: false) => (_launchesLeft, _faulty) = (int.MaxValue, kernel);

    /// <param name="launches">The number of launches that succeed.</param>
    /// <param name="failure">The exception that the next launch throws, and every call after it.</param>
    public FaultyDevice(int launches, Exception failure)
        : base(usesHostMemory: false) => (_launchesLeft, _failure) = (launches, failure);

    /// <summary>The number of launches so far.</summary>
    public int Launches { get; private set; }

    /// <summary>Whether operators use their tiled forms on the device.</summary>
    public bool FastGroups { get; init; }

    public override bool HasFastGroups => FastGroups;

    public override string Name => "faulty";

    public override string Description => "a device for tests";

    /// <summary>The bytes that it says are available.</summary>
    public long Available { get; init; } = 1L << 32;

    public override long AvailableBytes => Available;

    public override void Synchronize() => ThrowIfLost();

    private protected override void Upload<T>(ReadOnlySpan<T> source, ArrayView<T> view)
    {
        ThrowIfLost();
        _host.Write(source, view);
    }

    private protected override void Download<T>(ArrayView<T> view, Span<T> target)
    {
        ThrowIfLost();
        _host.Read(view, target);
    }

    private protected override MemoryBuffer AllocateSlab(long bytes) => new HostSlab(bytes, null);

    private protected override void FreeSlab(MemoryBuffer slab) => slab.Dispose();

    private protected override void Run(
        MethodInfo kernel, long count, Action<int> body, Func<Accelerator, int, Delegate> load,
        Action<Delegate> launch)
    {
        Launches++;
        if (_failure is not null) _launchesLeft--;
        ThrowIfLost();
        long done = count;
        if (_failure is null && _faulty is null) done = count - 1;
        else if (_failure is null && _faulty == $"{kernel.DeclaringType!.Name}.{kernel.Name}")
            done = count - Math.Max(1, count / 10);
        Parallel.For(0, (int)done, body);
    }

    private protected override void RunGrouped(
        MethodInfo kernel, KernelConfig config, Func<Accelerator, Delegate> load, Action<Delegate> launch) =>
        throw new NotSupportedException();

    private protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        _host.Dispose();
    }

    private void ThrowIfLost()
    {
        if (_launchesLeft < 0) throw _failure!;
    }
}
