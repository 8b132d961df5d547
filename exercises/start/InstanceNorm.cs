using ILGPU;
using NativeStyle.Autodiff;

namespace NativeStyle.Exercises;

/// <summary>
/// Exercise 3: write instance norm. The operator on the tape is here, and its four kernels are empty. docs/math.md
/// derives what they compute; derive it yourself first. A map is (height, width, channels), so element i is of channel
/// i % channels.
/// </summary>
public static class InstanceNorm
{
    public const float Epsilon = 1e-5f;

    /// <summary>y = γ x̂ + β with x̂ = (x - m) r, over the positions of each channel.</summary>
    /// <param name="x">(height, width, channels).</param>
    /// <param name="gamma">γ, (channels).</param>
    /// <param name="shift">β, (channels).</param>
    public static Tensor Normalized(this Tape tape, Tensor x, Tensor gamma, Tensor shift)
    {
        (int height, int width, int channels) = x.Shape;
        int pixels = height * width;
        Tensor y = tape.Output(x.Shape, [x, gamma, shift]);
        Tensor mean = tape.Constant(gamma.Shape), root = tape.Constant(gamma.Shape);
        tape.Device.Launch(MomentsKernel, channels, x.Data, mean.Data, root.Data, pixels);
        tape.Device.Launch(ForwardKernel, x.Shape.Length, x.Data, new Moments(mean.Data, root.Data), gamma.Data,
            shift.Data, y.Data);
        x.SaveForBackward();
        return tape.Record(y, () =>
        {
            Tensor gradGamma = tape.Constant(gamma.Shape), gradShift = tape.Constant(gamma.Shape);
            var moments = new Moments(mean.Data, root.Data);
            tape.Device.Launch(
                SumsKernel, channels, x.Data, moments, y.Gradient, gradGamma.Data, gradShift.Data, pixels);
            gamma.AddGradient(gradGamma.Data);
            shift.AddGradient(gradShift.Data);
            (ArrayView<float> dx, float beta) = x.Accumulate();
            tape.Device.Launch(
                BackwardKernel, x.Shape.Length, x.Data, moments, new Sums(gamma.Data, gradGamma.Data, gradShift.Data),
                y.Gradient, dx, pixels, beta);
        });
    }

    /// <summary>The means m and the factors r = (v + ε)^-½ of the channels.</summary>
    public readonly record struct Moments(ArrayView<float> Mean, ArrayView<float> Root);

    /// <summary>γ, and its and β's gradients, of the channels.</summary>
    public readonly record struct Sums(ArrayView<float> Gamma, ArrayView<float> GradGamma, ArrayView<float> GradShift);

    /// <summary>One work item computes m and r of one channel.</summary>
    public static void MomentsKernel(
        Index1D channel, ArrayView<float> x, ArrayView<float> mean, ArrayView<float> root, int pixels)
    {
        mean[channel] = 0f;
        root[channel] = 0f;
    }

    /// <summary>One work item computes one element of y.</summary>
    public static void ForwardKernel(
        Index1D i, ArrayView<float> x, Moments moments, ArrayView<float> gamma, ArrayView<float> shift,
        ArrayView<float> y) => y[i] = 0f;

    /// <summary>One work item computes dγ and dβ of one channel.</summary>
    public static void SumsKernel(
        Index1D channel, ArrayView<float> x, Moments moments, ArrayView<float> dy, ArrayView<float> gradGamma,
        ArrayView<float> gradShift, int pixels)
    {
        gradGamma[channel] = 0f;
        gradShift[channel] = 0f;
    }

    /// <summary>
    /// One work item computes one element of dx. With beta = 0 it overwrites dx, which is undefined; with beta = 1 it
    /// adds.
    /// </summary>
    public static void BackwardKernel(
        Index1D i, ArrayView<float> x, Moments moments, Sums sums, ArrayView<float> dy, ArrayView<float> dx, int pixels,
        float beta) => dx[i] = 0f;
}
