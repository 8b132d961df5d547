using MathNet.Numerics.LinearAlgebra;
using NativeStyle.Kernels.Operators.Convolution;

namespace NativeStyle.GradientCheck.References;

/// <summary>
/// Computes a convolution without padding in double precision as one matrix product. Row p of the patch matrix X holds
/// the K x K x in inputs of window p, so that Y = X W + 1 bᵀ, dW = Xᵀ dY and db = dYᵀ 1. dx collects dX = dY Wᵀ.
/// </summary>
public static class ValidConvolutionReference
{
    public static double[] Forward(double[] x, double[] w, double[] b, ConvolutionShape shape)
    {
        Matrix<double> bias = Matrix<double>.Build.Dense((int)shape.OutPixels, shape.OutChannels, (_, o) => b[o]);
        return Layout.Rows(Patches(x, shape).Multiply(Filter(w, shape)) + bias);
    }

    /// <summary>Returns dx, dw and db for the gradient <paramref name="dy"/> of the output.</summary>
    public static double[][] Backward(double[] x, double[] w, double[] dy, ConvolutionShape shape)
    {
        Matrix<double> gradient = Layout.Matrix(dy, (int)shape.OutPixels, shape.OutChannels);
        Matrix<double> gradPatches = gradient.TransposeAndMultiply(Filter(w, shape));
        double[] dx = new double[shape.InLength];
        ForEachInput(shape, (pixel, place, input) => dx[input] += gradPatches[pixel, place]);
        return
        [
            dx, Layout.Rows(Patches(x, shape).TransposeThisAndMultiply(gradient)), gradient.ColumnSums().ToArray(),
        ];
    }

    private static Matrix<double> Filter(double[] w, ConvolutionShape shape) =>
        Layout.Matrix(w, shape.Kernel * shape.Kernel * shape.InChannels, shape.OutChannels);

    private static Matrix<double> Patches(double[] x, ConvolutionShape shape)
    {
        int places = shape.Kernel * shape.Kernel * shape.InChannels;
        Matrix<double> patches = Matrix<double>.Build.Dense((int)shape.OutPixels, places);
        ForEachInput(shape, (pixel, place, input) => patches[pixel, place] = x[input]);
        return patches;
    }

    /// <summary>Calls visit(output pixel, place in its window, index of the input there).</summary>
    private static void ForEachInput(ConvolutionShape shape, Action<int, int, int> visit)
    {
        for (int row = 0; row < shape.OutHeight; row++)
        for (int column = 0; column < shape.OutWidth; column++)
        for (int ky = 0; ky < shape.Kernel; ky++)
        for (int kx = 0; kx < shape.Kernel; kx++)
        for (int i = 0; i < shape.InChannels; i++)
        {
            int input = (((row * shape.Stride) + ky) * shape.Width) + (column * shape.Stride) + kx;
            visit(
                (row * shape.OutWidth) + column, (((ky * shape.Kernel) + kx) * shape.InChannels) + i,
                (input * shape.InChannels) + i);
        }
    }
}
