using ILGPU.Runtime;
using NativeStyle.Kernels.Devices;

namespace NativeStyle.Kernels.Memory;

/// <summary>A block of device memory.</summary>
/// <param name="Slab">The slab that it was cut from.</param>
/// <param name="Offset">Bytes from the slab's start, a multiple of 64.</param>
internal readonly record struct PoolBlock(Slab Slab, long Offset, long Bytes);

/// <summary>
/// Cuts buffers from a few large slabs of device memory. A freed block joins its free neighbours and is cut anew, so
/// that iterations after the first take nothing from the system, and the backward pass lives in memory that the forward
/// pass no longer needs. A request takes the smallest free piece that holds it, and the first of equal ones. Small
/// requests, and those that stay while many others come and go, have slabs of their own, so that they do not break up
/// large pieces.
/// </summary>
/// <param name="allocate">Takes a slab's memory from the system, aligned to 64 bytes.</param>
/// <param name="free">Returns a slab's memory to the system.</param>
/// <param name="pagesComeLate">
/// Whether a slab costs real memory only after it is written, as on CPUs. Slabs are then much larger than the request,
/// so that neighbours can join.
/// </param>
/// <param name="isRehearsal">
/// Whether slabs are addresses without memory. These are as large on every machine, so that a limit gives the same
/// plans whatever memory and addresses there are.
/// </param>
internal sealed class BufferPool(
    Func<long, MemoryBuffer> allocate, Action<MemoryBuffer> free, bool pagesComeLate, bool isRehearsal = false)
{
    /// <summary>Bytes of a slab for small requests.</summary>
    public const long SmallSlab = 8 << 20;

    private const long SmallRequest = 1 << 20, RehearsedSpace = 1L << 44;

    /// <summary>
    /// Three quarters of the memory: a range of addresses that becomes memory only after it is written. Windows counts
    /// what is requested, so the range is smaller there, and also where addresses themselves are limited.
    /// </summary>
    private static readonly long s_addressSpace = OperatingSystem.IsWindows() ? 256L << 20
        : Math.Min(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 4 * 3, SystemMemory.AddressesLeft / 2)
            / 4096 * 4096;

    private readonly List<Slab> _small = [];
    private readonly Dictionary<Lifetime, List<Slab>> _large =
        Enum.GetValues<Lifetime>().ToDictionary(lifetime => lifetime, _ => new List<Slab>());
    private readonly Lock _lock = new();
    private long _inUse;
    private long _peak;

    /// <summary>
    /// Bytes in use; the sum over the slabs of the most bytes that were ever in use, which is what the slabs cost; and
    /// the highest cost so far.
    /// </summary>
    public (long InUse, long Held, long Peak) Bytes
    {
        get
        {
            lock (_lock) return (_inUse, Held, _peak);
        }
    }

    /// <summary>
    /// The free pieces of each slab. Two equal layouts take the same requests at the same places.
    /// </summary>
    public IReadOnlyList<(Slab Slab, long Offset, long Bytes)> Layout
    {
        get
        {
            lock (_lock)
            {
                return [.. AllSlabs.SelectMany(slabs => slabs).SelectMany(slab =>
                    slab.Free.Select(piece => (slab, piece.Offset, piece.Bytes)))];
            }
        }
    }

    private IEnumerable<List<Slab>> AllSlabs => _large.Values.Prepend(_small);

    private long Held => AllSlabs.Sum(slabs => slabs.Sum(slab => slab.Touched));

    public PoolBlock Rent(long bytes, Lifetime lifetime = Lifetime.Brief)
    {
        // Small blocks fill whole cache lines, large blocks whole pages.
        bool small = bytes <= SmallRequest;
        long size = small ? Align(Math.Max(bytes, 64), 64) : Align(bytes, 4096);
        lock (_lock)
        {
            List<Slab> slabs = small ? _small : _large[lifetime];
            Slab? best = null;
            int at = -1;
            foreach (Slab slab in slabs)
            {
                // A slab made for one block that stays takes no smaller block, which would keep the whole slab in use.
                if (!small && lifetime == Lifetime.Run && slab.Bytes != size) continue;
                int piece = slab.SmallestPiece(size);
                if (piece < 0) continue;
                if (best is null || slab.Free[piece].Bytes < best.Free[at].Bytes) (best, at) = (slab, piece);
            }

            if (best is null)
            {
                try
                {
                    best = NewSlab(size, small, lifetime);
                }
                catch (OutOfMemoryException)
                {
                    // The missing memory may be kept for reuse in pieces that are too small.
                    Trim();
                    best = NewSlab(size, small, lifetime);
                }

                slabs.Add(best);
                at = 0;
            }

            _inUse += size;
            var block = new PoolBlock(best, best.Take(at, size), size);
            _peak = Math.Max(_peak, Held);
            return block;
        }
    }

    public void Return(PoolBlock block)
    {
        lock (_lock)
        {
            _inUse -= block.Bytes;
            block.Slab.Return(block.Offset, block.Bytes);
        }
    }

    /// <summary>Resets the peak to what is held now.</summary>
    public void ResetPeak()
    {
        lock (_lock) _peak = Held;
    }

    /// <summary>Returns slabs without a block in use to the system, for example between two picture sizes.</summary>
    public void Trim()
    {
        lock (_lock)
        {
            foreach (List<Slab> slabs in AllSlabs)
            {
                Slab[] empty = [.. slabs.Where(slab => slab.IsFree)];
                slabs.RemoveAll(slab => slab.IsFree);
                foreach (Slab slab in empty) free(slab.Memory);
            }
        }
    }

    private Slab NewSlab(long size, bool small, Lifetime lifetime)
    {
        // Blocks that stay for a pass are gates, a thirtieth of the maps.
        long space = isRehearsal && !OperatingSystem.IsWindows() ? RehearsedSpace : s_addressSpace;
        long range = lifetime switch { Lifetime.Brief => space, Lifetime.Pass => space / 8, _ => 0 };
        long slabBytes = small ? SmallSlab : pagesComeLate ? Math.Max(size, range) : size;
        try
        {
            return new Slab(allocate(slabBytes), slabBytes);
        }
        catch (OutOfMemoryException) when (slabBytes > size)
        {
            return new Slab(allocate(size), size);
        }
    }

    private static long Align(long value, long unit) => (value + unit - 1) / unit * unit;
}

/// <summary>A large piece of device memory that blocks are cut from.</summary>
internal sealed class Slab(MemoryBuffer memory, long bytes)
{
    /// <summary>The device's memory.</summary>
    public MemoryBuffer Memory => memory;

    public long Bytes => bytes;

    /// <summary>Free pieces, ordered by offset; no two are adjacent.</summary>
    public List<(long Offset, long Bytes)> Free { get; } = [(0, bytes)];

    /// <summary>Bytes up to the highest one that was ever in use.</summary>
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

    /// <summary>Cuts a block off a free piece and returns its offset.</summary>
    public long Take(int piece, long size)
    {
        (long offset, long room) = Free[piece];
        if (room == size) Free.RemoveAt(piece);
        else Free[piece] = (offset + size, room - size);
        Touched = Math.Max(Touched, offset + size);
        return offset;
    }

    /// <summary>Joins a block with its free neighbours.</summary>
    public void Return(long offset, long size)
    {
        int after = Free.FindIndex(piece => piece.Offset > offset);
        if (after < 0) after = Free.Count;
        if (after < Free.Count && offset + size == Free[after].Offset)
        {
            size += Free[after].Bytes;
            Free.RemoveAt(after);
        }

        if (after > 0 && Free[after - 1].Offset + Free[after - 1].Bytes == offset)
            Free[after - 1] = (Free[after - 1].Offset, Free[after - 1].Bytes + size);
        else
            Free.Insert(after, (offset, size));
    }
}
