using ILGPU;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;
using NativeStyle.Kernels.Operators.Crop;
using NativeStyle.Kernels.Operators.Vectors;

namespace NativeStyle.Autodiff.Operators;

/// <summary>A window of a map on the tape.</summary>
public static class CropOperator
{
    /// <summary>y = x[window]. The gradient outside the window is zero.</summary>
    /// <param name="x">(height, width, channels).</param>
    public static Tensor Crop(this Tape tape, Tensor x, Window window)
    {
        (int height, int width, int channels) = x.Shape;
        ComputeDevice device = tape.Device;
        Tensor y = tape.Output(new Shape(window.Height, window.Width, channels), x);
        CropOp.Forward(device, x.Data, y.Data, height, width, channels, window);
        return tape.Record(y, () =>
        {
            (ArrayView<float> dx, float beta) = x.Accumulate();
            if (beta == 0f) VectorOps.Fill(device, dx, 0f);
            CropOp.Place(device, y.Gradient, dx, height, width, channels, window, 1f);
        });
    }
}
