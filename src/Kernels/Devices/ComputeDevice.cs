using ILGPU;
using ILGPU.Runtime;
using NativeStyle.Kernels.Memory;
using NativeStyle.Kernels.Operators;

namespace NativeStyle.Kernels.Devices;

/// <summary>
/// A device that runs operators. It owns its memory, its launches, and the decision which forms of an operator suit it.
/// Operators (Conv3x3Op, GramOp, ...) are static classes that take a device and views of its buffers;
/// <see cref="Operator{T}"/> chooses the form.
/// </summary>
/// <example>
/// <code>
/// using ComputeDevice device = AutoDevice.OfThisMachine.Open();
/// using DeviceBuffer&lt;float&gt; x = device.Allocate&lt;float&gt;([3f, 4f]);
/// using DeviceBuffer&lt;float&gt; y = device.Allocate&lt;float&gt;(x.Length);
/// device.Launch(SquareKernel, x.Length, x.View, y.View);
/// float[] squares = y.GetAsArray();
/// </code>
/// </example>
public abstract partial class ComputeDevice : IDisposable
{
    private readonly BufferPool _pool;
    private bool _disposed;

    /// <param name="usesHostMemory">
    /// Whether its memory is this computer's, which costs nothing before it is written.
    /// </param>
    /// <param name="isRehearsal">Whether it places blocks and runs nothing; see <see cref="Rehearsal"/>.</param>
    private protected ComputeDevice(bool usesHostMemory, bool isRehearsal = false)
    {
        HostChecks.Throw();
        (UsesHostMemory, IsRehearsal) = (usesHostMemory, isRehearsal);
        _pool = isRehearsal
            ? new BufferPool(bytes => new RehearsedMemory(bytes), slab => slab.Dispose(), usesHostMemory, isRehearsal)
            : new BufferPool(AllocateSlab, FreeSlab, usesHostMemory);
    }

    /// <summary>Called before a device calls its driver or the system. Tests let calls fail by it.</summary>
    internal static Action<ComputeDevice, DeviceCall>? BeforeCall { get; set; }

    /// <summary>A short name, in the form that <c>--device</c> accepts.</summary>
    public abstract string Name { get; }

    /// <summary>A description of the device for people.</summary>
    public abstract string Description { get; }

    /// <summary>Whether the device's memory is this computer's.</summary>
    public bool UsesHostMemory { get; }

    /// <summary>
    /// Whether this is a rehearsal of a device: blocks are placed as the device would place them, nothing is launched
    /// or copied, and every read returns zeros.
    /// </summary>
    public bool IsRehearsal { get; }

    /// <summary>Bytes of host memory that the device's threads have for themselves: scratch and stacks.</summary>
    public virtual long ScratchBytes => 0;

    /// <summary>
    /// Bytes of device memory in use now, bytes held now (in use or kept for reuse), and the most bytes ever held.
    /// </summary>
    public (long InUse, long Held, long Peak) MemoryBytes => _pool.Bytes;

    /// <inheritdoc cref="BufferPool.Layout"/>
    internal IReadOnlyList<(Slab Slab, long Offset, long Bytes)> MemoryLayout => _pool.Layout;

    /// <summary>
    /// Bytes that a program can count on: on a CPU the memory that other programs leave, on a GPU all its memory.
    /// </summary>
    public abstract long AvailableBytes { get; }

    /// <summary>Bytes of the largest buffer that the device allows.</summary>
    public virtual long LargestBufferBytes => long.MaxValue;

    /// <summary>Elements of the largest buffer that the device's operators can index.</summary>
    public virtual long MostElements => long.MaxValue;

    /// <summary>Whether grouped kernels run at all.</summary>
    public virtual bool HasGroups => true;

    /// <summary>
    /// Whether groups with barriers run fast, as on GPUs. Operators take their tiled forms on such a device.
    /// </summary>
    public virtual bool HasFastGroups => false;

    /// <summary>How exactly the device multiplies where it has a choice; float32 by default.</summary>
    public Precision Precision { get; set; }

    /// <summary>Whether the device has tensor cores that multiply in TF32.</summary>
    public virtual bool HasTensorCores => false;

    /// <summary>Whether work items come in warps of 32 lanes that can exchange values.</summary>
    public virtual bool HasWarps => false;

    /// <summary>Times every operator while it is set.</summary>
    public Profiler? Profiler { get; set; }

    /// <summary>
    /// Whether each block is filled with not-a-number when it is allocated, so that whatever reads elements that
    /// nothing has written gives a result that is wrong for all to see. For checks.
    /// </summary>
    internal bool FillsWithNotANumber { get; set; }

    /// <summary>Allocates device memory of <paramref name="length"/> elements with undefined contents.</summary>
    /// <exception cref="OutOfMemoryException">The device does not have that much memory left.</exception>
    public unsafe DeviceBuffer<T> Allocate<T>(long length, Lifetime lifetime = Lifetime.Brief) where T : unmanaged
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (length > MostElements)
        {
            throw new BufferTooLargeException(
                $"{Name}: a map of {length} elements is more than kernels can count", length, MostElements);
        }

        PoolBlock block = _pool.Rent(checked(length * sizeof(T)), lifetime);
        if (FillsWithNotANumber) FillWithNotANumber(block);
        return new DeviceBuffer<T>(this, block, length);
    }

    /// <summary>Allocates device memory that holds a copy of <paramref name="source"/>.</summary>
    public DeviceBuffer<T> Allocate<T>(ReadOnlySpan<T> source, Lifetime lifetime = Lifetime.Brief) where T : unmanaged
    {
        DeviceBuffer<T> buffer = Allocate<T>(source.Length, lifetime);
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

    /// <summary>Returns memory that is kept for reuse to the system.</summary>
    public void TrimPool() => _pool.Trim();

    /// <summary>Resets the peak of <see cref="MemoryBytes"/> to what is held now.</summary>
    public virtual void ResetPeak() => _pool.ResetPeak();

    /// <summary>
    /// Makes a device of the same kind that places blocks and runs nothing. Running the real code on it measures the
    /// memory that the code takes on this device, in a fraction of the time and without using that memory.
    /// </summary>
    public virtual ComputeDevice Rehearsal() => new KernelRehearsal(this) { Precision = Precision };

    /// <summary>
    /// Copies the elements of a view to host memory of the same length, after everything launched has run.
    /// </summary>
    public void Read<T>(ArrayView<T> view, Span<T> target) where T : unmanaged
    {
        if (target.Length != view.Length)
        {
            throw new ArgumentException(
                $"a view of {view.Length} elements does not fit {target.Length}", nameof(target));
        }
        if (IsRehearsal) target.Clear();
        else if (view.Length > 0) Download(view, target);
    }

    /// <summary>Copies host memory to a view of the same length.</summary>
    public void Write<T>(ReadOnlySpan<T> source, ArrayView<T> view) where T : unmanaged
    {
        if (source.Length != view.Length)
        {
            throw new ArgumentException(
                $"{source.Length} elements do not fill a view of {view.Length}", nameof(source));
        }
        if (view.Length > 0 && !IsRehearsal) Upload(source, view);
    }

    /// <summary>Waits until everything launched has run.</summary>
    public abstract void Synchronize();

    /// <summary>Gives the device's memory back to the system.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    private protected virtual void Dispose(bool disposing) => _pool.Trim();

    /// <summary>Whether the device runs operators in forms of this kind.</summary>
    internal virtual bool Runs(FormKind kind) => kind == FormKind.Plain || (kind == FormKind.Grouped && HasFastGroups);

    /// <summary>Whether operators that allow products rounded to TF32 take their tensor-core forms.</summary>
    internal bool UsesTensorCores => HasTensorCores && Precision == Precision.Tf32;

    internal void Return(PoolBlock block)
    {
        _pool.Return(block);
        // The device was disposed before this buffer: frees the slab if this was its last block.
        if (_disposed) _pool.Trim();
    }

    /// <summary>Sets all bits of a block and of its padding, which is not-a-number in each type of floats.</summary>
    private void FillWithNotANumber(PoolBlock block)
    {
        byte[] ones = new byte[block.Bytes];
        Array.Fill(ones, byte.MaxValue);
        Write<byte>(ones, new ArrayView<byte>(block.Slab.Memory, block.Offset, block.Bytes));
    }

    /// <summary>Copies host memory to the device.</summary>
    private protected abstract void Upload<T>(ReadOnlySpan<T> source, ArrayView<T> view) where T : unmanaged;

    /// <summary>Copies device memory to the host, after everything launched has run.</summary>
    private protected abstract void Download<T>(ArrayView<T> view, Span<T> target) where T : unmanaged;

    /// <summary>Takes memory from the system, aligned to 64 bytes.</summary>
    /// <exception cref="OutOfMemoryException">The system does not have that much memory.</exception>
    private protected abstract MemoryBuffer AllocateSlab(long bytes);

    private protected abstract void FreeSlab(MemoryBuffer slab);
}
