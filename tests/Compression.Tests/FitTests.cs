using MathNet.Numerics.LinearAlgebra;
using NativeStyle.Kernels.Devices;

namespace NativeStyle.Compression.Tests;

/// <summary>Compares choice and fit on second moments with choice and fit on the data themselves.</summary>
public class FitTests
{
    private static readonly Matrix<double> s_candidates = Random(60, 12, 1);
    private static readonly Matrix<double> s_outputs = (s_candidates * Random(12, 7, 2)) + (0.3 * Random(60, 7, 3));

    /// <summary>Each choice is the one after which a least squares fit by QR leaves the smallest residual.</summary>
    [Fact]
    public void ThePursuitChoosesWhatTheNaiveOneChooses()
    {
        int[] chosen = ChannelPursuit.Choose(
            s_candidates.TransposeThisAndMultiply(s_candidates), s_candidates.TransposeThisAndMultiply(s_outputs), 8);
        List<int> naive = [];
        while (naive.Count < 8)
            naive.Add(Enumerable.Range(0, 12).Except(naive).MinBy(j => Left([.. naive, j])));
        Assert.Equal(naive, chosen);

        static double Left(int[] columns)
        {
            Matrix<double> some = Columns(columns);
            return (s_outputs - (some * some.QR().Solve(s_outputs))).FrobeniusNorm();
        }
    }

    [Fact]
    public void SumsOfThoseChosenAreNotChosen()
    {
        Matrix<double> twice = s_candidates.Append(s_candidates * Random(12, 5, 4));
        int[] chosen = ChannelPursuit.Choose(
            twice.TransposeThisAndMultiply(twice), twice.TransposeThisAndMultiply(s_outputs), 17);
        Assert.Equal(12, chosen.Distinct().Count());
        Assert.Equal(12, chosen.Length);
    }

    [Fact]
    public void TheMapIsLeastSquaresAndItsErrorIsWhatIsLeft()
    {
        // Use channels whose scales are far apart.
        Matrix<double> some = Columns([3, 0, 7, 5]) * Matrix<double>.Build.DiagonalOfDiagonalArray([1e-4, 1, 300, 1e4]);
        Matrix<double> power = some.TransposeThisAndMultiply(some), cross = some.TransposeThisAndMultiply(s_outputs);
        Matrix<double> expected = some.QR().Solve(s_outputs).Transpose(), map = RestoringMap.Fit(power, cross);
        for (int k = 0; k < 4; k++)
            Assert.True((map.Column(k) - expected.Column(k)).L2Norm() < 1e-9 * expected.Column(k).L2Norm());
        double left = Math.Pow((s_outputs - (some * expected.Transpose())).FrobeniusNorm(), 2);
        Matrix<double> target = s_outputs.TransposeThisAndMultiply(s_outputs);
        Assert.Equal(1, RestoringMap.SquaredError(map, power, cross, target) / left, 1e-9);
    }

    /// <summary>Compares with a kernel on the restored map, position by position.</summary>
    [Fact]
    public void AFoldedKernelSeesTheRestoredMap()
    {
        Matrix<double> map = Random(4, 3, 5), position = Random(1, 3, 6);
        float[] kernel = [.. Random(9 * 4, 2, 7).ToRowMajorArray().Select(value => (float)value)];
        float[] folded = RestoringMap.Fold(kernel, map);
        Assert.Equal(9 * 3 * 2, folded.Length);
        Matrix<double> restored = position * map.Transpose();
        for (int tap = 0; tap < 9; tap++)
        for (int o = 0; o < 2; o++)
        {
            double expected = Enumerable.Range(0, 4).Sum(i => restored[0, i] * kernel[(((tap * 4) + i) * 2) + o]);
            double actual = Enumerable.Range(0, 3).Sum(k => position[0, k] * folded[(((tap * 3) + k) * 2) + o]);
            Assert.Equal(expected, actual, 1e-5);
        }
    }

    [Fact]
    public void MomentsInPiecesAreThoseOfTheWhole()
    {
        using var cpu = new CpuDevice(2);
        var moments = new SecondMoments(12);
        Matrix<double>[] pieces = [s_candidates.SubMatrix(0, 7, 0, 12), s_candidates.SubMatrix(7, 53, 0, 12)];
        foreach (Matrix<double> piece in pieces)
            moments.Add(cpu, [.. piece.ToRowMajorArray().Select(value => (float)value)]);
        Matrix<double> expected = s_candidates.TransposeThisAndMultiply(s_candidates);
        Assert.True((moments.Between(..5, 5..) - expected.SubMatrix(0, 5, 5, 7)).FrobeniusNorm() < 1e-5);
        Matrix<double> centred = Matrix<double>.Build.Dense(
            60, 12, (i, j) => s_candidates[i, j] - s_candidates.Column(j).Average());
        Assert.Equal(centred.ColumnNorms(2).Skip(5).Sum(norm => norm * norm), moments.Variation(5..), 4);
    }

    private static Matrix<double> Columns(int[] columns) =>
        Matrix<double>.Build.DenseOfColumnVectors(columns.Select(j => s_candidates.Column(j)));

    private static Matrix<double> Random(int rows, int columns, int seed)
    {
        var random = new Random(seed);
        return Matrix<double>.Build.Dense(rows, columns, (_, _) => (2 * random.NextDouble()) - 0.7);
    }
}
