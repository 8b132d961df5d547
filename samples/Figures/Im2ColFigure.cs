using NativeStyle.GradientCheck.References;
using NativeStyle.Kernels.Operators.Conv3x3;

namespace NativeStyle.Figures;

/// <summary>A convolution as one matrix product, on 3 x 4 pixels of one channel and two filters.</summary>
internal static class Im2ColFigure
{
    private const int Height = 3, Width = 4, Filters = 2, Shown = 5;

    public static string Draw()
    {
        double[] x = [1, 2, 0, 3, 4, 1, 2, 5, 0, 3, 1, 2];
        // The first filter takes the difference across, the second the mean's multiple: w[tap, filter].
        double[] across = [-1, 0, 1, -2, 0, 2, -1, 0, 1];
        double[] w = [.. across.SelectMany(weight => new[] { weight, 1 })];
        var shape = new Conv3x3Shape(Height, Width, 1, Filters);
        double[] y = ConvolutionReference.Forward(x, w, new double[Filters], shape);
        // dx of Σ y[p, o] dy[p, o] with one dy set is the row of X times W, so X itself is the gradient to the weights.
        double[][] patches = [.. Enumerable.Range(0, Height * Width).Select(p =>
        {
            double[] dy = new double[Height * Width * Filters];
            dy[p * Filters] = 1;
            double[] dw = ConvolutionReference.Backward(x, w, dy, shape)[1];
            return dw.Where((_, i) => i % Filters == 0).ToArray();
        })];

        var drawing = new Drawing(860, 420, "A convolution as a product of the matrix of patches with the filters");
        const double Cell = 30, Top = 96;
        string[][] Rows(double[] values, int width) => [.. values.Chunk(width).Select(row =>
            row.Select(value => Drawing.Words(value)).ToArray())];
        static (Ink, double) Marked(bool on) => on ? (Ink.Blue, 0.35) : (Ink.None, 1);

        drawing.Text(24, 34, "x, 3 x 4, zeros around", bold: true);
        for (int row = -1; row <= Height; row++)
        {
            for (int column = -1; column <= Width; column++)
            {
                if (row >= 0 && row < Height && column >= 0 && column < Width) continue;
                drawing.Grid(
                    24 + ((column + 1) * Cell), Top + ((row + 1) * Cell), Cell, Cell, [["0"]], Ink.Faint, 12,
                    (_, _) => Marked(Near(row, column, Shown)));
            }
        }

        drawing.Grid(
            24 + Cell, Top + Cell, Cell, Cell, Rows(x, Width), size: 14,
            fill: (row, column) => Marked(Near(row, column, Shown)));
        drawing.Text(24, Top + (5 * Cell) + 24, $"the window of pixel {Shown}, row by row,", Ink.Blue, 13);
        drawing.Text(24, Top + (5 * Cell) + 42, $"is row {Shown} of X", Ink.Blue, 13);

        const double MatrixLeft = 262, Small = 24;
        drawing.Text(MatrixLeft, 34, "X, 12 pixels x 9 taps", bold: true);
        drawing.Grid(
            MatrixLeft, 60, Small + 4, Small, [.. patches.Select(row => row.Select(v => Drawing.Words(v)).ToArray())],
            size: 12, fill: (row, _) => Marked(row == Shown));
        drawing.Line(
            24 + (6 * Cell) + 6, Top + (2.5 * Cell), MatrixLeft - 6, 60 + ((Shown + 0.5) * Small), Ink.Blue, 2, true);

        const double FilterLeft = 556;
        drawing.Text(FilterLeft - 16, 190, "x", Ink.Soft, 18);
        drawing.Text(FilterLeft, 34, "W, 9 x 2 filters", bold: true);
        drawing.Grid(FilterLeft, 60, Small + 10, Small, Rows(w, Filters), size: 12, fill: (_, _) => (Ink.Orange, 0.18));
        drawing.Text(FilterLeft, 60 + (9 * Small) + 24, "filter 0: right − left", Ink.Orange, 13);
        drawing.Text(FilterLeft, 60 + (9 * Small) + 42, "filter 1: the sum", Ink.Orange, 13);

        const double OutLeft = 718;
        drawing.Text(OutLeft - 34, 190, "=", Ink.Soft, 18);
        drawing.Text(OutLeft, 34, "Y, 12 x 2", bold: true);
        drawing.Grid(
            OutLeft, 60, Small + 20, Small, Rows(y, Filters), size: 12, fill: (row, _) => Marked(row == Shown));
        drawing.Text(
            24, 398,
            "Each pixel of x is in up to nine rows of X. dX = dY Wᵀ has a place for each, and dx adds them up.",
            Ink.Soft, 13);
        return drawing.Svg();
    }

    private static bool Near(int row, int column, int pixel) =>
        Math.Abs(row - (pixel / Width)) <= 1 && Math.Abs(column - (pixel % Width)) <= 1;
}
