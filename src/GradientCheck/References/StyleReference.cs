using MathNet.Numerics.LinearAlgebra;

namespace NativeStyle.GradientCheck.References;

/// <summary>Gram matrix and losses in double precision.</summary>
public static class StyleReference
{
    /// <summary>G = s Fᵀ F.</summary>
    public static double[] Gram(double[] f, int pixels, int channels, double scale)
    {
        Matrix<double> features = Layout.Matrix(f, pixels, channels);
        return Layout.Rows(features.TransposeThisAndMultiply(features) * scale);
    }

    /// <summary>dF = s F (dG + dGᵀ).</summary>
    public static double[] GramBackward(double[] f, double[] dg, int pixels, int channels, double scale)
    {
        Matrix<double> gradient = Layout.Matrix(dg, channels, channels);
        return Layout.Rows(Layout.Matrix(f, pixels, channels).Multiply(gradient + gradient.Transpose()) * scale);
    }

    /// <summary>s ‖x - t‖².</summary>
    public static double SquaredError(double[] x, double[] target, double scale) =>
        scale * Math.Pow((Layout.Vector(x) - Layout.Vector(target)).L2Norm(), 2);

    /// <summary>2 s (x - t).</summary>
    public static double[] SquaredErrorBackward(double[] x, double[] target, double scale) =>
        ((Layout.Vector(x) - Layout.Vector(target)) * (2 * scale)).ToArray();

    /// <summary>
    /// s (‖D_r X‖² + ‖X D_cᵀ‖²) for each channel's plane X, with D the difference matrices, rows (-1, 1).
    /// </summary>
    public static double TotalVariation(double[] x, int height, int width, int channels, double scale)
    {
        double sum = 0;
        for (int c = 0; c < channels; c++)
        {
            Matrix<double> plane = Plane(x, height, width, channels, c);
            if (height > 1) sum += Math.Pow(Difference(height).Multiply(plane).FrobeniusNorm(), 2);
            if (width > 1) sum += Math.Pow(plane.TransposeAndMultiply(Difference(width)).FrobeniusNorm(), 2);
        }

        return scale * sum;
    }

    /// <summary>2 s (D_rᵀ D_r X + X D_cᵀ D_c).</summary>
    public static double[] TotalVariationBackward(double[] x, int height, int width, int channels, double scale)
    {
        double[] dx = new double[x.Length];
        for (int c = 0; c < channels; c++)
        {
            Matrix<double> plane = Plane(x, height, width, channels, c);
            Matrix<double> gradient = Matrix<double>.Build.Dense(height, width);
            if (height > 1) gradient += Difference(height).TransposeThisAndMultiply(Difference(height)).Multiply(plane);
            if (width > 1) gradient += plane.Multiply(Difference(width).TransposeThisAndMultiply(Difference(width)));
            foreach ((int row, int column, double value) in gradient.EnumerateIndexed())
                dx[(((row * width) + column) * channels) + c] = 2 * scale * value;
        }

        return dx;
    }

    private static Matrix<double> Plane(double[] x, int height, int width, int channels, int c) =>
        Matrix<double>.Build.Dense(height, width, (row, column) => x[(((row * width) + column) * channels) + c]);

    private static Matrix<double> Difference(int n) =>
        Matrix<double>.Build.Dense(n - 1, n, (i, j) => j == i ? -1 : j == i + 1 ? 1 : 0);
}
