using ILGPU;
using NativeStyle.Kernels.Memory;
using NativeStyle.Kernels.Operators.Centre;
using NativeStyle.Kernels.Operators.ChannelMean;
using NativeStyle.Kernels.Operators.GradientNormalization;
using NativeStyle.Kernels.Operators.Guidance;
using NativeStyle.Kernels.Operators.Reduction;
using NativeStyle.Kernels.Operators.Vectors;

namespace NativeStyle.Autodiff.Operators;

/// <summary>
/// Means, centred and guided maps on the tape. Style statistics other than the Gram matrix are made of them.
/// </summary>
public static class StatisticsOperators
{
    /// <summary>m = the mean of each channel, (channels).</summary>
    /// <param name="features">(height, width, channels).</param>
    /// <param name="scale">
    /// The factor of the sum over pixels: 1 / pixels, unless the features are a window of a larger map.
    /// </param>
    public static Tensor ChannelMean(this Tape tape, Tensor features, float? scale = null)
    {
        (int height, int width, int channels) = features.Shape;
        int pixels = checked(height * width);
        float factor = scale ?? 1f / pixels;
        Tensor mean = tape.Reduce(
            new Shape(channels), features,
            mean => ChannelMeanOp.Forward(tape.Device, features.Data, mean.Data, pixels, channels, factor),
            mean =>
            {
                (ArrayView<float> df, float beta) = features.Accumulate();
                ChannelMeanOp.Backward(tape.Device, mean.Gradient, df, pixels, channels, factor, beta);
            });
        mean.SaveForBackward();
        return mean;
    }

    /// <summary>y[p, c] = x[p, c] - m[c].</summary>
    /// <param name="x">(height, width, channels).</param>
    /// <param name="point">m, (channels), a constant.</param>
    public static Tensor Centre(this Tape tape, Tensor x, Tensor point)
    {
        Tensor y = tape.Output(x.Shape, x);
        CentreOp.Forward(tape.Device, x.Data, point.Data, y.Data);
        return tape.Record(y, () => x.AddGradient(y.Gradient));
    }

    /// <summary>y[p, c] = t[p] x[p, c].</summary>
    /// <param name="x">(height, width, channels).</param>
    /// <param name="guidance">t, (height, width), a constant.</param>
    public static Tensor Guide(this Tape tape, Tensor x, Tensor guidance)
    {
        (_, _, int channels) = x.Shape;
        Tensor y = tape.Output(x.Shape, x);
        GuidanceOp.Apply(tape.Device, x.Data, guidance.Data, y.Data, channels, 0f);
        return tape.Record(y, () =>
        {
            (ArrayView<float> dx, float beta) = x.Accumulate();
            GuidanceOp.Apply(tape.Device, y.Gradient, guidance.Data, dx, channels, beta);
        });
    }

    /// <summary>
    /// y = x, but the gradient arrives at x with the 1-norm <paramref name="weight"/> (see
    /// <see cref="GradientNormalizationOp"/>).
    /// </summary>
    /// <param name="norm">
    /// The 1-norm of the gradient that will arrive, one element; null to measure it. If x is a window of a larger map,
    /// pass the norm of the whole map's gradient.
    /// </param>
    public static Tensor NormalizeGradient(this Tape tape, Tensor x, float weight, Tensor? norm = null)
    {
        Tensor y = tape.Output(x.Shape, x);
        VectorOps.Copy(tape.Device, y.Data, x.Data);
        return tape.Record(y, () =>
        {
            (ArrayView<float> dx, float beta) = x.Accumulate();
            using DeviceBuffer<float>? measured = norm is null ? tape.Device.Allocate<float>(1) : null;
            if (measured is not null) ReductionOp.AbsoluteSum(tape.Device, y.Gradient, measured.View);
            GradientNormalizationOp.Backward(tape.Device, y.Gradient, norm?.Data ?? measured!.View, dx, weight, beta);
        });
    }
}
