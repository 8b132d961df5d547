using NativeStyle.Autodiff;
using NativeStyle.Autodiff.Operators;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;
using NativeStyle.Vgg;

namespace NativeStyle.Style.Tiling;

/// <summary>Receives the window of a layer's map that belongs to a tile.</summary>
/// <param name="window">Where the window lies in the map.</param>
/// <param name="map">(height, width, channels) of the window. It is gone when the visitor returns.</param>
internal delegate void MapVisitor(VggLayer layer, Window window, Tensor map);

/// <summary>
/// VGG on a picture of any size in bounded memory, and exactly. Losses read sums over positions, so windows of maps are
/// enough, if each position lies in one window and was computed from all pixels that it sees. The layers are cut into
/// segments at poolings, so that a tile needs the halo of a few layers and not of all. A map between two segments is
/// kept whole. (Chen et al. 2016, "Training deep nets with sublinear memory cost", keep the same maps; the tiles bound
/// the memory between them.)
/// <code>
///   Forward   for each segment, for each tile:  window of the map before → layers → windows of maps to the
///                                               visitor; keeps only the tile's window of the map after the segment
///   Backward  from the last segment, each tile: the same layers again, recorded; the visitor gives the gradients of
///                                               the windows; backward to the tile's window, whose gradient is added to
///                                               that of the map before
/// </code>
/// Outside a window there are zeros in place of the neighbours' pixels. What they spoil never belongs to the tile, and
/// gets no gradient.
/// </summary>
internal sealed class TiledNetwork(ComputeDevice device, VggNetwork network, float pixelRange, TilePlan plan)
    : IDisposable
{
    private readonly MapStore?[] _maps = new MapStore?[plan.Segments.Count];
    private readonly MapStore?[] _gradients = new MapStore?[plan.Segments.Count];
    private readonly Queue<Recorded>[] _tails = [.. plan.Segments.Select(_ => new Queue<Recorded>())];
    private int _tile;
    private int _tiles;

    /// <summary>The layers whose maps are visited, in the network's order.</summary>
    public IEnumerable<VggLayer> Taps => plan.Segments
        .SelectMany(segment => segment.Segment.Steps)
        .OfType<TapStep>()
        .Select(step => step.Layer);

    /// <summary>
    /// Called before each tile with its number and the number of tiles, which is that of both passes if there are two.
    /// </summary>
    public Action<int, int>? AtTile { get; init; }

    /// <summary>Makes the first pass.</summary>
    /// <param name="pixels">RGB in units of the pixel range.</param>
    /// <param name="visit">Receives every window of every layer's map once.</param>
    /// <param name="backwardFollows">Whether to keep what <see cref="Backward"/> needs.</param>
    public void Forward(MapStore pixels, MapVisitor visit, bool backwardFollows)
    {
        Drop();
        (_tile, _tiles) = (0, plan.Tiles * (backwardFollows ? 2 : 1));
        for (int s = 0; s < plan.Segments.Count; s++)
        {
            SegmentPlan segment = plan.Segments[s];
            if (segment.Segment.HasOutput) _maps[s] = NewOutput(segment);
            (IReadOnlyList<VggStep> head, IReadOnlyList<VggStep> tail) =
                Split(segment, backwardFollows && segment.SavesGates);
            foreach (Tile tile in TilesOf(segment))
            {
                AtTile?.Invoke(++_tile, _tiles);
                using Recorded first = RunHead(pixels, s, tile, head, record: false, (layer, window, map) =>
                {
                    using var constant = new Tensor(device, map.Shape, map.Data);
                    visit(layer, window, constant);
                });
                Recorded last = first;
                if (tail.Count > 0)
                {
                    last = RunTail(segment.Segment, tile, tail, first.Output);
                    _tails[s].Enqueue(last);
                }

                if (_maps[s] is not { } output) continue;
                output.Write(tile.Own(segment.Segment.LastLevel), last.Output);
                last.Output.Release();
            }

            if (!backwardFollows && s > 0) Free(ref _maps[s - 1]);
        }

        if (!backwardFollows) Drop();
    }

    /// <summary>Makes the second pass: adds dL/d(pixels).</summary>
    /// <param name="pixels">The pixels of the first pass.</param>
    /// <param name="pixelGradient">The map to add to.</param>
    /// <param name="addGradients">Fills the gradient of each window.</param>
    /// <param name="before">
    /// Receives every window of a segment's maps before the gradients are asked for; null if nobody needs that.
    /// </param>
    public void Backward(MapStore pixels, MapStore pixelGradient, MapVisitor addGradients, MapVisitor? before = null)
    {
        // A network may end with an output: rehearsals run a single segment.
        if (plan.Segments[^1].Segment.HasOutput) _gradients[^1] = NewOutput(plan.Segments[^1]);
        for (int s = plan.Segments.Count - 1; s >= 0; s--)
        {
            SegmentPlan segment = plan.Segments[s];
            if (before is not null)
            {
                foreach (Tile tile in TilesOf(segment))
                    RunHead(pixels, s, tile, segment.Segment.Head, record: false, before).Dispose();
            }

            IReadOnlyList<VggStep> head = Split(segment, segment.SavesGates).Head;
            MapStore target = s == 0 ? pixelGradient : _gradients[s - 1] = NewOutput(plan.Segments[s - 1]);
            foreach (Tile tile in TilesOf(segment))
            {
                AtTile?.Invoke(++_tile, _tiles);
                using Recorded first = RunHead(pixels, s, tile, head, record: true, Gradients);
                using Recorded? tail = _tails[s].TryDequeue(out Recorded? recorded) ? recorded : null;
                first.Output.Release();
                Tensor output = (tail ?? first).Output;
                if (_gradients[s] is { } gradient)
                    gradient.Read(tile.Own(segment.Segment.LastLevel), output.NewGradient());
                if (tail is not null)
                {
                    tail.Tape.Backward();
                    first.Output.TakeGradient(tail.Input);
                }

                first.Tape.Backward();
                if (first.Input.HasGradient) target.Add(tile.Computed(0), first.Input.GradientTensor);
            }

            Free(ref _gradients[s]);
            if (s > 0) Free(ref _maps[s - 1]);
        }

        void Gradients(VggLayer layer, Window window, Tensor map)
        {
            using var leaf = new Tensor(device, map.Shape, map.Data, requiresGradient: true);
            addGradients(layer, window, leaf);
            map.TakeGradient(leaf);
        }
    }

    /// <summary>Forgets the first pass, for example because no second pass follows.</summary>
    public void Drop()
    {
        for (int s = 0; s < plan.Segments.Count; s++)
        {
            Free(ref _maps[s]);
            Free(ref _gradients[s]);
            while (_tails[s].TryDequeue(out Recorded? tail)) tail.Dispose();
        }
    }

    public void Dispose() => Drop();

    /// <summary>
    /// The tiles of a segment that have to run. In a rehearsal only blocks count. When a tile has left them as they
    /// were, tiles of its shape change nothing until another tile leaves them otherwise, as a tile does that keeps
    /// gates. There are thousands of tiles, and a few shapes.
    /// </summary>
    private IEnumerable<Tile> TilesOf(SegmentPlan plan) => device.IsRehearsal ? Changing(plan.Tiles) : plan.Tiles;

    private IEnumerable<Tile> Changing(IReadOnlyList<Tile> tiles)
    {
        HashSet<(string Rows, string Columns)> settled = [];
        foreach (Tile tile in tiles)
        {
            if (settled.Contains(tile.Shape)) continue;
            IReadOnlyList<(Slab, long, long)> before = device.MemoryLayout;
            yield return tile;
            if (!device.MemoryLayout.SequenceEqual(before)) settled.Clear();
            else settled.Add(tile.Shape);
        }
    }

    /// <summary>Runs the first steps of a segment on a tile's window.</summary>
    private Recorded RunHead(
        MapStore pixels, int s, Tile tile, IReadOnlyList<VggStep> steps, bool record, MapVisitor visit)
    {
        MapStore source = s == 0 ? pixels : _maps[s - 1]!;
        Window window = tile.Computed(0);
        var shape = new Shape(window.Height, window.Width, source.Channels);
        return Record(tape =>
        {
            Tensor input = tape.Own(new Tensor(device, shape, requiresGradient: record));
            source.Read(window, input);
            Tensor x = input;
            if (plan.Segments[s].Segment.ReadsPixels)
            {
                x = network.Input(tape, input, pixelRange);
                input.Release();
            }

            return Run(plan.Segments[s].Segment, tile, tape, input, x, steps, visit);
        });
    }

    /// <summary>Runs and records the steps after the last loss, from the last map of the head.</summary>
    private Recorded RunTail(Segment segment, Tile tile, IReadOnlyList<VggStep> steps, Tensor map) => Record(tape =>
    {
        Tensor leaf = tape.Own(new Tensor(device, map.Shape, map.Data, requiresGradient: true));
        return Run(segment, tile, tape, leaf, leaf, steps, (_, _, _) => { });
    });

    /// <summary>Runs a pass on a new tape, which gives everything back if the pass fails.</summary>
    private Recorded Record(Func<Tape, Recorded> pass)
    {
        var tape = new Tape(device);
        try
        {
            return pass(tape);
        }
        catch
        {
            tape.Dispose();
            throw;
        }
    }

    private Recorded Run(
        Segment segment, Tile tile, Tape tape, Tensor input, Tensor x, IReadOnlyList<VggStep> steps, MapVisitor visit)
    {
        foreach ((VggStep step, Tensor map) in network.Run(tape, x, steps))
        {
            x = map;
            if (step is not TapStep) continue;
            int level = segment.Level(step.Layer);
            Tensor ownMap = OwnWindow(map, level);
            visit(step.Layer, tile.Own(level), ownMap);
            if (ownMap != map) ownMap.Release();
        }

        // Keeps only the tile's own window of the map after the segment.
        bool leaves = segment.HasOutput && steps.Count > 0 && steps[^1] == segment.Steps[^1];
        Tensor output = leaves ? OwnWindow(x, segment.LastLevel) : x;
        if (output != x) x.Release();
        return new Recorded(tape, input, output);

        Tensor OwnWindow(Tensor map, int level)
        {
            (Window own, Window computed) = (tile.Own(level), tile.Computed(level));
            return own == computed ? map : tape.Crop(map, own.Within(computed));
        }
    }

    /// <summary>The steps that run again in each pass, and those after them whose tapes the first pass keeps.</summary>
    private static (IReadOnlyList<VggStep> Head, IReadOnlyList<VggStep> Tail) Split(
        SegmentPlan plan, bool savesGates) =>
        savesGates ? (plan.Segment.Head, plan.Segment.Tail) : (plan.Segment.Steps, []);

    /// <summary>Creates a map of zeros for a segment's output.</summary>
    private MapStore NewOutput(SegmentPlan plan)
    {
        (int height, int width) = plan.Segment.Cells;
        int channels = plan.Segment.OutChannels;
        return MapStore.Create(device, height, width, channels, plan.OutputOnDisk);
    }

    private static void Free(ref MapStore? map)
    {
        map?.Dispose();
        map = null;
    }

    /// <summary>A tile's pass on its tape, which owns the input.</summary>
    /// <param name="Output">The last map; after a segment's last layer, only the tile's window of it.</param>
    private sealed record Recorded(Tape Tape, Tensor Input, Tensor Output) : IDisposable
    {
        public void Dispose() => Tape.Dispose();
    }
}
