using MathNet.Numerics.LinearAlgebra;
using NativeStyle.Kernels.Operators.Expand;

namespace NativeStyle.GradientCheck.References;

/// <summary>
/// Instance normalisation and expansion in double precision. Expansion is Y = R X Cᵀ for each channel, and dX = Rᵀ dY C,
/// where each row of the matrices R and C has a single one: the products are copies, and sums of copies.
/// </summary>
internal static class NormalizationReference
{
    private const double Epsilon = 1e-5;

    public static double[] Expand(double[] x, int height, int width, int channels, Expansion expansion)
    {
        (int[] rows, int[] columns) = (Sources(height, expansion), Sources(width, expansion));
        double[] y = new double[rows.Length * columns.Length * channels];
        for (int row = 0; row < rows.Length; row++)
        for (int column = 0; column < columns.Length; column++)
        {
            Pixel(x, rows[row], columns[column], width, channels)
                .CopyTo(Pixel(y, row, column, columns.Length, channels));
        }

        return y;
    }

    public static double[] ExpandBackward(double[] dy, int height, int width, int channels, Expansion expansion)
    {
        (int[] rows, int[] columns) = (Sources(height, expansion), Sources(width, expansion));
        double[] dx = new double[height * width * channels];
        for (int row = 0; row < rows.Length; row++)
        for (int column = 0; column < columns.Length; column++)
        {
            Span<double> sum = Pixel(dx, rows[row], columns[column], width, channels);
            Span<double> gradient = Pixel(dy, row, column, columns.Length, channels);
            for (int c = 0; c < channels; c++) sum[c] += gradient[c];
        }

        return dx;
    }

    /// <summary>Returns act(scale x^ + shift) of a (pixels, channels) map.</summary>
    public static double[] Normalize(double[] x, double[] scale, double[] shift, bool relu)
    {
        Matrix<double> map = Layout.Matrix(x, x.Length / scale.Length, scale.Length);
        foreach ((int c, Vector<double> column) in map.EnumerateColumnsIndexed())
            map.SetColumn(c, Activate((Normalized(column).Value * scale[c]) + shift[c], relu));
        return Layout.Rows(map);
    }

    /// <summary>Returns the gradients of x, scale and shift from that of the result.</summary>
    public static (double[] X, double[] Scale, double[] Shift) NormalizeBackward(
        double[] x, double[] scale, double[] shift, double[] gradient, bool relu)
    {
        Matrix<double> map = Layout.Matrix(x, x.Length / scale.Length, scale.Length);
        Matrix<double> gradients = Layout.Matrix(gradient, map.RowCount, map.ColumnCount);
        (double[] gradScale, double[] gradShift) = (new double[scale.Length], new double[scale.Length]);
        for (int c = 0; c < scale.Length; c++)
        {
            (Vector<double> normalized, double deviation) = Normalized(map.Column(c));
            Vector<double> g = gradients.Column(c);
            if (relu)
            {
                g = g.PointwiseMultiply(
                    ((normalized * scale[c]) + shift[c]).Map(z => z > 0 ? 1.0 : 0.0, Zeros.Include));
            }

            (gradScale[c], gradShift[c]) = (g.DotProduct(normalized), g.Sum());
            map.SetColumn(
                c, (g - (gradShift[c] / g.Count) - (normalized * (gradScale[c] / g.Count))) * (scale[c] / deviation));
        }

        return (Layout.Rows(map), gradScale, gradShift);
    }

    /// <summary>Returns a channel's x^, and the root that its deviations were divided by.</summary>
    public static (Vector<double> Value, double Deviation) Normalized(Vector<double> x)
    {
        Vector<double> deviations = x - (x.Sum() / x.Count);
        double deviation = Math.Sqrt((deviations.DotProduct(deviations) / x.Count) + Epsilon);
        return (deviations / deviation, deviation);
    }

    private static Vector<double> Activate(Vector<double> z, bool relu) => relu ? z.PointwiseMaximum(0) : z;

    /// <summary>Returns where each expanded row comes from: copies of each row, and reflections at both ends.</summary>
    private static int[] Sources(int length, Expansion expansion)
    {
        int[] upsampled = [.. Enumerable.Range(0, length * expansion.Upsampling).Select(i => i / expansion.Upsampling)];
        return
        [
            .. upsampled.Skip(1).Take(expansion.Padding).Reverse(), .. upsampled,
            .. upsampled.SkipLast(1).TakeLast(expansion.Padding).Reverse(),
        ];
    }

    /// <summary>The channels of a pixel.</summary>
    private static Span<double> Pixel(double[] map, int row, int column, int width, int channels) =>
        map.AsSpan(((row * width) + column) * channels, channels);
}
