using MathNet.Numerics.LinearAlgebra;
using NativeStyle.Autodiff;
using NativeStyle.GradientCheck.References;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Operators.Wasserstein;
using NativeStyle.Style.Tests;

namespace NativeStyle.GradientCheck.Tests;

/// <summary>
/// The Wasserstein loss where float32 may fail: fewer pixels than channels, eigenvalues over many decades, means of a
/// hundred deviations. The reference has the same twelve steps for each root, in double precision, because they are
/// part of the loss. Errors are relative to the loss and to the largest element of the gradient.
/// </summary>
public class WassersteinTests
{
    /// <summary>
    /// A covariance of float32 is off by 1e-7 of its largest eigenvalue. Twelve steps enlarge small eigenvalues, and
    /// their errors, by up to 1.5¹² = 130.
    /// </summary>
    private const double Tolerance = 1e-4;

    public static TheoryData<string, string> DevicesAndData()
    {
        var data = new TheoryData<string, string>();
        foreach (string device in new[] { "cpu", "cpu-256", "cpu-128", "cpu-kernels" })
            foreach (string name in s_data.Keys) data.Add(device, name);
        return data;
    }

    /// <summary>Data, and the tolerance of the gradient; five times that of the loss.</summary>
    private static readonly Dictionary<string, (double[] Features, double[] Target, int Channels, double Tolerance)>
        s_data = new()
        {
            ["few pixels"] = (Noise(1, 20, 64), Noise(2, 24, 64, 0.7, 0.3), 64, Tolerance),
            ["few pixels, target of many"] = (Noise(3, 20, 64), Noise(4, 300, 64, 0.7, 0.3), 64, Tolerance),
            ["many pixels, target of few"] = (Noise(5, 300, 64), Noise(6, 20, 64, 0.7, 0.3), 64, Tolerance),
            ["one pixel"] = (Noise(7, 1, 17), Noise(8, 1, 17), 17, Tolerance),
            ["spread spectrum"] = (Spread(9, 600, 40, 4), Spread(10, 600, 40, 4), 40, Tolerance),
            ["spread spectrum, little overlap"] = (Spread(11, 600, 40, 2), Spread(12, 90, 40, 3), 40, Tolerance),
            ["mean 100 deviations"] =
                (Noise(13, 700, 40, 1.7, 100), Noise(14, 700, 40, 1, 100), 40, Tolerance),
            ["means 30 deviations apart"] =
                (Noise(15, 700, 40, 1.7, 100), Noise(16, 700, 40, 1, 70), 40, Tolerance),
            ["few pixels, amplitude 30"] = (Noise(17, 16, 48, 30), Noise(18, 500, 48, 30), 48, Tolerance),
            ["equal distributions"] = (Noise(19, 100, 24), Noise(19, 100, 24), 24, double.NaN),
            ["channels that never vary"] = (Constant(20, 60, 20), Constant(21, 60, 20), 20, Tolerance),
        };

    [Theory]
    [MemberData(nameof(DevicesAndData))]
    public void LossAndGradientAreThoseOfDoublePrecision(string name, string data)
    {
        using ComputeDevice device = TestDevice.Open(name);
        Check(device, data);
    }

    [SkippableFact]
    [Trait("Device", "OpenCl")]
    public void SoTheyAreOnOpenCl()
    {
        using ComputeDevice device = TestDevice.OpenCl();
        foreach (string data in s_data.Keys) Check(device, data);
    }

    [Fact]
    public void NotANumberPasses()
    {
        using var cpu = new CpuDevice(2);
        float[] values = Array.ConvertAll(Noise(1, 30, 6), v => (float)v), broken = [.. values];
        broken[7] = float.NaN;
        (float loss, float[] gradient) = Run(cpu, broken, values, 6);
        Assert.True(float.IsNaN(loss));
        Assert.Contains(gradient, float.IsNaN);
        (loss, _) = Run(cpu, values, broken, 6);
        Assert.True(float.IsNaN(loss));
    }

    private static void Check(ComputeDevice device, string data)
    {
        (double[] features, double[] target, int n, double tolerance) = s_data[data];
        int pixels = features.Length / n;
        (double loss, double[] gradient) = Reference(Map(features, n), Map(target, n));
        (float value, float[] actual) = Run(
            device, Array.ConvertAll(features, v => (float)v), Array.ConvertAll(target, v => (float)v), n);
        double largest = gradient.Max(Math.Abs), worst = gradient.Zip(actual, (a, b) => Math.Abs(a - b)).Max();
        if (double.IsNaN(tolerance))
        {
            // Loss and gradient are zero but for rounding of the variance of 1/3, and of features of 1.
            Assert.Equal(0, value, 1e-6);
            Assert.True(worst < 1e-5 / pixels, $"{data}: {worst}");
            return;
        }

        Assert.True(
            Math.Abs(value - loss) <= tolerance / 5 * loss && worst <= tolerance * largest,
            $"{data} on {device.Name}: loss off by {Math.Abs(value - loss) / loss:g3}, gradient {worst / largest:g3}");
    }

    /// <summary>
    /// As <see cref="StyleReference.Wasserstein"/>, from centred maps, with the roots of twelve steps.
    /// </summary>
    private static (double Loss, double[] Gradient) Reference(Matrix<double> f, Matrix<double> target)
    {
        int n = f.ColumnCount;
        Matrix<double> identity = Matrix<double>.Build.DenseIdentity(n);
        (Vector<double> mean, Matrix<double> centred, Matrix<double> covariance) = Moments(f);
        (Vector<double> goal, _, Matrix<double> there) = Moments(target);
        Matrix<double> half = NewtonSchulz.Root(there), root = NewtonSchulz.Root(half * covariance * half);
        double trace = (there + covariance - (2 * root)).Trace();
        Matrix<double> inverse = 2 * NewtonSchulz.RootBackward(root, identity);
        Matrix<double> slope = identity - (half * inverse * half);
        Matrix<double> gradient = centred * (slope + slope.Transpose());
        for (int p = 0; p < f.RowCount; p++) gradient.SetRow(p, gradient.Row(p) + (2 * (mean - goal)));
        gradient /= (double)n * f.RowCount;
        return ((Math.Pow((mean - goal).L2Norm(), 2) + trace) / n, gradient.ToRowMajorArray());

        (Vector<double> Mean, Matrix<double> Centred, Matrix<double> Covariance) Moments(Matrix<double> map)
        {
            Vector<double> average = map.ColumnSums() / map.RowCount;
            Matrix<double> deviations = Matrix<double>.Build.Dense(map.RowCount, n, (p, c) => map[p, c] - average[c]);
            Matrix<double> moment = deviations.TransposeThisAndMultiply(deviations) / map.RowCount;
            return (average, deviations, moment + (identity * WassersteinOp.Epsilon));
        }
    }

    private static Matrix<double> Map(double[] values, int channels) =>
        Matrix<double>.Build.Dense(values.Length / channels, channels, (p, c) => values[(p * channels) + c]);

    private static (float Loss, float[] Gradient) Run(ComputeDevice device, float[] features, float[] target, int n)
    {
        using var map = new Tensor(device, new Shape(1, features.Length / n, n), features, true);
        using var tape = new Tape(device);
        Tensor loss = OperatorCases.Wasserstein(tape, map, target, 1f);
        tape.Backward(loss);
        return (loss.ToArray()[0], map.GradientToArray());
    }

    private static double[] Noise(int seed, int pixels, int channels, double size = 1, double mean = 0)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, pixels * channels)
            .Select(_ => (double)(float)(mean + (size * ((2 * random.NextDouble()) - 1))))];
    }

    /// <summary>Noise whose deviations fall by powers of ten along the axes of a random frame.</summary>
    private static double[] Spread(int seed, int pixels, int channels, double decades)
    {
        double[] noise = Noise(seed, pixels, channels), frame = Noise(seed + 100, channels, channels);
        Matrix<double> axes = Matrix<double>.Build
            .Dense(channels, channels, (i, j) => frame[(i * channels) + j]).QR().Q;
        double[] values = new double[noise.Length];
        for (int p = 0; p < pixels; p++)
        {
            for (int k = 0; k < channels; k++)
            {
                double along = noise[(p * channels) + k] * Math.Pow(10, -decades * k / channels);
                for (int c = 0; c < channels; c++) values[(p * channels) + c] += along * axes[k, c];
            }
        }

        return Array.ConvertAll(values, v => (double)(float)v);
    }

    /// <summary>Noise in even channels; the odd ones are constant, as units that are dead.</summary>
    private static double[] Constant(int seed, int pixels, int channels) =>
        [.. Noise(seed, pixels, channels).Select((v, i) => i % channels % 2 == 0 ? v : 0.0)];
}
