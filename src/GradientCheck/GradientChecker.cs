using NativeStyle.Kernels.Devices;

namespace NativeStyle.GradientCheck;

/// <summary>
/// Checks an operator on a device in three ways. It compares the output with a MathNet reference in double precision,
/// the gradients with the reference's gradients, and the gradients with central differences of the reference's output.
/// All memory that the operator allocates is full of not-a-number, so that it fails if it reads what nothing has
/// written, as the old content of an output with beta 0.
/// </summary>
public static class GradientChecker
{
    /// <summary>How many coordinates of each input are differenced. More would only take more time.</summary>
    private const int SampledCoordinates = 16;

    /// <summary>A power of two, so that x ± h is exact for x near 1.</summary>
    private const double Step = 1.0 / 1024;

    /// <summary>
    /// Runs an operator on a device, and compares its output and gradients with the reference, and with central
    /// differences of the reference.
    /// </summary>
    public static CheckResult Check(CheckCase check, ComputeDevice device)
    {
        Expectation expected = check.Expected;
        (float[] output, float[][] gradients) = Run(check, device);
        double forward = RelativeError(output, expected.Output, expected.OutputTerms);
        WorstElement worst = Worst("output", output, expected.Output, expected.OutputTerms);
        if (check.ReferenceBackward is null) return new CheckResult(check, device.Name, forward, null, null, worst);

        if (gradients.Length != check.Differentiable || expected.Gradients.Length != check.Differentiable)
        {
            throw new InvalidOperationException(
                $"{check}: {gradients.Length} gradients, {expected.Gradients.Length} expected");
        }

        double backward = 0, difference = 0;
        for (int i = 0; i < gradients.Length; i++)
        {
            (double[] gradient, double[] terms) = (expected.Gradients[i], expected.GradientTerms[i]);
            backward = Math.Max(backward, RelativeError(gradients[i], gradient, terms));
            double[] inDouble = Array.ConvertAll(gradients[i], value => (double)value);
            difference = Math.Max(difference, DifferenceError(expected.Differences[i], inDouble, terms));
            WorstElement element = Worst($"gradient of input {i}", gradients[i], gradient, terms);
            if (!(element.Error <= worst.Error)) worst = element;
        }

        return new CheckResult(check, device.Name, forward, backward, difference, worst);
    }

    private static (float[] Output, float[][] Gradients) Run(CheckCase check, ComputeDevice device)
    {
        device.FillsWithNotANumber = true;
        try
        {
            return check.Run(device, [.. check.Inputs.Select(ToFloat)], ToFloat(check.OutputGradient));
        }
        finally
        {
            device.FillsWithNotANumber = false;
        }
    }

    /// <summary>Computes the reference's results for a case. They are the same for every device.</summary>
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
    /// Measures how far central differences of the reference are from the reference's own gradient, for steps h from
    /// 1/2 down to 2⁻⁴⁴. The curve is a V on logarithmic axes. From the right the error falls as h², because a
    /// central difference omits the terms of third order (quadratic functions have none). To the left it grows as ε/h,
    /// because digits cancel.
    /// </summary>
    /// <exception cref="InvalidOperationException">The case has no backward pass.</exception>
    public static IReadOnlyList<(double Step, double Error)> Sweep(CheckCase check)
    {
        if (check.ReferenceBackward is null) throw new InvalidOperationException($"{check} has no gradient");
        double[][] expected = check.ReferenceBackward(check.Inputs, check.OutputGradient);
        double[][] scales = check.ReferenceBackward(
            [.. check.Inputs.Select(Magnitudes)], Magnitudes(check.OutputGradient));
        return
        [
            .. Enumerable.Range(1, 44).Select(power => Math.Pow(2, -power)).Select(step => (step, WorstOf(step))),
        ];

        double WorstOf(double step) => Enumerable.Range(0, check.Differentiable)
            .Max(i => DifferenceError(Differences(check, i, step), expected[i], scales[i]));
    }

    /// <summary>
    /// Returns the largest difference relative to the largest reference value, or infinity if a value is not finite.
    /// </summary>
    /// <param name="actual">The operator's values.</param>
    /// <param name="expected">The reference's values.</param>
    /// <param name="magnitudes">
    /// The reference's values for the inputs' magnitudes, which are the sums of the magnitudes of the terms. The
    /// rounding error of a sum is relative to these, and not to what is left when terms cancel (Higham 2002, "Accuracy
    /// and stability of numerical algorithms", section 3.1).
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

    /// <summary>Returns how far a gradient is from central differences.</summary>
    private static double DifferenceError(
        IReadOnlyList<(int Index, double Estimate)> differences, double[] gradient, double[] magnitudes)
    {
        double largest = Math.Max(Largest(magnitudes), gradient.Max(Math.Abs));
        double worst = differences.Max(difference => Math.Abs(difference.Estimate - gradient[difference.Index]));
        return largest == 0 ? worst : worst / largest;
    }

    /// <summary>
    /// Differences f(x) = sum of output gradient x reference output at some coordinates of one input.
    /// </summary>
    private static List<(int Index, double Estimate)> Differences(CheckCase check, int input, double step)
    {
        double[] values = check.Inputs[input];
        int stride = Math.Max(1, values.Length / SampledCoordinates);
        List<(int Index, double Estimate)> differences = [];
        for (int i = 0; i < values.Length; i += stride)
            differences.Add((i, (At(i, step) - At(i, -step)) / (2 * step)));
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
