using NativeStyle.Imaging;
using NativeStyle.Style.Options;

namespace NativeStyle.Style;

/// <summary>One scale of a plan from coarse to fine.</summary>
public sealed record ScaleStep(int Height, int Width, int Iterations);

/// <summary>The sizes that a transfer goes through, and those of its styles.</summary>
public static class Schedule
{
    /// <summary>
    /// Plans the scales, from coarse to fine. The last one has the size that the options ask for. Each one before is
    /// smaller by a factor of sqrt(2), down to <see cref="TransferOptions.CoarsestSize"/>.
    /// </summary>
    public static IReadOnlyList<ScaleStep> Plan(TransferOptions options, int contentHeight, int contentWidth)
    {
        int size = options.Size > 0 ? options.Size : Math.Max(contentHeight, contentWidth);
        int coarsest = options.CoarsestSize > 0 ? Math.Min(options.CoarsestSize, size) : size;
        var sides = new List<int>();
        for (int side = size; side >= coarsest; side = (int)Math.Round(size / Math.Pow(2, sides.Count / 2.0)))
            sides.Insert(0, side);
        return [.. sides.Select((side, i) =>
        {
            (int height, int width) = Resampler.FitInto(contentHeight, contentWidth, side);
            return new ScaleStep(height, width, options.Iterations[Math.Min(i, options.Iterations.Count - 1)]);
        })];
    }

    /// <summary>
    /// The same plan with <paramref name="total"/> iterations in all. Each scale keeps its share of them.
    /// </summary>
    public static IReadOnlyList<ScaleStep> WithTotal(IReadOnlyList<ScaleStep> plan, int total)
    {
        long sum = plan.Sum(step => (long)step.Iterations), before = 0;
        return [.. plan.Select(step =>
        {
            long first = total * before / sum;
            before += step.Iterations;
            return step with { Iterations = (int)((total * before / sum) - first) };
        })];
    }

    /// <summary>Height and width at which the network sees a style picture, for a result of some size.</summary>
    public static (int Height, int Width) StyleSize(
        TransferOptions options, int height, int width, int styleHeight, int styleWidth)
    {
        int longest = Math.Max(styleHeight, styleWidth);
        if (options.StyleSize > 0)
        {
            return options.StyleSize >= longest && options.StyleSizing == StyleSizing.LongestSideAtMost
                ? (styleHeight, styleWidth) : Resampler.FitInto(styleHeight, styleWidth, options.StyleSize);
        }

        double factor = options.StyleSizeFactor;
        switch (options.StyleSizing)
        {
            case StyleSizing.ContentSize:
                return (Rounded(height * factor), Rounded(width * factor));
            case StyleSizing.ContentWidth:
                return (Rounded((double)styleHeight * width * factor / styleWidth), Rounded(width * factor));
            default:
                int side = Rounded(Math.Max(height, width) * factor);
                return options.StyleSizing == StyleSizing.LongestSideAtMost && longest <= side
                    ? (styleHeight, styleWidth) : Resampler.FitInto(styleHeight, styleWidth, side);
        }
    }

    private static int Rounded(double size) => Math.Max(1, (int)Math.Round(size));
}
