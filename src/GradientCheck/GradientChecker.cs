using NativeStyle.Kernels.Devices;

namespace NativeStyle.GradientCheck;

/// <summary>
/// Checks an operator on an device three ways: its output against a MathNet reference in double precision, its
/// gradients against the reference's, and its gradients against central differences of the reference's output.
/// </summary>
public static class GradientChecker
{
    /// <summary>Coordinates of each input that are differenced; more would only take time.</summary>
    private const int SampledCoordinates = 16;

    /// <summary>A power of two, so that x ± h is exact for x near 1.</summary>
    private const double Step = 1.0 / 1024;

    public static CheckResult Check(CheckCase check, ComputeDevice device)
    {
        Expectation expected = check.Expected;
        (float[] output, float[][] gradients) = check.Run(device, [.. check.Inputs.Select(ToFloat)], ToFloat(check.OutputGradient));
        double forward = RelativeError(output, expected.Output, expected.OutputTerms);
        WorstElement worst = Worst("output", output, expected.Output, expected.OutputTerms);
        if (check.ReferenceBackward is null) return new CheckResult(check, device.Name, forward, null, null, worst);

        if (gradients.Length != check.Differentiable || expected.Gradients.Length != check.Differentiable)
            throw new InvalidOperationException($"{check}: {gradients.Length} gradients, {expected.Gradients.Length} expected");
        double backward = 0, difference = 0;
        for (int i = 0; i < gradients.Length; i++)
        {
            (double[] gradient, double[] terms) = (expected.Gradients[i], expected.GradientTerms[i]);
            backward = Math.Max(backward, RelativeError(gradients[i], gradient, terms));
            difference = Math.Max(difference, DifferenceError(expected.Differences[i], Array.ConvertAll(gradients[i], value => (double)value), terms));
            WorstElement element = Worst($"gradient of input {i}", gradients[i], gradient, terms);
            if (!(element.Error <= worst.Error)) worst = element;
        }

        return new CheckResult(check, device.Name, forward, backward, difference, worst);
    }

    /// <summary>What the reference says of a case, the same for every device.</summary>
    internal static Expectation Expect(CheckCase check)
    {
        double[][] magnitudes = [.. check.Inputs.Select(Magnitudes)];
        double[] output = check.Reference(check.Inputs), terms = check.Reference(magnitudes);
        if (check.ReferenceBackward is null) return new Expectation(output, terms, [], [], []);
        return new Expectation(
            output, terms, check.ReferenceBackward(check.Inputs, check.OutputGradient),
            check.ReferenceBackward(magnitudes, Magnitudes(check.OutputGradient)),
            [.. Enumerable.Range(0, check.Differentiable).Select(i => Differences(check, i, Step))]);
    }

    /// <summary>
    /// How far central differences of the reference are from the reference's own gradient, for steps h from 1/2 down to 2⁻⁴⁴.
    /// The curve is a V on logarithmic axes: from the right the error falls as h², the terms of third order that a central
    /// difference leaves out (none for quadratic functions); from the left as ε/h, the digits that cancel.
    /// </summary>
    /// <exception cref="InvalidOperationException">The case has no backward.</exception>
    public static IReadOnlyList<(double Step, double Error)> Sweep(CheckCase check)
    {
        if (check.ReferenceBackward is null) throw new InvalidOperationException($"{check} has no gradient");
        double[][] expected = check.ReferenceBackward(check.Inputs, check.OutputGradient);
        double[][] scales = check.ReferenceBackward([.. check.Inputs.Select(Magnitudes)], Magnitudes(check.OutputGradient));
        return [.. Enumerable.Range(1, 44).Select(power => Math.Pow(2, -power)).Select(step =>
            (step, Enumerable.Range(0, check.Differentiable).Max(i => DifferenceError(Differences(check, i, step), expected[i], scales[i]))))];
    }

    /// <summary>
    /// The largest difference, relative to the largest reference value; infinite where anything is not finite.
    /// </summary>
    /// <param name="actual">What the operator gave.</param>
    /// <param name="expected">What the reference gives.</param>
    /// <param name="magnitudes">
    /// What the reference gives for the inputs' magnitudes, i.e. the sum of the magnitudes of its terms: the rounding
    /// error of a sum is relative to that, not to what is left when terms cancel (Higham 2002, "Accuracy and stability
    /// of numerical algorithms", section 3.1).
    /// </param>
    public static double RelativeError(float[] actual, double[] expected, double[]? magnitudes = null)
    {
        if (actual.Length != expected.Length)
            throw new InvalidOperationException($"{actual.Length} values, {expected.Length} expected");
        if (!actual.All(float.IsFinite)) return double.PositiveInfinity;
        double worst = 0;
        for (int i = 0; i < actual.Length; i++) worst = Math.Max(worst, Math.Abs(actual[i] - expected[i]));
        double largest = Math.Max(Largest(expected), Largest(magnitudes ?? []));
        return largest == 0 ? worst : worst / largest;
    }

    /// <summary>How far a gradient is from central differences.</summary>
    private static double DifferenceError(IReadOnlyList<(int Index, double Estimate)> differences, double[] gradient, double[] magnitudes)
    {
        double largest = Math.Max(Largest(magnitudes), gradient.Max(Math.Abs));
        double worst = differences.Max(difference => Math.Abs(difference.Estimate - gradient[difference.Index]));
        return largest == 0 ? worst : worst / largest;
    }

    /// <summary>f(x) = sum of output gradient x reference output, differenced at some coordinates of one input.</summary>
    private static List<(int Index, double Estimate)> Differences(CheckCase check, int input, double step)
    {
        double[] values = check.Inputs[input];
        int stride = Math.Max(1, values.Length / SampledCoordinates);
        List<(int Index, double Estimate)> differences = [];
        for (int i = 0; i < values.Length; i += stride) differences.Add((i, (At(i, step) - At(i, -step)) / (2 * step)));
        return differences;

        double At(int index, double offset)
        {
            double[][] moved = [.. check.Inputs];
            moved[input] = [.. values];
            moved[input][index] += offset;
            double[] output = check.Reference(moved);
            double sum = 0;
            for (int i = 0; i < output.Length; i++) sum += output[i] * check.OutputGradient[i];
            return sum;
        }
    }

    private static WorstElement Worst(string of, float[] actual, double[] expected, double[] magnitudes)
    {
        double largest = Math.Max(Largest(expected), Largest(magnitudes));
        int worst = 0;
        for (int i = 0; i < actual.Length; i++)
            if (!(Math.Abs(actual[i] - expected[i]) <= Math.Abs(actual[worst] - expected[worst]))) worst = i;
        double error = Math.Abs(actual[worst] - expected[worst]);
        return new WorstElement(of, worst, actual[worst], expected[worst], largest == 0 ? error : error / largest);
    }

    private static double Largest(double[] values) => values.Length == 0 ? 0 : values.Max(Math.Abs);

    private static double[] Magnitudes(double[] values) => Array.ConvertAll(values, Math.Abs);

    private static float[] ToFloat(double[] values) => Array.ConvertAll(values, value => (float)value);
}
