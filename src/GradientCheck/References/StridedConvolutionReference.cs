using MathNet.Numerics.LinearAlgebra;
using NativeStyle.Kernels.Operators.Convolution;

namespace NativeStyle.GradientCheck.References;

/// <summary>
/// Computes a convolution of any kernel size and stride in double precision as one matrix product. Row p of the patch
/// matrix X holds the K x K x in inputs of window p, so that Y = X W + 1 bᵀ, dW = Xᵀ dY and db = dYᵀ 1. dx
/// collects dX = dY Wᵀ. All of it is computed transposed, as in <see cref="ConvolutionReference"/>.
/// </summary>
internal static class StridedConvolutionReference
{
    public static double[] Forward(double[] x, double[] w, double[] b, ConvolutionShape shape)
    {
        double[] product = FilterTransposed(w, shape).Multiply(PatchesTransposed(x, shape)).ToColumnMajorArray();
        return Layout.AddToEachRow(product, b);
    }

    /// <summary>Returns dx, dw and db for the gradient <paramref name="dy"/> of the output.</summary>
    public static double[][] Backward(double[] x, double[] w, double[] dy, ConvolutionShape shape)
    {
        Matrix<double> gradient = Layout.Transpose(dy, (int)shape.OutPixels, shape.OutChannels);
        double[] dPatches = FilterTransposed(w, shape).TransposeThisAndMultiply(gradient).ToColumnMajorArray();
        double[] dx = new double[shape.InLength];
        ForEachRow(shape, (patch, source, length) =>
        {
            for (int i = 0; i < length; i++) dx[source + i] += dPatches[patch + i];
        });
        double[] dw = gradient.TransposeAndMultiply(PatchesTransposed(x, shape)).ToColumnMajorArray();
        return [dx, dw, gradient.RowSums().ToArray()];
    }

    private static Matrix<double> FilterTransposed(double[] w, ConvolutionShape shape) =>
        Layout.Transpose(w, Places(shape), shape.OutChannels);

    /// <summary>Xᵀ: column p is window p.</summary>
    private static Matrix<double> PatchesTransposed(double[] x, ConvolutionShape shape)
    {
        double[] patches = new double[shape.OutPixels * Places(shape)];
        ForEachRow(shape, (patch, source, length) => Array.Copy(x, source, patches, patch, length));
        return Layout.Transpose(patches, (int)shape.OutPixels, Places(shape));
    }

    private static int Places(ConvolutionShape shape) => shape.Kernel * shape.Kernel * shape.InChannels;

    /// <summary>
    /// Calls visit(index of X, index of x, length) for each row of every window, whose pixels lie one after the other
    /// in both.
    /// </summary>
    private static void ForEachRow(ConvolutionShape shape, Action<int, int, int> visit)
    {
        int length = shape.Kernel * shape.InChannels;
        for (int window = 0; window < shape.OutPixels; window++)
        for (int row = 0; row < shape.Kernel; row++)
        {
            (int top, int left) = (window / shape.OutWidth * shape.Stride, window % shape.OutWidth * shape.Stride);
            int source = (((top + row) * shape.Width) + left) * shape.InChannels;
            visit(((window * shape.Kernel) + row) * length, source, length);
        }
    }
}
