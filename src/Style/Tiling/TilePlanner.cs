using NativeStyle.Vgg;

namespace NativeStyle.Style.Tiling;

/// <summary>
/// Lets pictures go through the network at once where that fits into the memory, else in the segments and tiles that take
/// least time of those that fit.
/// </summary>
/// <param name="rehearsal">What plans take.</param>
/// <param name="times">How long they take.</param>
/// <param name="limit">Bytes that all of it may take.</param>
internal sealed class TilePlanner(MemoryRehearsal rehearsal, TileTimes times, long limit)
    : PassPlanner(rehearsal.Architecture, rehearsal.Options)
{
    private readonly Dictionary<(PassKind Kind, int Height, int Width, TilePlan? Result), (TilePlan Plan, long Peak)> _plans = [];

    public override TilePlan Iteration(int height, int width) => At(PassKind.Iteration, height, width).Plan;

    public override TilePlan Content(TilePlan result) => At(PassKind.Content, result.Height, result.Width, result).Plan;

    public override TilePlan Style(int height, int width, TilePlan result) => At(PassKind.Style, height, width, result).Plan;

    /// <summary>The plan for a picture of this size, and the bytes that it takes at the highest, all in all.</summary>
    /// <param name="result">Of a target, the plan of the iterations.</param>
    public (TilePlan Plan, long Peak) At(PassKind kind, int height, int width, TilePlan? result = null)
    {
        if (_plans.TryGetValue((kind, height, width, result), out (TilePlan Plan, long Peak) plan)) return plan;
        VggPlan network = Steps(kind switch
        {
            PassKind.Iteration => Options.Layers,
            PassKind.Content => Options.ContentTerms.Select(term => term.Layer),
            _ => Options.StyleTerms.Select(term => term.Layer),
        });
        TilePlan whole = TilePlan.Whole(network, height, width);
        bool countable = TileSearch.Countable(rehearsal.Device, whole.Segments[0]);
        plan = (whole, countable ? rehearsal.Peak(kind, whole, result) : long.MaxValue);
        if (plan.Peak > limit)
        {
            using var search = new TileSearch(rehearsal, times, kind, whole, result);
            plan = search.Run(limit);
            // Thousands of plans were made and forgotten.
            HostMemory.Release();
        }

        return _plans[(kind, height, width, result)] = plan;
    }
}
