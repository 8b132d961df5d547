using NativeStyle.Kernels.Devices;

namespace NativeStyle.Style.Tiling;

/// <summary>
/// The memory that runs may take. Tiles round differently from the whole, so what happens to be free decides about them
/// only where it must: a run that fits goes whole.
/// </summary>
/// <param name="Whole">Bytes that a run may take which goes whole, with all that its optimiser remembers.</param>
/// <param name="Tiled">Bytes that every other run may take.</param>
internal readonly record struct MemoryBudget(long Whole, long Tiled)
{
    /// <summary>
    /// The share of the available memory that a whole run may take if the user gives no limit. The last tenth is left
    /// to what no estimate knows: the collector's timing, the result's file, other programs that grow meanwhile.
    /// </summary>
    public const double WholeShare = 0.9;

    /// <summary>The share for runs in tiles. They last longer, and can do with less.</summary>
    public const double TiledShare = 0.75;

    /// <summary>For a run that is known to go whole, such as the rest of one that did.</summary>
    public static MemoryBudget Unlimited => Limit(long.MaxValue);

    /// <summary>The budget of a user's limit, or of an earlier part of the run.</summary>
    public static MemoryBudget Limit(long bytes) => new(bytes, bytes);

    /// <summary>The budget on a device.</summary>
    /// <param name="limit">The user's limit, if any.</param>
    public static MemoryBudget Of(ComputeDevice device, long? limit = null) => limit is { } bytes ? Limit(bytes)
        : new((long)(WholeShare * device.AvailableBytes), Rounded((long)(TiledShare * device.AvailableBytes)));

    /// <summary>Rounds down to a coarse step, so that the same machine mostly plans the same tiles.</summary>
    private static long Rounded(long bytes)
    {
        long step = bytes > 4L << 30 ? 1L << 30 : bytes > 1L << 30 ? 1L << 28 : 1L << 24;
        return bytes / step * step;
    }
}
