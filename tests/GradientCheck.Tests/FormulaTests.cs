using MathNet.Numerics.LinearAlgebra;
using NativeStyle.GradientCheck.References;
using NativeStyle.Kernels.Operators.Conv3x3;

namespace NativeStyle.GradientCheck.Tests;

/// <summary>
/// Formulas of docs/math.md that no comparison of an operator with its reference covers, in double precision. Where the
/// numbers are small integers, both sides must be the same number.
/// </summary>
public class FormulaTests
{
    private readonly Random _random = new(1);

    /// <summary>dx is a convolution of dy with the kernel turned by 180° and its channels exchanged.</summary>
    [Fact]
    public void BackwardOfAConvolutionIsAConvolution()
    {
        var shape = new Conv3x3Shape(5, 6, 2, 3);
        double[] w = Integers(9 * 2 * 3), dy = Integers(5 * 6 * 3);
        double[] dx = ConvolutionReference.Backward(Integers(5 * 6 * 2), w, dy, shape)[0];
        double[] turned = [.. Enumerable.Range(0, 9).SelectMany(s => Enumerable.Range(0, 3).SelectMany(o =>
            Enumerable.Range(0, 2).Select(i => w[((((8 - s) * 2) + i) * 3) + o])))];
        var back = new Conv3x3Shape(5, 6, 3, 2);
        Assert.Equal(dx, ConvolutionReference.Forward(dy, turned, new double[2], back));
    }

    /// <summary>The sum of squares of a whole from those of its pieces, without another look at the pieces.</summary>
    [Fact]
    public void MomentsOfPiecesGiveThoseOfTheWhole()
    {
        // Sums that are multiples of the counts, so that all means are integers.
        double[][] pieces = [[1, 3, 5, 7], [10, 20], [-4, 2, 8, 2, 2, 2, 2, 10]];
        double[] whole = [.. pieces.SelectMany(piece => piece)];
        double n = whole.Length, m = pieces.Sum(piece => piece.Length * piece.Average()) / n;
        Assert.Equal(whole.Average(), m, 1e-14);
        double combined = pieces.Sum(piece =>
            piece.Sum(x => Math.Pow(x - piece.Average(), 2)) + (piece.Length * Math.Pow(piece.Average() - m, 2)));
        Assert.Equal(whole.Sum(x => Math.Pow(x - m, 2)), combined, 1e-11);
    }

    /// <summary>Σ b ‖G - A_b‖² - ‖G - Σ b A_b‖² does not depend on G, for weights with Σ b = 1.</summary>
    [Fact]
    public void TheMeanOfStylesHasTheGradientOfTheMeanOfTheLosses()
    {
        double[] weights = [0.5, 0.25, 0.25];
        double[][] styles = [Integers(16), Integers(16), Integers(16)];
        double[] mean = [.. Enumerable.Range(0, 16).Select(i => weights.Select((b, k) => b * styles[k][i]).Sum())];
        static double Square(double[] a, double[] b) => a.Zip(b, (x, y) => (x - y) * (x - y)).Sum();
        double Difference(double[] g) => weights.Select((b, k) => b * Square(g, styles[k])).Sum() - Square(g, mean);
        double[] constants = [.. Enumerable.Range(0, 5).Select(_ => Difference(Integers(16)))];
        Assert.All(constants, constant => Assert.Equal(constants[0], constant));
        Assert.True(constants[0] > 0);
    }

    /// <summary>d tr (S C S)^½ = ½ tr(S R^-1 S δC), by central differences over symmetric changes of C.</summary>
    [Fact]
    public void TheTraceOfARootHasThatDerivative()
    {
        Matrix<double> c = Positive(5), s = Root(Positive(5)), r = Root(s * c * s), by = s * r.Inverse() * s / 2;
        for (int i = 0; i < 5; i++)
        {
            for (int j = 0; j <= i; j++)
            {
                Matrix<double> change = Matrix<double>.Build.Dense(5, 5);
                change[i, j] = change[j, i] = 1e-5;
                double difference = (Root(s * (c + change) * s).Trace() - Root(s * (c - change) * s).Trace()) / 2;
                Assert.Equal((by * change).Trace(), difference, 1e-12);
            }
        }
    }

    /// <summary>
    /// Newton and Schulz's steps T = (3 I - Z Y) / 2 take an eigenvalue λ of Z Y to λ (3 - λ)² / 4. After twelve of
    /// them the root of an eigenvalue of 10⁻³ is off by 10⁻⁶, that of 10⁻⁴ by 11 %, and that of 10⁻⁵ by more than half.
    /// </summary>
    [Fact]
    public void TwelveStepsReachEigenvaluesOfAThousandth()
    {
        foreach ((double start, double least, double most) in
            new[] { (1e-5, 0.5, 1), (1e-4, 0.10, 0.11), (1e-3, 1e-7, 2e-6), (0.01, 0, 1e-12), (1, 0, 1e-12) })
        {
            double y = start, z = 1, lambda = start;
            for (int step = 0; step < 12; step++)
            {
                double t = (3 - (z * y)) / 2;
                (y, z) = (y * t, t * z);
                lambda = lambda * Math.Pow(3 - lambda, 2) / 4;
                Assert.Equal(lambda, z * y, 1e-12);
            }

            Assert.InRange(Math.Abs(1 - (y / Math.Sqrt(start))), least, most);
        }

        double small = 1e-9 * Math.Pow(3 - 1e-9, 2) / 4;
        Assert.Equal(9.0 / 4, small / 1e-9, 1e-6);
    }

    /// <summary>
    /// The central difference of a function with a kink at the distance a, with slopes p before it and p + J behind it.
    /// All numbers are binary fractions, so both sides are exact.
    /// </summary>
    [Theory]
    [InlineData(0)]
    [InlineData(0.125)]
    [InlineData(0.5)]
    public void AtAKinkADifferenceIsOffByAShareOfTheJump(double a)
    {
        const double Slope = 0.75, Jump = 2.5;
        double F(double x) => (Slope * x) + (Jump * Math.Max(0, x - a));
        for (double h = 2; h >= 1.0 / 64; h /= 2)
        {
            double expected = Slope + (h > a ? Jump * (h - a) / (2 * h) : 0);
            Assert.Equal(expected, (F(h) - F(-h)) / (2 * h));
            if (a == 0) Assert.Equal(Slope + (Jump / 2), expected);
        }
    }

    /// <summary>The h that makes h² |f'''| / 6 + ε |f| / h least.</summary>
    [Fact]
    public void TheBestStepIsTheCubeRootOfThreeEpsilon()
    {
        const double Epsilon = 1e-16, F = 3, Third = 0.2;
        double Error(double h) => (h * h * Third / 6) + (Epsilon * F / h);
        double best = Math.Cbrt(3 * Epsilon * F / Third);
        Assert.All(new[] { 0.98, 1.02 }, factor => Assert.True(Error(best) < Error(factor * best)));
        Assert.Equal(0, (best * Third / 3) - (Epsilon * F / (best * best)), 1e-9 * best * Third);
    }

    /// <summary>m is a weighted sum of gradients whose weights add up to 1 - βᵗ.</summary>
    [Fact]
    public void AdamsWeightsAddUp()
    {
        const double Beta = 0.875;
        double m = 0;
        for (int t = 1; t <= 30; t++)
        {
            m = (Beta * m) + ((1 - Beta) * 1);
            Assert.Equal(1 - Math.Pow(Beta, t), m, 1e-15);
        }
    }

    /// <summary>
    /// BFGS's update is symmetric and positive and maps y to s, and the two-loop recursion multiplies by it.
    /// </summary>
    [Fact]
    public void TheUpdateMapsYToSAndTheTwoLoopsMultiplyByIt()
    {
        const int N = 6;
        Matrix<double> hessian = Positive(N), eye = Matrix<double>.Build.DenseIdentity(N);
        Vector<double>[] s = [.. Enumerable.Range(0, 3).Select(_ => Vector<double>.Build.Dense(Integers(N)))];
        Vector<double>[] y = [.. s.Select(step => hessian * step)];
        double gamma = s[^1].DotProduct(y[^1]) / y[^1].DotProduct(y[^1]);
        Matrix<double> h = gamma * eye;
        for (int k = 0; k < s.Length; k++)
        {
            double rho = 1 / s[k].DotProduct(y[k]);
            h = ((eye - (rho * s[k].OuterProduct(y[k]))) * h * (eye - (rho * y[k].OuterProduct(s[k]))))
                + (rho * s[k].OuterProduct(s[k]));
            Assert.True((h - h.Transpose()).L2Norm() < 1e-10 * h.L2Norm());
            Assert.True(h.Evd().EigenValues.All(value => value.Real > 0));
            Assert.True(((h * y[k]) - s[k]).L2Norm() < 1e-9 * s[k].L2Norm());
        }

        // Algorithm 7.4 of Nocedal and Wright.
        Vector<double> g = Vector<double>.Build.Dense(Integers(N)), q = g;
        double[] alpha = new double[s.Length];
        for (int k = s.Length - 1; k >= 0; k--)
        {
            alpha[k] = s[k].DotProduct(q) / s[k].DotProduct(y[k]);
            q -= alpha[k] * y[k];
        }

        Vector<double> r = gamma * q;
        for (int k = 0; k < s.Length; k++)
            r += s[k] * (alpha[k] - (y[k].DotProduct(r) / s[k].DotProduct(y[k])));
        Assert.True(((h * g) - r).L2Norm() < 1e-9 * r.L2Norm());

        // Along the last pair, γ is the scale of the inverse Hessian: it lies between its least and largest eigenvalue.
        double[] eigenvalues = [.. hessian.Inverse().Evd().EigenValues.Select(value => value.Real)];
        Assert.InRange(gamma, eigenvalues.Min(), eigenvalues.Max());
    }

    /// <summary>T = C^-½ (C^½ C' C^½)^½ C^-½ is symmetric and positive, and T C T = C'.</summary>
    [Fact]
    public void TheMapOfColoursGivesTheOtherCovariance()
    {
        Matrix<double> from = Positive(3), to = Positive(3), root = Root(from), inverse = root.Inverse();
        Matrix<double> map = inverse * Root(root * to * root) * inverse;
        Assert.True((map - map.Transpose()).L2Norm() < 1e-10);
        Assert.True(map.Evd().EigenValues.All(value => value.Real > 0));
        Assert.True(((map * from * map) - to).L2Norm() < 1e-9 * to.L2Norm());

        // E‖x - T x‖² = tr(C + T C T - 2 C T) is the squared 2-Wasserstein distance, so no map moves colours less.
        double moved = (from + to - (2 * from * map)).Trace();
        Assert.Equal((from + to - (2 * Root(Root(to) * from * Root(to)))).Trace(), moved, 1e-9);
    }

    private double[] Integers(int count) =>
        [.. Enumerable.Range(0, count).Select(_ => (double)_random.Next(-9, 10))];

    /// <summary>A symmetric matrix whose eigenvalues are at least 1.</summary>
    private Matrix<double> Positive(int n)
    {
        Matrix<double> a = Matrix<double>.Build.DenseOfRowMajor(n, n, Integers(n * n)) / 3;
        return (a * a.Transpose()) + Matrix<double>.Build.DenseIdentity(n);
    }

    private static Matrix<double> Root(Matrix<double> a)
    {
        var evd = ((a + a.Transpose()) / 2).Evd(Symmetricity.Symmetric);
        return evd.EigenVectors * Matrix<double>.Build.DenseOfDiagonalVector(
            evd.EigenValues.Map(value => Math.Sqrt(value.Real))) * evd.EigenVectors.Transpose();
    }
}
