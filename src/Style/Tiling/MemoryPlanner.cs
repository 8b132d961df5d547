using NativeStyle.Imaging;
using NativeStyle.Kernels.Devices;
using NativeStyle.Style.Options;
using NativeStyle.Vgg;

namespace NativeStyle.Style.Tiling;

/// <summary>The memory and time of an iteration on pictures of one size.</summary>
/// <param name="Height">Rows.</param>
/// <param name="Width">Columns.</param>
/// <param name="PeakBytes">
/// The most memory at a time, over iterations and passes of target pictures of this size. On a CPU it is that of the
/// whole program, otherwise that of the device.
/// </param>
/// <param name="ScratchBytes">Bytes in scratch files.</param>
/// <param name="Seconds">The time of an iteration, estimated from the time of one convolution.</param>
/// <param name="Tiles">How the picture is cut, in words; null if it is not cut.</param>
/// <param name="Fits">Whether the memory is within the limit.</param>
internal sealed record MemoryEstimate(
    int Height, int Width, long PeakBytes, long ScratchBytes, double Seconds, string? Tiles, bool Fits);

/// <summary>A pass of a run, and the most memory that it takes.</summary>
/// <param name="What">What goes through the network, for people.</param>
/// <param name="Style">The number of the style that it is; null for the result.</param>
/// <param name="Bytes">See <see cref="MemoryEstimate.PeakBytes"/>.</param>
internal readonly record struct MemoryNeed(string What, int? Style, long Bytes);

/// <summary>
/// Plans runs within a limit of memory. Pictures go whole if they fit, and in tiles otherwise, which gives the same
/// result up to rounding. If even the smallest tiles leave no room for what L-BFGS remembers, it remembers less.
/// </summary>
internal sealed class MemoryPlanner
{
    /// <summary>Bytes of the program itself: its code and the runtime's heap.</summary>
    public const long ProgramBytes = 84L << 20;

    private readonly MemoryRehearsal _rehearsal;
    private readonly TileTimes _times;
    private readonly TilePlanner _planner;

    /// <param name="limit">The limit in bytes.</param>
    /// <param name="regions">How many regions the styles have of their own.</param>
    /// <param name="pictures">Bytes of the pictures that are kept as their files have them.</param>
    /// <param name="everywhere">Whether there is also a style for the whole picture.</param>
    public MemoryPlanner(
        ComputeDevice device, VggArchitecture architecture, TransferOptions options, long limit, int regions = 0,
        long pictures = 0, bool everywhere = true)
    {
        (Limit, Options) = (limit, options);
        _rehearsal = new MemoryRehearsal(device, architecture, options, regions, pictures, everywhere);
        _times = new TileTimes(device);
        _planner = new TilePlanner(_rehearsal, _times, limit);
    }

    /// <summary>Bytes that a run may take.</summary>
    public long Limit { get; }

    /// <summary>What is computed.</summary>
    public TransferOptions Options { get; }

    /// <summary>
    /// Whether every pass of the run goes whole. Then the limit does not matter: any other that suffices, on any
    /// number of threads, gives the same bytes.
    /// </summary>
    public bool IsWhole { get; private set; }

    internal PassPlanner Planner => IsWhole ? new WholePlanner(_rehearsal.Architecture, Options) : _planner;

    /// <summary>
    /// Creates a planner for a run. The run goes whole if all of it fits. Otherwise it goes in tiles, and L-BFGS
    /// remembers less if it must.
    /// </summary>
    /// <param name="height">Rows of the result, the largest of the run.</param>
    /// <param name="styles">The sizes of the style pictures at that scale; null for one of the result's size.</param>
    /// <inheritdoc cref="MemoryPlanner(ComputeDevice, VggArchitecture, TransferOptions, long, int, long, bool)"/>
    public static MemoryPlanner For(
        ComputeDevice device, VggArchitecture architecture, TransferOptions options, MemoryBudget budget, int regions,
        int height, int width, IReadOnlyList<(int Height, int Width)>? styles = null, long pictures = 0,
        bool everywhere = true)
    {
        MemoryPlanner planner = Within(options, budget.Whole);
        planner.IsWhole = planner.FitsWhole(height, width, styles ?? [(height, width)]);
        if (planner.IsWhole) return planner;
        if (budget.Tiled != budget.Whole) planner = Within(options, budget.Tiled);
        if (options.Optimizer != OptimizerKind.Lbfgs) return planner;
        long limit = budget.Tiled, peak = planner._planner.At(PassKind.Iteration, height, width).Peak;
        if (peak <= limit) return planner;
        // A pair is two pictures. An eighth of the memory is left for tiles of a good size.
        const int BytesOfPair = 2 * 3 * sizeof(float);
        long excess = peak - limit + (limit / 8);
        long pairs = (long)Math.Ceiling((double)excess / ((long)height * width * BytesOfPair));
        // A run remembers no more steps than it makes.
        int history = (int)Math.Max(1, Math.Min(options.History, options.Iterations.Max()) - pairs);
        return Within(options with { History = history }, limit);

        MemoryPlanner Within(TransferOptions of, long bytes) =>
            new(device, architecture, of, bytes, regions, pictures, everywhere);
    }

    /// <summary>Creates a planner for a run.</summary>
    /// <param name="inputs">The pictures.</param>
    /// <param name="plan">The scales. The last one is the largest.</param>
    public static MemoryPlanner For(
        ComputeDevice device, VggArchitecture architecture, TransferOptions options, MemoryBudget budget,
        TransferInputs inputs, IReadOnlyList<ScaleStep> plan)
    {
        // The plan's own iterations: a total that was spread over the scales is in no option.
        options = options with { Iterations = [.. plan.Select(step => step.Iterations)] };
        int regions = inputs.Styles.Select(style => style.Region).OfType<Picture>().Distinct().Count();
        return For(
            device, architecture, options, budget, regions, plan[^1].Height, plan[^1].Width,
            StyleSizes(options, inputs.Cropped(options.Crop), plan), inputs.HeldBytes,
            everywhere: inputs.Styles.Any(style => style.Region is null));
    }

    /// <summary>What the result and each style need at the last scale.</summary>
    /// <param name="inputs">The cropped pictures.</param>
    public IEnumerable<MemoryNeed> Needs(TransferInputs inputs, IReadOnlyList<ScaleStep> plan)
    {
        ScaleStep last = plan[^1];
        yield return new MemoryNeed(
            $"a result of {last.Width} x {last.Height} pixels", null, At(last.Height, last.Width).PeakBytes);
        foreach (((int height, int width), int i) in StyleSizes(Options, inputs, plan).Select((size, i) => (size, i)))
        {
            yield return new MemoryNeed(
                $"a style at {width} x {height} pixels", i, StyleBytes(height, width, last.Height, last.Width));
        }
    }

    private static IReadOnlyList<(int Height, int Width)> StyleSizes(
        TransferOptions options, TransferInputs inputs, IReadOnlyList<ScaleStep> plan) =>
        [.. inputs.Styles.Select(style => Schedule.StyleSize(
            options, plan[^1].Height, plan[^1].Width, style.Picture.Height, style.Picture.Width))];

    /// <summary>Estimates an iteration on a picture of this size.</summary>
    public MemoryEstimate At(int height, int width)
    {
        (TilePlan plan, long peak) = _planner.At(PassKind.Iteration, height, width);
        // These targets have the result's size. The peak of a style of another size is asked for separately.
        if (peak <= Limit && Options.ContentTerms.Any())
            peak = Math.Max(peak, _planner.At(PassKind.Content, height, width, plan).Peak);
        if (peak <= Limit) peak = Math.Max(peak, StyleBytes(height, width, height, width));
        long content = _rehearsal.ContentBytes(height, width);
        long outputs = plan.Segments.Where(segment => segment.OutputOnDisk).Sum(segment => segment.OutputBytes);
        long scratch = (plan.TargetsOnDisk ? content : 0) + (2 * outputs);
        double seconds = _times.Of(plan, iterates: true, content, measured: true);
        string? tiles = plan.IsWhole ? null : Words(plan);
        return new MemoryEstimate(height, width, peak, scratch, seconds, tiles, peak <= Limit);
    }

    /// <summary>Bytes of one pass over a style picture of this size.</summary>
    /// <param name="resultHeight">Rows of the result.</param>
    public long StyleBytes(int height, int width, int resultHeight, int resultWidth) =>
        Options.StyleTerms.Any()
            ? _planner.At(PassKind.Style, height, width, _planner.Iteration(resultHeight, resultWidth)).Peak
            : 0;

    private bool FitsWhole(int height, int width, IReadOnlyList<(int Height, int Width)> styles)
    {
        if (!_planner.FitsWhole(PassKind.Iteration, height, width)) return false;
        TilePlan result = _planner.Iteration(height, width);
        return (!Options.ContentTerms.Any() || _planner.FitsWhole(PassKind.Content, height, width, result))
            && (!Options.StyleTerms.Any()
                || styles.All(style => _planner.FitsWhole(PassKind.Style, style.Height, style.Width, result)));
    }

    private static string Words(TilePlan plan) => string.Join(", ", plan.Segments.Select(planned =>
    {
        Segment segment = planned.Segment;
        int scale = 1 << segment.LastLevel;
        int tiles = planned.Tiles.Count;
        int width = Math.Min(segment.Size.Width, planned.Cells.Width * scale);
        int height = Math.Min(segment.Size.Height, planned.Cells.Height * scale);
        return tiles == 1 ? $"{segment.Name} whole" : $"{segment.Name} in {tiles} tiles of {width} x {height}";
    }));
}
