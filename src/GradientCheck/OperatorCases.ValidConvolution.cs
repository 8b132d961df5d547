using NativeStyle.Autodiff;
using NativeStyle.Autodiff.Operators;
using NativeStyle.GradientCheck.References;
using NativeStyle.Kernels.Operators.Convolution;

namespace NativeStyle.GradientCheck;

/// <summary>Convolutions without padding.</summary>
public static partial class OperatorCases
{
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
        foreach (ConvolutionShape shape in shapes)
        {
            double[] x = Values(random, shape.InLength), w = Values(random, shape.FilterLength);
            double[] b = Values(random, shape.OutChannels), dy = Values(random, shape.OutLength);
            yield return new CheckCase
            {
                Operator = "Convolution (3x3)",
                Variant = $"{shape.Height}x{shape.Width}, {shape.InChannels} -> {shape.OutChannels}",
                Inputs = [x, w, b],
                Differentiable = 3,
                OutputGradient = dy,
                Reference = v => ValidConvolutionReference.Forward(v[0], v[1], v[2], shape),
                ReferenceBackward = (v, g) => ValidConvolutionReference.Backward(v[0], v[1], g, shape),
                Run = (device, v, g) =>
                {
                    using var input = new Tensor(
                        device, new Shape(shape.Height, shape.Width, shape.InChannels), v[0], true);
                    using var filter = new Tensor(
                        device, new Shape(3, 3, shape.InChannels, shape.OutChannels), v[1], true);
                    using var bias = new Tensor(device, new Shape(shape.OutChannels), v[2], true);
                    return Twice(
                        device, tape => tape.Convolution(input, filter, bias), g, input, filter, bias);
                },
                Tolerance = ConvolutionTolerance,
                ToleranceReason = ConvolutionReason,
            };
        }
    }
}
