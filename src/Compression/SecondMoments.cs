using MathNet.Numerics.LinearAlgebra;
using NativeStyle.Autodiff;
using NativeStyle.Autodiff.Operators;
using NativeStyle.Kernels.Devices;

namespace NativeStyle.Compression;

/// <summary>
/// Sums the channels and their products, xᵀ x, over the positions of maps that come piece by piece. It keeps one
/// matrix, however many pieces there are. A piece's sum is the engine's Gram matrix in float32. Pieces are added in
/// double.
/// </summary>
/// <param name="channels">The number of columns of x.</param>
internal sealed class SecondMoments(int channels)
{
    private readonly double[] _products = new double[channels * channels];
    private readonly double[] _sums = new double[channels];

    public long Positions { get; private set; }

    /// <summary>Adds the positions of one piece.</summary>
    /// <param name="rows">(positions, channels).</param>
    public void Add(ComputeDevice device, float[] rows)
    {
        using var tape = new Tape(device);
        using var x = new Tensor(device, new Shape(rows.Length / channels, 1, channels), rows);
        float[] gram = tape.Gram(x, 1f).ToArray();
        for (int i = 0; i < gram.Length; i++) _products[i] += gram[i];
        for (int i = 0; i < rows.Length; i++) _sums[i % channels] += rows[i];
        Positions += rows.Length / channels;
    }

    /// <summary>Returns xᵀ y for two ranges of channels.</summary>
    public Matrix<double> Between(Range x, Range y)
    {
        (int firstRow, int rows) = x.GetOffsetAndLength(channels);
        (int firstColumn, int columns) = y.GetOffsetAndLength(channels);
        return Matrix<double>.Build.Dense(
            rows, columns, (i, j) => _products[((firstRow + i) * channels) + firstColumn + j]);
    }

    /// <summary>Returns the sum of squares around each channel's mean, summed over a range of channels.</summary>
    public double Variation(Range x)
    {
        (int first, int count) = x.GetOffsetAndLength(channels);
        return Enumerable.Range(first, count)
            .Sum(i => _products[(i * channels) + i] - (_sums[i] * _sums[i] / Positions));
    }
}
