using System.Diagnostics;
using NativeStyle.Kernels.Memory;
using NativeStyle.Kernels.Operators.Adam;
using NativeStyle.Kernels.Operators.Conv3x3;
using NativeStyle.Kernels.Operators.Gram;
using NativeStyle.Kernels.Operators.Pool2x2;
using NativeStyle.Kernels.Operators.Reduction;
using NativeStyle.Kernels.Operators.SquaredError;
using NativeStyle.Kernels.Operators.TotalVariation;

namespace NativeStyle.Kernels.Devices;

/// <summary>The result of a device's check.</summary>
/// <param name="Fault">What the device computed wrongly; null if it is right.</param>
/// <param name="TimesTheCpu">How many times as fast as the CPU it ran a convolution, forward and backward.</param>
internal sealed record DeviceVerdict(string? Fault, double TimesTheCpu);

/// <summary>
/// Checks in about a second whether a device can be trusted. It compares the operators that a transfer is made of,
/// forward and backward, with the CPU's. Drivers differ, and one that computes wrongly paints noise without a warning.
/// (<c>nativestyle gradcheck</c> checks every operator against references in double precision.)
/// </summary>
internal static class DeviceCheck
{
    /// <summary>
    /// The largest difference from the CPU that is allowed, relative to the largest value: ten times the rounding
    /// errors of Winograd's transforms.
    /// </summary>
    private const double Tolerance = 1e-4;

    /// <summary>Runs the check.</summary>
    /// <exception cref="DeviceException">The device failed.</exception>
    public static DeviceVerdict Run(ComputeDevice device, CpuDevice cpu)
    {
        if (FaultOf(device, cpu) is { } fault) return new DeviceVerdict(fault, 0);
        var shape = new Conv3x3Shape(128, 128, 64, 64, Relu: true);
        var random = new Random(1);
        double ratio = Seconds(cpu, shape, random) / Seconds(device, shape, random);
        return new DeviceVerdict(null, double.IsFinite(ratio) ? ratio : 0);
    }

    /// <summary>Finds what a device computes wrongly; null if it is right.</summary>
    internal static string? FaultOf(ComputeDevice device, CpuDevice cpu)
    {
        foreach ((string name, Func<ComputeDevice, float[][]> compute) in Operators(new Random(1), cpu))
        {
            // Each part is compared separately: an error of a loss is nothing beside a sum of a convolution.
            double error = compute(device).Zip(compute(cpu), RelativeError).Max();
            if (!(error <= Tolerance))
            {
                return string.Create(
                    System.Globalization.CultureInfo.InvariantCulture, $"{name} is off by {error:0.0e+0} of the CPU's");
            }
        }

        return null;
    }

    /// <summary>
    /// The operators to compare. Their convolutions have a multiple of 32 output channels, because the bits of a gate's
    /// word after the last channel are undefined.
    /// </summary>
    private static IEnumerable<(string, Func<ComputeDevice, float[][]>)> Operators(Random random, CpuDevice cpu)
    {
        var threeChannels = new Conv3x3Shape(21, 34, 3, 64, Padding.Replicate, Relu: true);
        var plain = new Conv3x3Shape(21, 34, 32, 64, Relu: true);
        Conv3x3Shape averagePooled = plain with { Pooling = Pooling.Average };
        var maxPooled = new Conv3x3Shape(21, 34, 64, 32, Relu: true, Pooling: Pooling.Max);
        yield return ("convolution of 3 channels", Convolution(random, cpu, threeChannels));
        yield return ("convolution", Convolution(random, cpu, plain));
        yield return ("convolution with average pooling", Convolution(random, cpu, averagePooled));
        yield return ("convolution with max pooling", Convolution(random, cpu, maxPooled));
        yield return ("Gram matrix", Gram(random, 33 * 31, 64));
        yield return ("losses and Adam", Losses(random, 24, 31));
    }

    /// <summary>Runs forward, then backward from a random gradient.</summary>
    private static Func<ComputeDevice, float[][]> Convolution(Random random, CpuDevice cpu, Conv3x3Shape shape)
    {
        float[] x = Values(random, shape.InLength), w = Values(random, shape.FilterLength);
        float[] b = Values(random, shape.OutChannels), dy = Values(random, shape.OutLength);
        // Both devices run backward with the CPU's gates: a sum near zero may fall on either side.
        uint[] gates = [];
        _ = Run(cpu);
        return Run;

        float[][] Run(ComputeDevice device)
        {
            using var weights = new Conv3x3Weights(device, w, b);
            using DeviceBuffer<float> input = device.Allocate<float>(x), gradOutput = device.Allocate<float>(dy);
            using DeviceBuffer<float> output = device.Allocate<float>(shape.OutLength);
            using DeviceBuffer<float> gradInput = device.Allocate<float>(shape.InLength);
            using DeviceBuffer<uint> gate = device.Allocate<uint>(shape.GateLength);
            Conv3x3Op.Forward(device, input.View, weights, output.View, gate.View, shape);
            uint[] ownGates = gate.GetAsArray();
            if (gates.Length == 0) gates = ownGates;
            gate.CopyFromCPU(gates);
            Conv3x3Op.BackwardData(device, gradOutput.View, gate.View, weights, gradInput.View, shape, 0f);
            // Added to 1, so that the share of wrong bits is an error relative to 1.
            int wrongBits = ownGates
                .Zip(gates, (mine, right) => System.Numerics.BitOperations.PopCount(mine ^ right))
                .Sum();
            double wrongShare = wrongBits / (double)shape.PreactivationLength;
            return [output.GetAsArray(), gradInput.GetAsArray(), [1f + (float)wrongShare]];
        }
    }

    private static Func<ComputeDevice, float[][]> Gram(Random random, int pixels, int channels)
    {
        float[] f = Values(random, (long)pixels * channels), dg = Values(random, (long)channels * channels);
        return device =>
        {
            using DeviceBuffer<float> features = device.Allocate<float>(f), gradGram = device.Allocate<float>(dg);
            using DeviceBuffer<float> gram = device.Allocate<float>(dg.Length);
            using DeviceBuffer<float> gradFeatures = device.Allocate<float>(f.Length);
            GramOp.Forward(device, features.View, gram.View, pixels, channels, 1f / pixels);
            GramOp.Backward(
                device, features.View, gradGram.View, gradFeatures.View, pixels, channels, 1f / channels, 0f);
            return [gram.GetAsArray(), gradFeatures.GetAsArray()];
        };
    }

    private static Func<ComputeDevice, float[][]> Losses(Random random, int height, int width)
    {
        float[] x = Values(random, 3L * height * width), t = Values(random, x.Length);
        return device =>
        {
            using DeviceBuffer<float> picture = device.Allocate<float>(x), target = device.Allocate<float>(t);
            using DeviceBuffer<float> gradient = device.Allocate<float>(x.Length);
            using DeviceBuffer<float> m = device.Allocate<float>(new float[x.Length]);
            using DeviceBuffer<float> v = device.Allocate<float>(new float[x.Length]);
            using DeviceBuffer<float> losses = device.Allocate<float>(3), one = device.Allocate<float>([1f]);
            var variation = new VariationWeights(1f / x.Length, 1f / x.Length);
            SquaredErrorOp.Forward(device, picture.View, target.View, losses.View.SubView(0, 1), 1f / x.Length);
            TotalVariationOp.Forward(device, picture.View, losses.View.SubView(1, 1), height, width, 3, variation);
            ReductionOp.AbsoluteSum(device, picture.View, losses.View.SubView(2, 1));
            SquaredErrorOp.Backward(device, picture.View, target.View, one.View, gradient.View, 1f, 0f);
            TotalVariationOp.Backward(device, picture.View, one.View, gradient.View, height, width, 3, variation, 1f);
            AdamOp.Step(device, picture.View, gradient.View, m.View, v.View, new AdamSettings(0.02f), 1);
            float[][] values = [.. losses.GetAsArray().Select(loss => new[] { loss })];
            return [.. values, gradient.GetAsArray(), picture.GetAsArray(), m.GetAsArray()];
        };
    }

    /// <summary>
    /// Times a convolution, forward and backward, and returns the fastest of some runs; the first one compiles.
    /// </summary>
    private static double Seconds(ComputeDevice device, Conv3x3Shape shape, Random random)
    {
        using var weights = new Conv3x3Weights(
            device, Values(random, shape.FilterLength), Values(random, shape.OutChannels));
        using DeviceBuffer<float> input = device.Allocate<float>(Values(random, shape.InLength));
        using DeviceBuffer<float> output = device.Allocate<float>(shape.OutLength);
        using DeviceBuffer<uint> gate = device.Allocate<uint>(shape.GateLength);
        double best = double.PositiveInfinity;
        for (int run = 0; run < 5; run++)
        {
            long start = Stopwatch.GetTimestamp();
            Conv3x3Op.Forward(device, input.View, weights, output.View, gate.View, shape);
            Conv3x3Op.BackwardData(device, output.View, gate.View, weights, input.View, shape, 0f);
            device.Synchronize();
            if (run > 0) best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        return best;
    }

    /// <summary>The largest difference, relative to the largest value; infinite if a value is not a number.</summary>
    private static double RelativeError(float[] actual, float[] expected)
    {
        double largest = expected.Max(MathF.Abs), worst = 0;
        for (int i = 0; i < actual.Length; i++)
        {
            double difference = Math.Abs(actual[i] - expected[i]);
            if (!(difference <= worst)) worst = difference;
        }

        return double.IsFinite(worst) ? worst / Math.Max(largest, 1e-30) : double.PositiveInfinity;
    }

    private static float[] Values(Random random, long length)
    {
        float[] values = new float[length];
        for (int i = 0; i < values.Length; i++) values[i] = (2f * random.NextSingle()) - 1f;
        return values;
    }
}
