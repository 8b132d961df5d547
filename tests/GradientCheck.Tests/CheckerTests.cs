using NativeStyle.GradientCheck.References;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;
using NativeStyle.Kernels.Operators.Vectors;

namespace NativeStyle.GradientCheck.Tests;

/// <summary>The checker must notice errors, or its passes mean nothing.</summary>
public class CheckerTests
{
    private static readonly double[] X = [0.5, -0.75, 0.25];

    [Fact]
    public void ARightOperatorPasses() => Assert.True(Check(x => x, g => g).Passed);

    [Fact]
    public void AWrongOutputFails() => Assert.True(Check(x => x * 1.0001f, g => g).ForwardError > 1e-5);

    [Fact]
    public void AWrongGradientFailsAgainstReferenceAndDifferences()
    {
        CheckResult result = Check(x => x, g => g * 1.001f);
        Assert.False(result.Passed);
        Assert.True(result.BackwardError > 1e-4);
        Assert.True(result.DifferenceError > 1e-4);
    }

    [Fact]
    public void TheWorstElementIsNamedWithWhatItIsAndShouldBe()
    {
        // The kernel returns the second of the output's gradients, 2, as 2.5.
        CheckResult result = Check(x => x, g => g == 2 ? 2.5f : g);
        WorstElement worst = result.Worst;
        Assert.Equal(("gradient of input 0", 1, 2.5, 2.0), (worst.Of, worst.Index, worst.Actual, worst.Expected));
    }

    /// <summary>
    /// L2 pooling has a third derivative. Its error falls as h² to a minimum, and rises again as 1/h.
    /// </summary>
    [Fact]
    public void ASweepOfTheStepIsAV()
    {
        CheckCase check = OperatorCases.AtShape(1, 4, 6, 3).First(each => each.Operator == "L2Pool");
        (double Step, double Error)[] points = [.. GradientChecker.Sweep(check)];
        double At(int power) => points.Single(point => point.Step == Math.Pow(2, -power)).Error;
        Assert.InRange(At(7) / At(9), 10, 22);
        Assert.InRange(At(40) / At(34), 8, 512);
        Assert.True(points.Min(point => point.Error) < 1e-9);
        Assert.InRange(Math.Log2(points.MinBy(point => point.Error).Step), -24, -12);
    }

    [Fact]
    public void NotANumberFails() => Assert.False(Check(_ => float.NaN, g => g).Passed);

    /// <summary>
    /// The operator computes y = 0 y + x, which is right as long as the undefined y happens to be finite.
    /// </summary>
    [Theory]
    [InlineData("cpu")]
    [InlineData("cpu-kernels")]
    public void AnOperatorThatReadsUndefinedMemoryFails(string name)
    {
        using ComputeDevice device = TestDevice.Open(name);
        Assert.True(Check(0f).Passed);
        Assert.False(Check(null).Passed);

        CheckResult Check(float? before) => GradientChecker.Check(
            new CheckCase
            {
                Operator = "Identity",
                Variant = "3",
                Inputs = [X],
                Reference = v => v[0],
                Run = (_, v, _) =>
                {
                    using DeviceBuffer<float> x = device.Allocate<float>(v[0]), y = device.Allocate<float>(X.Length);
                    if (before is float value) VectorOps.Fill(device, y.View, value);
                    VectorOps.Scale(device, y.View, 0f);
                    VectorOps.Axpy(device, y.View, x.View, 1f);
                    return (y.GetAsArray(), []);
                },
                Tolerance = 1e-6,
                ToleranceReason = "exact",
            },
            device);
    }

    [Fact]
    public void AGradientAndReferenceThatAreWrongAlikeFailTheDifferences()
    {
        CheckResult result = Check(x => x, g => g * 2, reference: (_, g) => [[.. g.Select(v => v * 2)]]);
        Assert.True(result.BackwardError < 1e-6);
        Assert.False(result.Passed);
    }

    /// <summary>Checks the identity, with a kernel and a gradient that can be wrong.</summary>
    private static CheckResult Check(
        Func<float, float> kernel, Func<float, float> gradient,
        Func<double[][], double[], double[][]>? reference = null)
    {
        using var cpu = new CpuDevice(1);
        return GradientChecker.Check(
            new CheckCase
            {
                Operator = "Identity",
                Variant = "3",
                Inputs = [X],
                Differentiable = 1,
                OutputGradient = [1, 2, -1],
                Reference = v => VectorReference.Axpy(v[0], v[0], 0),
                ReferenceBackward = reference ?? ((_, g) => [g]),
                Run = (_, v, g) => (Array.ConvertAll(v[0], x => kernel(x)), [Array.ConvertAll(g, y => gradient(y))]),
                Tolerance = 1e-6,
                ToleranceReason = "exact",
            },
            cpu);
    }
}
