using NativeStyle.Style.Options;
using NativeStyle.Style.Tiling;
using NativeStyle.Vgg;

namespace NativeStyle.Style.Tests;

/// <summary>Plans as a test says.</summary>
internal sealed class TestPlanner(
    VggArchitecture architecture, TransferOptions options, Func<VggPlan, int, int, TilePlan> plan)
    : PassPlanner(architecture, options)
{
    public override TilePlan Iteration(int height, int width) => plan(Steps(PassKind.Iteration), height, width);

    public override TilePlan Content(TilePlan result) =>
        plan(Steps(PassKind.Content), result.Height, result.Width);

    public override TilePlan Style(int height, int width, TilePlan result) =>
         plan(Steps(PassKind.Style), height, width);
}

internal static class TilePlans
{
    /// <summary>A random plan: any cuts at poolings, any tiles, with or without gates, maps on disk or not.</summary>
    public static TilePlan Random(Random random, VggPlan network, int height, int width)
    {
        (int pictureHeight, int pictureWidth) = (height, width);
        List<SegmentPlan> segments = [];
        for (int first = 0, i = 1; i <= network.Steps.Count; i++)
        {
            if (i < network.Steps.Count && (!VggPlan.CutsAfter(network.Steps[i - 1]) || random.Next(2) == 0)) continue;
            var segment = new Segment([.. network.Steps.Take(i).Skip(first)], height, width, network.Options);
            (int rows, int columns) = segment.Cells;
            segments.Add(
                new SegmentPlan(
                    segment, (random.Next(1, rows + 1), random.Next(1, columns + 1)), random.Next(2) == 0,
                    random.Next(2) == 0));
            (height, width) = (rows, columns);
            first = i;
        }

        return new TilePlan(network, segments, pictureHeight, pictureWidth, random.Next(2) == 0);
    }
}
