using NativeStyle.Autodiff;
using NativeStyle.Autodiff.Operators;
using NativeStyle.GradientCheck.References;
using NativeStyle.Kernels.Memory;
using NativeStyle.Kernels.Operators.Expand;

namespace NativeStyle.GradientCheck;

/// <summary>What surrounds the convolutions of feed-forward networks: normalisation, expansion and clamping.</summary>
internal static partial class OperatorCases
{
    private static IEnumerable<CheckCase> Expansions(Random random)
    {
        foreach ((int h, int w, int c, Expansion expansion) in new[]
        {
            (1, 1, 1, Expansion.None), (1, 1, 5, new Expansion(2, 1)), (9, 6, 5, Expansion.None),
            (5, 7, 17, new Expansion(1, 2)), (4, 5, 3, new Expansion(1, 3)), (3, 4, 16, new Expansion(2, 5)),
            (7, 3, 33, new Expansion(3)), (3, 3, 2, new Expansion(3, 8)), (33, 40, 32, new Expansion(2, 4)),
        })
        {
            yield return Unary(
                "Expand", $"{h}x{w}x{c}, x{expansion.Upsampling} + {expansion.Padding}", new Shape(h, w, c),
                Values(random, (long)h * w * c), random, (tape, t) => tape.Expand(t, expansion),
                x => NormalizationReference.Expand(x, h, w, c, expansion),
                (_, dy) => NormalizationReference.ExpandBackward(dy, h, w, c, expansion), 1e-6,
                "copies, and sums of a few copies");
        }
    }

    private static IEnumerable<CheckCase> Normalizations(Random random)
    {
        (int, int, int)[] shapes =
        [
            (1, 1, 1), (1, 1, 3), (1, 6, 2), (5, 7, 1), (5, 7, 3), (9, 11, 16), (6, 5, 17), (8, 3, 32), (33, 31, 33),
        ];
        foreach ((int, int, int) shape in shapes)
        {
            foreach (bool relu in new[] { false, true })
            {
                foreach (int margin in new[] { -1, 2 })
                {
                    yield return Normalization(random, shape, relu, margin, Expansion.None);
                    yield return Normalization(random, shape, relu, margin, new Expansion(2, 1));
                }
            }
        }

        foreach (Expansion expansion in new[] { new Expansion(1, 4), new Expansion(3), new Expansion(2, 7) })
            yield return Normalization(random, (5, 7, 9), relu: true, margin: 0, expansion);
        foreach (bool relu in new[] { false, true })
            yield return Normalization(random, (33, 31, 17), relu, margin: 1, new Expansion(2, 1), mean: 70);
    }

    /// <param name="margin">As in NormalizeShape.</param>
    /// <param name="mean">About the mean of each channel; its deviation is about 0.7.</param>
    private static CheckCase Normalization(
        Random random, (int Height, int Width, int Channels) size, bool relu, int margin, Expansion expansion,
        double mean = 0)
    {
        (int h, int w, int c) = size;
        // Values come in two clouds, and shift puts zero between the normalised clouds, away from ReLU's kink.
        double[] x = Array.ConvertAll(Values(random, (long)h * w * c), v => Single(mean + v + (0.3 * Math.Sign(v))));
        double[] scale = Array.ConvertAll(Values(random, c), v => Single(v + Math.Sign(v)));
        double[] shift =
            [.. Enumerable.Range(0, c).Select(i => Single(0.1 - (scale[i] * WidestGap([.. Channel(i)]))))];
        var window = new Window(margin, margin, h, w);
        (int outerHeight, int outerWidth) = (h + (2 * margin), w + (2 * margin));
        bool hasResidual = margin >= 0;
        double[] residual = hasResidual ? Values(random, (long)outerHeight * outerWidth * c) : [];
        double[] Reference(double[][] v)
        {
            double[] sum = NormalizationReference.Normalize(v[0], v[1], v[2], relu);
            if (hasResidual) sum = VectorReference.Axpy(sum, CropReference.Crop(v[3], outerWidth, c, window), 1);
            return NormalizationReference.Expand(sum, h, w, c, expansion);
        }

        double[][] inputs = hasResidual ? [x, scale, shift, residual] : [x, scale, shift];
        return new CheckCase
        {
            Operator = "InstanceNorm",
            Variant = $"{h}x{w}x{c}{(relu ? ", ReLU" : "")}{(hasResidual ? $", residual + {margin}" : "")}, "
                + $"x{expansion.Upsampling} + {expansion.Padding}{(mean == 0 ? "" : ", large mean")}",
            Inputs = inputs,
            Differentiable = inputs.Length,
            OutputGradient = Values(random, Reference(inputs).Length),
            Reference = Reference,
            ReferenceBackward = (v, dy) =>
            {
                double[] g = NormalizationReference.ExpandBackward(dy, h, w, c, expansion);
                (double[] dx, double[] dScale, double[] dShift) =
                    NormalizationReference.NormalizeBackward(v[0], v[1], v[2], g, relu);
                return hasResidual
                    ? [dx, dScale, dShift, CropReference.Place(g, v[3].Length, outerWidth, c, window)]
                    : [dx, dScale, dShift];
            },
            Run = (device, v, dy) =>
            {
                using var input = new Tensor(device, new Shape(h, w, c), v[0], true);
                using var scales = new Tensor(device, new Shape(c), v[1], true);
                using var shifts = new Tensor(device, new Shape(c), v[2], true);
                using Tensor? added = hasResidual
                    ? new Tensor(device, new Shape(outerHeight, outerWidth, c), v[3], true) : null;
                return Twice(
                    device, tape => tape.InstanceNorm(input, scales, shifts, relu, added, expansion), dy,
                    added is null ? [input, scales, shifts] : [input, scales, shifts, added]);
            },
            Tolerance = mean == 0 ? 1e-5 : 4e-5,
            ToleranceReason = mean == 0
                ? "dx is a difference of three sums of rounded terms, which may nearly cancel: seen up to 3e-6"
                : "the mean is a float, so its error is up to 6e-8 / 2 of 100 deviations: 3e-6 of each x^, and seen up to "
                    + "1.3e-5 in dx",
        };

        IEnumerable<double> Channel(int channel) => NormalizationReference.Normalized(
            Layout.Vector([.. x.Where((_, i) => i % c == channel)])).Value;
    }

    /// <summary>Returns the middle of the widest gap between values, or 0 for a single value.</summary>
    private static double WidestGap(double[] values)
    {
        Array.Sort(values);
        return values.Length == 1
            ? 0
            : values.Zip(values.Skip(1)).MaxBy(pair => pair.Second - pair.First) is var (low, high)
                ? (low + high) / 2 : 0;
    }

    private static IEnumerable<CheckCase> Clamps(Random random)
    {
        foreach (int length in new[] { 1, 13, 5000 })
        {
            // Keep values away from the bounds, where the derivative jumps.
            double[] x = Array.ConvertAll(
                Values(random, length), v => Single(v + (v < -0.25 ? -0.05 : v > 0.5 ? 0.05 : 0) - (v / 50)));
            yield return Unary(
                "Clamp (on the tape)", $"{length}", new Shape(length), x, random,
                (tape, t) => tape.Clamp(t, -0.25f, 0.5f), v => [.. v.Select(e => Math.Clamp(e, -0.25, 0.5))],
                (v, dy) => [.. v.Zip(dy, (e, g) => e is >= -0.25 and <= 0.5 ? g : 0)], 1e-6, ElementwiseReason);
        }
    }
}
