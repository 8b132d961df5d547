using NativeStyle.Autodiff;
using NativeStyle.Imaging;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;
using NativeStyle.Style.Losses;
using NativeStyle.Style.Options;
using NativeStyle.Vgg;

namespace NativeStyle.Style.Tiling;

/// <summary>
/// A run on a rehearsal of its device. Network, targets, iterate and optimiser exist, and are as large as real ones.
/// </summary>
internal sealed class RehearsedRun : IDisposable
{
    private readonly PassKind _kind;
    private readonly TilePlan _plan;
    private readonly TilePlan _result;
    private readonly TransferOptions _options;
    private readonly int _regions;
    private readonly bool _everywhere;
    private readonly ComputeDevice _device;
    private readonly VggNetwork _network;
    private readonly FixedPlanner _planner;
    private readonly IReadOnlyList<ContentLoss> _contents = [];
    private readonly Objective? _objective;
    private readonly Iterate? _iterate;

    /// <param name="kind">The kind of passes that will be made.</param>
    /// <param name="plan">The plan of these passes.</param>
    /// <param name="result">For a target, the plan of the iterations.</param>
    /// <param name="regions">How many regions the styles have of their own.</param>
    /// <param name="everywhere">Whether there is also a style for the whole picture.</param>
    public RehearsedRun(MemoryRehearsal rehearsal, PassKind kind, TilePlan plan, TilePlan? result, int regions,
        bool everywhere)
    {
        (_kind, _plan, _result, _options) = (kind, plan, result ?? plan, rehearsal.Options);
        (_regions, _everywhere) = (regions, everywhere);
        _device = rehearsal.Device.Rehearsal();
        _planner = new FixedPlanner(rehearsal.Architecture, _options, plan);
        _network = VggNetwork.Rehearse(_device, _planner.Steps(PassKind.Iteration));
        if (kind == PassKind.Style && _options.ContentTerms.Any())
        {
            // They are there already.
            var skipped = new SkippedTargetPass(_device, _network);
            TilePlan content = _planner.Content(_result);
            _contents = ContentLoss.Measure(skipped, _options, new BlankPicture(1, 1), content, _result.TargetsOnDisk);
        }

        if (kind == PassKind.Iteration)
        {
            var blank = new BlankPicture(1, 1);
            var targets = new SkippedTargetPass(_device, _network);
            _objective = new Objective(_network, _planner, targets, plan.Height, plan.Width, blank, Styles(blank));
            _iterate = new Iterate(_device, _options, plan.Height, plan.Width, _options.Iterations.Max());
            _iterate.Pixels.NewGradient();
        }
    }

    /// <summary>Bytes of the device that stay in use between passes.</summary>
    public long StandingBytes => _device.MemoryBytes.InUse;

    /// <summary>The peak of the bytes in the device's blocks.</summary>
    public long DevicePeakBytes => _device.MemoryBytes.Peak;

    /// <summary>The peak of the device's bytes, with the scratch memory of its threads.</summary>
    public long PeakBytes => _device.MemoryBytes.Peak + _device.ScratchBytes;

    /// <summary>Makes one iteration, or the pass of a target.</summary>
    public void MakePass()
    {
        var picture = new BlankPicture(_plan.Height, _plan.Width);
        var pass = new TargetPass(_device, _network, _options.PixelRange, atTile: null);
        switch (_kind)
        {
            case PassKind.Iteration:
                _iterate!.Optimizer.Step(() => _objective!.ValueAndGradient(_iterate.Pixels).Total);
                break;
            case PassKind.Content:
                foreach (ContentLoss loss in ContentLoss.Measure(pass, _options, picture, _plan, _result.TargetsOnDisk))
                    loss.Dispose();
                break;
            default:
                using (var guidance = new Guidance(_device))
                {
                    var targets = new StyleTargets(pass, _planner, guidance);
                    FeatureLoss[] losses = [.. targets.Losses(Styles(picture), _result)];
                    foreach (FeatureLoss loss in losses) loss.Dispose();
                }

                break;
        }
    }

    /// <summary>A style for the whole picture, if there is one, and one for each region.</summary>
    private StyleInput[] Styles(PictureSource picture)
    {
        // The masks need no contents; they only have to be different objects.
        IEnumerable<StyleInput> regional =
            Enumerable.Range(0, _regions).Select(_ => new StyleInput(picture, 1, new Picture(1, 1)));
        return [.. _everywhere ? [new StyleInput(picture)] : Array.Empty<StyleInput>(), .. regional];
    }

    /// <summary>
    /// Measures the bytes that a segment takes while its largest tile is worked on, and those that each tile keeps for
    /// the backward pass.
    /// </summary>
    public (long Peak, long GateBytes) OfLargestTile(SegmentPlan plan)
    {
        Segment segment = plan.Segment;
        // OutputOnDisk: the search counts the maps between segments itself.
        SegmentPlan tile = plan with { Tiles = [segment.LargestTile(plan.Cells)], OutputOnDisk = true };
        var alone = new TilePlan(_plan.Network, [tile], _plan.Height, _plan.Width, TargetsOnDisk: false);
        using var input = new BlankMap(segment.Size.Height, segment.Size.Width, segment.Layers[0].InChannels);
        _device.TrimPool();
        _device.ResetPeak();
        (long standing, long before, _) = _device.MemoryBytes;
        using var tiles = new TiledNetwork(_device, _network, _options.PixelRange, alone);
        if (_kind == PassKind.Iteration)
        {
            using var evaluation = new TiledEvaluation(
                tiles, _objective!.FeatureLosses, (head, terms) => Objective.Sum(head, terms, variation: null),
                _options.NormalizeGradients);
            long gates = 0;
            if (plan.SavesGates)
                evaluation.ForwardDone = () => gates = _device.MemoryBytes.InUse - standing - evaluation.SumBytes;
            evaluation.ValueAndGradient(_device, input, input, byLayer: false);
            return (PeakBytes - before - gates, gates);
        }

        using var masks = new Guidance(_device);
        tiles.Forward(input, Visit, backwardFollows: false);
        return (PeakBytes - before, 0);

        void Visit(VggLayer layer, Window window, Tensor map)
        {
            if (_kind != PassKind.Style) return;
            using var tape = new Tape(_device);
            using Tensor? centre = _options.StyleLoss == StyleLoss.Wasserstein
                ? new Tensor(_device, new Shape(layer.OutChannels)) : null;
            StyleStatistics
                .Of(_options, window.Height, window.Width, layer.OutChannels, guidance: null, centre)
                .Sums(tape, map, window);
        }
    }

    public void Dispose()
    {
        _iterate?.Dispose();
        _objective?.Dispose();
        foreach (ContentLoss content in _contents) content.Dispose();
        _network.Dispose();
        _device.Dispose();
    }

    /// <summary>Returns the same plan for every iteration and for styles of its size; other passes go whole.</summary>
    private sealed class FixedPlanner(VggArchitecture architecture, TransferOptions options, TilePlan plan)
        : PassPlanner(architecture, options)
    {
        public override TilePlan Iteration(int height, int width) => plan;

        public override TilePlan Content(TilePlan result) =>
            TilePlan.Whole(Steps(PassKind.Content), result.Height, result.Width);

        public override TilePlan Style(int height, int width, TilePlan result) =>
            (height, width) == (plan.Height, plan.Width)
                ? plan
                : TilePlan.Whole(Steps(PassKind.Style), height, width);
    }
}
