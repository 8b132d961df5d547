using ILGPU;
using NativeStyle.Autodiff;
using NativeStyle.Autodiff.Operators;
using NativeStyle.GradientCheck.References;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;
using NativeStyle.Kernels.Operators.Adam;
using NativeStyle.Kernels.Operators.Conv3x3;
using NativeStyle.Kernels.Operators.Crop;
using NativeStyle.Kernels.Operators.GradientNormalization;
using NativeStyle.Kernels.Operators.Gram;
using NativeStyle.Kernels.Operators.Pixels;
using NativeStyle.Kernels.Operators.Pool2x2;
using NativeStyle.Kernels.Operators.Reduction;
using NativeStyle.Kernels.Operators.TotalVariation;
using NativeStyle.Kernels.Operators.Vectors;
using NativeStyle.Kernels.Operators.Wasserstein;

namespace NativeStyle.GradientCheck;

/// <summary>
/// The cases of every operator, forward and backward. They cover odd sizes, one pixel, one channel, and channel counts
/// around the vector widths. Operators with a tape entry run through the tape, so that the entry is checked too.
/// </summary>
internal static partial class OperatorCases
{
    private const string ElementwiseReason = "one or two roundings an element, 6e-8 each";
    private const string SumReason = "float32 sums of n terms: about sqrt(n) 6e-8, with a margin for n up to 2e4";

    /// <summary>
    /// Returns the operators of feature maps at one shape: convolution (with as many filters as channels), poolings,
    /// Gram matrix, total variation, channel mean, guidance and losses.
    /// </summary>
    public static IEnumerable<CheckCase> AtShape(int seed, int height, int width, int channels)
    {
        var random = new Random(seed);
        Conv3x3Shape plain = new(height, width, channels, channels);
        Conv3x3Shape[] convolutions = [plain, plain with { Padding = Padding.Replicate }, plain with { Relu = true }];
        (int, int, int) shape = (height, width, channels);
        int length = height * width * channels;
        return
        [
            .. convolutions.Select(convolution => Convolution(random, convolution)), .. Pooled([plain], random),
            .. Relus(random, length), .. Pools(random, shape), .. Grams(random, shape),
            .. SquaredErrors(random, length), .. Variations(random, shape), .. Means(random, shape),
        ];
    }

    /// <summary>Returns all cases, with inputs drawn from <paramref name="seed"/>.</summary>
    public static IEnumerable<CheckCase> All(int seed)
    {
        var random = new Random(seed);
        CheckCase[] all =
        [
            .. Convolutions(random), .. ConvolutionsByKernels(random), .. StridedConvolutions(random),
            .. StridedConvolutionsByKernels(random), .. Products(random),
            .. Relus(random, 1, 7, 1001),
            .. Pools(random, (2, 2, 1), (5, 7, 3), (4, 6, 8), (9, 3, 19), (3, 8, 64), (1, 1, 5), (1, 6, 2)),
            .. Grams(
                random, (1, 1, 1), (1, 1, 9), (5, 7, 3), (3, 3, 17), (31, 17, 8), (16, 13, 64), (7, 5, 70),
                (40, 37, 48), (65, 64, 64)),
            .. SquaredErrors(random, 1, 5, 1000, 40_001),
            .. Variations(random, (1, 1, 1), (1, 5, 3), (6, 1, 3), (9, 11, 3), (17, 4, 5)),
            .. Means(random, (1, 1, 1), (5, 7, 3), (3, 70, 17), (33, 31, 64)), .. Statistics(random), .. Crops(random),
            .. Expansions(random), .. Normalizations(random), .. Clamps(random),
            .. Vectors(random), .. Reductions(random), .. Pixels(random), Adam(random),
            .. ValidWinograds(random),
        ];
        // Run cases with groups last: ILGPU's CPU accelerator keeps the threads of its largest group, which slow down
        // all later cases.
        return all.OrderBy(check => check.NeedsGroups);
    }

    private static IEnumerable<CheckCase> Relus(Random random, params int[] lengths)
    {
        foreach (int length in lengths)
        {
            double[] x = Array.ConvertAll(Values(random, length), value => value + (0.05 * Math.Sign(value)));
            yield return Unary(
                "ReLU", $"{length}", new Shape(1, 1, length), Round(x), random, (tape, t) => tape.Relu(t),
                VectorReference.Relu, VectorReference.ReluBackward, 1e-6, ElementwiseReason);
        }
    }

    private static IEnumerable<CheckCase> Pools(Random random, params (int, int, int)[] shapes)
    {
        foreach (PoolEdge edge in new[] { PoolEdge.Floor, PoolEdge.Same })
        {
            foreach ((int h, int w, int c) in shapes)
            {
                var shape = new PoolShape(h, w, c, edge);
                if (shape.OutLength == 0) continue;
                string variant = $"{h}x{w}x{c}, {edge}";
                yield return Unary(
                    "AvgPool", variant, new Shape(h, w, c), Values(random, shape.InLength), random,
                    (tape, t) => tape.AvgPool(t, edge), x => PoolReference.Average(x, shape),
                    (x, dy) => PoolReference.AverageBackward(x, dy, shape), 1e-6, ElementwiseReason);

                // Keep values away from zero, where the norm has no derivative.
                double[] signed = Array.ConvertAll(
                    Values(random, shape.InLength), value => Single(value + (0.1 * Math.Sign(value))));
                yield return Unary(
                    "L2Pool", variant, new Shape(h, w, c), signed, random,
                    (tape, t) => tape.L2Pool(t, edge), x => PoolReference.L2(x, shape),
                    (x, dy) => PoolReference.L2Backward(x, dy, shape), 1e-6, ElementwiseReason);

                // Use distinct values further apart than the difference step, so that the maximum's place does not
                // change.
                double[] distinct = [.. Enumerable.Range(0, (int)shape.InLength).Select(i => (i + 1) / 128.0)];
                random.Shuffle(distinct);
                yield return Unary(
                    "MaxPool", variant, new Shape(h, w, c), distinct, random,
                    (tape, t) => tape.MaxPool(t, edge), x => PoolReference.Max(x, shape),
                    (x, dy) => PoolReference.MaxBackward(x, dy, shape), 1e-6, ElementwiseReason);
            }
        }
    }

    private static IEnumerable<CheckCase> Grams(Random random, params (int, int, int)[] shapes)
    {
        foreach ((int h, int w, int c) in shapes)
        {
            double scale = Single(1.0 / (h * w));
            double[] x = Values(random, (long)h * w * c);
            yield return Unary(
                "Gram", $"{h}x{w}x{c}", new Shape(h, w, c), x, random, (tape, t) => tape.Gram(t, (float)scale),
                f => StyleReference.Gram(f, h * w, c, scale),
                (f, dg) => StyleReference.GramBackward(f, dg, h * w, c, scale), 5e-6, SumReason);
            // ILGPU's CPU device gives each work item a thread, which is correct but slow.
            if ((long)h * w * c * c > 40_000) continue;
            yield return new CheckCase
            {
                Operator = "Gram (tiled)",
                NeedsGroups = true,
                Variant = $"{h}x{w}x{c}",
                Inputs = [x],
                Reference = v => StyleReference.Gram(v[0], h * w, c, scale),
                Run = (device, v, _) =>
                {
                    using DeviceBuffer<float> features = device.Allocate<float>(v[0]);
                    using DeviceBuffer<float> gram = device.Allocate<float>((long)c * c);
                    GramOp.TiledForward(device, new(features.View, gram.View, h * w, c, (float)scale));
                    return (gram.GetAsArray(), []);
                },
                Tolerance = 5e-6,
                ToleranceReason = SumReason,
            };
        }
    }

    private static IEnumerable<CheckCase> SquaredErrors(Random random, params int[] lengths)
    {
        foreach (int length in lengths)
        {
            double[] target = Values(random, length);
            double scale = Single(3.0 / length);
            yield return Unary(
                "SquaredError", $"{length}", new Shape(length), Values(random, length), random,
                (tape, t) =>
                {
                    var constant = new Tensor(tape.Device, t.Shape, Array.ConvertAll(target, v => (float)v));
                    return tape.SquaredError(t, constant, (float)scale);
                },
                x => [StyleReference.SquaredError(x, target, scale)],
                (x, dl) => Times(StyleReference.SquaredErrorBackward(x, target, scale), dl[0]), 2e-6, SumReason);
        }
    }

    private static IEnumerable<CheckCase> Variations(Random random, params (int, int, int)[] shapes)
    {
        foreach ((int h, int w, int c) in shapes)
        {
            float scale = 2f / (h * w);
            foreach ((string form, VariationWeights weights) in new (string, VariationWeights)[]
            {
                ("L2", new(scale, scale)),
                ("L2 inner", new(scale, 0.5f * scale, Border: VariationBorder.Inner)),
                ("L1", new(scale, scale, Norm: VariationNorm.Absolute)),
                ("nine-point", new(scale, scale, 0.25f * scale)),
            })
            {
                // Use distinct values: a difference of zero is a kink of |d|.
                double[] x = [.. Enumerable.Range(0, h * w * c).Select(i => (i - (h * w * c / 2)) / 256.0)];
                random.Shuffle(x);
                yield return Unary(
                    $"TotalVariation ({form})", $"{h}x{w}x{c}", new Shape(h, w, c), x, random,
                    (tape, t) => tape.TotalVariation(t, weights),
                    v => [StyleReference.TotalVariation(v, h, w, c, weights).Loss],
                    (v, dl) => Times(StyleReference.TotalVariation(v, h, w, c, weights).Gradient, dl[0]),
                    2e-6, SumReason);
            }
        }
    }

    private static IEnumerable<CheckCase> Means(Random random, params (int, int, int)[] shapes)
    {
        foreach ((int h, int w, int c) in shapes)
        {
            double[] x = Values(random, (long)h * w * c), guidance = Values(random, (long)h * w);
            yield return Unary(
                "ChannelMean", $"{h}x{w}x{c}", new Shape(h, w, c), x, random, (tape, t) => tape.ChannelMean(t),
                    f => StyleReference.ChannelMean(f, h * w, c),
                    (_, dm) => StyleReference.ChannelMeanBackward(dm, h * w, c), 2e-6, SumReason);
            yield return Unary(
                "Guidance", $"{h}x{w}x{c}", new Shape(h, w, c), x, random,
                    (tape, t) => tape.Guide(
                        t, new Tensor(tape.Device, new Shape(h, w), Array.ConvertAll(guidance, v => (float)v))),
                    f => StyleReference.Guide(f, guidance, c),
                    (_, dy) => StyleReference.Guide(dy, guidance, c), 1e-6, ElementwiseReason);
        }
    }

    private static IEnumerable<CheckCase> Crops(Random random)
    {
        foreach ((int h, int w, int c, Window window) in new[]
        {
            (1, 1, 1, new Window(0, 0, 1, 1)), (5, 7, 3, new Window(1, 2, 3, 4)),
            (9, 6, 17, new Window(0, 5, 9, 1)), (33, 40, 64, new Window(7, 0, 20, 40)),
        })
        {
            yield return Unary(
                "Crop", $"{window.Height}x{window.Width} of {h}x{w}x{c}", new Shape(h, w, c),
                Values(random, (long)h * w * c), random,
                (tape, t) => tape.Crop(t, window), x => CropReference.Crop(x, w, c, window),
                (x, dy) => CropReference.Place(dy, x.Length, w, c, window), 1e-7, "copies");
            double[] map = Values(random, (long)h * w * c), part = Values(random, window.Pixels * c);
            foreach (float beta in new[] { 0f, 1f, 0.5f })
            {
                yield return InPlace(
                    $"Crop.Place (beta {beta})", [map, part],
                    v => VectorReference.Axpy(
                        CropReference.Place(v[1], v[0].Length, w, c, window),
                        CropReference.ScaleWindow(v[0], w, c, window, beta),
                        1),
                    (a, v) =>
                    {
                        if (beta == 0f)
                        {
                            using DeviceBuffer<float> undefined = a.Allocate<float>(part.Length);
                            VectorOps.Fill(a, undefined.View, float.NaN);
                            CropOp.Place(a, undefined.View, v[0], h, w, c, window, 1f);
                        }

                        CropOp.Place(a, v[1], v[0], h, w, c, window, beta);
                    });
            }
        }
    }

    private static IEnumerable<CheckCase> Statistics(Random random)
    {
        foreach ((int pixels, int n) in new[] { (9, 1), (90, 3), (400, 16), (1500, 40) })
        {
            double[] target = Round(Array.ConvertAll(Values(random, (long)pixels * n), v => (0.7 * v) + 0.3));
            double[] mean = StyleReference.ChannelMean(target, pixels, n);
            double[] moment = StyleReference.Gram(target, pixels, n, 1.0 / pixels);
            double scale = Single(1.5);
            (double Loss, double[] Gradient) Reference(double[] f) =>
                StyleReference.Wasserstein(f, pixels, n, mean, moment, WassersteinOp.Epsilon, scale);
            yield return Unary(
                "Wasserstein", $"{pixels} pixels, {n} channels", new Shape(1, pixels, n),
                Values(random, (long)pixels * n), random,
                (tape, t) => Wasserstein(tape, t, Array.ConvertAll(target, v => (float)v), (float)scale),
                f => [Reference(f).Loss], (f, dl) => Times(Reference(f).Gradient, dl[0]), 2e-5,
                "a dozen matrix products one after the other, each of sums of n terms");
        }

        foreach ((int h, int w, int c) in new[] { (1, 1, 1), (5, 7, 3), (33, 31, 17), (9, 40, 64) })
        {
            double[] point = Values(random, c);
            yield return Unary(
                "Centre", $"{h}x{w}x{c}", new Shape(h, w, c), Values(random, (long)h * w * c), random,
                (tape, t) => tape.Centre(
                    t, new Tensor(tape.Device, new Shape(c), Array.ConvertAll(point, v => (float)v))),
                x => [.. x.Select((value, i) => value - point[i % c])], (_, dy) => dy, 1e-6, ElementwiseReason);
        }

        foreach (int length in new[] { 1, 1000, 40_001 })
        {
            double[] g = Values(random, length), before = Values(random, length);
            const float Weight = 3.5f;
            foreach (float beta in new[] { 0f, 1f })
            {
                yield return InPlace(
                    $"GradientNormalization (beta {beta})", [before, g],
                    v => VectorReference.Axpy(
                        Times(v[0], beta), VectorReference.NormalizeGradient(v[1], Weight), 1),
                    (a, v) =>
                    {
                        if (beta == 0f) VectorOps.Fill(a, v[0], float.NaN);
                        using DeviceBuffer<float> norm = a.Allocate<float>(1);
                        ReductionOp.AbsoluteSum(a, v[1], norm.View);
                        GradientNormalizationOp.Backward(a, v[1], norm.View, v[0], Weight, beta);
                    }) with { Tolerance = 5e-6, ToleranceReason = SumReason };
            }
        }
    }

    /// <summary>
    /// The Wasserstein loss of a feature map, all moments about the target's mean, as a transfer takes them.
    /// </summary>
    /// <param name="features">(1, pixels, channels).</param>
    /// <param name="target">The target's features, with as many channels.</param>
    public static Tensor Wasserstein(Tape tape, Tensor features, float[] target, float scale)
    {
        (_, int pixels, int channels) = features.Shape;
        var map = new Tensor(tape.Device, new Shape(1, target.Length / channels, channels), target);
        Tensor centre = tape.ChannelMean(map);
        Tensor there = tape.Centre(map, centre), here = tape.Centre(features, centre);
        var goal = new WassersteinTarget(
            tape.ChannelMean(there), tape.Gram(there, (float)(1.0 / (target.Length / channels))));
        return tape.WassersteinDistance(
            tape.ChannelMean(here), tape.Gram(here, (float)(1.0 / pixels)), goal, scale);
    }

    private static IEnumerable<CheckCase> Vectors(Random random)
    {
        foreach (int length in new[] { 1, 13, 5000 })
        {
            double[] y = Values(random, length), x = Values(random, length);
            // A single sum must not be of terms that cancel: its rounding is relative to them.
            if (length == 1) (y, x) = ([Single(0.5 + Math.Abs(y[0]))], [-Math.Abs(x[0])]);
            double factor = Single(-0.7);
            yield return InPlace("Fill", [y], v => [.. v[0].Select(_ => factor)], (a, v) =>
                VectorOps.Fill(a, v[0], (float)factor));
            yield return InPlace("Scale", [y], v => VectorReference.Axpy(new double[length], v[0], factor), (a, v) =>
                VectorOps.Scale(a, v[0], (float)factor));
            yield return InPlace("Axpy", [y, x], v => VectorReference.Axpy(v[0], v[1], factor), (a, v) =>
                VectorOps.Axpy(a, v[0], v[1], (float)factor));
            yield return InPlace("Lerp", [y, x], v => VectorReference.Lerp(v[0], v[1], Single(0.01)), (a, v) =>
                VectorOps.Lerp(a, v[0], v[1], 0.01f));
            yield return InPlace("Clamp", [y], v => [.. v[0].Select(e => Math.Clamp(e, -0.25, 0.5))], (a, v) =>
                PixelsOp.Clamp(a, v[0], -0.25f, 0.5f));
        }
    }

    private static IEnumerable<CheckCase> Reductions(Random random)
    {
        foreach (int length in new[] { 1, 1023, 70_001 })
        {
            // Use positive values: a sum near zero would make every relative error large.
            double[] a = Round(Array.ConvertAll(Values(random, length), v => v + 1.5));
            double[] b = Round(Array.ConvertAll(Values(random, length), v => v + 1.5));
            yield return Reduce("Sum", [a], v => VectorReference.Sum(v[0]), (d, v, r) => ReductionOp.Sum(d, v[0], r));
            yield return Reduce("Dot", [a, b], v => VectorReference.Dot(v[0], v[1]), (d, v, r) =>
                ReductionOp.Dot(d, v[0], v[1], r));
            double[] negative = Array.ConvertAll(a, v => -v);
            yield return Reduce("AbsoluteSum", [negative], v => Math.Abs(VectorReference.Sum(v[0])), (d, v, r) =>
                ReductionOp.AbsoluteSum(d, v[0], r));
            yield return Reduce("Norm", [a], v => VectorReference.Norm(v[0]), (d, v, r) =>
                VectorOps.Fill(d, r, VectorOps.Norm(d, v[0])));
        }
    }

    private static IEnumerable<CheckCase> Pixels(Random random)
    {
        float[] mean = [123.68f, 116.779f, 103.939f];
        foreach ((int h, int w) in new[] { (1, 1), (5, 7) })
        {
            yield return Unary(
                "Normalize", $"{h}x{w}x3", new Shape(h, w, 3), Values(random, h * w * 3), random,
                (tape, t) => tape.Normalize(t, [255f, 120f, 58f], mean),
                x => VectorReference.Normalize(x, [255, 120, 58], Array.ConvertAll(mean, m => (double)m)),
                (_, dy) => VectorReference.Normalize(dy, [255, 120, 58], [0, 0, 0]), 1e-6, ElementwiseReason);
        }
    }

    private static CheckCase Adam(Random random)
    {
        const int Length = 777;
        const int Step = 3;
        var settings = new AdamSettings(0.02f, 0.9f, 0.99f);
        double[] v = Array.ConvertAll(Values(random, Length), value => Single(value * value));
        return new CheckCase
        {
            Operator = "Adam",
            Variant = $"{Length}, step {Step}",
            Inputs = [Values(random, Length), Values(random, Length), Values(random, Length), v],
            Reference = i => VectorReference.AdamStep(i[0], i[1], i[2], i[3], settings, Step),
            Run = (device, i, _) =>
            {
                DeviceBuffer<float>[] buffers = [.. i.Select(values => device.Allocate<float>(values))];
                AdamOp.Step(
                    device, buffers[0].View, buffers[1].View, buffers[2].View, buffers[3].View, settings, Step);
                float[] output = [.. buffers[0].GetAsArray(), .. buffers[2].GetAsArray(), .. buffers[3].GetAsArray()];
                foreach (DeviceBuffer<float> buffer in buffers) buffer.Dispose();
                return (output, []);
            },
            Tolerance = 2e-6,
            ToleranceReason = "a division and a root on top of a few roundings",
        };
    }

    /// <summary>Makes a case of an operator on the tape with one differentiable input.</summary>
    private static CheckCase Unary(
        string name, string variant, Shape shape, double[] x, Random random, Func<Tape, Tensor, Tensor> apply,
        Func<double[], double[]> reference, Func<double[], double[], double[]> backward,
        double tolerance, string reason)
    {
        double[] dy = Values(random, reference(x).Length);
        return new CheckCase
        {
            Operator = name,
            Variant = variant,
            Inputs = [x],
            Differentiable = 1,
            OutputGradient = dy,
            Reference = v => reference(v[0]),
            ReferenceBackward = (v, g) => [backward(v[0], g)],
            Run = (device, v, g) =>
            {
                using var input = new Tensor(device, shape, v[0], true);
                return Twice(device, tape => apply(tape, input), g, input);
            },
            Tolerance = tolerance,
            ToleranceReason = reason,
        };
    }

    /// <summary>
    /// Runs forward and backward twice without clearing the gradients. The first pass overwrites them and the second
    /// adds to them, so half of the result is the gradient only if both are right.
    /// </summary>
    private static (float[] Output, float[][] Gradients) Twice(
        ComputeDevice device, Func<Tape, Tensor> apply, float[] outputGradient, params Tensor[] inputs)
    {
        float[] output = [];
        for (int pass = 0; pass < 2; pass++)
        {
            using var tape = new Tape(device);
            Tensor y = apply(tape);
            output = y.ToArray();
            tape.Backward(y, outputGradient);
        }

        return (output, [.. inputs.Select(input => Array.ConvertAll(input.GradientToArray(), value => value / 2))]);
    }

    private static CheckCase InPlace(
        string name, double[][] inputs, Func<double[][], double[]> reference,
        Action<ComputeDevice, ArrayView<float>[]> run) => new()
        {
            Operator = name,
            Variant = $"{inputs[0].Length}",
            Inputs = inputs,
            Reference = reference,
            Run = (device, v, _) =>
            {
                DeviceBuffer<float>[] buffers = [.. v.Select(values => device.Allocate<float>(values))];
                run(device, [.. buffers.Select(buffer => buffer.View)]);
                float[] output = buffers[0].GetAsArray();
                foreach (DeviceBuffer<float> buffer in buffers) buffer.Dispose();
                return (output, []);
            },
            Tolerance = 1e-6,
            ToleranceReason = ElementwiseReason,
        };

    private static CheckCase Reduce(
        string name, double[][] inputs, Func<double[][], double> reference,
        Action<ComputeDevice, ArrayView<float>[], ArrayView<float>> run) => new()
        {
            Operator = name,
            Variant = $"{inputs[0].Length}",
            Inputs = inputs,
            Reference = v => [reference(v)],
            Run = (device, v, _) =>
            {
                DeviceBuffer<float>[] buffers = [.. v.Select(values => device.Allocate<float>(values))];
                using DeviceBuffer<float> result = device.Allocate<float>(1);
                run(device, [.. buffers.Select(buffer => buffer.View)], result.View);
                foreach (DeviceBuffer<float> buffer in buffers) buffer.Dispose();
                return (result.GetAsArray(), []);
            },
            Tolerance = 2e-6,
            ToleranceReason = SumReason,
        };

    private static double[] Values(Random random, long length)
    {
        double[] values = new double[length];
        for (int i = 0; i < values.Length; i++) values[i] = Single((2 * random.NextDouble()) - 1);
        return values;
    }

    private static double[] Times(double[] values, double factor) => Array.ConvertAll(values, value => value * factor);

    private static double[] Round(double[] values) => Array.ConvertAll(values, Single);

    private static double Single(double value) => (float)value;
}
