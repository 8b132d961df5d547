using ILGPU;
using NativeStyle.Kernels.Operators.Convolution;

namespace NativeStyle.Autodiff.Operators;

/// <summary>Convolution of any kernel size and stride on the tape.</summary>
public static class ConvolutionOperator
{
    /// <summary>y = conv(x, w) + b without padding; the shape is (out height, out width, out).</summary>
    /// <param name="x">(height, width, in).</param>
    /// <param name="filter">w, (K, K, in, out).</param>
    /// <param name="bias">b, (out).</param>
    /// <param name="stride">The distance between neighbouring windows.</param>
    public static Tensor Convolution(this Tape tape, Tensor x, Tensor filter, Tensor bias, int stride = 1)
    {
        (int height, int width, int channels) = x.Shape;
        var shape = new ConvolutionShape(
            height, width, channels, filter.Shape[3], filter.Shape[0], stride);
        Tensor y = tape.Output(new Shape(shape.OutHeight, shape.OutWidth, shape.OutChannels), [x, filter, bias]);
        ConvolutionOp.Forward(tape.Device, x.Data, filter.Data, bias.Data, y.Data, shape);
        if (filter.RequiresGradient) x.SaveForBackward();
        return tape.Record(y, () =>
        {
            if (x.RequiresGradient)
            {
                (ArrayView<float> dx, float beta) = x.Accumulate();
                ConvolutionOp.BackwardData(tape.Device, y.Gradient, filter.Data, dx, shape, beta);
            }

            if (filter.RequiresGradient)
            {
                (ArrayView<float> dw, float beta) = filter.Accumulate();
                ConvolutionOp.BackwardWeights(tape.Device, x.Data, y.Gradient, dw, shape, beta);
            }

            if (bias.RequiresGradient)
            {
                (ArrayView<float> db, float beta) = bias.Accumulate();
                ConvolutionOp.BackwardBias(tape.Device, y.Gradient, db, shape, beta);
            }
        });
    }
}
