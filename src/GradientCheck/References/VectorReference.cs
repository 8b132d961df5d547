using MathNet.Numerics.LinearAlgebra;
using NativeStyle.Kernels.Operators.Adam;

namespace NativeStyle.GradientCheck.References;

/// <summary>Computes vector operations, Adam, ReLU and pixel transforms in double precision.</summary>
internal static class VectorReference
{
    public static double[] Relu(double[] x) => Layout.Vector(x).PointwiseMaximum(0).ToArray();

    public static double[] ReluBackward(double[] x, double[] dy)
    {
        Vector<double> slope = Layout.Vector(x).Map(value => value > 0 ? 1.0 : 0.0, Zeros.Include);
        return Layout.Vector(dy).PointwiseMultiply(slope).ToArray();
    }

    public static double Sum(double[] x) => Layout.Vector(x).Sum();

    public static double Dot(double[] a, double[] b) => Layout.Vector(a).DotProduct(Layout.Vector(b));

    public static double Norm(double[] x) => Layout.Vector(x).L2Norm();

    public static double[] Axpy(double[] y, double[] x, double factor) =>
        (Layout.Vector(y) + (Layout.Vector(x) * factor)).ToArray();

    public static double[] Lerp(double[] y, double[] x, double amount) =>
        ((Layout.Vector(y) * (1 - amount)) + (Layout.Vector(x) * amount)).ToArray();

    /// <summary>Returns w g / (‖g‖₁ + w ε).</summary>
    public static double[] NormalizeGradient(double[] g, double weight) =>
        (Layout.Vector(g) * (weight / (Layout.Vector(g).L1Norm() + (weight * 1e-8)))).ToArray();

    public static double[] Normalize(double[] pixels, double[] scale, double[] mean) =>
        Layout.Rows(
            (Layout.Matrix(pixels, pixels.Length / 3, 3) * Matrix<double>.Build.DiagonalOfDiagonalArray(scale))
            - Matrix<double>.Build.Dense(pixels.Length / 3, 3, (_, channel) => mean[channel]));

    /// <summary>Returns x, m and v after one step, one after the other.</summary>
    public static double[] AdamStep(double[] x, double[] g, double[] m, double[] v, AdamSettings settings, int step)
    {
        (double beta1, double beta2) = (settings.Beta1, settings.Beta2);
        Vector<double> gradient = Layout.Vector(g);
        Vector<double> mean = (Layout.Vector(m) * beta1) + (gradient * (1 - beta1));
        Vector<double> square = (Layout.Vector(v) * beta2) + (gradient.PointwisePower(2) * (1 - beta2));
        Vector<double> correctedMean = mean / (1 - Math.Pow(beta1, step));
        Vector<double> correctedRoot = (square / (1 - Math.Pow(beta2, step))).PointwiseSqrt();
        Vector<double> moved = Layout.Vector(x)
            - (correctedMean.PointwiseDivide(correctedRoot + settings.Epsilon) * settings.LearningRate);
        return [.. moved, .. mean, .. square];
    }
}
