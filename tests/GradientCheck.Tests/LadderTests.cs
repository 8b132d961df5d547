using NativeStyle.GradientCheck.References;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Ladder;
using NativeStyle.Kernels.Memory;
using NativeStyle.Kernels.Operators.Pool2x2;

namespace NativeStyle.GradientCheck.Tests;

/// <summary>Every step of the ladders computes what MathNet computes in double precision.</summary>
public class LadderTests
{
    /// <summary>Half of the distance from 1 to the next float: the largest error of a rounding.</summary>
    private static readonly double s_rounding = Math.Pow(2, -24);

    /// <summary>128 channels are several tiles, 64 one; on cpu-kernels each barrier takes milliseconds.</summary>
    [Theory]
    [InlineData("cpu", 128)]
    [InlineData("cpu-kernels", 64)]
    public void EveryStepAgreesWithTheReference(string device, int channels)
    {
        using ComputeDevice opened = TestDevice.Open(device);
        CheckGram(opened, new LadderSize(4, 8, channels));
        CheckPool(opened, new LadderSize(8, 8, 64));
    }

    [SkippableFact]
    [Trait("Device", "OpenCl")]
    public void EveryStepAgreesWithTheReferenceOnOpenCl() => EveryStepAgreesWithTheReference("opencl", 128);

    /// <summary>
    /// A sum of n products makes n roundings at most on the way of each term. TF32 rounds both factors to 11 bits
    /// before.
    /// </summary>
    private static void CheckGram(ComputeDevice device, LadderSize size)
    {
        float[] map = Map(size);
        double[] exact = [.. map.Select(value => (double)value)];
        double[] expected = StyleReference.Gram(exact, size.Pixels, size.Channels, 1.0 / size.Pixels);
        double[] terms =
            StyleReference.Gram([.. exact.Select(Math.Abs)], size.Pixels, size.Channels, 1.0 / size.Pixels);
        Assert.All(KernelLadder.Gram.Steps, step =>
        {
            if (step.WhyNot(device, size) is not null) return;
            double bound = (step.Number == 10 ? Math.Pow(2, -10) : 0) + ((size.Pixels + 3) * s_rounding);
            float[] actual = Run(device, KernelLadder.Gram, step, map, size);
            for (int i = 0; i < actual.Length; i++)
                Assert.True(Math.Abs(actual[i] - expected[i]) <= bound * terms[i], $"{step.Title}, element {i}");
        });
    }

    /// <summary>A mean of four makes two roundings on the way of each term; a division by 4 is exact.</summary>
    private static void CheckPool(ComputeDevice device, LadderSize size)
    {
        float[] map = Map(size);
        double[] expected = PoolReference.Average(
            [.. map.Select(value => (double)value)],
            new PoolShape(size.Rows, size.Columns, size.Channels, PoolEdge.Floor));
        Assert.All(KernelLadder.Pool.Steps, step =>
        {
            if (step.WhyNot(device, size) is not null) return;
            float[] actual = Run(device, KernelLadder.Pool, step, map, size);
            for (int i = 0; i < actual.Length; i++)
                Assert.True(Math.Abs(actual[i] - expected[i]) <= 3 * s_rounding, $"{step.Title}, element {i}");
        });
    }

    /// <summary>Numbers of [-1, 1). The result is not-a-number before, so a step must write all of it.</summary>
    private static float[] Run(
        ComputeDevice device, KernelLadder ladder, LadderStep step, float[] map, LadderSize size)
    {
        using DeviceBuffer<float> input = device.Allocate<float>(KernelLadder.InputOf(step, map, size));
        float[] nothing = new float[ladder.OutputLength(size)];
        Array.Fill(nothing, float.NaN);
        using DeviceBuffer<float> output = device.Allocate<float>(nothing);
        step.Run(device, input.View, output.View, size);
        return output.GetAsArray();
    }

    private static float[] Map(LadderSize size)
    {
        var random = new Random(5);
        return [.. Enumerable.Range(0, (int)size.Length).Select(_ => (2 * random.NextSingle()) - 1)];
    }
}
