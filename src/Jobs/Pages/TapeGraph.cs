using System.Globalization;
using System.Net;
using System.Text;
using NativeStyle.Autodiff;

namespace NativeStyle.Jobs.Pages;

/// <summary>
/// Draws a tape as a graph. Feature maps are in a column from the top, and the values made from them to their right.
/// </summary>
internal static class TapeGraph
{
    private const int BoxWidth = 190, BoxHeight = 62, GapX = 34, GapY = 16;
    private const int StepX = BoxWidth + GapX, StepY = BoxHeight + GapY;

    public static string Svg(IReadOnlyList<TapeNode> nodes)
    {
        (int Column, int Row)[] places = Layout(nodes);
        if (places.Length == 0) return "";
        int width = (places.Max(place => place.Column) + 1) * StepX;
        int height = (places.Max(place => place.Row) + 1) * StepY;
        var svg = new StringBuilder();
        svg.Append(
            CultureInfo.InvariantCulture,
            $"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" " +
            $"font-family=\"sans-serif\" font-size=\"11\">\n");
        double largest = nodes.Max(node => node.ForwardSeconds + node.BackwardSeconds);
        for (int i = 0; i < nodes.Count; i++)
        {
            foreach (int input in nodes[i].Inputs.Where(input => input >= 0).Distinct())
            {
                ((int fromColumn, int fromRow), (int toColumn, int toRow)) = (places[input], places[i]);
                (int fromX, int fromY, int toX, int toY) =
                    (fromColumn * StepX, fromRow * StepY, toColumn * StepX, toRow * StepY);
                (int x1, int y1, int x2, int y2) = fromColumn == toColumn
                    ? (fromX + (BoxWidth / 2), fromY + BoxHeight, toX + (BoxWidth / 2), toY)
                    : (fromX + BoxWidth, fromY + (BoxHeight / 2), toX, toY + (BoxHeight / 2));
                svg.Append(
                    CultureInfo.InvariantCulture,
                    $"<line x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\" stroke=\"#999\"/>\n");
            }
        }

        for (int i = 0; i < nodes.Count; i++)
        {
            TapeNode node = nodes[i];
            (int x, int y) = (places[i].Column * StepX, places[i].Row * StepY);
            // Longer times get warmer colours.
            double share = largest > 0 ? (node.ForwardSeconds + node.BackwardSeconds) / largest : 0;
            string fill = string.Create(
                CultureInfo.InvariantCulture, $"hsl({210 - (180 * share):0},70%,{96 - (12 * share):0}%)");
            double gflop = Gflop(node);
            string[] lines =
            [
                node.Name + " " + node.Shape,
                gflop >= 0.0005 ? Number(gflop, "0.###") + " GFLOP" : "",
                $"{Number(1e3 * node.ForwardSeconds, "0.##")} ms forward, " +
                    $"{Number(1e3 * node.BackwardSeconds, "0.##")} backward",
                node.GradientNorm is double norm ? $"‖gradient‖ {Number(norm, "g3")}" : "no gradient",
            ];
            svg.Append(
                CultureInfo.InvariantCulture,
                $"<rect x=\"{x}\" y=\"{y}\" width=\"{BoxWidth}\" height=\"{BoxHeight}\" rx=\"5\" " +
                $"fill=\"{fill}\" stroke=\"#888\"/>");
            int line = 0;
            foreach (string words in lines.Where(words => words.Length > 0))
            {
                string weight = line == 0 ? " font-weight=\"bold\"" : "";
                svg.Append(
                    CultureInfo.InvariantCulture,
                    $"<text x=\"{x + 7}\" y=\"{y + 14 + (14 * line)}\"{weight}>{WebUtility.HtmlEncode(words)}</text>");
                line++;
            }

            svg.Append('\n');
        }

        return svg.Append("</svg>\n").ToString();

        static string Number(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
    }

    /// <summary>
    /// Places feature maps below each other, one in each row. Values made from a map are in its row, one column further
    /// for each step.
    /// </summary>
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
            // Two losses on one map are below each other.
            row = Math.Max(row, lastInColumn.GetValueOrDefault(column, -1) + 1);
            lastInColumn[column] = row;
            maps = Math.Max(maps, row);
            places[i] = (column, row);
        }

        return places;
    }

    /// <summary>
    /// Counts the operations of the forward pass by its definition, for the operators that take most time.
    /// </summary>
    private static double Gflop(TapeNode node) => node.Name switch
    {
        "Conv3x3" when node.InputShapes is [var x, var kernel, ..] => 2e-9 * x[0] * x[1] * kernel.Length,
        "Gram" when node.InputShapes is [var features, ..] => 2e-9 * features.Length * features[2],
        _ => 0,
    };
}
