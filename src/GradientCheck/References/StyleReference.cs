using MathNet.Numerics.LinearAlgebra;
using NativeStyle.Kernels.Operators.TotalVariation;

namespace NativeStyle.GradientCheck.References;

/// <summary>Computes Gram matrix and losses in double precision.</summary>
internal static class StyleReference
{
    /// <summary>G = s Fᵀ F.</summary>
    public static double[] Gram(double[] f, int pixels, int channels, double scale)
    {
        Matrix<double> transpose = Layout.Transpose(f, pixels, channels);
        return Layout.Rows(transpose.TransposeAndMultiply(transpose) * scale);
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

    /// <summary>The mean of each channel: Fᵀ 1 / pixels.</summary>
    public static double[] ChannelMean(double[] f, int pixels, int channels) =>
        (Layout.Matrix(f, pixels, channels).ColumnSums() / pixels).ToArray();

    /// <summary>dF = 1 dmᵀ / pixels.</summary>
    public static double[] ChannelMeanBackward(double[] dm, int pixels, int channels) =>
        Layout.Rows(Matrix<double>.Build.Dense(pixels, channels, (_, c) => dm[c] / pixels));

    /// <summary>diag(t) F.</summary>
    public static double[] Guide(double[] f, double[] t, int channels) =>
        Layout.Rows(Matrix<double>.Build.DiagonalOfDiagonalArray(t) * Layout.Matrix(f, t.Length, channels));

    /// <summary>
    /// Returns s / n (‖m - m'‖² + tr(C' + C - 2 (C'^½ C C'^½)^½)) for a feature map's mean and covariance, and
    /// its gradient with respect to the feature map. The roots are computed from eigenvalues.
    /// </summary>
    public static (double Loss, double[] Gradient) Wasserstein(
        double[] f, int pixels, int channels, double[] targetMean, double[] targetMoment, double epsilon, double scale)
    {
        Matrix<double> features = Layout.Matrix(f, pixels, channels);
        Matrix<double> stabiliser = Matrix<double>.Build.DenseIdentity(channels) * epsilon;
        Matrix<double> identity = Matrix<double>.Build.DenseIdentity(channels);
        Vector<double> mean = features.ColumnSums() / pixels, expected = Layout.Vector(targetMean);
        Matrix<double> moment = features.TransposeThisAndMultiply(features) / pixels;
        Matrix<double> covariance = moment - mean.OuterProduct(mean) + stabiliser;
        Matrix<double> target =
            Layout.Matrix(targetMoment, channels, channels) - expected.OuterProduct(expected) + stabiliser;
        Matrix<double> root = Power(target, 0.5), inner = root * covariance * root;
        double trace = (target + covariance - (2 * Power(inner, 0.5))).Trace();
        double loss = scale / channels * (Math.Pow((mean - expected).L2Norm(), 2) + trace);
        Matrix<double> dCovariance = scale / channels * (identity - (root * Power(inner, -0.5) * root));
        Vector<double> dMean = (2 * scale / channels * (mean - expected)) - (2 * dCovariance * mean);
        Matrix<double> gradient = (features * (dCovariance + dCovariance.Transpose()) / pixels)
            + Matrix<double>.Build.Dense(pixels, channels, (_, c) => dMean[c] / pixels);
        return (loss, Layout.Rows(gradient));
    }

    /// <summary>
    /// Returns the weighted sum of φ of neighbour differences, and its gradient. It follows the definition: the
    /// picture is padded by one pixel on each side, which repeats the border.
    /// </summary>
    public static (double Loss, double[] Gradient) TotalVariation(
        double[] x, int height, int width, int channels, VariationWeights weights)
    {
        double loss = 0;
        double[] gradient = new double[x.Length];
        for (int c = 0; c < channels; c++)
        {
            for (int row = 0; row <= height; row++)
            for (int column = 0; column <= width; column++)
            {
                // Go through windows of the padded picture: (row, column) is the lower right pixel, in the picture's
                // coordinates.
                bool inside = row < height && column < width;
                bool inner = weights.Border == VariationBorder.All || (row < height - 1 && column < width - 1);
                if (inside && inner)
                {
                    Add(row, column, row, column + 1, weights.Across);
                    Add(row, column, row + 1, column, weights.Down);
                }

                Add(row - 1, column - 1, row, column, weights.Diagonal);
                Add(row - 1, column, row, column - 1, weights.Diagonal);
            }

            void Add(int fromRow, int fromColumn, int toRow, int toColumn, double weight)
            {
                (int from, int to) = (At(fromRow, fromColumn), At(toRow, toColumn));
                double difference = x[to] - x[from];
                bool absolute = weights.Norm == VariationNorm.Absolute;
                loss += weight * (absolute ? Math.Abs(difference) : difference * difference);
                double slope = weight * (absolute ? Math.Sign(difference) : 2 * difference);
                gradient[to] += slope;
                gradient[from] -= slope;
            }

            int At(int row, int column) =>
                (((Math.Clamp(row, 0, height - 1) * width) + Math.Clamp(column, 0, width - 1)) * channels) + c;
        }

        return (loss, gradient);
    }

    /// <summary>Raises a symmetric positive matrix to a power by its eigenvalues.</summary>
    public static Matrix<double> Power(Matrix<double> matrix, double exponent)
    {
        MathNet.Numerics.LinearAlgebra.Factorization.Evd<double> evd = matrix.Evd(Symmetricity.Symmetric);
        Matrix<double> powers = Matrix<double>.Build.DenseOfDiagonalVector(
            evd.EigenValues.Map(value => Math.Pow(Math.Max(value.Real, 1e-300), exponent)));
        return evd.EigenVectors * powers * evd.EigenVectors.Transpose();
    }
}
