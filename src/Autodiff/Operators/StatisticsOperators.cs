using NativeStyle.Kernels;

namespace NativeStyle.Autodiff;

/// <summary>Mean and guided maps on the tape: what style statistics beside the Gram matrix are made of.</summary>
public static class StatisticsOperators
{
    /// <summary>m = the mean of each channel, (channels).</summary>
    /// <param name="features">(height, width, channels).</param>
    public static Tensor ChannelMean(this Tape tape, Tensor features)
    {
        (int height, int width, int channels) = features.Shape;
        int pixels = checked(height * width);
        Tensor mean = tape.Output(new Shape(channels), features);
        Kernels.ChannelMean.Forward(tape.Accelerator, features.Data, mean.Data, pixels, channels);
        mean.SaveForBackward();
        return tape.Record(mean, () =>
        {
            (ArrayView<float> df, float beta) = features.Accumulate();
            Kernels.ChannelMean.Backward(tape.Accelerator, mean.Gradient, df, pixels, channels, beta);
        });
    }

    /// <summary>y[p, c] = t[p] x[p, c].</summary>
    /// <param name="x">(height, width, channels).</param>
    /// <param name="guidance">t, (height, width), a constant.</param>
    public static Tensor Guide(this Tape tape, Tensor x, Tensor guidance)
    {
        (_, _, int channels) = x.Shape;
        Tensor y = tape.Output(x.Shape, x);
        Guidance.Apply(tape.Accelerator, x.Data, guidance.Data, y.Data, channels, 0f);
        return tape.Record(y, () =>
        {
            (ArrayView<float> dx, float beta) = x.Accumulate();
            Guidance.Apply(tape.Accelerator, y.Gradient, guidance.Data, dx, channels, beta);
        });
    }

    /// <summary>y = x, whose gradient arrives at x with the 1-norm <paramref name="weight"/> (see <see cref="GradientNormalization"/>).</summary>
    public static Tensor NormalizeGradient(this Tape tape, Tensor x, float weight)
    {
        Tensor y = tape.Output(x.Shape, x);
        VectorOps.Copy(tape.Accelerator, y.Data, x.Data);
        return tape.Record(y, () =>
        {
            (ArrayView<float> dx, float beta) = x.Accumulate();
            GradientNormalization.Backward(tape.Accelerator, y.Gradient, dx, weight, beta);
        });
    }
}
