using NativeStyle.Kernels.Devices;

namespace NativeStyle.Kernels.Memory;

/// <summary>
/// A device's memory without the memory: blocks are placed as its pool would place them, so that what a run will take,
/// the gaps between blocks included, is known before it.
/// </summary>
public sealed class MemoryRehearsal
{
    private readonly BufferPool _pool;
    private readonly Dictionary<(long, bool), Stack<PoolBlock>> _blocks = [];

    /// <param name="device">Whose memory it is.</param>
    public MemoryRehearsal(ComputeDevice device) => _pool = new BufferPool(_ => null, _ => { }, device.UsesHostMemory);

    /// <summary>The most bytes that were held at a time.</summary>
    public long PeakBytes => _pool.Bytes.Peak;

    /// <summary>Takes a block; of none nothing.</summary>
    /// <param name="kept">As in <see cref="ComputeDevice.Allocate{T}(long, bool)"/>.</param>
    public void Take(long bytes, bool kept = false)
    {
        if (bytes == 0) return;
        if (!_blocks.TryGetValue((bytes, kept), out Stack<PoolBlock>? same)) _blocks[(bytes, kept)] = same = [];
        same.Push(_pool.Rent(bytes, kept));
    }

    /// <summary>Gives back the last block of this size.</summary>
    /// <exception cref="InvalidOperationException">There is none.</exception>
    public void Give(long bytes, bool kept = false)
    {
        if (bytes == 0) return;
        if (!_blocks.TryGetValue((bytes, kept), out Stack<PoolBlock>? same) || same.Count == 0) throw new InvalidOperationException($"no block of {bytes} bytes is in use");
        _pool.Return(same.Pop());
    }
}
