using ILGPU;
using ILGPU.Runtime;
using NativeStyle.Kernels.Memory;
using NativeStyle.Kernels.Operators;

namespace NativeStyle.Kernels.Devices;

/// <summary>
/// A device that runs operators: its memory, its launches, and which forms of an operator suit it. Operators (Conv3x3Op,
/// GramOp, ...) are static classes that take a device and views of its buffers; <see cref="Operator{T}"/> chooses the form.
/// </summary>
public abstract partial class ComputeDevice : IDisposable
{
    private readonly BufferPool _pool;
    private bool _disposed;

    /// <param name="usesHostMemory">Whether its memory is this computer's, which costs nothing before it is written.</param>
    protected ComputeDevice(bool usesHostMemory)
    {
        HostChecks.Throw();
        UsesHostMemory = usesHostMemory;
        _pool = new BufferPool(AllocateSlab, FreeSlab, usesHostMemory);
    }

    /// <summary>A short name, as <c>--device</c> takes it.</summary>
    public abstract string Name { get; }

    /// <summary>What the device is, for people.</summary>
    public abstract string Description { get; }

    /// <summary>Whether its memory is this computer's.</summary>
    public bool UsesHostMemory { get; }

    /// <summary>Bytes of device memory in use now, held (in use, or for reuse), and held at the most.</summary>
    public (long InUse, long Held, long Peak) MemoryBytes => _pool.Bytes;

    /// <summary>Bytes that a program may count on here: of a CPU what other programs have left, of a GPU all that it has.</summary>
    public abstract long AvailableBytes { get; }

    /// <summary>Bytes of the largest buffer that the device allows.</summary>
    public virtual long LargestBufferBytes => long.MaxValue;

    /// <summary>Elements of the largest buffer that its operators can count.</summary>
    public virtual long MostElements => long.MaxValue;

    /// <summary>Whether kernels of groups run at all.</summary>
    public virtual bool HasGroups => true;

    /// <summary>Whether groups with barriers run fast, as on GPUs; then operators take their tiled forms.</summary>
    public virtual bool HasFastGroups => false;

    /// <summary>How exactly it multiplies where it has a choice; float32 unless it is set.</summary>
    public Precision Precision { get; set; }

    /// <summary>Whether it has tensor cores that multiply TF32.</summary>
    public virtual bool HasTensorCores => false;

    /// <summary>Whether its work items come in warps of 32 lanes that can exchange values.</summary>
    public virtual bool HasWarps => false;

    /// <summary>Times every operator while it is set.</summary>
    public Profiler? Profiler { get; set; }

    /// <summary>Device memory of <paramref name="length"/> elements; its contents are undefined.</summary>
    /// <param name="kept">Whether it will stay while many others come and go, as gates do from forward to backward.</param>
    /// <exception cref="OutOfMemoryException">The device has not so much memory left.</exception>
    public unsafe DeviceBuffer<T> Allocate<T>(long length, bool kept = false) where T : unmanaged
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (length > MostElements)
            throw new BufferTooLargeException($"{Name}: a map of {length} elements is more than kernels can count", length, MostElements);
        return new DeviceBuffer<T>(this, _pool.Rent(checked(length * sizeof(T)), kept), length);
    }

    /// <summary>Device memory that holds a copy of <paramref name="source"/>.</summary>
    public DeviceBuffer<T> Allocate<T>(ReadOnlySpan<T> source) where T : unmanaged
    {
        DeviceBuffer<T> buffer = Allocate<T>(source.Length);
        try
        {
            buffer.CopyFromCPU(source);
            return buffer;
        }
        catch
        {
            buffer.Dispose();
            throw;
        }
    }

    /// <summary>Gives memory that is kept for reuse back to the system.</summary>
    public void TrimPool() => _pool.Trim();

    /// <summary>Copies the elements of a view to host memory of the same length, after everything launched has run.</summary>
    public void Read<T>(ArrayView<T> view, Span<T> target) where T : unmanaged
    {
        if (target.Length != view.Length)
            throw new ArgumentException($"a view of {view.Length} elements does not fit {target.Length}", nameof(target));
        if (view.Length > 0) Download(view, target);
    }

    /// <summary>Copies host memory to a view of the same length.</summary>
    public void Write<T>(ReadOnlySpan<T> source, ArrayView<T> view) where T : unmanaged
    {
        if (source.Length != view.Length)
            throw new ArgumentException($"{source.Length} elements do not fill a view of {view.Length}", nameof(source));
        if (view.Length > 0) Upload(source, view);
    }

    /// <summary>Waits until everything launched has run.</summary>
    public abstract void Synchronize();

    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing) => _pool.Trim();

    /// <summary>Whether the device runs operators in forms of this kind.</summary>
    internal virtual bool Runs(FormKind kind) => kind == FormKind.Plain || (kind == FormKind.Tiled && HasFastGroups);

    /// <summary>Whether operators whose products may be rounded to TF32 take their forms for tensor cores.</summary>
    internal bool UsesTensorCores => HasTensorCores && Precision == Precision.Tf32;

    internal void Return(PoolBlock block)
    {
        _pool.Return(block);
        // The device went before this buffer: its slab goes when it was the last.
        if (_disposed) _pool.Trim();
    }

    /// <summary>Copies to the device.</summary>
    protected abstract void Upload<T>(ReadOnlySpan<T> source, ArrayView<T> view) where T : unmanaged;

    /// <summary>Copies to the host, after everything launched has run.</summary>
    protected abstract void Download<T>(ArrayView<T> view, Span<T> target) where T : unmanaged;

    /// <summary>Takes memory from the system, aligned to 64 bytes.</summary>
    /// <exception cref="OutOfMemoryException">There is not so much.</exception>
    protected abstract MemoryBuffer AllocateSlab(long bytes);

    protected abstract void FreeSlab(MemoryBuffer slab);
}
