using MathNet.Numerics.LinearAlgebra;

namespace NativeStyle.GradientCheck.References;

/// <summary>Converts between the kernels' row-major arrays and MathNet's matrices.</summary>
internal static class Layout
{
    public static Matrix<double> Matrix(double[] rows, int rowCount, int columnCount) =>
        Matrix<double>.Build.DenseOfRowMajor(rowCount, columnCount, rows);

    /// <summary>
    /// The transpose of a matrix of rows, which is what MathNet takes an array of rows for. It copies nothing.
    /// </summary>
    public static Matrix<double> Transpose(double[] rows, int rowCount, int columnCount) =>
        Matrix<double>.Build.Dense(columnCount, rowCount, rows);

    /// <summary>Adds a vector to each row, in place.</summary>
    public static double[] AddToEachRow(double[] rows, double[] vector)
    {
        for (int i = 0; i < rows.Length; i++) rows[i] += vector[i % vector.Length];
        return rows;
    }

    public static double[] Rows(Matrix<double> matrix) => matrix.ToRowMajorArray();

    public static Vector<double> Vector(double[] values) => Vector<double>.Build.Dense(values);
}
