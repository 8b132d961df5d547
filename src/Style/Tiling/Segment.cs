using NativeStyle.Kernels.Memory;
using NativeStyle.Vgg;

namespace NativeStyle.Style.Tiling;

/// <summary>
/// Steps of the network that run tile by tile, from one map that is stored whole to the next. Two segments meet after a
/// pooling, where maps are smallest. Levels count the poolings inside a segment: level 0 is the segment's input, and
/// level k is 2^k times coarser.
/// </summary>
internal sealed class Segment
{
    private readonly int[] _heights;
    private readonly int[] _widths;
    private readonly int[] _convolutions;
    private readonly Dictionary<(bool Rows, int Cells), (int[] Largest, long[] Sum)> _windows = [];

    /// <param name="steps">The steps of this segment; the first one reads its input.</param>
    /// <param name="height">Rows of the map that the first step reads.</param>
    /// <param name="options">They say what poolings do with odd sizes.</param>
    public Segment(IReadOnlyList<VggStep> steps, int height, int width, VggOptions options)
    {
        Steps = steps;
        Layers = [.. steps.OfType<ConvolutionStep>().Select(step => step.Layer)];
        int levels = 1 + steps.Count(VggPlan.CutsAfter);
        (_heights, _widths, _convolutions) = (new int[levels], new int[levels], new int[levels]);
        for (int level = 0; level < levels; level++)
        {
            (_heights[level], _widths[level]) = (height, width);
            _convolutions[level] = Layers.Count(layer => Level(layer) == level);
            (height, width) = options.Pooled(height, width);
        }

        // The head ends with the last layer that a loss reads, or with its pooling. The tail starts from that map.
        int head = steps.Select((step, i) => step is TapStep ? i + 1 : 0).Max();
        if (head > 0 && head < steps.Count && steps[head] is PoolingStep) head++;
        (Head, Tail) = ([.. steps.Take(head)], [.. steps.Skip(head)]);
    }

    public IReadOnlyList<VggStep> Steps { get; }

    /// <summary>The names of its first and last layer.</summary>
    public string Name => Layers.Count == 1 ? Layers[0].Name : $"{Layers[0].Name} to {Layers[^1].Name}";

    /// <summary>The convolutions among the steps.</summary>
    public IReadOnlyList<VggLayer> Layers { get; }

    /// <summary>
    /// The steps up to the last map that a loss reads, and the pooling of that map. It is empty if no loss reads any.
    /// </summary>
    public IReadOnlyList<VggStep> Head { get; }

    /// <summary>
    /// The steps after the head. Their backward pass needs only their gates, unless a pooling among
    /// them reads its maps.
    /// </summary>
    public IReadOnlyList<VggStep> Tail { get; }

    /// <summary>Whether it reads the picture instead of the map of a segment before it.</summary>
    public bool ReadsPixels => Layers[0].ReadsPixels;

    /// <summary>Whether its last map is the input of a segment after it.</summary>
    public bool HasOutput => VggPlan.CutsAfter(Steps[^1]);

    /// <summary>Channels of its last map.</summary>
    public int OutChannels => Layers[^1].OutChannels;

    /// <summary>Rows and columns of the input.</summary>
    public (int Height, int Width) Size => (_heights[0], _widths[0]);

    /// <summary>
    /// Rows and columns of the coarsest level. Tiles are counted in its pixels; each of these belongs to one tile.
    /// </summary>
    public (int Height, int Width) Cells => (_heights[^1], _widths[^1]);

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
        List<Interval> rows = Cut(_heights, cells.Height), columns = Cut(_widths, cells.Width);
        return from row in rows from column in columns select new Tile(row, column);
    }

    /// <summary>The size, at every level, of the largest window that a tile of this size has.</summary>
    public (int Height, int Width)[] LargestWindow((int Height, int Width) cells) =>
        [.. WindowsOf(rows: true, cells.Height).Largest.Zip(WindowsOf(rows: false, cells.Width).Largest)];

    /// <summary>The tile, of this size, with the largest window.</summary>
    public Tile LargestTile((int Height, int Width) cells)
    {
        return new Tile(Largest(_heights, cells.Height), Largest(_widths, cells.Width));

        Interval Largest(int[] sizes, int length) =>
            Cut(sizes, length).MaxBy(interval => interval.Window[0].End - interval.Window[0].Start)!;
    }

    /// <summary>
    /// Pixels of the windows of all tiles together, at a level. What they have beyond the map's own pixels is computed
    /// more than once.
    /// </summary>
    public long PixelsOfWindows((int Height, int Width) cells, int level) =>
        WindowsOf(rows: true, cells.Height).Sum[level] * WindowsOf(rows: false, cells.Width).Sum[level];

    /// <summary>
    /// Cuts one direction into intervals of this size. Returns, by level, the length of the largest window and that of
    /// all windows together.
    /// </summary>
    private (int[] Largest, long[] Sum) WindowsOf(bool rows, int cells)
    {
        if (_windows.TryGetValue((rows, cells), out (int[] Largest, long[] Sum) windows)) return windows;
        List<Interval> intervals = Cut(rows ? _heights : _widths, cells);
        int[] largest = new int[_heights.Length];
        long[] sum = new long[_heights.Length];
        foreach (Interval interval in intervals)
        {
            for (int level = 0; level < sum.Length; level++)
            {
                int length = interval.Window[level].End - interval.Window[level].Start;
                largest[level] = Math.Max(largest[level], length);
                sum[level] += length;
            }
        }

        return _windows[(rows, cells)] = (largest, sum);
    }

    /// <summary>
    /// Cuts one direction into intervals. What an interval owns at the coarsest level, it owns at the finer levels too;
    /// the last interval also owns what an odd size leaves over. What an interval must read is computed from the last
    /// layer back: each 3x3 convolution needs one more pixel on either side, a pooling twice as many pixels. The window
    /// begins and ends where windows of poolings do, or at the end of the map.
    /// </summary>
    private List<Interval> Cut(int[] sizes, int cells)
    {
        int coarsest = sizes.Length - 1;
        List<Interval> intervals = [];
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
            for (int level = 0; level <= coarsest; level++)
                window[level] = (start >> level, end == sizes[0] ? sizes[level] : end >> level);
            intervals.Add(new Interval(own, window));
        }

        return intervals;
    }

    /// <summary>A range of rows or columns at every level: what the tile owns, and what is computed for it.</summary>
    internal sealed record Interval((int Start, int End)[] Own, (int Start, int End)[] Window)
    {
        /// <summary>The lengths at every level. Intervals of the same lengths differ only in where they lie.</summary>
        public string Shape =>
            field ??= string.Join(' ', Own.Concat(Window).Select(range => range.End - range.Start));
    }
}

/// <summary>A rectangle of a segment.</summary>
internal sealed class Tile(Segment.Interval rows, Segment.Interval columns)
{
    /// <summary>The pixels of a level's map that belong to this tile and to no other.</summary>
    public Window Own(int level) => Rectangle(rows.Own[level], columns.Own[level]);

    /// <summary>
    /// The pixels of a level's map that are computed for this tile, including pixels that its neighbours own. They are
    /// right only where the tile needs them.
    /// </summary>
    public Window Computed(int level) => Rectangle(rows.Window[level], columns.Window[level]);

    /// <summary>Its shape. Tiles of the same shape own and compute as many pixels at every level.</summary>
    public (string Rows, string Columns) Shape => (rows.Shape, columns.Shape);

    private static Window Rectangle((int Start, int End) rows, (int Start, int End) columns) =>
        new(rows.Start, columns.Start, rows.End - rows.Start, columns.End - columns.Start);
}
