using System.Net;
using System.Text;
using NativeStyle.Cli.Commands;
using NativeStyle.GradientCheck;
using NativeStyle.Imaging;

namespace NativeStyle.Cli.Pages;

/// <summary>Shows the results of gradcheck on one self-contained page.</summary>
internal static class GradcheckPage
{
    private const string Style = """
        body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem; color: #222; }
        table { border-collapse: collapse; width: 100%; font-size: 0.85rem; } td, th { text-align: left; padding: 0.2rem 0.5rem; border-bottom: 1px solid #ddd; }
        .wide { overflow-x: auto; } .fail { color: #b00020; font-weight: bold; } .pass { color: #2e6b34; } summary { cursor: pointer; padding: 0.3rem 0; }
        svg { width: 100%; height: auto; max-width: 45rem; } code, td:nth-child(2) { white-space: nowrap; } @media print { details { break-inside: avoid; } }
        """;

    public static string Html(
        IReadOnlyList<CheckResult> results,
        IReadOnlyDictionary<string, (CheckCase Case, IReadOnlyList<(double Step, double Error)> Points)> sweeps,
        string summary)
    {
        var page = new StringBuilder();
        page.Append(
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" " +
            $"content=\"width=device-width, initial-scale=1\"><title>Gradient check</title><style>{Style}</style>" +
            "</head><body>\n");
        page.Append("<h1>Gradient check</h1>\n");
        page.Append($"<p class=\"{(results.All(result => result.Passed) ? "pass" : "fail")}\">{Text(summary)}</p>\n");
        page.Append(
            "<p>Each operator's output is compared with a reference in double precision (MathNet). Its gradients " +
            "are compared with the reference's and with central differences (f(x + h) - f(x - h)) / 2h of the " +
            "reference. Errors are relative to the magnitude of the added terms, because rounding is relative to " +
            "that, and not to what is left when terms cancel.</p>\n");
        foreach (IGrouping<string, CheckResult> group in results.GroupBy(result => result.Case.Operator))
        {
            bool passed = group.All(result => result.Passed);
            CheckResult worst = group.MaxBy(result => result.Worst.Error)!;
            page.Append(
                $"<details{(passed ? "" : " open")}><summary><b>{Text(group.Key)}</b> <span class=\"" +
                $"{(passed ? "pass" : "fail")}\">{(passed ? "pass" : "FAIL")}</span>, " +
                $"{group.Count()} checks, worst error {GradcheckCommand.Number(worst.Worst.Error)} of " +
                $"{GradcheckCommand.Number(worst.Case.Tolerance)} allowed</summary>\n");
            page.Append(
                $"<p>Tolerance {GradcheckCommand.Number(worst.Case.Tolerance)}: {Text(worst.Case.ToleranceReason)}" +
                ".</p>\n");
            page.Append(
                "<div class=\"wide\"><table><tr><th>device</th><th>shape</th><th>forward</th><th>backward</th><th>" +
                "differences</th><th>worst element</th></tr>\n");
            foreach (CheckResult result in group)
            {
                page.Append(
                    $"<tr{(result.Passed ? "" : " class=\"fail\"")}><td>{Text(result.Device)}</td><td>" +
                    $"{Text(result.Case.Variant)}</td>" +
                    $"<td>{GradcheckCommand.Number(result.ForwardError)}</td><td>" +
                    $"{GradcheckCommand.Number(result.BackwardError)}</td>" +
                    $"<td>{GradcheckCommand.Number(result.DifferenceError)}</td><td><code>" +
                    $"{Text(GradcheckCommand.Words(result.Worst))}</code></td></tr>\n");
            }

            page.Append("</table></div>\n");
            if (sweeps.TryGetValue(group.Key, out var sweep))
            {
                page.Append(
                    $"<p>The curve shows the error over the step h of the differences, at {Text(sweep.Case.Variant)}" +
                    ". From the right, it falls as h², because the differences leave terms out (linear and " +
                    "quadratic functions have none). From the left, it falls as ε/h, because digits cancel. " +
                    "Operators with kinks (ReLU, maxima, magnitudes, clamps) differ on the right. While x - h and " +
                    "x + h lie on both sides of a kink, the error is a share of the jump of the slope and does not " +
                    "fall as h². Once h is shorter than the way to the nearest kink, it drops to rounding at once. " +
                    "So the checks keep their inputs away from kinks. gradcheck takes h = 2<sup>-10</sup>.</p>\n");
                var curve = new PlotCurve("error of the central difference", LinePlot.Colors[1], sweep.Points);
                page.Append(LinePlot.Svg(
                    [curve], "step h", logX: true,
                    marks: [(1.0 / 1024, "h used")], decades: 16, height: 320));
            }

            page.Append("</details>\n");
        }

        return page.Append("</body></html>\n").ToString();
    }

    private static string Text(string text) => WebUtility.HtmlEncode(text);
}
