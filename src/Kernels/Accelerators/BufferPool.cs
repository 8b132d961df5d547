namespace NativeStyle.Kernels;

/// <summary>A block of device memory and its size.</summary>
internal readonly record struct PoolBlock(nint Address, long Bytes);

/// <summary>
/// Keeps freed blocks for the next request, so that an iteration after the first allocates nothing. A request takes
/// the smallest free block that holds it and wastes at most a quarter.
/// </summary>
internal sealed class BufferPool(Func<long, nint> allocate, Action<nint> free)
{
    private readonly SortedDictionary<long, Stack<nint>> _free = [];
    private readonly List<long> _sizes = [];
    private readonly Lock _lock = new();

    /// <summary>Bytes in use, and bytes in use and kept.</summary>
    public (long InUse, long Held) Bytes { get; private set; }

    public PoolBlock Rent(long bytes)
    {
        // Whole cache lines; large blocks in steps of 4 KiB so that near sizes can share.
        long rounded = bytes <= 65536 ? Align(Math.Max(bytes, 64), 64) : Align(bytes, 4096);
        lock (_lock)
        {
            int at = _sizes.BinarySearch(rounded);
            if (at < 0) at = ~at;
            if (at < _sizes.Count && _sizes[at] <= rounded + (rounded / 4))
            {
                long size = _sizes[at];
                Stack<nint> blocks = _free[size];
                nint address = blocks.Pop();
                if (blocks.Count == 0)
                {
                    _free.Remove(size);
                    _sizes.RemoveAt(at);
                }

                Bytes = (Bytes.InUse + size, Bytes.Held);
                return new PoolBlock(address, size);
            }

            nint fresh = allocate(rounded);
            Bytes = (Bytes.InUse + rounded, Bytes.Held + rounded);
            return new PoolBlock(fresh, rounded);
        }
    }

    public void Return(PoolBlock block)
    {
        lock (_lock)
        {
            if (!_free.TryGetValue(block.Bytes, out Stack<nint>? blocks))
            {
                _free[block.Bytes] = blocks = [];
                _sizes.Insert(~_sizes.BinarySearch(block.Bytes), block.Bytes);
            }

            blocks.Push(block.Address);
            Bytes = (Bytes.InUse - block.Bytes, Bytes.Held);
        }
    }

    /// <summary>Gives all free blocks back to the system, as between two picture sizes.</summary>
    public void Trim()
    {
        lock (_lock)
        {
            foreach ((long size, Stack<nint> blocks) in _free)
            {
                foreach (nint address in blocks)
                {
                    free(address);
                    Bytes = (Bytes.InUse, Bytes.Held - size);
                }
            }

            _free.Clear();
            _sizes.Clear();
        }
    }

    private static long Align(long value, long unit) => (value + unit - 1) / unit * unit;
}
