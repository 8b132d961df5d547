using MathNet.Numerics.LinearAlgebra;

namespace NativeStyle.Style.Tests;

/// <summary>
/// The iterations of sqrtm.py in crowsonkb's style-transfer-pytorch, twelve steps each, in double precision.
/// </summary>
internal static class NewtonSchulz
{
    /// <summary>sqrtm_ns of sqrtm.py.</summary>
    public static Matrix<double> Root(Matrix<double> a)
    {
        double norm = a.FrobeniusNorm();
        Matrix<double> eye = Matrix<double>.Build.DenseIdentity(a.RowCount), y = a / norm, z = eye;
        for (int i = 0; i < 12; i++)
        {
            Matrix<double> t = ((3 * eye) - (z * y)) / 2;
            y *= t;
            z = t * z;
        }

        return y * Math.Sqrt(norm);
    }

    /// <summary>_MatrixSquareRootNSLyap.backward of sqrtm.py.</summary>
    public static Matrix<double> RootBackward(Matrix<double> z, Matrix<double> gradient)
    {
        double norm = z.FrobeniusNorm();
        Matrix<double> eye = Matrix<double>.Build.DenseIdentity(z.RowCount), a = z / norm, q = gradient / norm;
        for (int i = 0; i < 12; i++)
        {
            Matrix<double> t = (3 * eye) - (a * a), transposed = a.Transpose();
            q = ((q * t) - (transposed * ((transposed * q) - (q * a)))) / 2;
            a = a * t / 2;
        }

        return q / 2;
    }
}
