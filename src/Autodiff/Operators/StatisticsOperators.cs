using NativeStyle.Kernels;

namespace NativeStyle.Autodiff;

/// <summary>Mean and guided maps on the tape: what style statistics beside the Gram matrix are made of.</summary>
public static class StatisticsOperators
{
    /// <summary>m = the mean of each channel, (channels).</summary>
    /// <param name="features">(height, width, channels).</param>
    /// <param name="scale">What the sum over pixels is multiplied with; 1 / pixels unless features are a part of a larger map.</param>
    public static Tensor ChannelMean(this Tape tape, Tensor features, float? scale = null)
    {
        (int height, int width, int channels) = features.Shape;
        int pixels = checked(height * width);
        float factor = scale ?? 1f / pixels;
        Tensor mean = tape.Output(new Shape(channels), features);
        if (!tape.SumsAreKnown) Kernels.ChannelMean.Forward(tape.Accelerator, features.Data, mean.Data, pixels, channels, factor);
        mean.SaveForBackward();
        return tape.Record(mean, () =>
        {
            (ArrayView<float> df, float beta) = features.Accumulate();
            Kernels.ChannelMean.Backward(tape.Accelerator, mean.Gradient, df, pixels, channels, factor, beta);
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
    /// <param name="norm">
    /// The 1-norm of the gradient that will arrive, one element; null to measure it. Of a part of a larger map, that of the whole.
    /// </param>
    public static Tensor NormalizeGradient(this Tape tape, Tensor x, float weight, Tensor? norm = null)
    {
        Tensor y = tape.Output(x.Shape, x);
        VectorOps.Copy(tape.Accelerator, y.Data, x.Data);
        return tape.Record(y, () =>
        {
            (ArrayView<float> dx, float beta) = x.Accumulate();
            using MemoryBuffer<float>? measured = norm is null ? tape.Accelerator.Allocate<float>(1) : null;
            if (measured is not null) Reduction.AbsoluteSum(tape.Accelerator, y.Gradient, measured.View);
            GradientNormalization.Backward(tape.Accelerator, y.Gradient, norm?.Data ?? measured!.View, dx, weight, beta);
        });
    }
}
