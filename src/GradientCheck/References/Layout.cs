using MathNet.Numerics.LinearAlgebra;

namespace NativeStyle.GradientCheck.References;

/// <summary>Converts between the kernels' row-major arrays and MathNet's matrices.</summary>
internal static class Layout
{
    public static Matrix<double> Matrix(double[] rows, int rowCount, int columnCount) =>
        Matrix<double>.Build.DenseOfRowMajor(rowCount, columnCount, rows);

    public static double[] Rows(Matrix<double> matrix) => matrix.ToRowMajorArray();

    public static Vector<double> Vector(double[] values) => Vector<double>.Build.Dense(values);
}
