using NativeStyle.Kernels.Operators.Pool2x2;
using NativeStyle.Style.Tiling;
using NativeStyle.Vgg;

namespace NativeStyle.Style.Tests;

internal static class TilePlans
{
    /// <summary>Any cuts at poolings, any tiles, gates kept or not, maps on disk or not.</summary>
    public static TilePlan Random(
        Random random, VggArchitecture architecture, PoolEdge edge, int height, int width, IReadOnlyCollection<string> layers)
    {
        int depth = architecture.Layers.Select((layer, i) => layers.Contains(layer.Name) ? i + 1 : 0).Max();
        (int pictureHeight, int pictureWidth) = (height, width);
        List<SegmentPlan> segments = [];
        for (int first = 0, i = 1; i <= depth; i++)
        {
            bool end = i == depth;
            if (!end && (architecture.Layers[i].Block == architecture.Layers[i - 1].Block || random.Next(2) == 0)) continue;
            var segment = new Segment(architecture.Layers, new Stretch(first, i, !end), height, width, edge);
            (int rows, int columns) = segment.Cells;
            segments.Add(new SegmentPlan(segment, (random.Next(1, rows + 1), random.Next(1, columns + 1)), random.Next(2) == 0, random.Next(2) == 0));
            (height, width) = (rows, columns);
            first = i;
        }

        return new TilePlan(segments, pictureHeight, pictureWidth, random.Next(2) == 0);
    }
}
