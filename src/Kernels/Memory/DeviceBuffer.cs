using ILGPU;
using NativeStyle.Kernels.Devices;

namespace NativeStyle.Kernels.Memory;

/// <summary>
/// Device memory of <see cref="Length"/> elements from its device's pool. Disposing it returns it to the pool.
/// </summary>
public sealed unsafe class DeviceBuffer<T> : IDisposable where T : unmanaged
{
    private readonly ComputeDevice _device;
    private PoolBlock? _block;

    internal DeviceBuffer(ComputeDevice device, PoolBlock block, long length) =>
        (_device, _block, Length) = (device, block, length);

    /// <summary>Number of elements.</summary>
    public long Length { get; }

    /// <summary>The whole buffer, as kernels see it.</summary>
    /// <exception cref="ObjectDisposedException">The buffer has been returned to the pool.</exception>
    public ArrayView<T> View
    {
        get
        {
            ObjectDisposedException.ThrowIf(_block is null, this);
            return new ArrayView<T>(_block.Value.Slab.Memory, _block.Value.Offset / sizeof(T), Length);
        }
    }

    /// <summary>Copies from host memory; the lengths must be equal.</summary>
    public void CopyFromCPU(ReadOnlySpan<T> source)
    {
        if (source.Length != Length)
            throw new ArgumentException($"{source.Length} elements do not fill a buffer of {Length}", nameof(source));
        _device.Write(source, View);
    }

    /// <summary>Copies to host memory; the lengths must be equal.</summary>
    public void CopyToCPU(Span<T> target)
    {
        if (target.Length != Length)
            throw new ArgumentException($"a buffer of {Length} elements does not fit {target.Length}", nameof(target));
        _device.Read(View, target);
    }

    /// <summary>A host copy of all elements.</summary>
    public T[] GetAsArray()
    {
        T[] copy = new T[Length];
        CopyToCPU(copy);
        return copy;
    }

    /// <summary>Gives the memory back.</summary>
    public void Dispose()
    {
        if (_block is not { } block) return;
        _block = null;
        _device.Return(block);
    }
}
