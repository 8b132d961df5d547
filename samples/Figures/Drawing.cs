using System.Globalization;
using System.Net;
using System.Text;

namespace NativeStyle.Figures;

/// <summary>What a shape is filled or drawn with. Each colour has a value for light and one for dark pages.</summary>
internal enum Ink
{
    None,
    Text,
    Soft,
    Line,
    Faint,
    Blue,
    Orange,
    Green,
    Purple,
}

/// <summary>
/// A figure as SVG. It follows the page's light or dark colours, also inside an img element, and brings its own
/// background, since a page may be dark where the system is light.
/// </summary>
/// <param name="title">What a screen reader says.</param>
internal sealed class Drawing(int width, int height, string title)
{
    private static readonly (Ink Ink, string Light, string Dark)[] s_colors =
    [
        (Ink.Text, "#1f2328", "#e6edf3"), (Ink.Soft, "#59636e", "#9198a1"), (Ink.Line, "#afb8c1", "#656c76"),
        (Ink.Faint, "#eef1f4", "#21262d"), (Ink.Blue, "#0969da", "#58a6ff"), (Ink.Orange, "#bc4c00", "#f0883e"),
        (Ink.Green, "#1a7f37", "#3fb950"), (Ink.Purple, "#8250df", "#bc8cff"),
    ];

    private readonly StringBuilder _shapes = new();

    public void Rectangle(
        double x, double y, double w, double h, Ink fill = Ink.None, Ink stroke = Ink.Line, double opacity = 1,
        double lineWidth = 1, double round = 0)
    {
        string corner = round > 0 ? $" rx=\"{Number(round)}\"" : "";
        string see = opacity < 1 ? $" fill-opacity=\"{Number(opacity)}\"" : "";
        string line = stroke == Ink.None ? "" : $" stroke-width=\"{Number(lineWidth)}\"";
        _shapes.Append(
            $"<rect x=\"{Number(x)}\" y=\"{Number(y)}\" width=\"{Number(w)}\" height=\"{Number(h)}\"{corner}{see}{line}"
            + $" class=\"f{fill} s{stroke}\"/>\n");
    }

    public void Line(
        double x1, double y1, double x2, double y2, Ink stroke = Ink.Line, double lineWidth = 1, bool arrow = false,
        bool dashed = false)
    {
        string dash = dashed ? " stroke-dasharray=\"5 4\"" : "";
        _shapes.Append(
            $"<line x1=\"{Number(x1)}\" y1=\"{Number(y1)}\" x2=\"{Number(x2)}\" y2=\"{Number(y2)}\" "
            + $"stroke-width=\"{Number(lineWidth)}\"{dash} class=\"s{stroke}\"/>\n");
        if (arrow) Head(x1, y1, x2, y2, stroke);
    }

    public void Curve(IEnumerable<(double X, double Y)> points, Ink stroke, double lineWidth = 2)
    {
        string path = string.Join(' ', points.Select(point => $"{Number(point.X)},{Number(point.Y)}"));
        _shapes.Append(
            $"<polyline points=\"{path}\" stroke-width=\"{Number(lineWidth)}\" stroke-linejoin=\"round\" "
            + $"class=\"fNone s{stroke}\"/>\n");
    }

    public void Polygon(IEnumerable<(double X, double Y)> points, Ink fill, double opacity = 1)
    {
        string path = string.Join(' ', points.Select(point => $"{Number(point.X)},{Number(point.Y)}"));
        _shapes.Append(
            $"<polygon points=\"{path}\" fill-opacity=\"{Number(opacity)}\" class=\"f{fill} sNone\"/>\n");
    }

    /// <param name="anchor">start, middle or end.</param>
    public void Text(
        double x, double y, string text, Ink ink = Ink.Text, int size = 14, string anchor = "start", bool bold = false)
    {
        string weight = bold ? " font-weight=\"600\"" : "";
        _shapes.Append(
            $"<text x=\"{Number(x)}\" y=\"{Number(y)}\" font-size=\"{size}\" text-anchor=\"{anchor}\"{weight} "
            + $"xml:space=\"preserve\" class=\"f{ink}\">{WebUtility.HtmlEncode(text)}</text>\n");
    }

    /// <summary>A grid of cells with a number in each.</summary>
    public void Grid(
        double x, double y, double cellWidth, double cellHeight, IReadOnlyList<string[]> rows, Ink stroke = Ink.Line,
        int size = 13, Func<int, int, (Ink Fill, double Opacity)>? fill = null)
    {
        for (int row = 0; row < rows.Count; row++)
        {
            for (int column = 0; column < rows[row].Length; column++)
            {
                (Ink ink, double opacity) = fill?.Invoke(row, column) ?? (Ink.None, 1);
                (double left, double top) = (x + (column * cellWidth), y + (row * cellHeight));
                Rectangle(left, top, cellWidth, cellHeight, ink, stroke, opacity);
                Text(
                    left + (cellWidth / 2), top + (cellHeight / 2) + (0.36 * size), rows[row][column], Ink.Text, size,
                    "middle");
            }
        }
    }

    /// <summary>The figure, with everything that was drawn in its order.</summary>
    public string Svg()
    {
        var svg = new StringBuilder();
        svg.Append(
            $"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" "
            + $"height=\"{height}\" role=\"img\" "
            + "font-family=\"system-ui, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif\">\n"
            + $"<title>{WebUtility.HtmlEncode(title)}</title>\n<style>\n"
            + ".fNone { fill: none } .sNone { stroke: none }\n");
        foreach ((Ink ink, string light, _) in s_colors)
            svg.Append($".f{ink} {{ fill: {light} }} .s{ink} {{ stroke: {light} }}\n");
        svg.Append(".paper { fill: #ffffff }\n@media (prefers-color-scheme: dark) {\n.paper { fill: #0d1117 }\n");
        foreach ((Ink ink, _, string dark) in s_colors)
            svg.Append($".f{ink} {{ fill: {dark} }} .s{ink} {{ stroke: {dark} }}\n");
        svg.Append("}\n</style>\n<rect width=\"100%\" height=\"100%\" class=\"paper\"/>\n");
        return svg.Append(_shapes).Append("</svg>\n").ToString();
    }

    /// <summary>A number for people, with a true minus.</summary>
    public static string Words(double value, string format = "0.###") =>
        value.ToString(format, CultureInfo.InvariantCulture) switch
        {
            "-0" => "0",
            string text => text.Replace('-', '−'),
        };

    private void Head(double x1, double y1, double x2, double y2, Ink ink)
    {
        double length = Math.Sqrt(((x2 - x1) * (x2 - x1)) + ((y2 - y1) * (y2 - y1)));
        (double dx, double dy) = ((x2 - x1) / length, (y2 - y1) / length);
        (double bx, double by) = (x2 - (9 * dx), y2 - (9 * dy));
        Polygon([(x2, y2), (bx - (4 * dy), by + (4 * dx)), (bx + (4 * dy), by - (4 * dx))], ink);
    }

    private static string Number(double value) => value.ToString("0.#", CultureInfo.InvariantCulture);
}
