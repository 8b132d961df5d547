using System.Globalization;
using System.Numerics;
using System.Text.RegularExpressions;
using NativeStyle.Kernels.Operators.Conv3x3;
using NativeStyle.Kernels.Simd;

namespace NativeStyle.Kernels.Tests;

/// <summary>
/// Winograd's matrices as docs/math.md prints them, in exact arithmetic: what the page says of them, that they compute
/// a filter, and that they are those of the code.
/// </summary>
public sealed unsafe partial class WinogradMatricesTests
{
    private const int Points = 6, Taps = 3, Outputs = 4;

    private static readonly Rational[,] s_input = FromPage("Bᵀ"), s_filter = FromPage("G"), s_output = FromPage("Aᵀ");

    /// <summary>
    /// Both sides are linear in d and in g, so they agree everywhere if they agree on all pairs of unit vectors.
    /// </summary>
    [Fact]
    public void SixProductsGiveFourOutputs()
    {
        for (int output = 0; output < Outputs; output++)
            for (int tap = 0; tap < Taps; tap++)
                for (int input = 0; input < Points; input++)
                {
                    Rational sum = Rational.Zero;
                    for (int point = 0; point < Points; point++)
                        sum += s_output[output, point] * s_filter[point, tap] * s_input[point, input];
                    Assert.Equal(input == output + tap ? Rational.One : Rational.Zero, sum);
                }
    }

    /// <summary>
    /// The construction of the page: powers of the points, Lagrange's denominators, and the coefficients of the
    /// products of (z - a) over the other points. The last point is the leading coefficient.
    /// </summary>
    [Fact]
    public void TheyFollowFromTheSixPoints()
    {
        int[] points = [0, 1, -1, 2, -2];
        for (int k = 0; k < points.Length; k++)
        {
            int[] others = [.. points.Where(point => point != points[k])];
            int denominator = others.Aggregate(1, (product, other) => product * (points[k] - other));
            for (int row = 0; row < Outputs; row++)
                Assert.Equal(Rational.Of((int)Math.Pow(points[k], row)), s_output[row, k]);
            for (int tap = 0; tap < Taps; tap++)
                Assert.Equal(new Rational((int)Math.Pow(points[k], tap), denominator), s_filter[k, tap]);
            AssertRow([.. Product(others), 0], k);
        }

        Assert.Equal([0, 0, 1], Enumerable.Range(0, Taps).Select(tap => (int)(double)s_filter[5, tap]));
        Assert.Equal([0, 0, 0, 1], Enumerable.Range(0, Outputs).Select(row => (int)(double)s_output[row, 5]));
        AssertRow(Product(points), 5);

        static void AssertRow(int[] coefficients, int row) => Assert.Equal(
            coefficients.Select(Rational.Of), Enumerable.Range(0, Points).Select(column => s_input[row, column]));
    }

    /// <summary>
    /// The transforms of unit vectors are the matrices' columns, rounded to float32 where they are sixths.
    /// </summary>
    [Fact]
    public void TheyAreThoseOfTheCode()
    {
        float* to = stackalloc float[Points];
        for (int i = 0; i < Points; i++)
        {
            Lane[] unit = [.. Enumerable.Range(0, Points).Select(j => Lane.Broadcast(i == j ? 1f : 0f))];
            WinogradTransforms.Input(unit[0], unit[1], unit[2], unit[3], unit[4], unit[5], to, 1);
            AssertIs(to, Points, row => s_input[row, i]);
            WinogradTransforms.Output(unit[0], unit[1], unit[2], unit[3], unit[4], unit[5], (Lane*)to, 1);
            AssertIs(to, Outputs, row => s_output[row, i]);
            WinogradTransforms.FilterGradient(unit[0], unit[1], unit[2], unit[3], unit[4], unit[5], (Lane*)to, 1);
            AssertIs(to, Taps, row => s_filter[i, row]);
            if (i < Outputs)
            {
                WinogradTransforms.Gradient(unit[0], unit[1], unit[2], unit[3], to, 1);
                AssertIs(to, Points, row => s_output[i, row]);
            }

            if (i < Taps)
            {
                WinogradTransforms.Filter(unit[0], unit[1], unit[2], to, 1);
                AssertIs(to, Points, row => s_filter[row, i]);
            }
        }

        static void AssertIs(float* actual, int count, Func<int, Rational> expected)
        {
            for (int row = 0; row < count; row++)
                Assert.Equal((double)expected(row), actual[row], Math.Abs((double)expected(row)) * Math.Pow(2, -23));
        }
    }

    /// <summary>The sizes on which the page's bound of the error rests.</summary>
    [Fact]
    public void TheirLargestSumsAreThoseOfThePage()
    {
        Assert.Equal(5, s_input.Cast<Rational>().Max(entry => Math.Abs((double)entry)));
        Assert.Equal(8, s_output.Cast<Rational>().Max(entry => Math.Abs((double)entry)));
        double norm = Enumerable.Range(0, Points).Max(row =>
            Enumerable.Range(0, Points).Sum(column => Math.Abs((double)s_input[row, column])));
        Assert.Equal(100, norm * norm);
    }

    /// <summary>The coefficients of Π (z - a), from the constant on.</summary>
    private static int[] Product(int[] roots) => roots.Aggregate(
        new[] { 1 },
        (product, root) => [.. Enumerable.Range(0, product.Length + 1).Select(i =>
            (i > 0 ? product[i - 1] : 0) - (i < product.Length ? root * product[i] : 0))]);

    /// <summary>A matrix of the block of docs/math.md that has them side by side.</summary>
    private static Rational[,] FromPage(string name)
    {
        string folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "NativeStyle.sln"))) folder = Path.GetDirectoryName(folder)!;
        string[] lines = File.ReadAllLines(Path.Combine(folder, "docs", "math.md"));
        int first = Array.FindIndex(lines, line => line.TrimStart().StartsWith("Bᵀ = |", StringComparison.Ordinal));
        int index = Array.IndexOf(["Bᵀ", "G", "Aᵀ"], name), rows = name == "Aᵀ" ? Outputs : Points;
        Rational[][] read = [.. lines[first..(first + rows)].Select(line =>
            Entry().Matches(line.Split('|')[(2 * index) + 1]).Select(entry => Rational.Parse(entry.Value)).ToArray())];
        var matrix = new Rational[rows, read[0].Length];
        for (int row = 0; row < rows; row++)
            for (int column = 0; column < read[row].Length; column++) matrix[row, column] = read[row][column];
        return matrix;
    }

    [GeneratedRegex(@"-?\d+(/\d+)?")]
    private static partial Regex Entry();

    /// <summary>A fraction in lowest terms, with a positive denominator.</summary>
    private readonly record struct Rational
    {
        public Rational(BigInteger numerator, BigInteger denominator)
        {
            BigInteger divisor = BigInteger.GreatestCommonDivisor(numerator, denominator) * denominator.Sign;
            (Numerator, Denominator) = (numerator / divisor, denominator / divisor);
        }

        public static Rational Zero { get; } = Of(0);

        public static Rational One { get; } = Of(1);

        public BigInteger Numerator { get; }

        public BigInteger Denominator { get; }

        public static Rational Of(int value) => new(value, 1);

        public static Rational Parse(string text)
        {
            string[] parts = [.. text.Split('/'), "1"];
            return new Rational(
                BigInteger.Parse(parts[0], CultureInfo.InvariantCulture),
                BigInteger.Parse(parts[1], CultureInfo.InvariantCulture));
        }

        public static Rational operator +(Rational a, Rational b) => new(
            (a.Numerator * b.Denominator) + (b.Numerator * a.Denominator), a.Denominator * b.Denominator);

        public static Rational operator *(Rational a, Rational b) =>
            new(a.Numerator * b.Numerator, a.Denominator * b.Denominator);

        public static explicit operator double(Rational a) => (double)a.Numerator / (double)a.Denominator;
    }
}
