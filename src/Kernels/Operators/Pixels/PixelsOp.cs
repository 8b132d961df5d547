using ILGPU;
using ILGPU.Runtime;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;
using NativeStyle.Kernels.Simd;

namespace NativeStyle.Kernels.Operators.Pixels;

// Converts between pixels and the network's input, per channel c of an RGB picture:
//
//   forward   y[p, c] = s[c] x[p, c] - mean[c]       backward  dx[p, c] = s[c] dy[p, c]
//   Clamp     x = min(max(x, low), high)             (the box constraint after a step; not a number stays so)
//             dx = dy where low <= x <= high, else 0

/// <summary>Image pre- and post-processing.</summary>
public static unsafe class PixelsOp
{
    private static readonly Operator<ForwardArguments> s_normalize = new Operator<ForwardArguments>(
            "Normalize.Forward", a => ($"{a.Pixels.Length}", Work.Each(a.Pixels.Length, 2, 2)))
        .Vectorized(VectorNormalize)
        .Plain((device, a) => device.Launch(NormalizeKernel, a.Pixels.Length, a.Pixels, a.Output, a.Scale, a.Mean));

    private static readonly Operator<BackwardArguments> s_normalizeBackward = new Operator<BackwardArguments>(
            "Normalize.Backward", a => ($"{a.GradPixels.Length}", Work.Each(a.GradPixels.Length, 1, 2)))
        .Vectorized(VectorNormalizeBackward)
        .Plain((device, a) => device.Launch(
            NormalizeBackwardKernel, a.GradPixels.Length, a.GradOutput, a.GradPixels, a.Scale, a.Beta));

    private static readonly Operator<ClampArguments> s_clamp = new Operator<ClampArguments>(
            "Clamp", a => ($"{a.X.Length}", Work.Each(a.X.Length, 2, 2)))
        .Vectorized(VectorClamp)
        .Plain((device, a) => device.Launch(ClampKernel, a.X.Length, a.X, a.Low, a.High));

    private static readonly Operator<ClampBackwardArguments> s_clampBackward = new Operator<ClampBackwardArguments>(
            "Clamp.Backward", a => ($"{a.X.Length}", Work.Each(a.X.Length, 2, 3)))
        .Vectorized(VectorClampBackward)
        .Plain((device, a) => device.Launch(
            ClampBackwardKernel, a.X.Length, a.GradY, a.X, a.GradX, a.Low, a.High, a.Beta));

    /// <summary>A number for each channel of a picture.</summary>
    internal readonly record struct Rgb(float Red, float Green, float Blue)
    {
        /// <exception cref="ArgumentException">The number of values is not three.</exception>
        public static Rgb Of(ReadOnlySpan<float> values) =>
            values.Length == 3
                ? new(values[0], values[1], values[2])
                : throw new ArgumentException($"{values.Length} values for three channels");

        /// <summary>The number for the channel of element <paramref name="index"/> of a picture.</summary>
        public static float At(Rgb values, int index)
        {
            int channel = index % 3;
            return channel == 0 ? values.Red : channel == 1 ? values.Green : values.Blue;
        }
    }

    private readonly record struct ForwardArguments(
        ArrayView<float> Pixels, ArrayView<float> Output, Rgb Scale, Rgb Mean);

    private readonly record struct BackwardArguments(
        ArrayView<float> GradOutput, ArrayView<float> GradPixels, Rgb Scale, float Beta);

    private readonly record struct ClampArguments(ArrayView<float> X, float Low, float High);

    private readonly record struct ClampBackwardArguments(
        ArrayView<float> GradY, ArrayView<float> X, ArrayView<float> GradX, float Low, float High, float Beta);

    internal static void NormalizeKernel(
        Index1D index, ArrayView<float> pixels, ArrayView<float> output, Rgb scale, Rgb mean) =>
        output[index] = (Rgb.At(scale, index) * pixels[index]) - Rgb.At(mean, index);

    internal static void NormalizeBackwardKernel(
        Index1D index, ArrayView<float> gradOutput, ArrayView<float> gradPixels, Rgb scale, float beta) =>
        Accumulate.Into(ref gradPixels[index], Rgb.At(scale, index) * gradOutput[index], beta);

    internal static void ClampKernel(Index1D index, ArrayView<float> x, float low, float high) =>
        x[index] = Within(x[index], low, high);

    internal static void ClampBackwardKernel(
        Index1D index, ArrayView<float> gradY, ArrayView<float> x, ArrayView<float> gradX, float low, float high,
        float beta) =>
        Accumulate.Into(ref gradX[index], x[index] >= low && x[index] <= high ? gradY[index] : 0f, beta);

    /// <summary>output = scale x pixels - mean, for RGB pixels.</summary>
    /// <param name="scale">Three values, in units of the output per unit of the pixels.</param>
    /// <param name="mean">Three values, in units of the output.</param>
    public static void Normalize(
        ComputeDevice device, ArrayView<float> pixels, ArrayView<float> output, ReadOnlySpan<float> scale,
        ReadOnlySpan<float> mean)
    {
        Require.Length(output, pixels.Length, nameof(output));
        s_normalize.Run(device, new ForwardArguments(pixels, output, Rgb.Of(scale), Rgb.Of(mean)));
    }

    /// <summary>gradPixels = beta gradPixels + scale x gradOutput.</summary>
    public static void NormalizeBackward(
        ComputeDevice device, ArrayView<float> gradOutput, ArrayView<float> gradPixels, ReadOnlySpan<float> scale,
        float beta)
    {
        Require.Length(gradPixels, gradOutput.Length, nameof(gradPixels));
        s_normalizeBackward.Run(device, new BackwardArguments(gradOutput, gradPixels, Rgb.Of(scale), beta));
    }

    /// <summary>Keeps every element within [low, high].</summary>
    public static void Clamp(ComputeDevice device, ArrayView<float> x, float low, float high) =>
        s_clamp.Run(device, new ClampArguments(x, low, high));

    /// <summary>dx = beta dx + dy where x is within [low, high].</summary>
    /// <param name="gradY">dy, the gradient of the clamped elements.</param>
    /// <param name="x">The elements before <see cref="Clamp"/>.</param>
    /// <param name="beta">0 to overwrite dx (its old content is not read), 1 to add to it.</param>
    public static void ClampBackward(
        ComputeDevice device, ArrayView<float> gradY, ArrayView<float> x, ArrayView<float> gradX, float low, float high,
        float beta)
    {
        Require.Length(gradY, x.Length, nameof(gradY));
        Require.Length(gradX, x.Length, nameof(gradX));
        s_clampBackward.Run(device, new ClampBackwardArguments(gradY, x, gradX, low, high, beta));
    }

    private static float Within(float x, float low, float high) => x < low ? low : x > high ? high : x;

    private static void VectorNormalize(CpuDevice cpu, ForwardArguments a)
    {
        float* from = a.Pixels.Pointer, to = a.Output.Pointer;
        ((float red, float green, float blue), Rgb mean) = (a.Scale, a.Mean);
        Rows.ForEachPart(cpu, a.Pixels.Length / 3, (start, count) =>
        {
            for (long i = 3 * start; i < 3 * (start + count); i += 3)
            {
                to[i] = (red * from[i]) - mean.Red;
                to[i + 1] = (green * from[i + 1]) - mean.Green;
                to[i + 2] = (blue * from[i + 2]) - mean.Blue;
            }
        });
    }

    private static void VectorNormalizeBackward(CpuDevice cpu, BackwardArguments a)
    {
        float* from = a.GradOutput.Pointer, to = a.GradPixels.Pointer;
        (float red, float green, float blue) = a.Scale;
        Rows.ForEachPart(cpu, a.GradPixels.Length / 3, (start, count) =>
        {
            for (long i = 3 * start; i < 3 * (start + count); i += 3)
            {
                Accumulate.Into(ref to[i], red * from[i], a.Beta);
                Accumulate.Into(ref to[i + 1], green * from[i + 1], a.Beta);
                Accumulate.Into(ref to[i + 2], blue * from[i + 2], a.Beta);
            }
        });
    }

    private static void VectorClamp(CpuDevice cpu, ClampArguments a)
    {
        float* x = a.X.Pointer;
        Rows.ForEachPart(cpu, a.X.Length, (start, count) =>
        {
            for (long i = start; i < start + count; i++) x[i] = Within(x[i], a.Low, a.High);
        });
    }

    private static void VectorClampBackward(CpuDevice cpu, ClampBackwardArguments a)
    {
        float* dy = a.GradY.Pointer, x = a.X.Pointer, dx = a.GradX.Pointer;
        Rows.ForEachPart(cpu, a.X.Length, (start, count) =>
        {
            for (long i = start; i < start + count; i++)
                Accumulate.Into(ref dx[i], x[i] >= a.Low && x[i] <= a.High ? dy[i] : 0f, a.Beta);
        });
    }
}
