using NativeStyle.Kernels.Devices;

namespace NativeStyle.GradientCheck;

/// <summary>
/// One operator at one shape with one set of random inputs: how the device computes it, and how the reference does. All
/// values are representable as float, so that both see the same numbers.
/// </summary>
public sealed record CheckCase
{
    private Expectation? _expected;

    /// <summary>The operator, named like its class.</summary>
    public required string Operator { get; init; }

    /// <summary>A description of shapes and options.</summary>
    public required string Variant { get; init; }

    /// <summary>
    /// The inputs. The first <see cref="Differentiable"/> of them have gradients to check; the others are constants.
    /// </summary>
    public required double[][] Inputs { get; init; }

    /// <summary>How many of the inputs have gradients. It is 0 if the operator has no backward pass.</summary>
    public int Differentiable { get; init; }

    /// <summary>The output's gradient that the backward pass starts from.</summary>
    public double[] OutputGradient { get; init; } = [];

    /// <summary>Computes the operator with MathNet in double precision.</summary>
    public required Func<double[][], double[]> Reference { get; init; }

    /// <summary>
    /// Computes the gradients with respect to the differentiable inputs with MathNet in double precision.
    /// </summary>
    public Func<double[][], double[], double[][]>? ReferenceBackward { get; init; }

    /// <summary>
    /// Runs the operator on a device. Returns its output, and its gradients if it has a backward pass.
    /// </summary>
    public required Func<ComputeDevice, float[][], float[], (float[] Output, float[][] Gradients)> Run { get; init; }

    /// <summary>
    /// The largest allowed error of output and gradients, as <see cref="GradientChecker.RelativeError"/> measures it.
    /// </summary>
    public required double Tolerance { get; init; }

    /// <summary>The reason for the value of the tolerance.</summary>
    public required string ToleranceReason { get; init; }

    /// <summary>The reference's results, computed once for all devices.</summary>
    internal Expectation Expected => _expected ??= GradientChecker.Expect(this);

    /// <summary>
    /// Whether the operator runs kernels with thread groups, which <see cref="CpuDevice"/> cannot run.
    /// </summary>
    public bool NeedsGroups { get; init; }

    /// <summary>Whether the lanes of the operator's kernels exchange values within warps of 32.</summary>
    public bool NeedsWarps { get; init; }

    /// <summary>Whether the operator needs tensor cores.</summary>
    public bool NeedsTensorCores { get; init; }

    /// <summary>Whether a device can run the operator.</summary>
    public bool RunsOn(ComputeDevice device) =>
            (!NeedsGroups || device.HasGroups)
            && (!NeedsWarps || device.HasWarps)
            && (!NeedsTensorCores || device.HasTensorCores);

    /// <inheritdoc/>
    public override string ToString() => $"{Operator} {Variant}";
}

/// <summary>The reference's results for a case.</summary>
/// <param name="Output">The output in double precision.</param>
/// <param name="OutputTerms">
/// The output for the inputs' magnitudes; see <see cref="GradientChecker.RelativeError"/>.
/// </param>
/// <param name="Gradients">The gradient of each differentiable input.</param>
/// <param name="GradientTerms">The gradients for the magnitudes.</param>
/// <param name="Differences">Central differences at some coordinates of each differentiable input.</param>
internal sealed record Expectation(
    double[] Output, double[] OutputTerms, double[][] Gradients, double[][] GradientTerms,
    IReadOnlyList<(int Index, double Estimate)>[] Differences);

/// <summary>The element that deviates most from the reference.</summary>
/// <param name="Of">Names the output, or the input that the gradient belongs to.</param>
/// <param name="Index">The element's index; the last dimension varies fastest.</param>
/// <param name="Actual">The device's value.</param>
/// <param name="Expected">The reference's value.</param>
/// <param name="Error">The error relative to the magnitude of the terms.</param>
public sealed record WorstElement(string Of, int Index, double Actual, double Expected, double Error);

/// <summary>The result of a check. Errors are measured by <see cref="GradientChecker.RelativeError"/>.</summary>
/// <param name="Case">The case that was checked.</param>
/// <param name="Device">The name of the device.</param>
/// <param name="ForwardError">The error of the output against the reference's.</param>
/// <param name="BackwardError">
/// The error of the gradients against the reference's, or null without a backward pass.
/// </param>
/// <param name="DifferenceError">
/// The error of the gradients against central differences of the reference, or null without a backward pass.
/// </param>
/// <param name="Worst">The worst element of output and gradients.</param>
public sealed record CheckResult(
    CheckCase Case, string Device, double ForwardError, double? BackwardError, double? DifferenceError,
    WorstElement Worst)
{
    /// <summary>
    /// The error of the central differences themselves. With h = 2⁻¹⁰ in double precision it is about h² f''' / 6
    /// + ε / h. For these functions, at most quartic and of values near 1, it stays below 2e-6 of the gradient.
    /// </summary>
    public const double DifferenceSlack = 1e-5;

    /// <summary>Whether all errors are within the tolerances.</summary>
    public bool Passed =>
        ForwardError <= Case.Tolerance && !(BackwardError > Case.Tolerance)
        && !(DifferenceError > Case.Tolerance + DifferenceSlack);
}
