using System.Runtime.InteropServices;

namespace NativeStyle.Kernels;

/// <summary>
/// A device that runs kernels: its memory and its launches. Operators (Conv3x3, Gram, ...) are static classes that
/// take an accelerator and views of its buffers and pick the path for it.
/// </summary>
public abstract partial class Accelerator : IDisposable
{
    private readonly BufferPool _pool;
    private bool _disposed;

    /// <param name="pagesComeLate">Whether memory from the system costs nothing before it is written.</param>
    protected Accelerator(bool pagesComeLate) => (_pool, PagesComeLate) = (new BufferPool(AllocateBytes, FreeBytes, pagesComeLate), pagesComeLate);

    /// <summary>A short name, as <c>--device</c> takes it.</summary>
    public abstract string Name { get; }

    /// <summary>What the device is, for people.</summary>
    public abstract string Description { get; }

    /// <summary>Bytes of device memory in use now, held (in use, or for reuse), and held at the most.</summary>
    public (long InUse, long Held, long Peak) MemoryBytes => _pool.Bytes;

    /// <summary>Bytes that a program may count on here: of a CPU what other programs have left, of a GPU all that it has.</summary>
    public abstract long AvailableBytes { get; }

    /// <summary>Bytes of the largest buffer that the device allows.</summary>
    public virtual long LargestBufferBytes => long.MaxValue;

    internal bool PagesComeLate { get; }

    /// <summary>Times every operator while it is set.</summary>
    public Profiler? Profiler { get; set; }

    /// <summary>Device memory of <paramref name="length"/> elements; its contents are undefined.</summary>
    /// <param name="kept">Whether it will stay while many others come and go, as gates do from forward to backward.</param>
    /// <exception cref="OutOfMemoryException">The device has not so much memory left.</exception>
    public unsafe MemoryBuffer<T> Allocate<T>(long length, bool kept = false) where T : unmanaged
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ObjectDisposedException.ThrowIf(_disposed, this);
        return new MemoryBuffer<T>(this, _pool.Rent(checked(length * sizeof(T)), kept), length);
    }

    /// <summary>Device memory that holds a copy of <paramref name="source"/>.</summary>
    public MemoryBuffer<T> Allocate<T>(ReadOnlySpan<T> source) where T : unmanaged
    {
        MemoryBuffer<T> buffer = Allocate<T>(source.Length);
        buffer.CopyFromCPU(source);
        return buffer;
    }

    /// <summary>Gives memory that is kept for reuse back to the system.</summary>
    public void TrimPool() => _pool.Trim();

    /// <summary>Copies the elements of a view to host memory of the same length, after everything launched has run.</summary>
    public unsafe void Read<T>(ArrayView<T> view, Span<T> target) where T : unmanaged
    {
        if (target.Length != view.Length)
            throw new ArgumentException($"a view of {view.Length} elements does not fit {target.Length}", nameof(target));
        if (view.Length > 0) Download((nint)view.Pointer, MemoryMarshal.AsBytes(target));
    }

    /// <summary>Copies host memory to a view of the same length.</summary>
    public unsafe void Write<T>(ReadOnlySpan<T> source, ArrayView<T> view) where T : unmanaged
    {
        if (source.Length != view.Length)
            throw new ArgumentException($"{source.Length} elements do not fill a view of {view.Length}", nameof(source));
        if (view.Length > 0) Upload(MemoryMarshal.AsBytes(source), (nint)view.Pointer);
    }

    /// <summary>
    /// Whether groups with barriers run fast, as on GPUs: operators then take their tiled kernels. The CPU accelerator
    /// runs every work item of a group as a thread, and takes the plain ones.
    /// </summary>
    public virtual bool HasFastGroups => false;

    /// <summary>Seconds that kernels ran since the last call, by the device's own clock, or null where it has none.</summary>
    protected internal virtual double? TakeDeviceSeconds() => null;

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

    /// <summary>To stand at an operator's beginning: times it where somebody wants to know.</summary>
    internal Profiler.Scope Measure(string name, string shape, Work work) =>
        Profiler is null ? default : new Profiler.Scope(this, name, shape, work);

    internal Profiler.Scope Measure(string name, long elements, int flopEach, int floatsEach) =>
        Profiler is null ? default
        : new Profiler.Scope(this, name, $"{elements}", new Work((double)elements * flopEach, sizeof(float) * (double)elements * floatsEach));

    internal void Return(PoolBlock block)
    {
        _pool.Return(block);
        // The device went before this buffer: its slab goes when it was the last.
        if (_disposed) _pool.Trim();
    }

    /// <summary>Copies to the device.</summary>
    protected abstract void Upload(ReadOnlySpan<byte> source, nint address);

    /// <summary>Copies to the host, after everything launched has run.</summary>
    protected abstract void Download(nint address, Span<byte> target);

    protected abstract nint AllocateBytes(long bytes);

    protected abstract void FreeBytes(nint address);
}
