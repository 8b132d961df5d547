using NativeStyle.Vgg;

namespace NativeStyle.Style.Tiling;

/// <summary>How one segment runs.</summary>
/// <param name="Cells">Rows and columns of a tile, in pixels of the segment's coarsest level.</param>
/// <param name="SavesGates">
/// Whether the first pass keeps the tapes of the layers after the last loss, and with them the gate bits of ReLU and
/// pooling. Then the second pass computes again only the maps that losses read.
/// </param>
/// <param name="OutputOnDisk">
/// Whether the map between this segment and the next, and its gradient, are in scratch files.
/// </param>
internal sealed record SegmentPlan(
    Segment Segment, (int Height, int Width) Cells, bool SavesGates, bool OutputOnDisk)
{
    private IReadOnlyList<Tile>? _tiles;

    /// <summary>Rows and columns of a tile, in pixels of the segment's coarsest level.</summary>
    public (int Height, int Width) Cells
    {
        get;
        init => (field, _tiles) = (value, null);
    } = Cells;

    /// <summary>The tiles, row by row.</summary>
    public IReadOnlyList<Tile> Tiles
    {
        get => _tiles ??= [.. Segment.Tiles(Cells)];
        init => _tiles = value;
    }

    /// <summary>Bytes of the map between this segment and the next; 0 if there is no next.</summary>
    public long OutputBytes => Segment.HasOutput
        ? sizeof(float) * (long)Segment.Cells.Height * Segment.Cells.Width * Segment.OutChannels
        : 0;
}

/// <summary>How pictures of one size go through the network: in which segments, and in tiles of which size.</summary>
/// <param name="Network">The steps of all segments.</param>
/// <param name="Segments">The segments in their order. Together they have all steps.</param>
/// <param name="Height">Rows of the picture.</param>
/// <param name="Width">Columns of the picture.</param>
/// <param name="TargetsOnDisk">Whether content targets are in scratch files.</param>
internal sealed record TilePlan(
    VggPlan Network, IReadOnlyList<SegmentPlan> Segments, int Height, int Width, bool TargetsOnDisk)
{
    /// <summary>Whether nothing is cut.</summary>
    public bool IsWhole => Segments is [{ Tiles.Count: 1 }];

    /// <summary>The number of tiles in all segments.</summary>
    public int Tiles => Segments.Sum(segment => segment.Tiles.Count);

    /// <summary>The plan that cuts nothing.</summary>
    public static TilePlan Whole(VggPlan network, int height, int width)
    {
        var segment = new Segment(network.Steps, height, width, network.Options);
        var whole = new SegmentPlan(segment, segment.Cells, SavesGates: false, OutputOnDisk: false);
        return new TilePlan(network, [whole], height, width, TargetsOnDisk: false);
    }
}
