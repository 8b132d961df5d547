using NativeStyle.Vgg;

namespace NativeStyle.Style.Tiling;

/// <summary>How one segment is run.</summary>
/// <param name="Cells">Rows and columns of a tile, in pixels of the segment's coarsest level.</param>
/// <param name="KeepsGates">
/// Whether the first pass keeps, of the layers behind the last loss, its tapes, and with them the gate bits of ReLU and pooling:
/// then the second computes only the maps anew that losses read.
/// </param>
/// <param name="OutputOnDisk">Whether the map between this segment and the next, and its gradient, are in scratch files.</param>
internal sealed record SegmentPlan(Segment Segment, (int Height, int Width) Cells, bool KeepsGates, bool OutputOnDisk)
{
    private IReadOnlyList<Tile>? _tiles;

    /// <summary>The tiles, row by row.</summary>
    public IReadOnlyList<Tile> Tiles
    {
        get => _tiles ??= [.. Segment.Tiles(Cells)];
        init => _tiles = value;
    }

    /// <summary>Bytes of the map between this segment and the next; 0 where it has none.</summary>
    public long OutputBytes => Segment.HasOutput ? sizeof(float) * (long)Segment.Cells.Height * Segment.Cells.Width * Segment.OutChannels : 0;
}

/// <summary>How pictures of one size go through the network: in how many segments, in tiles of what size.</summary>
/// <param name="Network">The steps of all segments.</param>
/// <param name="Segments">In their order; together they are all steps.</param>
/// <param name="Height">Rows of the picture.</param>
/// <param name="Width">Columns.</param>
/// <param name="TargetsOnDisk">Whether content targets are in scratch files.</param>
internal sealed record TilePlan(VggPlan Network, IReadOnlyList<SegmentPlan> Segments, int Height, int Width, bool TargetsOnDisk)
{
    /// <summary>Whether nothing is cut.</summary>
    public bool IsWhole => Segments is [{ Tiles.Count: 1 }];

    /// <summary>Tiles of all segments.</summary>
    public int Tiles => Segments.Sum(segment => segment.Tiles.Count);

    /// <summary>The plan that cuts nothing.</summary>
    public static TilePlan Whole(VggPlan network, int height, int width)
    {
        var segment = new Segment(network.Steps, height, width, network.Options);
        var whole = new SegmentPlan(segment, segment.Cells, KeepsGates: false, OutputOnDisk: false);
        return new TilePlan(network, [whole], height, width, TargetsOnDisk: false);
    }
}
