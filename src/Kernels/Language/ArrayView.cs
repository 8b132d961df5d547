using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace NativeStyle.Kernels;

/// <summary>
/// A window on device memory that kernels read and write, as in ILGPU. Every access is checked against the length,
/// so a wrong index in a kernel is an exception at the exact line instead of a damaged heap.
/// </summary>
/// <typeparam name="T">The element: float, int, uint or double.</typeparam>
[SuppressMessage("Performance", "CA1815", Justification = "Views are handed to kernels, never compared.")]
public readonly unsafe struct ArrayView<T> : IArrayView where T : unmanaged
{
    private readonly T* _pointer;
    private readonly long _length;

    internal ArrayView(T* pointer, long length)
    {
        _pointer = pointer;
        _length = length;
    }

    /// <summary>Number of elements.</summary>
    public long Length => _length;

    /// <summary>Number of elements, as the 32-bit integer that kernels count with.</summary>
    public int IntLength => checked((int)_length);

    /// <summary>False for the default view, which stands for "no array" in an optional argument.</summary>
    public bool IsValid => _pointer != null;

    /// <summary>The address for the hand-vectorised CPU paths, which check their ranges once per call.</summary>
    internal T* Pointer => _pointer;

    public ref T this[int index]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get
        {
            if ((ulong)index >= (ulong)_length) ThrowOutOfRange(index, _length);
            return ref _pointer[index];
        }
    }

    /// <summary>The part that starts at <paramref name="offset"/> and has <paramref name="length"/> elements.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The part does not lie inside this view.</exception>
    public ArrayView<T> SubView(long offset, long length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset + length, _length, nameof(length));
        return new ArrayView<T>(_pointer + offset, length);
    }

    nint IArrayView.Address => (nint)_pointer;

    int IArrayView.ElementBytes => sizeof(T);

    /// <summary>The elements as a span: the CPU accelerator's paths only.</summary>
    internal Span<T> AsSpan() => new(_pointer, IntLength);

    [DoesNotReturn]
    [SuppressMessage("Usage", "CA2201", Justification = "What an array of the runtime throws at a wrong index.")]
    private static void ThrowOutOfRange(long index, long length) =>
        throw new IndexOutOfRangeException($"a kernel read or wrote element {index} of a view of {length} elements");
}

/// <summary>A view of whatever element, as a launch passes it on.</summary>
internal interface IArrayView
{
    /// <summary>The accelerator's address of the first element; 0 for the default view.</summary>
    nint Address { get; }

    long Length { get; }

    int ElementBytes { get; }
}
