using System.Collections.Concurrent;
using System.Reflection;
using System.Runtime.InteropServices;
using ILGPU;
using ILGPU.Algorithms;
using ILGPU.Backends;
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;
using ILGPU.Runtime.Cuda;
using NativeStyle.Kernels.Translation;

namespace NativeStyle.Kernels.Devices;

/// <summary>
/// A device that runs operators by their kernels, which ILGPU compiles: a GPU through CUDA or OpenCL, or ILGPU's CPU
/// accelerator. The CPU accelerator gives every work item a thread, with true groups, warps and barriers, for testing
/// kernels and stepping through them.
/// </summary>
public sealed class KernelDevice : ComputeDevice
{
    /// <summary>
    /// Work items a group for kernels that do not choose: enough to fill a GPU's warps, few enough for every device.
    /// </summary>
    internal const int ItemsPerGroup = 128;

    /// <summary>
    /// Keeps the objects of failed devices until the process ends: their driver may fail again in a finalizer, where
    /// nobody catches the exception.
    /// </summary>
    private static readonly ConcurrentBag<object> s_lost = [];

    private readonly Context _context;
    private readonly Accelerator _accelerator;
    private readonly Dictionary<MethodInfo, Delegate> _kernels = [];
    private readonly Dictionary<MethodInfo, Delegate>? _kept;
    private bool _failed;

    /// <param name="context">The accelerator's context. This object owns it from now on, like the accelerator.</param>
    /// <param name="name">The device's name.</param>
    /// <param name="description">A description of the device for people.</param>
    /// <param name="largestBufferBytes">Bytes of the largest buffer.</param>
    /// <param name="kept">
    /// Kernels that the accelerator has compiled, if it outlives this object and serves others; null otherwise.
    /// </param>
    internal KernelDevice(
        Context context, Accelerator accelerator, string name, string description,
        long largestBufferBytes = long.MaxValue, Dictionary<MethodInfo, Delegate>? kept = null)
        : base(accelerator.AcceleratorType == AcceleratorType.CPU)
    {
        (_context, _accelerator, _kept) = (context, accelerator, kept);
        (Name, Description, LargestBufferBytes) = (name, description, largestBufferBytes);
        AvailableBytes = UsesHostMemory ? SystemMemory.AvailableBytes : accelerator.MemorySize;
    }

    /// <inheritdoc/>
    public override string Name { get; }

    /// <inheritdoc/>
    public override string Description { get; }

    /// <inheritdoc/>
    public override bool HasFastGroups => !UsesHostMemory;

    /// <inheritdoc/>
    public override bool HasTensorCores =>
        _accelerator is CudaAccelerator cuda && cuda.Architecture >= CudaArchitecture.SM_80;

    /// <inheritdoc/>
    public override bool HasWarps =>
        _accelerator.AcceleratorType != AcceleratorType.OpenCL && _accelerator.WarpSize == 32;

    /// <inheritdoc/>
    public override long AvailableBytes { get; }

    /// <inheritdoc/>
    public override long LargestBufferBytes { get; }

    /// <summary>Kernels count in 32 bits.</summary>
    public override long MostElements => int.MaxValue;

    /// <summary>
    /// Opens ILGPU's CPU accelerator. Its warps have 32 lanes, like a GPU's. Operators take their plain forms on it,
    /// because a barrier of threads costs some ten microseconds. It has one multiprocessor, because the threads of
    /// several would only wait for each other's cores.
    /// A work item that throws, as at an index out of range, ends the process with the exception's message. Its thread
    /// is ILGPU's, so nothing here can catch it. To let the thread end alone would leave its group waiting at the next
    /// barrier, and to go on would write outside of the view.
    /// </summary>
    public static KernelDevice OnCpu()
    {
        Context context = Context.Create(builder => builder.CPU(new CPUDevice(32, 8, 1)).EnableAlgorithms());
        return new KernelDevice(
            context, context.CreateCPUAccelerator(0, CPUAcceleratorMode.Parallel), "cpu-kernels",
            "ILGPU's CPU accelerator: every kernel as GPUs run it, "
                + "a thread for each work item (for debugging and tests)");
    }

    /// <inheritdoc/>
    public override void Synchronize() => Guard(DeviceCall.Synchronization, null, _accelerator.Synchronize);

    private protected override unsafe void Upload<T>(ReadOnlySpan<T> source, ArrayView<T> view)
    {
        int length = source.Length;
        fixed (T* first = source)
        {
            nint from = (nint)first;
            Guard(DeviceCall.Upload, null, () => view.CopyFromCPU(ref *(T*)from, length));
        }
    }

    private protected override unsafe void Download<T>(ArrayView<T> view, Span<T> target)
    {
        int length = target.Length;
        fixed (T* first = target)
        {
            nint to = (nint)first;
            Guard(DeviceCall.Download, null, () => view.CopyToCPU(ref *(T*)to, length));
        }
    }

    private protected override MemoryBuffer AllocateSlab(long bytes)
    {
        if (bytes > LargestBufferBytes)
        {
            throw new BufferTooLargeException(
                $"a buffer of {bytes >> 20} MiB is larger than {Name} allows ({LargestBufferBytes >> 20} MiB)",
                bytes, LargestBufferBytes);
        }

        MemoryBuffer? slab = null;
        Guard(DeviceCall.Allocation, $"{bytes >> 20} MiB", () =>
            slab = UsesHostMemory ? new HostSlab(bytes, _accelerator) : _accelerator.AllocateRaw(bytes, 1));
        return slab!;
    }

    private protected override void FreeSlab(MemoryBuffer slab)
    {
        if (!_failed) Guard(DeviceCall.Release, null, slab.Dispose);
        else if (_kept is null) s_lost.Add(slab);
        else slab.Dispose();
    }

    private protected override void Run(
        MethodInfo kernel, long count, Action<int> body, Func<Accelerator, int, Delegate> load, Action<Delegate> launch)
    {
        _ = checked((int)count);
        if (count == 0) return;
        // On the CPU a group has one work item, so that no work item waits for another.
        int items = UsesHostMemory ? 1 : ItemsPerGroup;
        Launch(kernel, items, accelerator => load(accelerator, items), launch);
    }

    private protected override void RunGrouped(
        MethodInfo kernel, KernelConfig config, Func<Accelerator, Delegate> load, Action<Delegate> launch)
    {
        if (config.GridDim.LongSize == 0 || config.GroupDim.LongSize == 0) return;
        if (kernel.GetCustomAttribute<GroupItemsAttribute>()?.Items is { } items && items != config.GroupDim.LongSize)
        {
            throw new ArgumentException(
                $"{kernel.Name} is a kernel of groups of {items} work items, not of {config.GroupDim.LongSize}");
        }
        if (config.GridDim.Y > 65_535 || config.GridDim.Z > 65_535)
        {
            throw new ArgumentException(
                $"{kernel.Name}: a grid of {config.GridDim} groups; along Y and Z there may be 65,535");
        }

        if (config.GroupDim.Size > _accelerator.MaxNumThreadsPerGroup)
        {
            throw new DeviceException(
                $"{kernel.DeclaringType!.Name}.{kernel.Name} wants groups of {config.GroupDim.Size} work items, "
                    + $"{Name} runs at most {_accelerator.MaxNumThreadsPerGroup}");
        }

        Launch(kernel, null, load, launch);
    }

    private protected override void Dispose(bool disposing)
    {
        try
        {
            if (!_failed) _accelerator.Synchronize();
        }
        catch (Exception error) when (DeviceFailure.Of(error, Name, null) is not null)
        {
            // The failure has already been reported, or it no longer concerns anyone.
            _failed = true;
        }

        base.Dispose(disposing);
        if (_kept is not null) return;
        if (_failed)
        {
            s_lost.Add(this);
            return;
        }

        _accelerator.Dispose();
        _context.Dispose();
    }

    private void Launch(
        MethodInfo kernel, int? items, Func<Accelerator, Delegate> load, Action<Delegate> launch)
    {
        string name = $"{kernel.DeclaringType!.Name}.{kernel.Name}";
        if (!_kernels.TryGetValue(kernel, out Delegate? launcher))
        {
            Guard(DeviceCall.Launch, name, () => launcher = Load(kernel, items, load));
            _kernels[kernel] = launcher!;
        }

        Guard(DeviceCall.Launch, name, () => launch(launcher!));
    }

    /// <param name="items">Work items a group; null for an explicitly grouped kernel.</param>
    private Delegate Load(MethodInfo kernel, int? items, Func<Accelerator, Delegate> load)
    {
        if (_kept?.TryGetValue(kernel, out Delegate? kept) == true) return kept;
        CompiledKernel compiled = KernelText.Compile(_accelerator, kernel, items);
        Delegate launcher = load(_accelerator);
        GC.KeepAlive(compiled);
        _kept?.Add(kernel, launcher);
        return launcher;
    }

    /// <summary>
    /// Makes a call of the driver and translates its errors. A driver may report at any call that it has no memory.
    /// The call may succeed after the pool returns what it keeps for reuse, so it is made a second time.
    /// The pool itself does so for allocations.
    /// </summary>
    private void Guard(DeviceCall kind, string? what, Action call)
    {
        for (bool again = kind is not (DeviceCall.Allocation or DeviceCall.Release); ; again = false)
        {
            try
            {
                BeforeCall?.Invoke(this, kind);
                call();
                return;
            }
            catch (Exception error)
                when (DeviceFailure.Of(error, Name, what, mayLackMemory: again || TakesMemory(kind)) is { } failure)
            {
                // A device without memory for one thing can still do others.
                bool lacksMemory = failure is InsufficientMemoryException;
                _failed |= !lacksMemory;
                if (!again || !lacksMemory) throw failure;
                TrimPool();
            }
        }
    }

    private static bool TakesMemory(DeviceCall kind) => kind is DeviceCall.Allocation or DeviceCall.Launch;
}
