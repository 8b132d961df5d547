using MathNet.Numerics.LinearAlgebra;
using NativeStyle.Kernels.Operators.Expand;

namespace NativeStyle.GradientCheck.References;

/// <summary>
/// Instance normalisation and expansion in double precision. A channel of a map is a matrix of rows and columns, and
/// expansion is a product with a matrix of zeros and ones from either side: Y = R X Cᵀ, dX = Rᵀ dY C.
/// </summary>
internal static class NormalizationReference
{
    private const double Epsilon = 1e-5;

    public static double[] Expand(double[] x, int height, int width, int channels, Expansion expansion)
    {
        (Matrix<double> rows, Matrix<double> columns) = (Copies(height, expansion), Copies(width, expansion));
        return Planes(x, height, width, channels, plane => rows * plane * columns.Transpose());
    }

    public static double[] ExpandBackward(double[] dy, int height, int width, int channels, Expansion expansion)
    {
        (Matrix<double> rows, Matrix<double> columns) = (Copies(height, expansion), Copies(width, expansion));
        return Planes(
            dy, rows.RowCount, columns.RowCount, channels, plane => rows.TransposeThisAndMultiply(plane) * columns);
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
        Vector<double> deviations = x - x.Average();
        double deviation = Math.Sqrt((deviations.DotProduct(deviations) / x.Count) + Epsilon);
        return (deviations / deviation, deviation);
    }

    private static Vector<double> Activate(Vector<double> z, bool relu) => relu ? z.PointwiseMaximum(0) : z;

    /// <summary>Returns the matrix whose row i has a one where the expanded row i comes from.</summary>
    private static Matrix<double> Copies(int length, Expansion expansion)
    {
        int[] upsampled = [.. Enumerable.Range(0, length * expansion.Upsampling).Select(i => i / expansion.Upsampling)];
        int[] sources =
        [
            .. upsampled.Skip(1).Take(expansion.Padding).Reverse(), .. upsampled,
            .. upsampled.SkipLast(1).TakeLast(expansion.Padding).Reverse(),
        ];
        return Matrix<double>.Build.Dense(
            sources.Length, length, (row, column) => sources[row] == column ? 1.0 : 0.0);
    }

    private static double[] Planes(
        double[] map, int height, int width, int channels, Func<Matrix<double>, Matrix<double>> apply)
    {
        double[] result = [];
        for (int c = 0; c < channels; c++)
        {
            int channel = c;
            Matrix<double> plane = apply(Matrix<double>.Build.Dense(
                height, width, (row, column) => map[(((row * width) + column) * channels) + channel]));
            if (c == 0) result = new double[plane.RowCount * plane.ColumnCount * channels];
            foreach ((int row, int column, double value) in plane.EnumerateIndexed())
                result[(((row * plane.ColumnCount) + column) * channels) + c] = value;
        }

        return result;
    }
}
