using System.Globalization;
using System.Text;

namespace NativeStyle.Style;

/// <summary>The losses of a transfer as a plot: an SVG picture without scripts or fonts of its own.</summary>
public static class LossPlot
{
    private const int Width = 800, Height = 420, Left = 70, Right = 16, Top = 28, Bottom = 44;

    private static readonly (string Name, string Color, Func<IterationReport, double> Value)[] s_curves =
    [
        ("total", "#222222", report => report.Loss), ("content", "#1b7fbd", report => report.Content),
        ("style", "#d1495b", report => report.Style), ("tv", "#6a994e", report => report.Tv),
    ];

    /// <summary>Losses over iterations on a logarithmic axis, with a line where a new scale begins.</summary>
    public static string Svg(IReadOnlyList<IterationReport> reports)
    {
        var svg = new StringBuilder();
        svg.Append(CultureInfo.InvariantCulture, $"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {Width} {Height}\" font-family=\"sans-serif\" font-size=\"12\">\n");
        svg.Append("<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n");
        double[] values = [.. reports.SelectMany(report => s_curves.Select(curve => curve.Value(report))).Where(value => value > 0 && double.IsFinite(value))];
        if (values.Length == 0) return svg.Append("<text x=\"70\" y=\"60\">no iterations</text>\n</svg>\n").ToString();
        double largest = Math.Log10(values.Max());
        // Seven decades show all that matters; a loss that begins at zero would squeeze the rest.
        double smallest = Math.Max(Math.Log10(values.Min()), largest - 7);
        (int bottom, int top) = ((int)Math.Floor(smallest), (int)Math.Ceiling(largest));
        if (top == bottom) top++;
        int last = Math.Max(2, reports[^1].Iteration);
        for (int decade = bottom; decade <= top; decade++)
        {
            string y = Y(decade);
            svg.Append(CultureInfo.InvariantCulture, $"<line x1=\"{Left}\" x2=\"{Width - Right}\" y1=\"{y}\" y2=\"{y}\" stroke=\"#dddddd\"/>");
            svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{Left - 8}\" y=\"{y}\" text-anchor=\"end\" dominant-baseline=\"middle\">1e{decade}</text>\n");
        }

        foreach (int iteration in Enumerable.Range(0, 6).Select(i => 1 + (int)Math.Round((last - 1) * i / 5.0)).Distinct())
            svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{X(iteration)}\" y=\"{Height - Bottom + 18}\" text-anchor=\"middle\">{iteration}</text>\n");
        svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{(Left + Width - Right) / 2}\" y=\"{Height - 6}\" text-anchor=\"middle\">iteration</text>\n");
        for (int i = 1; i < reports.Count; i++)
        {
            if ((reports[i].Width, reports[i].Height) == (reports[i - 1].Width, reports[i - 1].Height)) continue;
            string x = X(reports[i].Iteration);
            svg.Append(CultureInfo.InvariantCulture, $"<line x1=\"{x}\" x2=\"{x}\" y1=\"{Top}\" y2=\"{Height - Bottom}\" stroke=\"#bbbbbb\" stroke-dasharray=\"4 3\"/>");
            svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{x}\" y=\"{Top + 12}\" dx=\"4\" fill=\"#777777\">{reports[i].Width} x {reports[i].Height}</text>\n");
        }

        int place = Left;
        foreach ((string name, string color, Func<IterationReport, double> value) in s_curves)
        {
            IterationReport[] drawn = [.. reports.Where(report => value(report) > 0 && double.IsFinite(value(report)))];
            if (drawn.Length == 0) continue;
            string points = string.Join(' ', drawn.Select(report => $"{X(report.Iteration)},{Y(Math.Max(Math.Log10(value(report)), bottom))}"));
            svg.Append(CultureInfo.InvariantCulture, $"<polyline fill=\"none\" stroke=\"{color}\" stroke-width=\"1.5\" points=\"{points}\"/>\n");
            svg.Append(CultureInfo.InvariantCulture, $"<line x1=\"{place}\" x2=\"{place + 18}\" y1=\"14\" y2=\"14\" stroke=\"{color}\" stroke-width=\"3\"/>");
            svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{place + 24}\" y=\"18\">{name}</text>\n");
            place += 90;
        }

        return svg.Append("</svg>\n").ToString();

        string X(int iteration) => Number(Left + ((iteration - 1.0) / (last - 1) * (Width - Left - Right)));

        string Y(double decade) => Number(Height - Bottom - ((decade - bottom) / (top - bottom) * (Height - Top - Bottom)));

        static string Number(double value) => value.ToString("0.##", CultureInfo.InvariantCulture);
    }
}
