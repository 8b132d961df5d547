namespace NativeStyle.Kernels;

/// <summary>
/// Device memory of <see cref="Length"/> elements, from its accelerator's pool; disposing gives it back to the pool.
/// </summary>
public sealed unsafe class MemoryBuffer<T> : IDisposable where T : unmanaged
{
    private readonly Accelerator _accelerator;
    private PoolBlock _block;

    internal MemoryBuffer(Accelerator accelerator, PoolBlock block, long length)
    {
        _accelerator = accelerator;
        _block = block;
        Length = length;
    }

    /// <summary>Number of elements.</summary>
    public long Length { get; }

    /// <summary>The whole buffer, as kernels see it.</summary>
    /// <exception cref="ObjectDisposedException">The buffer went back to the pool.</exception>
    public ArrayView<T> View
    {
        get
        {
            ObjectDisposedException.ThrowIf(_block.Address == 0, this);
            return new ArrayView<T>((T*)_block.Address, Length);
        }
    }

    /// <summary>Copies from host memory; the lengths must be equal.</summary>
    public void CopyFromCPU(ReadOnlySpan<T> source)
    {
        if (source.Length != Length)
            throw new ArgumentException($"{source.Length} elements do not fill a buffer of {Length}", nameof(source));
        _accelerator.Write(source, View);
    }

    /// <summary>Copies to host memory; the lengths must be equal.</summary>
    public void CopyToCPU(Span<T> target)
    {
        if (target.Length != Length)
            throw new ArgumentException($"a buffer of {Length} elements does not fit {target.Length}", nameof(target));
        _accelerator.Read(View, target);
    }

    /// <summary>A host copy of all elements.</summary>
    public T[] GetAsArray()
    {
        T[] copy = new T[Length];
        CopyToCPU(copy);
        return copy;
    }

    public void Dispose()
    {
        if (_block.Address == 0) return;
        _accelerator.Return(_block);
        _block = default;
    }
}
