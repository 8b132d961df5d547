using NativeStyle.Autodiff;
using NativeStyle.Autodiff.Operators;
using NativeStyle.GradientCheck.References;
using NativeStyle.Kernels.Memory;
using NativeStyle.Kernels.Operators.Convolution;

namespace NativeStyle.GradientCheck;

/// <summary>Convolutions of any kernel size and stride, on the CPU's paths and by the GPU's kernels.</summary>
internal static partial class OperatorCases
{
    private const string StridedReason =
        "float32 sums of up to 2673 products, in parts of one row of taps: seen up to 2e-7";

    private static IEnumerable<CheckCase> StridedConvolutions(Random random)
    {
        // One window; rows and columns that no window reads (of the kernel's end, of the last stride, between windows);
        // channels that fill no vector, just one, and more; few outputs and few inputs; more rows than a band.
        ConvolutionShape[] shapes =
        [
            new(1, 1, 1, 1, 1), new(5, 7, 3, 5, 1), new(6, 5, 5, 3, 1, 2), new(7, 8, 1, 33, 1, 3), new(2, 2, 3, 1, 2),
            new(5, 4, 16, 17, 2), new(7, 6, 17, 16, 2, 2), new(9, 11, 3, 3, 2, 3), new(3, 3, 16, 33, 3),
            new(13, 37, 17, 16, 3), new(12, 11, 33, 5, 3), new(8, 9, 16, 32, 3, 2), new(9, 8, 33, 16, 3, 2),
            new(7, 7, 16, 33, 3, 2), new(11, 10, 5, 17, 3, 3), new(70, 9, 3, 16, 3, 2), new(5, 5, 5, 5, 5),
            new(9, 12, 1, 3, 5), new(13, 14, 17, 3, 5, 2), new(11, 9, 3, 17, 5, 3), new(9, 9, 33, 3, 9),
            new(10, 61, 3, 16, 9), new(25, 14, 3, 33, 9), new(14, 25, 16, 3, 9), new(45, 11, 5, 1, 9),
            new(16, 15, 3, 5, 9, 2), new(12, 13, 1, 16, 9, 3),
        ];
        return shapes.Select(shape => StridedConvolution(random, shape));
    }

    /// <summary>
    /// 3x3 windows with stride 1 and channels that fill vectors, which CPUs compute by Winograd: from one window to
    /// many tiles, tiles that end at the border and beyond, half a panel of columns, several pieces of tiles.
    /// </summary>
    private static IEnumerable<CheckCase> ValidWinograds(Random random)
    {
        ConvolutionShape[] shapes =
        [
            new(3, 3, 16, 16, 3), new(4, 7, 32, 16, 3), new(9, 10, 16, 48, 3), new(6, 6, 64, 64, 3),
            new(33, 18, 48, 32, 3), new(3, 50, 16, 64, 3), new(8, 5, 8, 24, 3), new(5, 70, 32, 16, 3),
            new(59, 62, 16, 16, 3),
        ];
        return shapes.Select(shape => StridedConvolution(random, shape) with
        {
            Operator = "Convolution (3x3)", Tolerance = ConvolutionTolerance, ToleranceReason = ConvolutionReason,
        });
    }

    private static CheckCase StridedConvolution(Random random, ConvolutionShape shape)
    {
        double[] x = Values(random, shape.InLength), w = Values(random, shape.FilterLength);
        double[] b = Values(random, shape.OutChannels), dy = Values(random, shape.OutLength);
        return new CheckCase
        {
            Operator = "Convolution",
            Variant = VariantOf(shape),
            Inputs = [x, w, b],
            Differentiable = 3,
            OutputGradient = dy,
            Reference = v => StridedConvolutionReference.Forward(v[0], v[1], v[2], shape),
            ReferenceBackward = (v, g) => StridedConvolutionReference.Backward(v[0], v[1], g, shape),
            Run = (device, v, g) =>
            {
                (int kernel, int inC, int outC) = (shape.Kernel, shape.InChannels, shape.OutChannels);
                using var input = new Tensor(device, new Shape(shape.Height, shape.Width, inC), v[0], true);
                using var filter = new Tensor(device, new Shape(kernel, kernel, inC, outC), v[1], true);
                using var bias = new Tensor(device, new Shape(outC), v[2], true);
                return Twice(
                    device, tape => tape.Convolution(input, filter, bias, shape.Stride), g, input, filter, bias);
            },
            Tolerance = 1e-6,
            ToleranceReason = StridedReason,
        };
    }

    /// <summary>
    /// The GPU's forms on every device that has groups. They are slow on the CPU, so the shapes are small.
    /// </summary>
    private static IEnumerable<CheckCase> StridedConvolutionsByKernels(Random random)
    {
        // Loads of four and of one, which cross one row of taps or several; more pixels and channels than a tile has;
        // phases of several sizes, without taps and without pixels; more pieces of the gradient to weights than one.
        ConvolutionShape[] shapes =
        [
            new(1, 1, 1, 1, 1), new(4, 5, 3, 5, 1, 2), new(2, 2, 4, 4, 1, 3), new(5, 4, 1, 3, 2), new(7, 8, 4, 8, 2, 3),
            new(10, 11, 3, 17, 3), new(9, 8, 8, 68, 3, 2), new(8, 9, 68, 4, 3, 2), new(9, 10, 16, 3, 9),
            new(11, 9, 3, 16, 9), new(24, 23, 2, 4, 1),
        ];
        return shapes.Select(shape => StridedByKernels(random, shape));
    }

    private static CheckCase StridedByKernels(Random random, ConvolutionShape shape) =>
        StridedConvolution(random, shape) with
        {
            Operator = "Convolution (GPU)",
            NeedsGroups = true,
            Run = (device, v, g) =>
            {
                using DeviceBuffer<float> x = device.Allocate<float>(v[0]), w = device.Allocate<float>(v[1]);
                using DeviceBuffer<float> b = device.Allocate<float>(v[2]), dy = device.Allocate<float>(g);
                using DeviceBuffer<float> y = device.Allocate<float>(shape.OutLength);
                using DeviceBuffer<float> dx = device.Allocate<float>(shape.InLength);
                using DeviceBuffer<float> dw = device.Allocate<float>(shape.FilterLength);
                using DeviceBuffer<float> db = device.Allocate<float>(shape.OutChannels);
                ConvolutionGpu.Forward(device, new(x.View, w.View, b.View, y.View, shape));
                foreach (float beta in new[] { 0f, 1f })
                {
                    ConvolutionGpu.BackwardData(device, new(dy.View, w.View, dx.View, shape, beta));
                    ConvolutionGpu.BackwardWeights(device, new(x.View, dy.View, dw.View, shape, beta));
                    ConvolutionGpu.BackwardBias(device, new(dy.View, db.View, beta));
                }

                float[][] gradients = [dx.GetAsArray(), dw.GetAsArray(), db.GetAsArray()];
                return (
                    y.GetAsArray(), [.. gradients.Select(values => Array.ConvertAll(values, value => value / 2))]);
            },
        };

    private static string VariantOf(ConvolutionShape shape) =>
        $"{shape.Height}x{shape.Width}, {shape.InChannels} -> {shape.OutChannels}, {shape.Kernel}x{shape.Kernel}, "
        + $"stride {shape.Stride}";
}
