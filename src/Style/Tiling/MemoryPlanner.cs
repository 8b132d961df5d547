using NativeStyle.Kernels.Devices;
using NativeStyle.Style.Options;
using NativeStyle.Vgg;

namespace NativeStyle.Style.Tiling;

/// <summary>What an iteration on pictures of one size takes.</summary>
/// <param name="Height">Rows.</param>
/// <param name="Width">Columns.</param>
/// <param name="PeakBytes">
/// The most memory at a time, with the passes of target pictures of this size: of a CPU the whole program's, else the device's.
/// </param>
/// <param name="ScratchBytes">In scratch files.</param>
/// <param name="Seconds">Of an iteration, estimated from one convolution's time.</param>
/// <param name="Tiles">In words: how the picture is cut; null where it is not.</param>
/// <param name="Fits">Whether that is within the limit.</param>
public sealed record MemoryEstimate(
    int Height, int Width, long PeakBytes, long ScratchBytes, double Seconds, string? Tiles, bool Fits);

/// <summary>
/// Plans runs within a limit of memory: whole pictures where they fit, else in tiles, which gives the same result up to
/// rounding. Where even the smallest tiles leave no room for what L-BFGS remembers, it remembers less.
/// </summary>
public sealed class MemoryPlanner
{
    /// <summary>The share of what is available that is used without being told.</summary>
    public const double DefaultShare = 0.75;

    private readonly MemoryRehearsal _rehearsal;
    private readonly TileTimes _times;
    private readonly TilePlanner _planner;

    /// <param name="limit">Bytes.</param>
    /// <param name="regions">Regions that styles have of their own.</param>
    /// <param name="pictures">Bytes of the pictures that are kept as their files have them.</param>
    public MemoryPlanner(
        ComputeDevice device, VggArchitecture architecture, TransferOptions options, long limit, int regions = 0, long pictures = 0)
    {
        (Limit, Options) = (limit, options);
        _rehearsal = new MemoryRehearsal(device, architecture, options, regions, pictures);
        _times = new TileTimes(device);
        _planner = new TilePlanner(_rehearsal, _times, limit);
    }

    /// <summary>Bytes that a run may take.</summary>
    public long Limit { get; }

    /// <summary>What is computed.</summary>
    public TransferOptions Options { get; }

    internal PassPlanner Planner => _planner;

    /// <summary>A planner for runs up to a size, with a shorter history of L-BFGS where that has to be.</summary>
    /// <inheritdoc cref="MemoryPlanner(ComputeDevice, VggArchitecture, TransferOptions, long, int, long)"/>
    public static MemoryPlanner For(
        ComputeDevice device, VggArchitecture architecture, TransferOptions options, long limit, int regions, int height, int width, long pictures = 0)
    {
        var planner = new MemoryPlanner(device, architecture, options, limit, regions, pictures: pictures);
        if (options.Optimizer != OptimizerKind.Lbfgs) return planner;
        MemoryEstimate estimate = planner.At(height, width);
        if (estimate.Fits) return planner;
        // A pair is two pictures; an eighth of the memory is left for tiles of a good size.
        const int BytesOfPair = 2 * 3 * sizeof(float);
        long excess = estimate.PeakBytes - limit + (limit / 8), pairs = (long)Math.Ceiling((double)excess / ((long)height * width * BytesOfPair));
        int history = (int)Math.Max(1, options.History - pairs);
        return new MemoryPlanner(device, architecture, options with { History = history }, limit, regions, pictures: pictures);
    }

    /// <summary>
    /// The limit where the user gives none: three quarters of what is available, in whole GiB, so that the same machine plans
    /// the same way.
    /// </summary>
    public static long DefaultLimit(ComputeDevice device)
    {
        const long Step = 1L << 30;
        long limit = (long)(DefaultShare * device.AvailableBytes);
        return limit > 4 * Step ? limit / Step * Step : limit;
    }

    /// <summary>What an iteration on a picture of this size takes.</summary>
    public MemoryEstimate At(int height, int width)
    {
        (TilePlan plan, long peak) = _planner.At(PassKind.Iteration, height, width);
        // Of targets at the result's size: a style of another size is asked for by itself.
        if (peak <= Limit && Options.ContentTerms.Any()) peak = Math.Max(peak, _planner.At(PassKind.Content, height, width, plan).Peak);
        if (peak <= Limit) peak = Math.Max(peak, StyleBytes(height, width, height, width));
        long content = _rehearsal.ContentBytes(height, width);
        long scratch = (plan.TargetsOnDisk ? content : 0) + (2 * plan.Segments.Where(segment => segment.OutputOnDisk).Sum(segment => segment.OutputBytes));
        double seconds = _times.Of(plan, iterates: true, content, measured: true);
        return new MemoryEstimate(height, width, peak, scratch, seconds, plan.IsWhole ? null : Words(plan), peak <= Limit);
    }

    /// <summary>Bytes of one pass over a style picture of this size.</summary>
    /// <param name="resultHeight">Rows of the result.</param>
    public long StyleBytes(int height, int width, int resultHeight, int resultWidth) =>
        Options.StyleTerms.Any() ? _planner.At(PassKind.Style, height, width, _planner.Iteration(resultHeight, resultWidth)).Peak : 0;

    private static string Words(TilePlan plan) => string.Join(", ", plan.Segments.Select(segment =>
    {
        Segment of = segment.Segment;
        int scale = 1 << of.LastLevel;
        int tiles = segment.Tiles.Count;
        return tiles == 1 ? $"{of.Name} whole" : $"{of.Name} in {tiles} tiles of {Math.Min(of.Size.Width, segment.Cells.Width * scale)} x {Math.Min(of.Size.Height, segment.Cells.Height * scale)}";
    }));
}
