using NativeStyle.Imaging;

namespace NativeStyle.Style.Study;

/// <summary>The losses of a transfer as a plot.</summary>
internal static class LossPlot
{
    /// <summary>
    /// Plots the losses over iterations on a logarithmic axis. A line marks the beginning of each new scale.
    /// </summary>
    public static string Svg(IReadOnlyList<IterationReport> reports)
    {
        (string Name, Func<IterationReport, double> Value)[] losses =
        [
            ("total", report => report.Loss),
            ("content", report => report.Content),
            ("style", report => report.Style),
            ("tv", report => report.Tv),
            .. reports.Any(report => report.Stability > 0)
                ? new (string, Func<IterationReport, double>)[] { ("stability", report => report.Stability) } : [],
        ];
        PlotCurve[] curves = [.. losses.Select((loss, i) => new PlotCurve(
            loss.Name,
            LinePlot.Colors[i],
            [.. reports.Select(report => ((double)report.Iteration, loss.Value(report)))]))];
        (double, string)[] scales = [.. Enumerable.Range(1, Math.Max(0, reports.Count - 1))
            .Where(i => (reports[i].Width, reports[i].Height) != (reports[i - 1].Width, reports[i - 1].Height))
            .Select(i => ((double)reports[i].Iteration, $"{reports[i].Width} x {reports[i].Height}"))];
        return LinePlot.Svg(curves, "iteration", marks: scales);
    }
}
