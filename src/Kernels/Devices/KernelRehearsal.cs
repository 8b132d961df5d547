using System.Reflection;
using ILGPU;
using ILGPU.Runtime;

namespace NativeStyle.Kernels.Devices;

/// <summary>
/// The rehearsal of a device that runs operators by their kernels: operators take the same forms on it.
/// </summary>
internal sealed class KernelRehearsal(ComputeDevice device) : ComputeDevice(device.UsesHostMemory, isRehearsal: true)
{
    public override string Name => device.Name;

    public override string Description => device.Description;

    public override long AvailableBytes => device.AvailableBytes;

    public override long LargestBufferBytes => device.LargestBufferBytes;

    public override long MostElements => device.MostElements;

    public override bool HasGroups => device.HasGroups;

    public override bool HasFastGroups => device.HasFastGroups;

    public override bool HasTensorCores => device.HasTensorCores;

    public override bool HasWarps => device.HasWarps;

    public override ComputeDevice Rehearsal() => new KernelRehearsal(device) { Precision = Precision };

    public override void Synchronize()
    {
        // Nothing runs.
    }

    private protected override void Upload<T>(ReadOnlySpan<T> source, ArrayView<T> view) => throw NothingRuns();

    private protected override void Download<T>(ArrayView<T> view, Span<T> target) => throw NothingRuns();

    private protected override MemoryBuffer AllocateSlab(long bytes) => throw NothingRuns();

    private protected override void FreeSlab(MemoryBuffer slab) => throw NothingRuns();

    private protected override void Run(
        MethodInfo kernel,
        long count,
        Action<int> body,
        Func<Accelerator, int, Delegate> load,
        Action<Delegate> launch) =>
        throw NothingRuns();

    private protected override void RunGrouped(
        MethodInfo kernel, KernelConfig config, Func<Accelerator, Delegate> load, Action<Delegate> launch) =>
        throw NothingRuns();

    private static InvalidOperationException NothingRuns() => new("a rehearsal runs nothing");
}
