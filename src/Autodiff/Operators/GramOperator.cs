using ILGPU;
using NativeStyle.Kernels.Operators.Gram;

namespace NativeStyle.Autodiff.Operators;

/// <summary>The Gram matrix on the tape.</summary>
public static class GramOperator
{
    /// <summary>G = scale Fᵀ F, (channels, channels).</summary>
    /// <param name="features">(height, width, channels).</param>
    public static Tensor Gram(this Tape tape, Tensor features, float scale)
    {
        (int height, int width, int channels) = features.Shape;
        int pixels = checked(height * width);
        features.SaveForBackward();
        return tape.Reduce(
            new Shape(channels, channels), features,
            gram => GramOp.Forward(tape.Device, features.Data, gram.Data, pixels, channels, scale),
            gram =>
            {
                (ArrayView<float> df, float beta) = features.Accumulate();
                GramOp.Backward(tape.Device, features.Data, gram.Gradient, df, pixels, channels, scale, beta);
            });
    }
}
