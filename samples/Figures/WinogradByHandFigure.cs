namespace NativeStyle.Figures;

/// <summary>F(2, 3) by hand: two outputs of a filter of three taps, by four products instead of six.</summary>
internal static class WinogradByHandFigure
{
    public static string Draw()
    {
        int[] d = [3, 1, 2, 4], g = [2, -1, 1];
        int[] direct = [(d[0] * g[0]) + (d[1] * g[1]) + (d[2] * g[2]), (d[1] * g[0]) + (d[2] * g[1]) + (d[3] * g[2])];
        (string Point, string Input, int V, string Filter, int U)[] rows =
        [
            ("0", "d₀ − d₂", d[0] - d[2], "g₀", g[0]),
            ("1", "d₁ + d₂", d[1] + d[2], "(g₀ + g₁ + g₂) / 2", (g[0] + g[1] + g[2]) / 2),
            ("−1", "d₂ − d₁", d[2] - d[1], "(g₀ − g₁ + g₂) / 2", (g[0] - g[1] + g[2]) / 2),
            ("∞", "d₁ − d₃", d[1] - d[3], "g₂", g[2]),
        ];
        int[] m = [.. rows.Select(row => row.V * row.U)];
        int[] outputs = [m[0] + m[1] + m[2], m[1] - m[2] - m[3]];
        if (!outputs.SequenceEqual(direct)) throw new InvalidOperationException("F(2, 3) is wrong");

        var drawing = new Drawing(860, 400, "Winograd's F(2, 3) by hand");
        drawing.Text(24, 34, "d = (3, 1, 2, 4), g = (2, −1, 1): two outputs, directly by six products", bold: true);
        Product(0, 56);
        Product(1, 86);

        drawing.Text(24, 150, "The same by four products: evaluate at four points, multiply, combine", bold: true);
        (string Head, double X, Ink Ink)[] heads =
        [
            ("point", 40, Ink.Soft), ("Bᵀ d", 120, Ink.Blue), ("G g", 330, Ink.Orange), ("product m", 640, Ink.Green),
        ];
        foreach ((string head, double x, Ink ink) in heads) drawing.Text(x, 180, head, ink, 14, bold: true);
        for (int i = 0; i < rows.Length; i++)
        {
            double y = 194 + (i * 34);
            drawing.Text(52, y + 19, rows[i].Point, Ink.Soft, 15, "middle");
            drawing.Rectangle(110, y, 190, 28, Ink.Blue, Ink.None, 0.12, round: 4);
            drawing.Text(122, y + 19, rows[i].Input, size: 15);
            drawing.Text(288, y + 19, Drawing.Words(rows[i].V), Ink.Blue, 15, "end", bold: true);
            drawing.Rectangle(320, y, 270, 28, Ink.Orange, Ink.None, 0.12, round: 4);
            drawing.Text(332, y + 19, rows[i].Filter, size: 15);
            drawing.Text(578, y + 19, Drawing.Words(rows[i].U), Ink.Orange, 15, "end", bold: true);
            drawing.Text(310, y + 19, "·", size: 15, anchor: "middle");
            drawing.Rectangle(630, y, 100, 28, Ink.Green, Ink.None, 0.12, round: 4);
            drawing.Text(604, y + 19, "=", size: 15, anchor: "middle");
            drawing.Text(718, y + 19, Drawing.Words(m[i]), Ink.Green, 15, "end", bold: true);
            drawing.Text(642, y + 19, $"m{"₀₁₂₃"[i]}", size: 15);
        }

        drawing.Text(
            40, 356, $"y₀ = m₀ + m₁ + m₂ = {Terms([m[0], m[1], m[2]])} = {outputs[0]}", Ink.Green, 16, bold: true);
        drawing.Text(
            400, 356, $"y₁ = m₁ − m₂ − m₃ = {Terms([m[1], -m[2], -m[3]])} = {outputs[1]}", Ink.Green, 16, bold: true);
        drawing.Text(
            40, 384,
            "G g is made once for a filter, Bᵀ d once for all filters: only the four products remain for each pair.",
            Ink.Soft, 13);
        return drawing.Svg();

        void Product(int first, double y)
        {
            string[] terms = [.. g.Select((tap, i) => $"{d[first + i]} · {Signed(tap)}")];
            drawing.Text(
                40, y + 14, $"y{"₀₁"[first]} = d{"₀₁"[first]} g₀ + d{"₁₂"[first]} g₁ + d{"₂₃"[first]} g₂ = "
                    + $"{string.Join(" + ", terms)} = {direct[first]}", size: 16);
        }
    }

    private static string Signed(int value) => value < 0 ? $"(−{-value})" : $"{value}";

    private static string Terms(int[] values) => Drawing.Words(values[0]) + string.Concat(
        values[1..].Select(value => value < 0 ? $" − {-value}" : $" + {value}"));
}
