using MathNet.Numerics.LinearAlgebra;
using NativeStyle.Kernels.Operators.MatrixProduct;

namespace NativeStyle.GradientCheck.References;

/// <summary>Batched matrix products in double precision.</summary>
internal static class ProductReference
{
    /// <summary>Returns beta C + alpha A B of every batch, one after the other.</summary>
    public static double[] Multiply(double[] a, double[] b, double[] c, MultiplyShape shape, double alpha, double beta)
    {
        double[] result = [.. c];
        for (int z = 0; z < shape.Batches; z++)
        {
            int depth = Math.Min(shape.Depth, shape.TotalDepth - (z * shape.Depth)), batch = z;
            Matrix<double> left = Matrix<double>.Build.Dense(
                shape.Rows, depth, (m, k) => a[(batch * shape.ABatch) + (m * shape.ARow) + (k * shape.AStep)]);
            Matrix<double> right = Matrix<double>.Build.Dense(
                depth, shape.Columns, (k, n) => b[(batch * shape.BBatch) + (k * shape.BRow) + n]);
            Matrix<double> before = Matrix<double>.Build.Dense(
                shape.Rows, shape.Columns, (m, n) => c[(batch * shape.CBatch) + (m * shape.Columns) + n]);
            Layout.Rows((before * beta) + (left * right * alpha)).CopyTo(result, batch * shape.CBatch);
        }

        return result;
    }
}
