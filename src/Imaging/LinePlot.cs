using System.Globalization;
using System.Text;

namespace NativeStyle.Imaging;

/// <summary>A curve of a plot.</summary>
internal sealed record PlotCurve(string Name, string Color, IReadOnlyList<(double X, double Y)> Points);

/// <summary>Plots curves over a logarithmic axis as SVG, without scripts or fonts of its own.</summary>
internal static class LinePlot
{
    private const int Left = 70, Right = 24, Top = 28, Bottom = 44;

    /// <summary>Colours that differ on white, also for eyes that do not tell red from green.</summary>
    public static IReadOnlyList<string> Colors { get; } =
        ["#222222", "#1b7fbd", "#d1495b", "#6a994e", "#8e6bbf", "#d98e04", "#3aa6a1", "#8a5a44"];

    /// <summary>Returns the plot as an svg element.</summary>
    /// <param name="curves">
    /// The curves. Points with values that are not positive are omitted: they have no logarithm.
    /// </param>
    /// <param name="xLabel">The label under the horizontal axis.</param>
    /// <param name="logX">Whether the horizontal axis is logarithmic too. x must then be positive.</param>
    /// <param name="marks">Vertical lines with labels.</param>
    /// <param name="decades">The most decades to show, from the largest value down.</param>
    public static string Svg(
        IReadOnlyList<PlotCurve> curves, string xLabel, bool logX = false,
        IReadOnlyList<(double X, string Label)>? marks = null, int decades = 7, int width = 800, int height = 420)
    {
        var svg = new StringBuilder();
        Append($"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" ");
        svg.Append("font-family=\"sans-serif\" font-size=\"12\">\n");
        svg.Append("<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n");
        (PlotCurve Curve, (double X, double Y)[] Points)[] drawn =
        [
            .. curves.Select(curve => (Curve: curve, Points: curve.Points.Where(Positive).ToArray()))
                .Where(each => each.Points.Length > 0),
        ];
        if (drawn.Length == 0)
            return svg.Append("<text x=\"70\" y=\"60\">nothing to show</text>\n</svg>\n").ToString();
        (double X, double Y)[] all = [.. drawn.SelectMany(each => each.Points)];
        double largest = Math.Log10(all.Max(point => point.Y));
        double smallest = Math.Max(Math.Log10(all.Min(point => point.Y)), largest - decades);
        (int bottom, int top) = ((int)Math.Floor(smallest), (int)Math.Ceiling(largest));
        if (top == bottom) top++;
        (double first, double last) = (all.Min(point => Along(point.X)), all.Max(point => Along(point.X)));
        if (last == first) last = first + 1;
        int every = Math.Max(1, (top - bottom + 7) / 8);
        for (int decade = bottom; decade <= top; decade += every)
        {
            string y = Y(decade);
            Append($"<line x1=\"{Left}\" x2=\"{width - Right}\" y1=\"{y}\" y2=\"{y}\" stroke=\"#dddddd\"/>");
            Append($"<text x=\"{Left - 8}\" y=\"{y}\" text-anchor=\"end\" dominant-baseline=\"middle\">");
            Append($"1e{decade}</text>\n");
        }

        IEnumerable<double> ticks = Enumerable.Range(0, 6).Select(i => first + ((last - first) * i / 5));
        foreach (double tick in ticks.Select(tick => logX ? Math.Round(tick) : tick).Distinct())
        {
            string label = logX
                ? $"1e{tick.ToString(CultureInfo.InvariantCulture)}"
                : Math.Round(tick).ToString(CultureInfo.InvariantCulture);
            Append($"<text x=\"{Place(tick)}\" y=\"{height - Bottom + 18}\" text-anchor=\"middle\">{label}</text>\n");
        }

        int middle = (Left + width - Right) / 2;
        Append($"<text x=\"{middle}\" y=\"{height - 6}\" text-anchor=\"middle\">{xLabel}</text>\n");
        foreach ((double at, string label) in marks ?? [])
        {
            string x = Place(Along(at));
            Append($"<line x1=\"{x}\" x2=\"{x}\" y1=\"{Top}\" y2=\"{height - Bottom}\" ");
            svg.Append("stroke=\"#bbbbbb\" stroke-dasharray=\"4 3\"/>");
            Append($"<text x=\"{x}\" y=\"{Top + 12}\" dx=\"4\" fill=\"#777777\">{label}</text>\n");
        }

        int legend = Left;
        foreach ((PlotCurve curve, (double X, double Y)[] points) in drawn)
        {
            string line = string.Join(' ', points.Select(point =>
                $"{Place(Along(point.X))},{Y(Math.Max(Math.Log10(point.Y), bottom))}"));
            Append($"<polyline fill=\"none\" stroke=\"{curve.Color}\" stroke-width=\"1.5\" points=\"{line}\"/>\n");
            Append($"<line x1=\"{legend}\" x2=\"{legend + 18}\" y1=\"14\" y2=\"14\" ");
            Append($"stroke=\"{curve.Color}\" stroke-width=\"3\"/>");
            Append($"<text x=\"{legend + 24}\" y=\"18\">{curve.Name}</text>\n");
            legend += 40 + (7 * Math.Max(6, curve.Name.Length));
        }

        return svg.Append("</svg>\n").ToString();

        void Append(FormattableString text) => svg.Append(FormattableString.Invariant(text));

        static bool Positive((double X, double Y) point) => point.Y > 0 && double.IsFinite(point.Y);

        double Along(double x) => logX ? Math.Log10(x) : x;

        string Place(double along) => Number(Left + ((along - first) / (last - first) * (width - Left - Right)));

        string Y(double decade) =>
            Number(height - Bottom - ((decade - bottom) / (top - bottom) * (height - Top - Bottom)));

        static string Number(double value) => value.ToString("0.##", CultureInfo.InvariantCulture);
    }
}
