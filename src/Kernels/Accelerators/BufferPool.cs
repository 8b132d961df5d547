namespace NativeStyle.Kernels;

/// <summary>A block of device memory and its size.</summary>
/// <param name="Kept">Whether it stays for long among blocks that come and go.</param>
internal readonly record struct PoolBlock(nint Address, long Bytes, bool Kept = false);

/// <summary>
/// Cuts buffers from a few large slabs of device memory. What is freed joins its free neighbours and is cut anew, so
/// that an iteration after the first takes nothing from the system, and the pass backward lives in the memory that the
/// pass forward no longer needs. A request takes the smallest free piece that holds it, of equals the first. Small
/// requests, and those that stay while many others come and go, have slabs of their own, so that they do not break large
/// pieces up.
/// </summary>
/// <param name="allocate">Takes a slab from the system; its address may be virtual, but must be aligned to 64 bytes.</param>
/// <param name="free">Gives it back.</param>
/// <param name="pagesComeLate">
/// Whether a slab costs real memory only where it has been written, as on CPUs: then slabs are taken far larger than the
/// request, so that neighbours can join.
/// </param>
internal sealed class BufferPool(Func<long, nint> allocate, Action<nint> free, bool pagesComeLate)
{
    private const long SmallRequest = 1 << 20;
    private const long SmallSlab = 8 << 20;

    /// <summary>
    /// Three quarters of the memory: a range of addresses, of which only what is written becomes memory. Windows counts
    /// what is asked for, so there it is less; so it is where addresses themselves are limited.
    /// </summary>
    private static readonly long s_addressSpace = OperatingSystem.IsWindows() ? 256L << 20
        : Math.Min(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 4 * 3, SystemMemory.AddressesLeft / 2) / 4096 * 4096;

    private readonly List<Slab> _small = [];
    private readonly List<Slab> _large = [];
    private readonly List<Slab> _kept = [];
    private readonly Lock _lock = new();
    private long _inUse;
    private long _peak;

    /// <summary>Bytes in use, the most that ever was in use of each slab, which is what the slabs cost, and the most that they ever did.</summary>
    public (long InUse, long Held, long Peak) Bytes
    {
        get
        {
            lock (_lock) return (_inUse, Held, _peak);
        }
    }

    private long Held => Sum(_small) + Sum(_large) + Sum(_kept);

    /// <param name="kept">Whether the block will stay while many others come and go.</param>
    public PoolBlock Rent(long bytes, bool kept = false)
    {
        // Whole cache lines, large blocks whole pages.
        bool small = bytes <= SmallRequest;
        long size = small ? Align(Math.Max(bytes, 64), 64) : Align(bytes, 4096);
        lock (_lock)
        {
            List<Slab> slabs = small ? _small : kept ? _kept : _large;
            Slab? best = null;
            int at = -1;
            foreach (Slab slab in slabs)
            {
                int piece = slab.SmallestPiece(size);
                if (piece >= 0 && (best is null || slab.Free[piece].Bytes < best.Free[at].Bytes)) (best, at) = (slab, piece);
            }

            if (best is null)
            {
                try
                {
                    best = NewSlab(size, small, kept);
                }
                catch (OutOfMemoryException)
                {
                    // What is only kept for reuse, in pieces that were too small, may be what is missing.
                    Trim();
                    best = NewSlab(size, small, kept);
                }

                slabs.Add(best);
                at = 0;
            }

            _inUse += size;
            var block = new PoolBlock(best.Take(at, size), size, kept);
            _peak = Math.Max(_peak, Held);
            return block;
        }
    }

    public void Return(PoolBlock block)
    {
        lock (_lock)
        {
            _inUse -= block.Bytes;
            foreach (Slab slab in block.Bytes <= SmallRequest ? _small : block.Kept ? _kept : _large)
            {
                if (block.Address < slab.Address || block.Address >= slab.Address + slab.Bytes) continue;
                slab.Return(block);
                return;
            }
        }
    }

    /// <summary>Gives slabs without a block in use back to the system, as between two picture sizes.</summary>
    public void Trim()
    {
        lock (_lock)
        {
            foreach (List<Slab> slabs in new[] { _small, _large, _kept })
            {
                foreach (Slab slab in slabs.Where(slab => slab.IsFree)) free(slab.Address);
                slabs.RemoveAll(slab => slab.IsFree);
            }
        }
    }

    private Slab NewSlab(long size, bool small, bool kept)
    {
        // What is kept is gates, a thirtieth of the maps, and the like.
        long wanted = small ? SmallSlab : pagesComeLate ? Math.Max(size, kept ? s_addressSpace / 8 : s_addressSpace) : size;
        try
        {
            return new Slab(allocate(wanted), wanted);
        }
        catch (OutOfMemoryException) when (wanted > size)
        {
            return new Slab(allocate(size), size);
        }
    }

    private static long Sum(List<Slab> slabs)
    {
        long sum = 0;
        foreach (Slab slab in slabs) sum += slab.Touched;
        return sum;
    }

    private static long Align(long value, long unit) => (value + unit - 1) / unit * unit;

    private sealed class Slab(nint address, long bytes)
    {
        public nint Address => address;

        public long Bytes => bytes;

        /// <summary>Free pieces by address; no two touch.</summary>
        public List<PoolBlock> Free { get; } = [new(address, bytes)];

        /// <summary>Bytes up to the highest that was ever in use.</summary>
        public long Touched { get; private set; }

        public bool IsFree => Free.Count == 1 && Free[0].Bytes == bytes;

        /// <summary>The index of the smallest free piece of at least this size, or -1.</summary>
        public int SmallestPiece(long size)
        {
            int best = -1;
            for (int i = 0; i < Free.Count; i++)
                if (Free[i].Bytes >= size && (best < 0 || Free[i].Bytes < Free[best].Bytes)) best = i;
            return best;
        }

        public nint Take(int piece, long size)
        {
            PoolBlock from = Free[piece];
            if (from.Bytes == size) Free.RemoveAt(piece);
            else Free[piece] = new PoolBlock(from.Address + (nint)size, from.Bytes - size);
            Touched = Math.Max(Touched, from.Address + size - address);
            return from.Address;
        }

        public void Return(PoolBlock block)
        {
            int after = Free.FindIndex(piece => piece.Address > block.Address);
            if (after < 0) after = Free.Count;
            if (after < Free.Count && block.Address + (nint)block.Bytes == Free[after].Address)
            {
                block = block with { Bytes = block.Bytes + Free[after].Bytes };
                Free.RemoveAt(after);
            }

            if (after > 0 && Free[after - 1].Address + (nint)Free[after - 1].Bytes == block.Address)
                Free[after - 1] = Free[after - 1] with { Bytes = Free[after - 1].Bytes + block.Bytes };
            else
                Free.Insert(after, block);
        }
    }
}
