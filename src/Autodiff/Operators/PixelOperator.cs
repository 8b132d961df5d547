using ILGPU;
using NativeStyle.Kernels.Operators.Pixels;
using NativeStyle.Kernels.Operators.Vectors;

namespace NativeStyle.Autodiff.Operators;

/// <summary>Turns pixels into a network's input and outputs into pixels, on the tape.</summary>
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

    /// <summary>y = min(max(x, low), high). Only elements within the bounds have a gradient.</summary>
    public static Tensor Clamp(this Tape tape, Tensor x, float low, float high)
    {
        Tensor y = tape.Output(x.Shape, x);
        VectorOps.Copy(tape.Device, y.Data, x.Data);
        PixelsOp.Clamp(tape.Device, y.Data, low, high);
        x.SaveForBackward();
        return tape.Record(y, () =>
        {
            (ArrayView<float> dx, float beta) = x.Accumulate();
            PixelsOp.ClampBackward(tape.Device, y.Gradient, x.Data, dx, low, high, beta);
        });
    }
}
