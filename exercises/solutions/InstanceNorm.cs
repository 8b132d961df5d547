using ILGPU;
using NativeStyle.Autodiff;

namespace NativeStyle.Exercises;

/// <summary>
/// Solution of exercise 3. dx[q] = γ r (g[q] - dβ / n - x̂[q] dγ / n): what a change of the mean or of the scale of x
/// would do is undone by the normalisation.
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
        int channels = (int)mean.Length;
        float sum = 0f, squares = 0f;
        for (int p = 0; p < pixels; p++) sum += x[(p * channels) + channel];
        float m = sum / pixels;
        // Deviations from the mean: the mean of squares minus the square of the mean would cancel.
        for (int p = 0; p < pixels; p++)
        {
            float deviation = x[(p * channels) + channel] - m;
            squares += deviation * deviation;
        }

        mean[channel] = m;
        root[channel] = 1f / MathF.Sqrt((squares / pixels) + Epsilon);
    }

    /// <summary>One work item computes one element of y.</summary>
    public static void ForwardKernel(
        Index1D i, ArrayView<float> x, Moments moments, ArrayView<float> gamma, ArrayView<float> shift,
        ArrayView<float> y)
    {
        int c = i % (int)gamma.Length;
        y[i] = (gamma[c] * ((x[i] - moments.Mean[c]) * moments.Root[c])) + shift[c];
    }

    /// <summary>One work item computes dγ and dβ of one channel.</summary>
    public static void SumsKernel(
        Index1D channel, ArrayView<float> x, Moments moments, ArrayView<float> dy, ArrayView<float> gradGamma,
        ArrayView<float> gradShift, int pixels)
    {
        int channels = (int)gradGamma.Length;
        float products = 0f, sum = 0f;
        for (int p = 0; p < pixels; p++)
        {
            int i = (p * channels) + channel;
            sum += dy[i];
            products += dy[i] * ((x[i] - moments.Mean[channel]) * moments.Root[channel]);
        }

        gradGamma[channel] = products;
        gradShift[channel] = sum;
    }

    /// <summary>
    /// One work item computes one element of dx. With beta = 0 it overwrites dx, which is undefined; with beta = 1 it
    /// adds.
    /// </summary>
    public static void BackwardKernel(
        Index1D i, ArrayView<float> x, Moments moments, Sums sums, ArrayView<float> dy, ArrayView<float> dx, int pixels,
        float beta)
    {
        int c = i % (int)sums.Gamma.Length;
        float hat = (x[i] - moments.Mean[c]) * moments.Root[c];
        float gradient = dy[i] - ((sums.GradShift[c] + (hat * sums.GradGamma[c])) / pixels);
        dx[i] = (beta == 0f ? 0f : dx[i]) + (sums.Gamma[c] * moments.Root[c] * gradient);
    }
}
