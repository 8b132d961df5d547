using NativeStyle.Kernels;

namespace NativeStyle.Autodiff;

/// <summary>The Gram matrix on the tape.</summary>
public static class GramOperator
{
    /// <summary>G = scale Fᵀ F, (channels, channels).</summary>
    /// <param name="features">(height, width, channels).</param>
    public static Tensor Gram(this Tape tape, Tensor features, float scale)
    {
        (int height, int width, int channels) = features.Shape;
        int pixels = checked(height * width);
        Tensor gram = tape.Output(new Shape(channels, channels), features);
        if (!tape.SumsAreKnown) Kernels.Gram.Forward(tape.Accelerator, features.Data, gram.Data, pixels, channels, scale);
        features.SaveForBackward();
        return tape.Record(gram, () =>
        {
            (ArrayView<float> df, float beta) = features.Accumulate();
            Kernels.Gram.Backward(
                tape.Accelerator, features.Data, gram.Gradient, df, pixels, channels, scale, beta);
        });
    }
}
