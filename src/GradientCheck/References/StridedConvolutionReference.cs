using MathNet.Numerics.LinearAlgebra;
using NativeStyle.Kernels.Operators.Convolution;

namespace NativeStyle.GradientCheck.References;

/// <summary>
/// Computes a convolution of any kernel size and stride in double precision as one matrix product. Row p of the patch
/// matrix X holds the K x K x in inputs of window p, so that Y = X W + 1 bᵀ, dW = Xᵀ dY and db = dYᵀ 1. dx
/// collects dX = dY Wᵀ.
/// </summary>
internal static class StridedConvolutionReference
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
        Matrix<double> dPatches = gradient.TransposeAndMultiply(Filter(w, shape));
        double[] dx = new double[shape.InLength];
        ForEachInput(shape, (window, place, source) => dx[source] += dPatches[window, place]);
        return [dx, Layout.Rows(Patches(x, shape).TransposeThisAndMultiply(gradient)), gradient.ColumnSums().ToArray()];
    }

    private static Matrix<double> Filter(double[] w, ConvolutionShape shape) =>
        Layout.Matrix(w, shape.Kernel * shape.Kernel * shape.InChannels, shape.OutChannels);

    private static Matrix<double> Patches(double[] x, ConvolutionShape shape)
    {
        (int windows, int places) = ((int)shape.OutPixels, shape.Kernel * shape.Kernel * shape.InChannels);
        // MathNet keeps column after column.
        double[] patches = new double[windows * places];
        ForEachInput(shape, (window, place, source) => patches[(place * windows) + window] = x[source]);
        return Matrix<double>.Build.Dense(windows, places, patches);
    }

    /// <summary>Calls visit(window, place in the window, index of x) for every input of every window.</summary>
    private static void ForEachInput(ConvolutionShape shape, Action<int, int, int> visit)
    {
        for (int window = 0; window < shape.OutPixels; window++)
        for (int tap = 0; tap < shape.Kernel * shape.Kernel; tap++)
        {
            int row = (window / shape.OutWidth * shape.Stride) + (tap / shape.Kernel);
            int column = (window % shape.OutWidth * shape.Stride) + (tap % shape.Kernel);
            for (int i = 0; i < shape.InChannels; i++)
            {
                int source = (((row * shape.Width) + column) * shape.InChannels) + i;
                visit(window, (tap * shape.InChannels) + i, source);
            }
        }
    }
}
