using System.Globalization;
using System.Net;
using System.Text;
using NativeStyle.Autodiff;

namespace NativeStyle.Cli.Pages;

/// <summary>A tape drawn as a graph: feature maps in a column from the top, what is made of them to their right.</summary>
internal static class TapeGraph
{
    private const int BoxWidth = 190, BoxHeight = 62, GapX = 34, GapY = 16;

    public static string Svg(IReadOnlyList<TapeNode> nodes)
    {
        (int Column, int Row)[] places = Layout(nodes);
        if (places.Length == 0) return "";
        int width = (places.Max(place => place.Column) + 1) * (BoxWidth + GapX), height = (places.Max(place => place.Row) + 1) * (BoxHeight + GapY);
        var svg = new StringBuilder();
        svg.Append(CultureInfo.InvariantCulture, $"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"11\">\n");
        double largest = nodes.Max(node => node.ForwardSeconds + node.BackwardSeconds);
        for (int i = 0; i < nodes.Count; i++)
        {
            foreach (int input in nodes[i].Inputs.Where(input => input >= 0).Distinct())
            {
                ((int fromColumn, int fromRow), (int toColumn, int toRow)) = (places[input], places[i]);
                (int x1, int y1, int x2, int y2) = fromColumn == toColumn
                    ? ((fromColumn * (BoxWidth + GapX)) + (BoxWidth / 2), (fromRow * (BoxHeight + GapY)) + BoxHeight, (toColumn * (BoxWidth + GapX)) + (BoxWidth / 2), toRow * (BoxHeight + GapY))
                    : ((fromColumn * (BoxWidth + GapX)) + BoxWidth, (fromRow * (BoxHeight + GapY)) + (BoxHeight / 2), toColumn * (BoxWidth + GapX), (toRow * (BoxHeight + GapY)) + (BoxHeight / 2));
                svg.Append(CultureInfo.InvariantCulture, $"<line x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\" stroke=\"#999\"/>\n");
            }
        }

        for (int i = 0; i < nodes.Count; i++)
        {
            TapeNode node = nodes[i];
            (int x, int y) = (places[i].Column * (BoxWidth + GapX), places[i].Row * (BoxHeight + GapY));
            // Warmer where the time goes.
            double share = largest > 0 ? (node.ForwardSeconds + node.BackwardSeconds) / largest : 0;
            string fill = string.Create(CultureInfo.InvariantCulture, $"hsl({210 - (180 * share):0},70%,{96 - (12 * share):0}%)");
            double gflop = Gflop(node);
            string[] lines =
            [
                node.Name + " " + node.Shape,
                gflop >= 0.0005 ? Number(gflop, "0.###") + " GFLOP" : "",
                $"{Number(1e3 * node.ForwardSeconds, "0.##")} ms forward, {Number(1e3 * node.BackwardSeconds, "0.##")} backward",
                node.GradientNorm is double norm ? $"‖gradient‖ {norm.ToString("g3", CultureInfo.InvariantCulture)}" : "no gradient",
            ];
            svg.Append(CultureInfo.InvariantCulture, $"<rect x=\"{x}\" y=\"{y}\" width=\"{BoxWidth}\" height=\"{BoxHeight}\" rx=\"5\" fill=\"{fill}\" stroke=\"#888\"/>");
            int line = 0;
            foreach (string words in lines.Where(words => words.Length > 0))
                svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{x + 7}\" y=\"{y + 14 + (14 * line++)}\"{(line == 1 ? " font-weight=\"bold\"" : "")}>{WebUtility.HtmlEncode(words)}</text>");
            svg.Append('\n');
        }

        return svg.Append("</svg>\n").ToString();

        static string Number(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
    }

    /// <summary>Maps one below the other; a row for each, and what hangs on it beside it, one column for each step away.</summary>
    private static (int Column, int Row)[] Layout(IReadOnlyList<TapeNode> nodes)
    {
        var places = new (int Column, int Row)[nodes.Count];
        Dictionary<int, int> lastInColumn = [];
        int maps = 0;
        for (int i = 0; i < nodes.Count; i++)
        {
            TapeNode node = nodes[i];
            int[] inputs = [.. node.Inputs.Where(input => input >= 0)];
            if (node.Shape.Rank == 3)
            {
                places[i] = (0, maps++);
                continue;
            }

            int column = inputs.Length == 0 ? 1 : inputs.Max(input => places[input].Column) + 1;
            int row = inputs.Length == 0 ? maps : inputs.Min(input => places[input].Row);
            // Two losses on one map stand one below the other.
            row = Math.Max(row, lastInColumn.GetValueOrDefault(column, -1) + 1);
            lastInColumn[column] = row;
            maps = Math.Max(maps, row);
            places[i] = (column, row);
        }

        return places;
    }

    /// <summary>Operations of the forward pass by its definition, of the operators that hold the time.</summary>
    private static double Gflop(TapeNode node) => node.Name switch
    {
        "Conv3x3" when node.InputShapes is [var x, var kernel, ..] => 2e-9 * x[0] * x[1] * kernel.Length,
        "Gram" when node.InputShapes is [var features, ..] => 2e-9 * features.Length * features[2],
        _ => 0,
    };
}
