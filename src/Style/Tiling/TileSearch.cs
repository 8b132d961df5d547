using NativeStyle.Kernels.Devices;
using NativeStyle.Vgg;

namespace NativeStyle.Style.Tiling;

/// <summary>
/// Searches, for pictures of one size, the fastest plan in tiles that fits into the memory. It compares all
/// combinations of where the network is cut, how large tiles are, whether gates are kept and what is on disk. It judges
/// them by what the largest tile of each segment takes. Plans also differ in how their blocks lie between each other,
/// so the best plan is then rehearsed as a whole. If it does not fit, the search is repeated for a smaller plan.
/// </summary>
internal sealed class TileSearch : IDisposable
{
    /// <summary>Into how many tiles a side may be cut.</summary>
    private static readonly int[] s_counts =
        [1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128];

    private readonly MemoryRehearsal _rehearsal;
    private readonly TileTimes _times;
    private readonly PassKind _kind;
    private readonly TilePlan _whole;
    private readonly TilePlan? _result;
    private readonly RehearsedRun _run;
    private readonly long _standing;
    private readonly long _contentBytes;
    private readonly long _largestContent;
    private readonly int[] _poolings;
    private readonly Dictionary<(int First, int End), Segment> _segments = [];
    private readonly Dictionary<(Segment Segment, bool SavesGates), (Candidate[] ByTime, Candidate? Smallest)>
        _candidates = [];

    /// <param name="whole">The plan that cuts nothing.</param>
    /// <param name="result">For a target, the plan of the iterations.</param>
    public TileSearch(MemoryRehearsal rehearsal, TileTimes times, PassKind kind, TilePlan whole, TilePlan? result)
    {
        (_rehearsal, _times, _kind, _whole, _result) = (rehearsal, times, kind, whole, result);
        IReadOnlyList<VggStep> steps = whole.Network.Steps;
        _poolings = [.. Enumerable.Range(1, steps.Count - 1).Where(i => VggPlan.CutsAfter(steps[i - 1]))];
        // Content targets may be too large to stand in memory at all. Plans that keep them there count them.
        _run = rehearsal.Prepare(kind, whole with { TargetsOnDisk = true }, result);
        // Makes one pass first: what it creates once, and keeps, counts as standing memory too.
        SegmentPlan network = whole.Segments[0];
        _run.OfLargestTile(network with { Cells = (1, 1) });
        _standing = _run.StandingBytes + rehearsal.HostBytes(kind, whole, result);
        IReadOnlyList<long> contents = rehearsal.ContentMaps(whole.Height, whole.Width);
        (_contentBytes, _largestContent) = (contents.Sum(), contents.DefaultIfEmpty().Max());
        // The maps that a content pass fills.
        if (kind == PassKind.Content && !result!.TargetsOnDisk) _standing += _contentBytes;
    }

    private bool Iterates => _kind == PassKind.Iteration;

    /// <summary>
    /// Whether the device can hold a tile's largest map in one buffer, and kernels can count its elements in 32 bits.
    /// </summary>
    public static bool Countable(ComputeDevice device, SegmentPlan plan)
    {
        (int Height, int Width)[] windows = plan.Segment.LargestWindow(plan.Cells);
        return plan.Segment.Layers.All(layer =>
        {
            (int height, int width) = windows[plan.Segment.Level(layer)];
            return Countable(device, sizeof(float) * (long)height * width * layer.OutChannels);
        });
    }

    /// <summary>
    /// Returns the fastest plan within a limit, or the smallest plan if none fits, and its peak in bytes.
    /// </summary>
    public (TilePlan Plan, long Peak) Run(long limit)
    {
        const int Tries = 8;
        (TilePlan? Plan, long Peak) best = (null, long.MaxValue);
        // Blocks leave gaps, so a plan for the limit may exceed it. The largest target that does not is searched for.
        long target = limit, fitting = 0, exceeding = limit;
        for (int i = 0; i < Tries && (fitting == 0 || exceeding - fitting > limit / 100); i++)
        {
            (TilePlan plan, bool fits) = Fastest(target);
            long peak = _rehearsal.Peak(_kind, plan, _result);
            // The smallest of those that exceed the limit; of those that do not, the one for the largest target.
            if (peak <= limit || peak < best.Peak) best = (plan, peak);
            // Nothing is smaller than a plan whose largest tiles do not fit.
            if (!fits || (peak <= limit && target == limit)) break;
            if (peak <= limit) fitting = target;
            else exceeding = target;
            target = fitting > 0 ? (fitting + exceeding) / 2 : target - Math.Max(peak - limit, limit / 25);
        }

        return (best.Plan!, best.Peak);
    }

    public void Dispose() => _run.Dispose();

    private static bool Countable(ComputeDevice device, long bytes) =>
        bytes / sizeof(float) <= int.MaxValue && bytes <= device.LargestBufferBytes;

    private (TilePlan Plan, bool Fits) Fastest(long limit)
    {
        (TilePlan? Plan, long Excess, double Seconds) best = (null, long.MaxValue, 0);
        for (int cuts = 0; cuts < 1 << _poolings.Length; cuts++)
        {
            Segment[] segments = Cut([.. _poolings.Where((_, i) => (cuts >> i & 1) != 0)]);
            for (int disk = 0; disk < 1 << (segments.Length - 1); disk++)
            for (int gates = 0; gates < (Iterates ? 1 << segments.Length : 1); gates++)
            for (int targets = 0; targets < (Iterates && _contentBytes > 0 ? 2 : 1); targets++)
            {
                bool targetsOnDisk = targets != 0;
                if (Combine(segments, limit, disk, gates, targetsOnDisk) is not { } candidate) continue;
                bool isBetter = candidate.Excess < best.Excess
                    || (candidate.Excess == best.Excess && candidate.Seconds < best.Seconds);
                if (isBetter) best = candidate;
            }
        }

        return (best.Plan ?? _whole, best.Plan is not null && best.Excess == 0);
    }

    private Segment[] Cut(int[] cuts)
    {
        List<Segment> segments = [];
        (int first, int height, int width) = (0, _whole.Height, _whole.Width);
        foreach (int end in cuts.Append(_whole.Network.Steps.Count))
        {
            if (!_segments.TryGetValue((first, end), out Segment? segment))
            {
                VggStep[] steps = [.. _whole.Network.Steps.Take(end).Skip(first)];
                _segments[(first, end)] = segment = new Segment(steps, height, width, _whole.Network.Options);
            }

            segments.Add(segment);
            (height, width) = segment.Cells;
            first = end;
        }

        return [.. segments];
    }

    /// <summary>
    /// Combines the fastest tiles of each segment that fit. If none fit, it takes the smallest, and says by how much
    /// they exceed the limit.
    /// </summary>
    /// <param name="disk">A bit for each map between segments; it is set if the map is on disk.</param>
    /// <param name="gates">A bit for each segment; it is set if the segment keeps gates.</param>
    private (TilePlan Plan, long Excess, double Seconds)? Combine(
        Segment[] segments, long limit, int disk, int gates, bool targetsOnDisk)
    {
        // A map that is too large for one buffer has to be on disk.
        if (Iterates && !targetsOnDisk && !Countable(_rehearsal.Device, _largestContent)) return null;
        var plans = new SegmentPlan[segments.Length];
        double seconds = targetsOnDisk ? TileTimes.TargetDisk(_contentBytes) : 0;
        long left = limit - _standing - (Iterates && !targetsOnDisk ? _contentBytes : 0);
        long gateBytes = 0, excess = 0, before = 0;
        for (int s = 0; s < segments.Length; s++)
        {
            bool onDisk = s < segments.Length - 1 && (disk >> s & 1) != 0;
            var draft = new SegmentPlan(segments[s], segments[s].Cells, (gates >> s & 1) != 0, onDisk);
            long output = onDisk ? 0 : draft.OutputBytes;
            if (!Countable(_rehearsal.Device, output)) return null;
            // These stand: the map before, the segment's own, and for iterations the gradient that is being filled.
            long standing = gateBytes + output + (Iterates ? before + LastOutput(plans, s) : LastOutput(plans, s));
            if (Choose(draft, left - standing) is not { } candidate) return null;
            gateBytes += candidate.GateBytes;
            excess = Math.Max(excess, standing + candidate.GateBytes + candidate.Peak - left);
            seconds += candidate.Seconds + (onDisk ? TileTimes.OutputDisk(draft, Iterates) : 0);
            plans[s] = draft with { Cells = candidate.Cells };
            before += output;
        }

        var plan = new TilePlan(_whole.Network, plans, _whole.Height, _whole.Width, targetsOnDisk);
        return (plan, Math.Max(0, excess), seconds);
    }

    /// <summary>Bytes of the device that the map before a segment takes.</summary>
    private static long LastOutput(SegmentPlan[] plans, int s) =>
        s == 0 || plans[s - 1].OutputOnDisk ? 0 : plans[s - 1].OutputBytes;

    /// <summary>
    /// The fastest tiles of a segment that fit, or the smallest; null if a segment has no gates that it could keep.
    /// </summary>
    private Candidate? Choose(SegmentPlan draft, long bytes)
    {
        (Candidate[] byTime, Candidate? smallest) = Candidates(draft);
        if (smallest is null || smallest.LeastBytes > bytes) return smallest;
        foreach (Candidate candidate in byTime)
            if (candidate.LeastBytes <= bytes && candidate.Peak + candidate.GateBytes <= bytes) return candidate;
        return smallest;
    }

    /// <summary>
    /// The tile sizes of a segment, the fastest first, and the one that takes least; none if a segment has no gates
    /// that it could keep.
    /// </summary>
    private (Candidate[] ByTime, Candidate? Smallest) Candidates(SegmentPlan draft)
    {
        Segment segment = draft.Segment;
        if (_candidates.TryGetValue((segment, draft.SavesGates), out (Candidate[], Candidate?) known)) return known;
        List<Candidate> candidates = [];
        bool gatesSuffice = segment.Tail.Count > 0 && !segment.Tail.OfType<PoolingStep>().Any();
        if (!draft.SavesGates || gatesSuffice)
        {
            foreach (int rows in Sizes(segment.Cells.Height))
            foreach (int columns in Sizes(segment.Cells.Width))
            {
                SegmentPlan plan = draft with { Cells = (rows, columns) };
                // The whole network in one tile is known not to fit.
                bool isWhole = plan.Cells == segment.Cells && segment.ReadsPixels && !segment.HasOutput;
                if (!isWhole && Countable(_rehearsal.Device, plan))
                    candidates.Add(new Candidate(plan, _run, _times.Of(plan, Iterates)));
            }
        }

        Candidate[] byTime = [.. candidates.OrderBy(candidate => candidate.Seconds)];
        return _candidates[(segment, draft.SavesGates)] = (byTime, byTime.MinBy(candidate => candidate.LeastBytes));
    }

    /// <summary>Tile sizes that cut a side into equal intervals, each size once.</summary>
    private static IEnumerable<int> Sizes(int side) => s_counts
        .Where(count => count <= side)
        .Select(count => (side + count - 1) / count)
        .Distinct();

    /// <summary>A tile size for a segment. Its memory is measured when it is first read.</summary>
    private sealed class Candidate
    {
        private readonly Lazy<(long Peak, long GateBytes)> _bytes;

        public Candidate(SegmentPlan plan, RehearsedRun run, double seconds)
        {
            (Cells, Seconds) = (plan.Cells, seconds);
            Segment segment = plan.Segment;
            (int Height, int Width)[] windows = segment.LargestWindow(plan.Cells);
            LeastBytes = segment.Layers.Max(layer =>
                Area(layer) * (layer.InChannels + Math.Min(layer.OutChannels, 3)) * sizeof(float));
            double tiles =
                (double)segment.PixelsOfWindows(plan.Cells, 0) / ((long)windows[0].Height * windows[0].Width);
            _bytes = new Lazy<(long, long)>(() =>
            {
                (long peak, long gateBytes) = run.OfLargestTile(plan);
                return (peak, (long)(gateBytes * tiles));
            });

            long Area(VggLayer layer)
            {
                int level = segment.Level(layer);
                return (long)windows[level].Height * windows[level].Width;
            }
        }

        public (int Height, int Width) Cells { get; }

        public double Seconds { get; }

        /// <summary>Bytes that a tile takes at least: those that the largest of its layers reads.</summary>
        public long LeastBytes { get; }

        /// <summary>Bytes that a tile takes while it is worked on.</summary>
        public long Peak => _bytes.Value.Peak;

        /// <summary>Bytes that all tiles keep from the first pass to the second.</summary>
        public long GateBytes => _bytes.Value.GateBytes;
    }
}
