using NativeStyle.Kernels.Operators.Conv3x3;
using NativeStyle.Kernels.Simd;

namespace NativeStyle.Figures;

/// <summary>F(4x4, 3x3) on one tile, with the numbers that the CPU's transforms compute.</summary>
internal static unsafe class WinogradFigure
{
    private const double Cell = 32;

    private const int Patch = 6, Filter = 3, Tile = 4;

    public static string Draw()
    {
        float[] d =
        [
            1, 0, 2, 1, 0, 1,
            0, 3, 1, 2, 1, 0,
            2, 1, 0, 1, 3, 1,
            1, 2, 4, 0, 1, 2,
            0, 1, 1, 2, 0, 1,
            1, 0, 2, 1, 1, 0,
        ];
        float[] g = [1, 2, 1, 0, 0, 0, -1, -2, -1];
        float[] v = TwoDimensions(d, Patch, Patch, Input), u = TwoDimensions(g, Filter, Patch, Weights);
        float[] m = [.. u.Zip(v, (a, b) => a * b)];
        float[] y = TwoDimensions(m, Patch, Tile, Output);
        double[] direct = [.. y.Select((_, i) => Direct(d, g, i / Tile, i % Tile))];
        if (y.Zip(direct, (a, b) => Math.Abs(a - b)).Max() > 1e-4) throw new InvalidOperationException("a wrong tile");

        var drawing = new Drawing(860, 440, "Winograd's F(4x4, 3x3) on one tile");
        Tiles(drawing);
        Matrix(232, 70, "d, a patch of the input", d, Patch, Ink.Blue);
        Matrix(444, 70, "V = Bᵀ d B", v, Patch, Ink.Blue);
        Matrix(232 + (1.5 * Cell), 284 + (1.5 * 19), "g, a filter", g, Filter, Ink.Orange);
        Matrix(444, 284, "U = G g Gᵀ", u, Patch, Ink.Orange);
        Matrix(656, 70, "M = U ∘ V: 36 products", m, Patch, Ink.Green, "0.#");
        Matrix(656 + Cell, 284 + 19, "Y = Aᵀ M A", y, Tile, Ink.Purple);
        drawing.Line(426, 127, 441, 127, Ink.Text, 1.5, true);
        drawing.Line(379, 341, 441, 341, Ink.Text, 1.5, true);
        drawing.Line(638, 127, 653, 127, Ink.Text, 1.5, true);
        drawing.Line(638, 330, 710, 190, Ink.Text, 1.5, true);
        drawing.Line(753, 188, 753, 276, Ink.Text, 1.5, true);
        drawing.Text(
            24, 426, "Over many channels, each of the 36 places of M is a matrix product, (tiles x in) (in x out).",
            Ink.Soft, 13);
        return drawing.Svg();

        void Matrix(
            double x, double top, string name, float[] values, int columns, Ink ink, string format = "0.##")
        {
            drawing.Text(x, top - 8, name, ink, 13, bold: true);
            float largest = values.Max(Math.Abs);
            string[][] rows =
                [.. values.Chunk(columns).Select(row => row.Select(value => Drawing.Words(value, format)).ToArray())];
            drawing.Grid(
                x, top, Cell, 19, rows, size: 10,
                fill: (row, column) => (ink, 0.04 + (0.4 * Math.Abs(values[(row * columns) + column]) / largest)));
        }
    }

    /// <summary>How tiles and their patches lie over a picture.</summary>
    private static void Tiles(Drawing drawing)
    {
        const int Side = 12;
        const double Pixel = 15, Left = 24, Top = 86;
        var geometry = WinogradGeometry.ZeroPadded(Side, Side);
        drawing.Text(Left, 34, "4x4 outputs of a 3x3 filter", bold: true);
        drawing.Text(Left, 54, $"from 6x6 inputs; {geometry.Tiles} tiles here", Ink.Soft, 13);
        for (int i = 0; i <= Side; i++)
        {
            (Ink ink, double width) = i % Tile == 0 ? (Ink.Text, 1.6) : (Ink.Line, 0.6);
            drawing.Line(Left + (i * Pixel), Top, Left + (i * Pixel), Top + (Side * Pixel), ink, width);
            drawing.Line(Left, Top + (i * Pixel), Left + (Side * Pixel), Top + (i * Pixel), ink, width);
        }

        // The first tile's patch reaches outside the picture, where the input is zero.
        foreach ((int row, int column, Ink ink) in new[] { (0, 0, Ink.Blue), (1, 1, Ink.Purple) })
        {
            double x = Left + (column * Tile * Pixel), y = Top + (row * Tile * Pixel), out1 = geometry.Offset * Pixel;
            drawing.Rectangle(x, y, Tile * Pixel, Tile * Pixel, ink, Ink.None, 0.4);
            drawing.Rectangle(x - out1, y - out1, Patch * Pixel, Patch * Pixel, ink, ink, 0.12, 2.5);
        }

        drawing.Text(Left, 306, "Patches overlap by two rows", Ink.Soft, 13);
        drawing.Text(Left, 324, "and columns. Directly, a tile", Ink.Soft, 13);
        drawing.Text(Left, 342, $"takes {Tile * Tile * Filter * Filter} products, so {Patch * Patch}", Ink.Soft, 13);
        drawing.Text(Left, 360, "are a quarter of them.", Ink.Soft, 13);
    }

    private static double Direct(float[] d, float[] g, int row, int column)
    {
        double sum = 0;
        for (int tap = 0; tap < Filter * Filter; tap++)
            sum += d[((row + (tap / Filter)) * Patch) + column + (tap % Filter)] * g[tap];
        return sum;
    }

    /// <summary>Applies a transform to columns, then to rows.</summary>
    private static float[] TwoDimensions(float[] values, int from, int to, Func<float[], float[]> transform)
    {
        float[][] columns = [.. Enumerable.Range(0, from).Select(column =>
            transform([.. Enumerable.Range(0, from).Select(row => values[(row * from) + column])]))];
        return [.. Enumerable.Range(0, to).SelectMany(row => transform([.. columns.Select(column => column[row])]))];
    }

    private static Lane[] Lanes(float[] values) => Array.ConvertAll(values, Lane.Broadcast);

    private static float[] Input(float[] d)
    {
        float[] to = new float[Patch];
        Lane[] x = Lanes(d);
        fixed (float* first = to) WinogradTransforms.Input(x[0], x[1], x[2], x[3], x[4], x[5], first, 1);
        return to;
    }

    private static float[] Weights(float[] g)
    {
        float[] to = new float[Patch];
        Lane[] x = Lanes(g);
        fixed (float* first = to) WinogradTransforms.Filter(x[0], x[1], x[2], first, 1);
        return to;
    }

    private static float[] Output(float[] m)
    {
        float[] to = new float[Tile];
        Lane[] x = Lanes(m);
        fixed (float* first = to) WinogradTransforms.Output(x[0], x[1], x[2], x[3], x[4], x[5], (Lane*)first, 1);
        return to;
    }
}
