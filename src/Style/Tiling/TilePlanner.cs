using NativeStyle.Vgg;

namespace NativeStyle.Style.Tiling;

/// <summary>
/// Lets pictures go through the network whole if that fits into the memory. Otherwise it chooses, among the segments
/// and tiles that fit, those that take least time.
/// </summary>
/// <param name="rehearsal">Says how much memory plans take.</param>
/// <param name="times">Says how long they take.</param>
/// <param name="limit">Bytes that everything together may take.</param>
internal sealed class TilePlanner(MemoryRehearsal rehearsal, TileTimes times, long limit)
    : PassPlanner(rehearsal.Architecture, rehearsal.Options)
{
    private readonly Dictionary<(PassKind Kind, int Height, int Width, TilePlan? Result), (TilePlan Plan, long Peak)>
        _plans = [];

    public override TilePlan Iteration(int height, int width) => At(PassKind.Iteration, height, width).Plan;

    public override TilePlan Content(TilePlan result) => At(PassKind.Content, result.Height, result.Width, result).Plan;

    public override TilePlan Style(int height, int width, TilePlan result) =>
        At(PassKind.Style, height, width, result).Plan;

    /// <summary>Whether a picture of this size fits whole.</summary>
    /// <param name="result">For a target, the plan of the iterations.</param>
    public bool FitsWhole(PassKind kind, int height, int width, TilePlan? result = null) =>
        At(kind, height, width, result, searches: false).Plan is not null;

    /// <summary>The plan for a picture of this size, and its peak in bytes, everything included.</summary>
    /// <param name="result">For a target, the plan of the iterations.</param>
    public (TilePlan Plan, long Peak) At(PassKind kind, int height, int width, TilePlan? result = null)
    {
        (TilePlan? plan, long peak) = At(kind, height, width, result, searches: true);
        return (plan!, peak);
    }

    /// <param name="searches">Whether to look for tiles if it does not fit whole; otherwise there is no plan.</param>
    private (TilePlan? Plan, long Peak) At(PassKind kind, int height, int width, TilePlan? result, bool searches)
    {
        if (_plans.TryGetValue((kind, height, width, result), out (TilePlan Plan, long Peak) plan)) return plan;
        TilePlan whole = TilePlan.Whole(Steps(kind), height, width);
        bool countable = TileSearch.Countable(rehearsal.Device, whole.Segments[0]);
        plan = (whole, countable ? rehearsal.Peak(kind, whole, result) : long.MaxValue);
        if (!countable || plan.Peak > limit)
        {
            if (!searches) return (null, plan.Peak);
            using var search = new TileSearch(rehearsal, times, kind, whole, result);
            plan = search.Run(limit);
            // The search has made and dropped thousands of plans.
            HostMemory.Release();
        }

        return _plans[(kind, height, width, result)] = plan;
    }
}
