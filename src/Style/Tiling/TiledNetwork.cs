using NativeStyle.Autodiff;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Operators.Crop;
using NativeStyle.Vgg;

namespace NativeStyle.Style.Tiling;

/// <summary>Sees the part of a layer's map that belongs to a tile.</summary>
/// <param name="own">Where it lies in the map.</param>
/// <param name="part">(height, width, channels) of the window; gone when the visitor returns.</param>
internal delegate void PartVisitor(VggLayer layer, Window own, Tensor part);

/// <summary>
/// VGG on a picture of any size in bounded memory, and exactly: what a loss reads are sums over positions, so parts of maps
/// will do, if each position is in one of them and was computed from all pixels that it sees. The layers are cut into
/// segments at poolings, so that the halo of a tile is that of a few layers and not of all; a map between two segments is kept
/// whole. (Chen et al. 2016, "Training deep nets with sublinear memory cost", keep the same maps; the tiles are what bounds
/// the memory between them.)
/// <code>
///   Forward   for each segment, for each tile:  window of the map before → layers → parts of maps to the visitor,
///                                               its part of the map behind is kept
///   Backward  from the last segment, each tile: the same layers again, recorded; the visitor gives the gradients of the
///                                               parts; backward to the window, added to the gradient of the map before
/// </code>
/// Zeros stand outside of a window where a neighbour's pixels would be: what they spoil is never part of a tile, and gets no
/// gradient.
/// </summary>
internal sealed class TiledNetwork(ComputeDevice device, VggNetwork network, float pixelRange, TilePlan plan, IReadOnlyCollection<string> layers)
    : IDisposable
{
    private readonly MapStore?[] _maps = new MapStore?[plan.Segments.Count];
    private readonly MapStore?[] _gradients = new MapStore?[plan.Segments.Count];
    private readonly Queue<Recorded>[] _tails = [.. plan.Segments.Select(_ => new Queue<Recorded>())];
    private int _tile;
    private int _tiles;

    /// <summary>The layers that are visited, in the network's order.</summary>
    public IEnumerable<string> Layers => network.Architecture.Layers.Select(layer => layer.Name).Where(layers.Contains);

    /// <summary>Called before each tile with its number and how many there will be, in both passes where there are two.</summary>
    public Action<int, int>? AtTile { get; init; }

    /// <summary>The first pass.</summary>
    /// <param name="pixels">RGB in units of the pixel range.</param>
    /// <param name="visit">Sees every part of every layer's map once.</param>
    /// <param name="backwardFollows">Whether what <see cref="Backward"/> needs is kept.</param>
    public void Forward(MapStore pixels, PartVisitor visit, bool backwardFollows)
    {
        Drop();
        (_tile, _tiles) = (0, plan.Tiles * (backwardFollows ? 2 : 1));
        for (int s = 0; s < plan.Segments.Count; s++)
        {
            SegmentPlan segment = plan.Segments[s];
            if (segment.Segment.Stretch.PoolAtEnd) _maps[s] = NewOutput(segment);
            (Stretch head, Stretch? tail) = Split(segment, backwardFollows && segment.KeepsGates);
            foreach (Tile tile in segment.Tiles)
            {
                AtTile?.Invoke(++_tile, _tiles);
                using Recorded first = RunHead(pixels, s, tile, head, record: false, (layer, own, part) =>
                {
                    using var constant = new Tensor(device, part.Shape, part.Data);
                    visit(layer, own, constant);
                });
                Recorded last = first;
                if (tail is not null)
                {
                    last = RunTail(segment.Segment, tile, tail.Value, first.Output);
                    _tails[s].Enqueue(last);
                }

                if (_maps[s] is not { } map) continue;
                map.Write(tile.Own(segment.Segment.LastLevel), last.Output.Data);
                last.Output.Release();
            }

            if (!backwardFollows && s > 0) Free(ref _maps[s - 1]);
        }

        if (!backwardFollows) Drop();
    }

    /// <summary>The second pass: adds dL/d(pixels).</summary>
    /// <param name="pixels">Those of the first pass.</param>
    /// <param name="pixelGradient">Where to add.</param>
    /// <param name="addGradients">Fills the gradient of each part.</param>
    /// <param name="before">Sees every part of a segment's maps before the gradients are asked for, where somebody has to.</param>
    public void Backward(MapStore pixels, MapStore pixelGradient, PartVisitor addGradients, PartVisitor? before = null)
    {
        for (int s = plan.Segments.Count - 1; s >= 0; s--)
        {
            SegmentPlan segment = plan.Segments[s];
            if (before is not null)
                foreach (Tile tile in segment.Tiles) RunHead(pixels, s, tile, Split(segment, keepsGates: true).Head, record: false, before).Dispose();
            Stretch head = Split(segment, segment.KeepsGates).Head;
            MapStore target = s == 0 ? pixelGradient : _gradients[s - 1] = NewOutput(plan.Segments[s - 1]);
            foreach (Tile tile in segment.Tiles)
            {
                AtTile?.Invoke(++_tile, _tiles);
                using Recorded first = RunHead(pixels, s, tile, head, record: true, Gradients);
                using Recorded? tail = _tails[s].TryDequeue(out Recorded? kept) ? kept : null;
                first.Output.Release();
                if (_gradients[s] is { } gradient) gradient.Read(tile.Own(segment.Segment.LastLevel), (tail ?? first).Output.NewGradient());
                if (tail is not null)
                {
                    tail.Tape.Backward();
                    first.Output.TakeGradient(tail.Input);
                }

                first.Tape.Backward();
                if (first.Input.HasGradient) target.Add(tile.Computed(0), first.Input.Gradient);
            }

            Free(ref _gradients[s]);
            if (s > 0) Free(ref _maps[s - 1]);
        }

        void Gradients(VggLayer layer, Window own, Tensor part)
        {
            using var leaf = new Tensor(device, part.Shape, part.Data, requiresGradient: true);
            addGradients(layer, own, leaf);
            part.TakeGradient(leaf);
        }
    }

    /// <summary>Forgets the first pass, as where no second follows after all.</summary>
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

    /// <summary>The layers of a stretch from a segment's begin on, on a tile's window.</summary>
    private Recorded RunHead(MapStore pixels, int s, Tile tile, Stretch stretch, bool record, PartVisitor visit)
    {
        MapStore source = s == 0 ? pixels : _maps[s - 1]!;
        Window window = tile.Computed(0);
        var tape = new Tape(device);
        var input = new Tensor(device, new Shape(window.Height, window.Width, source.Channels), requiresGradient: record);
        source.Read(window, input.Data);
        Tensor x = input;
        if (s == 0)
        {
            x = network.Input(tape, input, pixelRange);
            input.Release();
        }

        return Run(plan.Segments[s].Segment, tile, tape, input, x, stretch, visit);
    }

    /// <summary>The layers behind the last loss, recorded, from what the head ended with.</summary>
    private Recorded RunTail(Segment segment, Tile tile, Stretch stretch, Tensor map)
    {
        var leaf = new Tensor(device, map.Shape, map.Data, requiresGradient: true);
        return Run(segment, tile, new Tape(device), leaf, leaf, stretch, (_, _, _) => { });
    }

    private Recorded Run(Segment segment, Tile tile, Tape tape, Tensor input, Tensor x, Stretch stretch, PartVisitor visit)
    {
        foreach ((string? name, Tensor map) in network.Pass(tape, x, stretch, layers))
        {
            x = map;
            if (name is null) break;
            VggLayer layer = segment.Layers.Single(each => each.Name == name);
            Tensor part = Part(map, segment.Level(layer));
            visit(layer, tile.Own(segment.Level(layer)), part);
            if (part != map) part.Release();
        }

        // Of the map behind the segment only the tile's part is wanted.
        bool leaves = stretch.End == segment.Stretch.End && stretch.PoolAtEnd;
        Tensor output = leaves ? Part(x, segment.LastLevel) : x;
        if (output != x) x.Release();
        return new Recorded(tape, input, output);

        Tensor Part(Tensor map, int level)
        {
            (Window own, Window computed) = (tile.Own(level), tile.Computed(level));
            return own == computed ? map : tape.Crop(map, own.Within(computed));
        }
    }

    /// <summary>What of a segment runs anew in each pass, and behind it what is kept from the first.</summary>
    private (Stretch Head, Stretch? Tail) Split(SegmentPlan plan, bool keepsGates) =>
        keepsGates ? plan.Segment.Split(layers) : (plan.Segment.Stretch, null);

    /// <summary>A map of zeros as a segment's output.</summary>
    private MapStore NewOutput(SegmentPlan plan)
    {
        (int height, int width) = plan.Segment.SizeAt(plan.Segment.LastLevel);
        int channels = plan.Segment.Layers[^1].OutChannels;
        return plan.OutputOnDisk ? new ScratchMap(device, height, width, channels) : new DeviceMap(device, height, width, channels);
    }

    private static void Free(ref MapStore? map)
    {
        map?.Dispose();
        map = null;
    }

    /// <summary>A tile's pass on its tape.</summary>
    /// <param name="Output">The last map; behind a segment's last layer the tile's part of it.</param>
    private sealed record Recorded(Tape Tape, Tensor Input, Tensor Output) : IDisposable
    {
        public void Dispose()
        {
            Tape.Dispose();
            Input.Dispose();
        }
    }
}
