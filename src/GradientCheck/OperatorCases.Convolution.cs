using NativeStyle.Autodiff;
using NativeStyle.Autodiff.Operators;
using NativeStyle.GradientCheck.References;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;
using NativeStyle.Kernels.Operators.Conv3x3;
using NativeStyle.Kernels.Operators.MatrixProduct;
using NativeStyle.Kernels.Operators.Pool2x2;

namespace NativeStyle.GradientCheck;

/// <summary>
/// Convolutions, on the CPU's paths and by the GPU's kernels, and the matrix products that they are built on.
/// </summary>
internal static partial class OperatorCases
{
    private const double ConvolutionTolerance = 1e-5;
    private const string ConvolutionReason =
        "direct sums stay below 3e-7; Winograd F(4x4,3x3) loses a decimal digit, seen up to 2e-6, and 3e-6 in a tile's "
        + "gradient to weights";

    private const double TensorTolerance = 1e-3;
    private const string TensorReason =
        "both factors rounded to 10 bits of mantissa: 2^-10 of the terms at the most, seen up to 3e-4";

    private static IEnumerable<CheckCase> Convolutions(Random random)
    {
        // Channels that fill vectors take the Winograd path. It goes by tiles if there are more tiles than channels,
        // and by channels otherwise.
        Conv3x3Shape[] shapes =
        [
            new(1, 1, 1, 1), new(1, 1, 8, 8), new(1, 9, 2, 5), new(7, 5, 3, 64), new(7, 5, 3, 64, Padding.Replicate),
            new(1, 1, 3, 7, Padding.Replicate), new(1, 6, 3, 33, Padding.Replicate), new(4, 4, 8, 16),
            new(9, 10, 13, 21), new(13, 6, 16, 17), new(5, 5, 64, 9), new(18, 11, 32, 48), new(6, 23, 40, 8),
            new(1, 1, 16, 16), new(17, 19, 16, 16), new(30, 33, 32, 48), new(3, 50, 16, 8),
        ];
        foreach (Conv3x3Shape sizes in shapes)
        {
            yield return Convolution(random, sizes);
            yield return Convolution(random, sizes with { Relu = true });
        }

        Conv3x3Shape[] pooled =
        [
            new(2, 2, 1, 1), new(1, 5, 3, 8), new(7, 5, 3, 33), new(6, 9, 4, 16, Padding.Replicate), new(8, 8, 16, 16),
            new(9, 11, 32, 32), new(17, 14, 16, 48), new(1, 1, 16, 32),
        ];
        foreach (CheckCase check in Pooled(pooled, random)) yield return check;
    }

    private static IEnumerable<CheckCase> Pooled(Conv3x3Shape[] shapes, Random random)
    {
        foreach (Conv3x3Shape sizes in shapes)
        {
            foreach (PoolEdge edge in new[] { PoolEdge.Floor, PoolEdge.Same })
            {
                Conv3x3Shape shape = sizes with { Relu = true, Pooling = Pooling.Average, PoolEdge = edge };
                if (shape.OutLength == 0) continue;
                yield return Convolution(random, shape);
                yield return Convolution(random, shape with { Pooling = Pooling.Max });
            }
        }
    }

    private static CheckCase Convolution(Random random, Conv3x3Shape shape)
    {
        double[] x = Values(random, shape.InLength), w = Values(random, shape.FilterLength);
        double[] b = Values(random, shape.OutChannels), dy = Values(random, shape.OutLength);
        string pool = shape.Pooling == Pooling.None ? "" : $"+{shape.Pooling}Pool";
        if (shape.Relu) dy = AwayFromKinks(ConvolutionReference.Forward(x, w, b, shape), dy, shape);
        return new CheckCase
        {
            Operator = $"Conv3x3{(shape.Relu ? "+ReLU" : "")}{pool}",
            Variant = $"{shape.Height}x{shape.Width}, {shape.InChannels} -> {shape.OutChannels}, {shape.Padding}"
                + (shape.Pooling == Pooling.None ? "" : $", {shape.PoolEdge}"),
            Inputs = [x, w, b],
            Differentiable = 3,
            OutputGradient = dy,
            Reference = v => ConvolutionReference.End(ConvolutionReference.Forward(v[0], v[1], v[2], shape), shape),
            ReferenceBackward = (v, g) => ConvolutionReference.Backward(
                v[0],
                v[1],
                ConvolutionReference.EndBackward(ConvolutionReference.Forward(v[0], v[1], v[2], shape), g, shape),
                shape),
            Run = (device, v, g) =>
            {
                using var layer = new Conv3x3Layer(device, v[1], v[2], frozen: false);
                using var input = new Tensor(
                    device, new Shape(shape.Height, shape.Width, shape.InChannels), v[0], true);
                return Twice(
                    device,
                    tape => tape.Conv3x3(input, layer, shape.Relu, shape.Padding, shape.Pooling, shape.PoolEdge),
                    g,
                    input,
                    layer.Filter,
                    layer.Bias);
            },
            Tolerance = ConvolutionTolerance,
            ToleranceReason = ConvolutionReason,
        };
    }

    /// <summary>
    /// The GPU's forms on every device that has groups. They are slow on the CPU, so the shapes are small.
    /// </summary>
    private static IEnumerable<CheckCase> ConvolutionsByKernels(Random random)
    {
        const string DirectReason = "float32 sums of up to 300 products: seen up to 3e-7";
        foreach (Conv3x3Shape sizes in new Conv3x3Shape[] { new(4, 4, 8, 8), new(5, 7, 9, 33), new(6, 5, 16, 8) })
        {
            foreach (Pooling pooling in new[] { Pooling.None, Pooling.Average, Pooling.Max })
            {
                yield return ByKernels(
                        random, "GPU Winograd", sizes with { Relu = true, Pooling = pooling },
                        WinogradGpu.Forward, WinogradGpu.BackwardData, 6e-6, ConvolutionReason);
            }
        }

        // A first layer; loads of four and of one; more windows and channels than a group has; borders that meet.
        foreach (Conv3x3Shape shape in new Conv3x3Shape[]
        {
            new(7, 9, 3, 12, Padding.Replicate, true), new(5, 34, 3, 7, Padding.Zero, true),
            new(9, 5, 4, 36, Padding.Replicate), new(1, 1, 2, 5, Padding.Replicate, true),
            new(5, 6, 3, 33, Padding.Replicate, true, Pooling.Max),
            new(5, 5, 1, 8, Padding.Zero, true, Pooling.Average, PoolEdge.Same),
            new(6, 5, 4, 68, Padding.Zero, true, Pooling.Max),
        })
        {
            yield return ByKernels(
                random, "GPU direct, few inputs", shape,
                DirectGpu.Forward, DirectGpu.BackwardFewInputs, 1e-6, DirectReason);
        }

        foreach (Conv3x3Shape shape in new Conv3x3Shape[]
        {
            new(5, 6, 3, 5, Padding.Replicate, true), new(5, 6, 8, 12, Padding.Replicate),
            new(9, 9, 68, 4, Padding.Zero, true, Pooling.Average),
            new(3, 5, 12, 8, Padding.Replicate, true, Pooling.Max, PoolEdge.Same),
        })
        {
            yield return ByKernels(
                random, "GPU direct", shape, DirectGpu.Forward, DirectGpu.BackwardData, 1e-6, DirectReason);
        }

        // Windows in both halves of a group; odd edges; two slices of channels; columns that do not exist.
        foreach (Conv3x3Shape shape in new Conv3x3Shape[]
        {
            new(9, 7, 16, 16, Padding.Zero, true, Pooling.Average), new(3, 2, 32, 16),
            new(2, 3, 16, 17, Padding.Replicate, true),
        })
        {
            bool backward = shape.Padding == Padding.Zero;
            CheckCase onCores = ByKernels(
                random, "TF32", shape,
                DirectTensor.Forward, backward ? DirectTensor.BackwardData : DirectGpu.BackwardData,
                TensorTolerance, TensorReason);
            yield return onCores with { NeedsTensorCores = true };
            CheckCase byExchange = ByKernels(
                random, "TF32 by exchange", shape,
                DirectTensor.ExchangedForward, backward ? DirectTensor.ExchangedBackwardData : DirectGpu.BackwardData,
                TensorTolerance, TensorReason);
            yield return byExchange with { NeedsWarps = true };
        }
    }

    private static CheckCase ByKernels(
        Random random, string form, Conv3x3Shape shape, Action<ComputeDevice, Conv3x3Op.ForwardArguments> forward,
        Action<ComputeDevice, Conv3x3Op.BackwardDataArguments> backward, double tolerance, string reason)
    {
        double[] x = Values(random, shape.InLength), w = Values(random, shape.FilterLength);
        double[] b = Values(random, shape.OutChannels), dy = Values(random, shape.OutLength);
        if (shape.Relu) dy = AwayFromKinks(ConvolutionReference.Forward(x, w, b, shape), dy, shape);
        string sizes = $"{shape.Height}x{shape.Width}, {shape.InChannels} -> {shape.OutChannels}";
        return new CheckCase
        {
            Operator = $"Conv3x3 ({form})",
            NeedsGroups = true,
            Variant = $"{sizes}, {shape.Padding}, {shape.Pooling}",
            Inputs = [x, w, b],
            Differentiable = 1,
            OutputGradient = dy,
            Reference = v => ConvolutionReference.End(ConvolutionReference.Forward(v[0], v[1], v[2], shape), shape),
            ReferenceBackward = (v, g) => ConvolutionReference.Backward(
                v[0],
                v[1],
                ConvolutionReference.EndBackward(ConvolutionReference.Forward(v[0], v[1], v[2], shape), g, shape),
                shape)[..1],
            Run = (device, v, g) =>
            {
                using DeviceBuffer<float> input = device.Allocate<float>(v[0]), gradOutput = device.Allocate<float>(g);
                using DeviceBuffer<float> output = device.Allocate<float>(shape.OutLength);
                using DeviceBuffer<float> gradInput = device.Allocate<float>(shape.InLength);
                using DeviceBuffer<uint>? gate = shape.Relu ? device.Allocate<uint>(shape.GateLength) : null;
                using var weights = new Conv3x3Weights(device, v[1], v[2]);
                forward(device, new(input.View, weights, output.View, gate?.View ?? default, shape));
                foreach (float beta in new[] { 0f, 1f })
                    backward(device, new(gradOutput.View, gate?.View ?? default, weights, gradInput.View, shape, beta));
                return (output.GetAsArray(), [Array.ConvertAll(gradInput.GetAsArray(), value => value / 2)]);
            },
            Tolerance = tolerance,
            ToleranceReason = reason,
        };
    }

    /// <summary>
    /// Each kernel of the matrix product: a batch, a transposed A with its depth cut into pieces, beta, loads of four
    /// and of one, and sizes around those of the tiles.
    /// </summary>
    private static IEnumerable<CheckCase> Products(Random random)
    {
        MultiplyShape[] shapes =
        [
            new(3, 5, 7, 2, 14, 21, 7, 1, 35, 5, 15),
            new(6, 6, 5, 3, 13, 30, 1, 6, 30, 6, 36),
            new(8, 12, 4, 2, 7, 32, 1, 8, 48, 12, 96),
            new(65, 67, 18, 1, 18, 0, 18, 1, 0, 67, 0),
            new(96, 68, 20, 1, 20, 0, 20, 1, 0, 68, 0),
        ];
        (string, Action<ComputeDevice, MatrixProductOp.Arguments>)[] forms =
        [
            ("chosen", (device, p) => MatrixProductOp.Run(device, p.A, p.B, p.C, p.Shape, p.Alpha, p.Beta)),
            ("plain", MatrixProductOp.RunPlain),
            ("narrow", MatrixProductOp.RunNarrow),
            ("small tiles", MatrixProductOp.RunSmallTiles),
            ("large tiles", MatrixProductOp.RunLargeTiles),
            ("TF32", MatrixProductOp.RunTensor),
            ("TF32 by exchange", MatrixProductOp.RunExchangedTensor),
        ];
        foreach (MultiplyShape shape in shapes)
        {
            foreach ((string form, Action<ComputeDevice, MatrixProductOp.Arguments> run) in forms)
            {
                // Threads of ILGPU's CPU accelerator exchange values slowly: skip shapes that repeat what the others
                // cover.
                if (form == "TF32 by exchange" && shape is { Rows: 3 or 8 or 96 }) continue;
                // If beta is 0, C may hold anything and must not be read.
                float beta = shape.Batches == 2 ? 0f : 1f;
                bool rowMajor = shape.AStep == 1;
                double[] a = Values(
                    random,
                    rowMajor ? shape.Batches * shape.Rows * shape.Depth : shape.TotalDepth * shape.Rows);
                double[] b = Values(random, shape.TotalDepth * shape.Columns);
                double[] c = Values(random, shape.Batches * shape.Rows * shape.Columns);
                bool tensor = form.StartsWith("TF32", StringComparison.Ordinal);
                yield return new CheckCase
                {
                    Operator = $"MatrixProduct ({form})",
                    NeedsGroups = form is not ("chosen" or "plain"),
                    NeedsWarps = form == "TF32 by exchange",
                    NeedsTensorCores = form == "TF32",
                    Variant = $"{shape.Batches} x {shape.Rows}x{shape.Columns}, depth {shape.Depth}, "
                        + $"A step {shape.AStep}, beta {beta}",
                    Inputs = [a, b, c],
                    Reference = v => ProductReference.Multiply(v[0], v[1], v[2], shape, 0.5, beta),
                    Run = (device, v, _) =>
                    {
                        float[] before = beta == 0f ? Array.ConvertAll(v[2], _ => float.NaN) : v[2];
                        using DeviceBuffer<float> left = device.Allocate<float>(v[0]);
                        using DeviceBuffer<float> right = device.Allocate<float>(v[1]);
                        using DeviceBuffer<float> product = device.Allocate<float>(before);
                        run(device, new(left.View, right.View, product.View, shape, 0.5f, beta));
                        return (product.GetAsArray(), []);
                    },
                    Tolerance = tensor ? TensorTolerance : 1e-6,
                    ToleranceReason = tensor ? TensorReason : ElementwiseReason,
                };
            }
        }
    }

    /// <summary>
    /// Sets the output's gradient to zero where a small step of an input could cross ReLU's kink or change which
    /// element of a window is its maximum. A step h of one input or weight moves z by at most h max|w| or h max|x|,
    /// both below h.
    /// </summary>
    private static double[] AwayFromKinks(double[] z, double[] dy, Conv3x3Shape shape)
    {
        const double Margin = 0.01;
        if (shape.Pooling == Pooling.None) return [.. dy.Select((value, i) => Math.Abs(z[i]) < Margin ? 0 : value)];
        double[] masked = [.. dy];
        PoolReference.ForEachWindow(z, shape.PoolShape, (index, window, _, _, _) =>
        {
            double[] values = [.. window.Enumerate().Select(value => Math.Max(0, value)).OrderDescending()];
            bool nearKink = window.Enumerate().Any(value => Math.Abs(value) < Margin);
            bool nearTie = shape.Pooling == Pooling.Max
                && values.Length > 1
                && values[0] > 0
                && values[0] - values[1] < 2 * Margin;
            if (nearKink || nearTie) masked[index] = 0;
        });
        return masked;
    }
}
