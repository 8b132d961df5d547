using NativeStyle.Kernels.Operators.Crop;
using NativeStyle.Kernels.Operators.Pool2x2;
using NativeStyle.Vgg;

namespace NativeStyle.Style.Tiling;

/// <summary>
/// Layers that are run tile by tile, from one map that is kept whole to the next: the cut between two segments is at a
/// pooling, where maps are smallest. Levels count the poolings inside: level 0 is the segment's input, level k is 2^k coarser.
/// </summary>
internal sealed class Segment
{
    private readonly int[] _heights;
    private readonly int[] _widths;
    private readonly int[] _convolutions;
    private readonly Dictionary<(bool Rows, int Cells), (int[] Largest, long[] Sum)> _windows = [];

    /// <param name="layers">All of the network.</param>
    /// <param name="stretch">The layers of this segment.</param>
    /// <param name="height">Rows of what its first layer reads.</param>
    /// <param name="edge">What poolings do with odd sizes.</param>
    public Segment(IReadOnlyList<VggLayer> layers, Stretch stretch, int height, int width, PoolEdge edge)
    {
        (Stretch, Edge) = (stretch, edge);
        Layers = [.. layers.Take(stretch.End).Skip(stretch.First)];
        int levels = Layers[^1].Block - Layers[0].Block + (stretch.PoolAtEnd ? 2 : 1);
        (_heights, _widths, _convolutions) = (new int[levels], new int[levels], new int[levels]);
        for (int level = 0; level < levels; level++)
        {
            (_heights[level], _widths[level]) = (height, width);
            _convolutions[level] = Layers.Count(layer => Level(layer) == level);
            var pool = new PoolShape(height, width, 1, edge);
            (height, width) = (pool.OutHeight, pool.OutWidth);
        }
    }

    public Stretch Stretch { get; }

    public PoolEdge Edge { get; }

    public IReadOnlyList<VggLayer> Layers { get; }

    /// <summary>Rows and columns of the input.</summary>
    public (int Height, int Width) Size => (_heights[0], _widths[0]);

    /// <summary>Rows and columns of the coarsest level, in whose pixels tiles are counted: each belongs to one tile.</summary>
    public (int Height, int Width) Cells => (_heights[^1], _widths[^1]);

    /// <summary>How many of its layers there are up to the last one that a loss reads.</summary>
    /// <param name="layers">Names of those that losses read.</param>
    public int LayersToLosses(IReadOnlyCollection<string> layers) => Layers.Select((layer, i) => layers.Contains(layer.Name) ? i + 1 : 0).Max();

    /// <summary>
    /// The segment in two: the layers up to the last one that a loss reads (with the pooling, if that ends a block), and those
    /// behind, if there are any, whose gradient needs no more than their gates.
    /// </summary>
    /// <inheritdoc cref="LayersToLosses"/>
    public (Stretch Head, Stretch? Tail) Split(IReadOnlyCollection<string> layers)
    {
        int count = LayersToLosses(layers);
        bool poolAtEnd = count > 0 && (count < Layers.Count ? Layers[count].Block != Layers[count - 1].Block : Stretch.PoolAtEnd);
        int end = Stretch.First + count;
        return (new Stretch(Stretch.First, end, poolAtEnd), end < Stretch.End ? new Stretch(end, Stretch.End, Stretch.PoolAtEnd) : null);
    }

    /// <summary>The level of a layer's map.</summary>
    public int Level(VggLayer layer) => layer.Block - Layers[0].Block;

    /// <summary>The coarsest level.</summary>
    public int LastLevel => _heights.Length - 1;

    /// <summary>Rows and columns of a level.</summary>
    public (int Height, int Width) SizeAt(int level) => (_heights[level], _widths[level]);

    /// <summary>The tiles, row by row.</summary>
    /// <param name="cells">Rows and columns of a tile at the coarsest level; the last ones may be smaller.</param>
    public IEnumerable<Tile> Tiles((int Height, int Width) cells)
    {
        List<Part> rows = Cut(_heights, cells.Height), columns = Cut(_widths, cells.Width);
        return from row in rows from column in columns select new Tile(row, column);
    }

    /// <summary>The largest window that a tile of this size has, at every level.</summary>
    public (int Height, int Width)[] LargestWindow((int Height, int Width) cells) =>
        [.. WindowsOf(rows: true, cells.Height).Largest.Zip(WindowsOf(rows: false, cells.Width).Largest)];

    /// <summary>Pixels of all tiles' windows together, at a level; beside the map's own they say what is computed twice.</summary>
    public long PixelsOfWindows((int Height, int Width) cells, int level) =>
        WindowsOf(rows: true, cells.Height).Sum[level] * WindowsOf(rows: false, cells.Width).Sum[level];

    /// <summary>Of one direction cut into parts of this size, by level: the largest window, and all together.</summary>
    private (int[] Largest, long[] Sum) WindowsOf(bool rows, int cells)
    {
        if (_windows.TryGetValue((rows, cells), out (int[] Largest, long[] Sum) known)) return known;
        List<Part> parts = Cut(rows ? _heights : _widths, cells);
        int[] largest = new int[_heights.Length];
        long[] sum = new long[_heights.Length];
        foreach (Part part in parts)
        {
            for (int level = 0; level < sum.Length; level++)
            {
                int length = part.Window[level].End - part.Window[level].Start;
                largest[level] = Math.Max(largest[level], length);
                sum[level] += length;
            }
        }

        return _windows[(rows, cells)] = (largest, sum);
    }

    /// <summary>
    /// One direction cut into parts. What a part owns at the coarsest level it owns at the finer ones too; at the end also what
    /// an odd size leaves over. What it must read is found from the last layer back: each 3x3 convolution wants a pixel more on
    /// either side, a pooling twice as many pixels. The window begins and ends where poolings' windows do, or at the map's end.
    /// </summary>
    private List<Part> Cut(int[] sizes, int cells)
    {
        int coarsest = sizes.Length - 1;
        List<Part> parts = [];
        for (int first = 0; first < sizes[coarsest]; first += cells)
        {
            bool last = first + cells >= sizes[coarsest];
            var own = new (int Start, int End)[sizes.Length];
            for (int level = 0; level <= coarsest; level++)
                own[level] = (first << (coarsest - level), last ? sizes[level] : (first + cells) << (coarsest - level));
            (int start, int end) = own[coarsest];
            for (int level = coarsest; level >= 0; level--)
            {
                if (level < coarsest) (start, end) = (2 * start, 2 * end);
                start = Math.Max(0, Math.Min(start, own[level].Start) - _convolutions[level]);
                end = Math.Min(sizes[level], Math.Max(end, own[level].End) + _convolutions[level]);
            }

            int unit = 1 << coarsest;
            (start, end) = (start / unit * unit, Math.Min(sizes[0], (end + unit - 1) / unit * unit));
            var window = new (int Start, int End)[sizes.Length];
            for (int level = 0; level <= coarsest; level++) window[level] = (start >> level, end == sizes[0] ? sizes[level] : end >> level);
            parts.Add(new Part(own, window));
        }

        return parts;
    }

    /// <summary>A range of rows or columns at every level: what belongs to the tile, and what is computed for it.</summary>
    internal sealed record Part((int Start, int End)[] Own, (int Start, int End)[] Window);
}

/// <summary>A rectangle of a segment.</summary>
internal sealed class Tile(Segment.Part rows, Segment.Part columns)
{
    /// <summary>The pixels of a level's map that belong to this tile and to no other.</summary>
    public Window Own(int level) => Rectangle(rows.Own[level], columns.Own[level]);

    /// <summary>The pixels of a level's map that are computed, those of neighbours among them; right only where they are needed.</summary>
    public Window Computed(int level) => Rectangle(rows.Window[level], columns.Window[level]);

    private static Window Rectangle((int Start, int End) rows, (int Start, int End) columns) =>
        new(rows.Start, columns.Start, rows.End - rows.Start, columns.End - columns.Start);
}
