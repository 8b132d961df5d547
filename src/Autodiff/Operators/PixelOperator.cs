using ILGPU;
using NativeStyle.Kernels.Operators.Pixels;

namespace NativeStyle.Autodiff.Operators;

/// <summary>Turns pixels into the network's input, on the tape.</summary>
public static class PixelOperator
{
    /// <summary>y = scale x - mean per channel.</summary>
    /// <param name="pixels">RGB, (height, width, 3).</param>
    /// <param name="scale">Three values.</param>
    /// <param name="mean">Three values in units of the output.</param>
    public static Tensor Normalize(this Tape tape, Tensor pixels, float[] scale, float[] mean)
    {
        Tensor y = tape.Output(pixels.Shape, pixels);
        PixelsOp.Normalize(tape.Device, pixels.Data, y.Data, scale, mean);
        return tape.Record(y, () =>
        {
            (ArrayView<float> dx, float beta) = pixels.Accumulate();
            PixelsOp.NormalizeBackward(tape.Device, y.Gradient, dx, scale, beta);
        });
    }
}
