using NativeStyle.Autodiff;
using NativeStyle.Kernels;
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
internal sealed class TiledNetwork(Accelerator accelerator, VggNetwork network, float pixelRange, TilePlan plan, IReadOnlyCollection<string> layers)
    : IDisposable
{
    private readonly MapStore?[] _maps = new MapStore?[plan.Segments.Count];
    private readonly MapStore?[] _gradients = new MapStore?[plan.Segments.Count];
    private int _tile;
    private int _tiles;
    private readonly Queue<Recorded>[] _recorded = [.. plan.Segments.Select(_ => new Queue<Recorded>())];

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
            foreach (Tile tile in segment.Tiles)
            {
                AtTile?.Invoke(++_tile, _tiles);
                bool record = backwardFollows && segment.KeepsGates;
                Recorded recorded = Run(pixels, s, tile, segment.Segment.Stretch, record, (layer, own, part) =>
                {
                    using var constant = new Tensor(accelerator, part.Shape, part.Data);
                    visit(layer, own, constant);
                });
                if (recorded.Output is { } output)
                {
                    _maps[s]!.Write(tile.Own(segment.Segment.LastLevel), output.Data);
                    output.Release();
                }

                if (record) _recorded[s].Enqueue(recorded);
                else recorded.Dispose();
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
                foreach (Tile tile in segment.Tiles) Run(pixels, s, tile, UpToLosses(segment.Segment), false, before).Dispose();
            MapStore target = s == 0 ? pixelGradient : _gradients[s - 1] = NewOutput(plan.Segments[s - 1]);
            foreach (Tile tile in segment.Tiles)
            {
                AtTile?.Invoke(++_tile, _tiles);
                using Recorded recorded = segment.KeepsGates ? Again(pixels, s, tile, addGradients) : Run(pixels, s, tile, segment.Segment.Stretch, true, Gradients);
                if (recorded.Output is { } output)
                {
                    output.Release();
                    _gradients[s]!.Read(tile.Own(segment.Segment.LastLevel), output.NewGradient());
                }

                recorded.Tape.Backward();
                if (recorded.Input.HasGradient) target.Add(tile.Computed(0), recorded.Input.Gradient);
            }

            Free(ref _gradients[s]);
            if (s > 0) Free(ref _maps[s - 1]);
        }

        void Gradients(VggLayer layer, Window own, Tensor part)
        {
            using var leaf = new Tensor(accelerator, part.Shape, part.Data, requiresGradient: true);
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
            while (_recorded[s].TryDequeue(out Recorded? recorded)) recorded.Dispose();
        }
    }

    public void Dispose() => Drop();

    /// <summary>The layers of a stretch on a tile's window.</summary>
    private Recorded Run(MapStore pixels, int s, Tile tile, Stretch stretch, bool record, PartVisitor visit)
    {
        Segment segment = plan.Segments[s].Segment;
        MapStore source = s == 0 ? pixels : _maps[s - 1]!;
        Window window = tile.Computed(0);
        var tape = new Tape(accelerator);
        var input = new Tensor(accelerator, new Shape(window.Height, window.Width, source.Channels), requiresGradient: record);
        var recorded = new Recorded(tape, input);
        source.Read(window, input.Data);
        Tensor x = input;
        if (s == 0)
        {
            x = network.Input(tape, input, pixelRange);
            input.Release();
        }

        foreach ((string? name, Tensor map) in network.Pass(tape, x, stretch, layers))
        {
            VggLayer? layer = name is null ? null : segment.Layers.Single(each => each.Name == name);
            int level = layer is null ? segment.LastLevel : segment.Level(layer);
            (Window own, Window computed) = (tile.Own(level), tile.Computed(level));
            Tensor part = own == computed ? map : tape.Crop(map, own.Within(computed));
            if (layer is null)
            {
                recorded.Output = part;
                if (part != map) map.Release();
                break;
            }

            recorded.Parts.Add(part);
            visit(layer, own, part);
            // The network releases a map that it goes on from.
            if (part != map) part.Release();
            if (layer == network.Architecture.Layers[stretch.End - 1] && !stretch.PoolAtEnd) map.Release();
        }

        return recorded;
    }

    /// <summary>A tile that was recorded in the first pass, with the gradients of its parts: only what losses read is computed again.</summary>
    private Recorded Again(MapStore pixels, int s, Tile tile, PartVisitor addGradients)
    {
        Recorded recorded = _recorded[s].Dequeue();
        int next = 0;
        Run(pixels, s, tile, UpToLosses(plan.Segments[s].Segment), false, (layer, own, part) =>
        {
            using var leaf = new Tensor(accelerator, part.Shape, part.Data, requiresGradient: true);
            addGradients(layer, own, leaf);
            recorded.Parts[next++].TakeGradient(leaf);
        }).Dispose();
        return recorded;
    }

    private Stretch UpToLosses(Segment segment)
    {
        int last = segment.Stretch.First + segment.Layers.Select((layer, i) => layers.Contains(layer.Name) ? i + 1 : 0).Max();
        return new Stretch(segment.Stretch.First, last, PoolAtEnd: false);
    }

    /// <summary>A map of zeros as a segment's output.</summary>
    private MapStore NewOutput(SegmentPlan plan)
    {
        (int height, int width) = plan.Segment.SizeAt(plan.Segment.LastLevel);
        int channels = plan.Segment.Layers[^1].OutChannels;
        return plan.OutputOnDisk ? new ScratchMap(accelerator, height, width, channels) : new DeviceMap(accelerator, height, width, channels);
    }

    private static void Free(ref MapStore? map)
    {
        map?.Dispose();
        map = null;
    }

    /// <summary>A tile's pass on its tape.</summary>
    private sealed class Recorded(Tape tape, Tensor input) : IDisposable
    {
        public Tape Tape => tape;

        public Tensor Input => input;

        /// <summary>In the order of layers.</summary>
        public List<Tensor> Parts { get; } = [];

        /// <summary>The tile's part of the map behind.</summary>
        public Tensor? Output { get; set; }

        public void Dispose()
        {
            tape.Dispose();
            input.Dispose();
        }
    }
}
