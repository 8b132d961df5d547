using MathNet.Numerics.LinearAlgebra;
using NativeStyle.Kernels.Operators.Conv3x3;
using NativeStyle.Kernels.Operators.Pool2x2;

namespace NativeStyle.GradientCheck.References;

/// <summary>
/// Computes a 3x3 convolution in double precision as one matrix product. Row p of the patch matrix X holds the 9 x in
/// inputs under the window at pixel p, so that Y = X W + 1 bᵀ, dW = Xᵀ dY and db = dYᵀ 1. dx collects dX = dY
/// Wᵀ. All of it is computed transposed: MathNet keeps column after column, so that an array of rows is the transpose.
/// </summary>
internal static class ConvolutionReference
{
    public static double[] Forward(double[] x, double[] w, double[] b, Conv3x3Shape shape)
    {
        Matrix<double> product =
            Layout.Transpose(w, 9 * shape.InChannels, shape.OutChannels).Multiply(PatchesTransposed(x, shape));
        return Layout.AddToEachRow(product.ToColumnMajorArray(), b);
    }

    /// <summary>Returns dx, dw and db for the gradient <paramref name="dy"/> of the output.</summary>
    public static double[][] Backward(double[] x, double[] w, double[] dy, Conv3x3Shape shape)
    {
        Matrix<double> dz = Layout.Transpose(dy, (int)shape.Pixels, shape.OutChannels);
        double[] dPatches = Layout.Transpose(w, 9 * shape.InChannels, shape.OutChannels)
            .TransposeThisAndMultiply(dz).ToColumnMajorArray();
        double[] dx = new double[shape.InLength];
        ForEachTap(shape, (pixel, tap, source) =>
        {
            Span<double> to = dx.AsSpan(source * shape.InChannels, shape.InChannels);
            Span<double> from = dPatches.AsSpan(((pixel * 9) + tap) * shape.InChannels, shape.InChannels);
            for (int i = 0; i < to.Length; i++) to[i] += from[i];
        });
        return
        [
            dx, dz.TransposeAndMultiply(PatchesTransposed(x, shape)).ToColumnMajorArray(), dz.RowSums().ToArray(),
        ];
    }

    /// <summary>Applies what follows the convolution: nothing, ReLU, or ReLU and pooling.</summary>
    public static double[] End(double[] z, Conv3x3Shape shape)
    {
        if (!shape.Relu) return z;
        double[] y = VectorReference.Relu(z);
        return shape.Pooling switch
        {
            Pooling.Average => PoolReference.Average(y, shape.PoolShape),
            Pooling.Max => PoolReference.Max(y, shape.PoolShape),
            _ => y,
        };
    }

    /// <summary>Returns dz for the gradient <paramref name="dy"/> of <see cref="End"/>'s result.</summary>
    public static double[] EndBackward(double[] z, double[] dy, Conv3x3Shape shape)
    {
        if (!shape.Relu) return dy;
        double[] y = VectorReference.Relu(z);
        double[] gradient = shape.Pooling switch
        {
            Pooling.Average => PoolReference.AverageBackward(y, dy, shape.PoolShape),
            Pooling.Max => PoolReference.MaxBackward(y, dy, shape.PoolShape),
            _ => dy,
        };
        return VectorReference.ReluBackward(z, gradient);
    }

    /// <summary>Xᵀ: column p is the window at pixel p.</summary>
    private static Matrix<double> PatchesTransposed(double[] x, Conv3x3Shape shape)
    {
        double[] patches = new double[shape.Pixels * 9 * shape.InChannels];
        ForEachTap(shape, (pixel, tap, source) => Array.Copy(
            x, source * shape.InChannels, patches, ((pixel * 9) + tap) * shape.InChannels, shape.InChannels));
        return Layout.Transpose(patches, (int)shape.Pixels, 9 * shape.InChannels);
    }

    /// <summary>
    /// Calls visit(pixel, tap, source pixel) for every tap except those on zeros outside the picture.
    /// </summary>
    private static void ForEachTap(Conv3x3Shape shape, Action<int, int, int> visit)
    {
        for (int row = 0; row < shape.Height; row++)
        for (int column = 0; column < shape.Width; column++)
        for (int tap = 0; tap < 9; tap++)
        {
            (int y, int x) = (row + (tap / 3) - 1, column + (tap % 3) - 1);
            bool inside = y >= 0 && y < shape.Height && x >= 0 && x < shape.Width;
            if (!inside && shape.Padding == Padding.Zero) continue;
            (y, x) = (Math.Clamp(y, 0, shape.Height - 1), Math.Clamp(x, 0, shape.Width - 1));
            visit((row * shape.Width) + column, tap, (y * shape.Width) + x);
        }
    }
}
