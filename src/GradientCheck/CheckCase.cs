using NativeStyle.Kernels.Devices;

namespace NativeStyle.GradientCheck;

/// <summary>
/// One operator at one shape with one set of random inputs: how the device computes it, and how the reference
/// does. All values are representable as float, so that both see the same numbers.
/// </summary>
public sealed record CheckCase
{
    private Expectation? _expected;

    /// <summary>The operator, as its class is called.</summary>
    public required string Operator { get; init; }

    /// <summary>Shapes and options.</summary>
    public required string Variant { get; init; }

    /// <summary>The inputs that gradients are checked for, first; then, after <see cref="Differentiable"/>, constants.</summary>
    public required double[][] Inputs { get; init; }

    /// <summary>How many of the inputs have gradients; 0 where the operator has no backward.</summary>
    public int Differentiable { get; init; }

    /// <summary>The output's gradient handed to backward.</summary>
    public double[] OutputGradient { get; init; } = [];

    /// <summary>The operator by MathNet in double precision.</summary>
    public required Func<double[][], double[]> Reference { get; init; }

    /// <summary>Its gradients with respect to the differentiable inputs, by MathNet in double precision.</summary>
    public Func<double[][], double[], double[][]>? ReferenceBackward { get; init; }

    /// <summary>The operator on a device: its output, and its gradients where it has a backward.</summary>
    public required Func<ComputeDevice, float[][], float[], (float[] Output, float[][] Gradients)> Run { get; init; }

    /// <summary>Largest allowed error of output and gradients, as <see cref="GradientChecker.RelativeError"/> measures it.</summary>
    public required double Tolerance { get; init; }

    /// <summary>Why the tolerance is what it is.</summary>
    public required string ToleranceReason { get; init; }

    /// <summary>What the reference says, computed once for all devices.</summary>
    internal Expectation Expected => _expected ??= GradientChecker.Expect(this);

    /// <summary>Whether it runs kernels of groups, which <see cref="CpuDevice"/> does not.</summary>
    public bool NeedsGroups { get; init; }

    /// <summary>Whether its kernels' lanes exchange values within warps of 32.</summary>
    public bool NeedsWarps { get; init; }

    /// <summary>Whether it needs tensor cores.</summary>
    public bool NeedsTensorCores { get; init; }

    /// <summary>Whether a device can run it.</summary>
    public bool RunsOn(ComputeDevice device) =>
        (!NeedsGroups || device.HasGroups) && (!NeedsWarps || device.HasWarps) && (!NeedsTensorCores || device.HasTensorCores);

    public override string ToString() => $"{Operator} {Variant}";
}

/// <summary>What the reference says of a case.</summary>
/// <param name="Output">In double precision.</param>
/// <param name="OutputTerms">The output of the inputs' magnitudes; see <see cref="GradientChecker.RelativeError"/>.</param>
/// <param name="Gradients">Of each differentiable input.</param>
/// <param name="GradientTerms">The gradients of the magnitudes.</param>
/// <param name="Differences">Central differences at some coordinates of each differentiable input.</param>
internal sealed record Expectation(
    double[] Output, double[] OutputTerms, double[][] Gradients, double[][] GradientTerms,
    IReadOnlyList<(int Index, double Estimate)>[] Differences);

/// <summary>The element that is farthest from what it should be.</summary>
/// <param name="Of">The output, or the gradient of which input.</param>
/// <param name="Index">Its place, the last dimension varying fastest.</param>
/// <param name="Actual">What the device gave.</param>
/// <param name="Expected">What the reference gives.</param>
/// <param name="Error">Relative to the magnitude of the terms.</param>
public sealed record WorstElement(string Of, int Index, double Actual, double Expected, double Error);

/// <summary>What a check found; errors as <see cref="GradientChecker.RelativeError"/> measures them.</summary>
/// <param name="Case">What was checked.</param>
/// <param name="Device">Where.</param>
/// <param name="ForwardError">Output against the reference's.</param>
/// <param name="BackwardError">Gradients against the reference's; null without backward.</param>
/// <param name="DifferenceError">Gradients against central differences of the reference; null without backward.</param>
/// <param name="Worst">The worst element of output and gradients.</param>
public sealed record CheckResult(
    CheckCase Case, string Device, double ForwardError, double? BackwardError, double? DifferenceError, WorstElement Worst)
{
    /// <summary>
    /// Central differences in double with h = 2⁻¹⁰ are themselves wrong by about h² f''' / 6 + ε / h, which for these
    /// at most quartic functions of values near 1 stays below 2e-6 of the gradient.
    /// </summary>
    public const double DifferenceSlack = 1e-5;

    public bool Passed =>
        ForwardError <= Case.Tolerance && !(BackwardError > Case.Tolerance)
        && !(DifferenceError > Case.Tolerance + DifferenceSlack);
}
