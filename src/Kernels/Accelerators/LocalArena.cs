using System.Runtime.InteropServices;

namespace NativeStyle.Kernels;

/// <summary>Bump allocation for <see cref="LocalMemory"/>: one block a thread, emptied after each work item.</summary>
internal sealed unsafe class LocalArena
{
    private const int Capacity = 64 * 1024;

    [ThreadStatic]
    private static LocalArena? s_ofThisThread;

    private readonly byte[] _memory = GC.AllocateUninitializedArray<byte>(Capacity, pinned: true);
    private int _used;

    public static LocalArena OfThisThread => s_ofThisThread ??= new LocalArena();

    public ArrayView<T> Allocate<T>(int length) where T : unmanaged
    {
        int bytes = checked((length * sizeof(T)) + 15) & ~15;
        if (_used + bytes > Capacity)
        {
            throw new InvalidOperationException(
                $"a work item asked for more than {Capacity} bytes of local memory; keep local arrays small");
        }

        byte* start = (byte*)Marshal.UnsafeAddrOfPinnedArrayElement(_memory, _used);
        _used += bytes;
        return new ArrayView<T>((T*)start, length);
    }

    public void Clear() => _used = 0;
}
