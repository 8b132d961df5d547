using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;
using NativeStyle.Kernels.Operators.Reduction;

namespace NativeStyle.Kernels.Tests;

public class ReductionTests
{
    /// <summary>Few pieces are added in one round and many in two; the last of the two rounds need not be full.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(64)]
    [InlineData(65)]
    [InlineData(1000)]
    public void PiecesAreAddedHoweverManyThereAre(int pieces)
    {
        const int Length = 3;
        var random = new Random(pieces);
        float[] terms = [.. Enumerable.Range(0, pieces * Length).Select(_ => random.NextSingle())];
        double[] expected = [.. Enumerable.Range(0, Length).Select(
            i => 0.5 * Enumerable.Range(0, pieces).Sum(piece => (double)terms[(piece * Length) + i]))];
        using KernelDevice device = KernelDevice.OnCpu();
        using DeviceBuffer<float> input = device.Allocate<float>(terms), result = device.Allocate<float>(Length);
        ReductionOp.SumPieces(device, input.View, result.View, 0.5f);
        Assert.All(
            result.GetAsArray().Zip(expected),
            pair => Assert.InRange(Math.Abs(pair.First - pair.Second), 0, 2e-6 * pieces));
    }
}
