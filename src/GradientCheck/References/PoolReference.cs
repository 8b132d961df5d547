using MathNet.Numerics.LinearAlgebra;
using NativeStyle.Kernels.Operators.Pool2x2;

namespace NativeStyle.GradientCheck.References;

/// <summary>
/// Pools 2x2 windows in double precision, one channel at a time. Each window is a submatrix of the channel.
/// </summary>
internal static class PoolReference
{
    public static double[] Average(double[] x, PoolShape shape) =>
        Pool(x, shape, window => window.Enumerate().Average());

    public static double[] Max(double[] x, PoolShape shape) => Pool(x, shape, window => window.Enumerate().Max());

    public static double[] AverageBackward(double[] x, double[] dy, PoolShape shape) =>
        Backward(x, dy, shape, (window, _, _) => 1.0 / (window.RowCount * window.ColumnCount));

    /// <summary>Gives all of dy to the first element, in row order, that equals the window's maximum.</summary>
    public static double[] MaxBackward(double[] x, double[] dy, PoolShape shape) =>
        Backward(x, dy, shape, (window, row, column) =>
        {
            double[] flat = Layout.Rows(window);
            return Array.IndexOf(flat, flat.Max()) == (row * window.ColumnCount) + column ? 1.0 : 0.0;
        });

    public static double[] L2(double[] x, PoolShape shape) => Pool(x, shape, window => window.FrobeniusNorm());

    public static double[] L2Backward(double[] x, double[] dy, PoolShape shape) =>
        Backward(x, dy, shape, (window, row, column) =>
            window.FrobeniusNorm() is > 0 and var norm ? window[row, column] / norm : 0);

    private static double[] Pool(double[] x, PoolShape shape, Func<Matrix<double>, double> reduce)
    {
        double[] y = new double[shape.OutLength];
        ForEachWindow(x, shape, (index, window, _, _, _) => y[index] = reduce(window));
        return y;
    }

    private static double[] Backward(
        double[] x, double[] dy, PoolShape shape, Func<Matrix<double>, int, int, double> share)
    {
        double[] dx = new double[shape.InLength];
        ForEachWindow(x, shape, (index, window, top, left, channel) =>
        {
            for (int row = 0; row < window.RowCount; row++)
            for (int column = 0; column < window.ColumnCount; column++)
            {
                int at = ((((top + row) * shape.Width) + left + column) * shape.Channels) + channel;
                dx[at] = dy[index] * share(window, row, column);
            }
        });
        return dx;
    }

    /// <summary>Calls visit(output index, window, top, left, channel) for every window of every channel.</summary>
    public static void ForEachWindow(
        double[] x, PoolShape shape, Action<int, Matrix<double>, int, int, int> visit)
    {
        for (int c = 0; c < shape.Channels; c++)
        {
            int channel = c;
            Matrix<double> plane = Matrix<double>.Build.Dense(
                    shape.Height,
                    shape.Width,
                    (row, column) => x[(((row * shape.Width) + column) * shape.Channels) + channel]);
            for (int row = 0; row < shape.OutHeight; row++)
            for (int column = 0; column < shape.OutWidth; column++)
            {
                (int height, int width) = (shape.Height - (2 * row), shape.Width - (2 * column));
                Matrix<double> window = plane.SubMatrix(2 * row, Math.Min(2, height), 2 * column, Math.Min(2, width));
                visit((((row * shape.OutWidth) + column) * shape.Channels) + c, window, 2 * row, 2 * column, c);
            }
        }
    }
}
