using NativeStyle.Kernels.Operators.Pool2x2;
using NativeStyle.Vgg;

namespace NativeStyle.Style.Tiling;

/// <summary>
/// Decides how pictures go through the network: at once where that fits into the memory, else in the segments and tiles that
/// take least time of those that fit. Cuts, tile sizes, gates kept or not, maps in memory or on disk: all of it is tried, on
/// the sizes of <see cref="TileCosts"/>; so many plans are compared in less than a second.
/// </summary>
internal sealed class TilePlanner
{
    /// <summary>Numbers of tiles that a side is cut into.</summary>
    private static readonly int[] s_counts = [1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128];

    /// <summary>
    /// The share of the limit that target passes may take: what they touched stays the process's while iterations take theirs
    /// elsewhere, for gates above all.
    /// </summary>
    private const double TargetShare = 0.6;

    private readonly VggArchitecture _architecture;
    private readonly TransferOptions _options;
    private readonly TileCosts? _costs;
    private readonly long _limit;
    private readonly Func<VggPlan, int, int, TilePlan>? _given;
    private readonly Dictionary<(int, int, string), TilePlan> _known = [];

    /// <param name="costs">What plans take.</param>
    /// <param name="limit">Bytes that all of it may take.</param>
    public TilePlanner(TileCosts costs, long limit)
    {
        (_architecture, _options) = (costs.Architecture, costs.Options);
        (_costs, _limit) = (costs, limit);
    }

    /// <param name="given">Plans that somebody made: tests.</param>
    internal TilePlanner(
        VggArchitecture architecture, TransferOptions options, Func<VggPlan, int, int, TilePlan>? given)
    {
        (_architecture, _options, _given) = (architecture, options, given);
    }

    /// <summary>Cuts nothing, whatever the size.</summary>
    public static TilePlanner Unlimited(VggArchitecture architecture, TransferOptions options) => new(architecture, options, null);

    /// <summary>For the iterations on a picture of this size.</summary>
    public TilePlan Iteration(int height, int width) => Plan(height, width, _options.Layers, iterates: true);

    /// <summary>For one pass forward of a target picture, to these layers.</summary>
    public TilePlan Target(int height, int width, IReadOnlyCollection<string> layers) => Plan(height, width, layers, iterates: false);

    private TilePlan Plan(int height, int width, IReadOnlyCollection<string> layers, bool iterates)
    {
        var network = new VggPlan(_architecture, _options.Network, layers);
        if (_given is not null) return _given(network, height, width);
        TilePlan whole = TilePlan.Whole(network, height, width);
        if (_costs is null) return whole;
        string key = $"{iterates} {string.Join(' ', layers)}";
        if (_known.TryGetValue((height, width, key), out TilePlan? known)) return known;
        long limit = iterates ? _limit : (long)(TargetShare * _limit);
        bool fits = _costs.Peak(whole, layers, iterates) <= limit && _costs.Countable(whole.Segments[0]);
        TilePlan plan = _known[(height, width, key)] = fits ? whole : Tiled(network, height, width, layers, iterates, limit);
        // Thousands of plans were made and forgotten.
        if (!fits) HostMemory.Release(height, width);
        return plan;
    }

    /// <summary>
    /// Plans are compared by sums of blocks; gaps between blocks are only known when all of a plan is gone through. So the best
    /// one is, and if it does not fit then, a smaller one is looked for.
    /// </summary>
    private TilePlan Tiled(VggPlan network, int height, int width, IReadOnlyCollection<string> layers, bool iterates, long limit)
    {
        const int Tries = 8;
        (TilePlan? Plan, long Peak) smallest = (null, long.MaxValue);
        Dictionary<string, List<Candidate>> candidates = [];
        long target = limit;
        for (int i = 0; i < Tries; i++)
        {
            (TilePlan plan, bool fits) = Fastest(network, height, width, layers, iterates, target, candidates);
            long peak = _costs!.Peak(plan, layers, iterates);
            if (peak < smallest.Peak) smallest = (plan, peak);
            // Without gaps it would be too large already: there is nothing smaller.
            if (peak <= limit || !fits) break;
            target -= Math.Max(peak - limit, limit / 25);
        }

        return smallest.Plan!;
    }

    /// <summary>The fastest plan whose blocks fit, or the smallest if none does.</summary>
    private (TilePlan Plan, bool Fits) Fastest(
        VggPlan network, int height, int width, IReadOnlyCollection<string> layers, bool iterates, long limit, Dictionary<string, List<Candidate>> candidates)
    {
        int[] poolings = [.. Enumerable.Range(1, network.Steps.Count - 1).Where(i => VggPlan.CutsAfter(network.Steps[i - 1]))];
        (TilePlan? Plan, long Over, double Seconds) best = (null, long.MaxValue, 0);
        for (int cuts = 0; cuts < 1 << poolings.Length; cuts++)
        {
            List<Segment> segments = Segments([.. poolings.Where((_, i) => (cuts >> i & 1) != 0)], network, height, width);
            List<Candidate>[] choices = [.. segments.Select(segment => Known(candidates, segment, layers, iterates))];
            int maps = segments.Count - 1;
            for (int disk = 0; disk < 1 << maps; disk++)
            for (int gates = 0; gates < (iterates ? 1 << segments.Count : 1); gates++)
            for (int targets = 0; targets < (iterates ? 2 : 1); targets++)
                Consider(segments, choices, disk, gates, targets != 0);
        }

        return (best.Plan!, best.Over == 0);

        void Consider(List<Segment> segments, List<Candidate>[] choices, int disk, int gates, bool targetsOnDisk)
        {
            TileCosts costs = _costs!;
            // What is too large for one buffer has to be on disk.
            bool tooLarge = iterates && !targetsOnDisk && !costs.Countable(costs.TargetBytes(height, width));
            for (int s = 0; s < segments.Count - 1; s++) tooLarge |= (disk >> s & 1) == 0 && !costs.Countable(TileCosts.OutputBytes(segments[s]));
            if (tooLarge) return;
            var plans = new SegmentPlan[segments.Count];
            double seconds = targetsOnDisk ? costs.TargetDiskSeconds(height, width) : 0;
            long left = limit - costs.FixedBytes(height, width, targetsOnDisk, iterates), peak = 0, kept = 0;
            for (int s = 0; s < segments.Count; s++)
            {
                bool keeps = (gates >> s & 1) != 0;
                long standing = TileCosts.MapBytes(segments, s, disk, iterates) + kept;
                Candidate? chosen = null;
                long chosenOver = long.MaxValue;
                foreach (Candidate candidate in choices[s])
                {
                    if (candidate.Keeps != keeps) continue;
                    long excess = Math.Max(0, standing + candidate.Standing + candidate.Peak - left);
                    if (excess < chosenOver || (excess == chosenOver && candidate.Seconds < chosen!.Seconds)) (chosen, chosenOver) = (candidate, excess);
                }

                if (chosen is null) return;
                kept += chosen.Standing;
                peak = Math.Max(peak, standing + chosen.Standing + chosen.Peak);
                seconds += chosen.Seconds;
                if (s < segments.Count - 1 && (disk >> s & 1) != 0) seconds += TileCosts.OutputDiskSeconds(segments[s], iterates);
                plans[s] = new SegmentPlan(segments[s], chosen.Cells, keeps, s < segments.Count - 1 && (disk >> s & 1) != 0);
            }

            long over = Math.Max(0, peak - left);
            if (over < best.Over || (over == best.Over && seconds < best.Seconds)) best = (new TilePlan(network, plans, height, width, targetsOnDisk), over, seconds);
        }
    }

    private static List<Segment> Segments(int[] cuts, VggPlan network, int height, int width)
    {
        List<Segment> segments = [];
        int first = 0;
        foreach (int end in cuts.Append(network.Steps.Count))
        {
            var segment = new Segment([.. network.Steps.Take(end).Skip(first)], height, width, network.Options.PoolEdge);
            segments.Add(segment);
            (height, width) = segment.Cells;
            first = end;
        }

        return segments;
    }

    /// <summary>The tile sizes of a segment, with what each takes.</summary>
    private List<Candidate> Known(Dictionary<string, List<Candidate>> known, Segment segment, IReadOnlyCollection<string> layers, bool iterates)
    {
        if (known.TryGetValue(segment.Name, out List<Candidate>? candidates)) return candidates;
        candidates = [];
        (int height, int width) = segment.Cells;
        foreach (int rows in Sizes(height))
        foreach (int columns in Sizes(width))
        foreach (bool keeps in iterates && TileCosts.GatesSuffice(segment) ? new[] { false, true } : [false])
        {
            var plan = new SegmentPlan(segment, (rows, columns), keeps, false);
            // The whole in one piece is known not to fit.
            bool whole = plan.Cells == segment.Cells && segment.ReadsPixels && !segment.HasOutput;
            if (whole || !_costs!.Countable(plan)) continue;
            (long peak, long standing) = _costs.OfTiles(plan, layers, iterates);
            candidates.Add(new Candidate((rows, columns), keeps, peak, standing, _costs.Seconds(plan, layers, iterates)));
        }

        return known[segment.Name] = candidates;
    }

    /// <summary>Tile sizes that cut a side into equal parts, each size once.</summary>
    private static IEnumerable<int> Sizes(int side) => s_counts.Where(count => count <= side).Select(count => (side + count - 1) / count).Distinct();

    /// <param name="Peak">Bytes that a tile takes while it is worked on.</param>
    /// <param name="Standing">Bytes that all tiles keep from the first pass to the second.</param>
    private sealed record Candidate((int Height, int Width) Cells, bool Keeps, long Peak, long Standing, double Seconds);
}
