using MathNet.Numerics.LinearAlgebra;

namespace NativeStyle.Compression;

/// <summary>
/// The linear map from a student's channels to the teacher's at each position, T ≈ S Aᵀ, by least squares. It has no constant
/// term: outside the picture a convolution sees zeros, which such a map restores to the teacher's zeros, so that a fold into
/// the next kernels is exact at the borders too. (With one, errors of VGG-19's layers to conv3_4 on half the channels were
/// 3 % smaller to 10 % larger; in the outer two pixels all were larger.)
/// </summary>
internal static class RestoringMap
{
    /// <summary>A, (outputs, channels), that minimises the squared error.</summary>
    /// <param name="power">SᵀS, positive definite.</param>
    /// <param name="cross">SᵀT.</param>
    public static Matrix<double> Fit(Matrix<double> power, Matrix<double> cross)
    {
        // Channels of unit power: their scales differ by orders of magnitude, and the factorisation need not know.
        Vector<double> scale = power.Diagonal().Map(value => 1 / Math.Sqrt(value));
        Matrix<double> scales = Matrix<double>.Build.DiagonalOfDiagonalVector(scale);
        return (scales * (scales * power * scales).Cholesky().Solve(scales * cross)).Transpose();
    }

    /// <summary>The squared error of T ≈ S Aᵀ, summed over positions and outputs.</summary>
    /// <param name="map">A.</param>
    /// <param name="target">TᵀT.</param>
    public static double SquaredError(Matrix<double> map, Matrix<double> power, Matrix<double> cross, Matrix<double> target)
    {
        double restored = (map * power).PointwiseMultiply(map).RowSums().Sum(), common = map.PointwiseMultiply(cross.Transpose()).RowSums().Sum();
        return Math.Max(0, target.Trace() - (2 * common) + restored);
    }

    /// <summary>A layer's kernels as they see the restored map: W[o] A, (3, 3, channels, out).</summary>
    /// <param name="kernel">W, (3, 3, outputs of A, out).</param>
    /// <param name="map">A.</param>
    public static float[] Fold(float[] kernel, Matrix<double> map)
    {
        (int inputs, int channels) = (map.RowCount, map.ColumnCount);
        int filters = kernel.Length / 9 / inputs;
        float[] folded = new float[9 * channels * filters];
        for (int tap = 0; tap < 9; tap++)
        {
            Matrix<double> ofTap = Matrix<double>.Build.Dense(inputs, filters, (i, o) => kernel[(((tap * inputs) + i) * filters) + o]);
            Matrix<double> seen = map.TransposeThisAndMultiply(ofTap);
            for (int k = 0; k < channels; k++)
                for (int o = 0; o < filters; o++) folded[(((tap * channels) + k) * filters) + o] = (float)seen[k, o];
        }

        return folded;
    }
}
