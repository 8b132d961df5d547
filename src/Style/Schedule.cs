using NativeStyle.Imaging;

namespace NativeStyle.Style;

/// <summary>One scale of coarse to fine.</summary>
public sealed record ScaleStep(int Height, int Width, int Iterations);

/// <summary>The sizes that a transfer goes through.</summary>
public static class Schedule
{
    /// <summary>
    /// Longest sides from <see cref="TransferOptions.CoarsestSize"/> up by factors of sqrt(2), the last exactly the
    /// size asked for; a scale within an eighth of the last is left out.
    /// </summary>
    public static IReadOnlyList<ScaleStep> Plan(TransferOptions options, int contentHeight, int contentWidth)
    {
        var sides = new List<int>();
        for (double side = options.CoarsestSize; options.CoarsestSize > 0 && side * 1.125 < options.Size; side *= Math.Sqrt(2))
            sides.Add((int)Math.Round(side));
        sides.Add(options.Size);
        return [.. sides.Select((side, i) =>
        {
            (int height, int width) = Resampler.FitInto(contentHeight, contentWidth, side);
            return new ScaleStep(height, width, options.Iterations[Math.Min(i, options.Iterations.Count - 1)]);
        })];
    }

    /// <summary>The same plan with <paramref name="total"/> iterations in all, each scale with the share it had.</summary>
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
}
