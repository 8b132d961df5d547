using ILGPU;
using ILGPU.Runtime;
using NativeStyle.Kernels.Operators.Relu;

namespace NativeStyle.Kernels.Operators.InstanceNorm;

public static partial class InstanceNormOp
{
    /// <summary>A map of pixels, cut into pieces of equally many pixels; the last piece may have fewer.</summary>
    internal readonly record struct PieceShape(int Pixels, int Channels, int PiecePixels, int Pieces)
    {
        /// <summary>The pixel after a piece's last.</summary>
        public int End(int piece) => piece == Pieces - 1 ? Pixels : (piece + 1) * PiecePixels;
    }

    /// <summary>
    /// Computes the mean and the sum of squared deviations from it of one channel of one piece. The deviations from the
    /// first pixel are averaged, so that a large mean costs no digits.
    /// </summary>
    internal static void PieceMomentsKernel(
        Index1D index, ArrayView<float> x, ArrayView<float> moments, PieceShape shape)
    {
        int c = index % shape.Channels;
        int piece = index / shape.Channels;
        int start = piece * shape.PiecePixels;
        int end = shape.End(piece);
        float first = x[(start * shape.Channels) + c];
        float sum = 0f;
        for (int p = start; p < end; p++) sum += x[(p * shape.Channels) + c] - first;
        float mean = first + (sum / (end - start));
        float squares = 0f;
        for (int p = start; p < end; p++)
        {
            float deviation = x[(p * shape.Channels) + c] - mean;
            squares += deviation * deviation;
        }

        int to = (piece * 2 * shape.Channels) + c;
        moments[to] = mean;
        moments[to + shape.Channels] = squares;
    }

    /// <summary>Computes the moments of one channel of up to <see cref="Fan"/> neighbouring pieces.</summary>
    internal static void CombineKernel(
        Index1D index, ArrayView<float> pieces, ArrayView<float> moments, PieceShape shape)
    {
        int c = index % shape.Channels;
        int group = index / shape.Channels;
        int row = 2 * shape.Channels;
        int start = group * Fan;
        int end = start + Fan < shape.Pieces ? start + Fan : shape.Pieces;
        float first = pieces[(start * row) + c];
        float sum = 0f;
        for (int k = start; k < end; k++)
            sum += (shape.End(k) - (k * shape.PiecePixels)) * (pieces[(k * row) + c] - first);
        float offset = sum / (shape.End(end - 1) - (start * shape.PiecePixels));
        float squares = 0f;
        for (int k = start; k < end; k++)
        {
            float deviation = pieces[(k * row) + c] - first - offset;
            squares += pieces[(k * row) + shape.Channels + c]
                + ((shape.End(k) - (k * shape.PiecePixels)) * deviation * deviation);
        }

        int to = (group * row) + c;
        moments[to] = first + offset;
        moments[to + shape.Channels] = squares;
    }

    /// <summary>Computes the four factors of one channel.</summary>
    internal static void FactorsKernel(
        Index1D c, ArrayView<float> moments, ArrayView<float> scale, ArrayView<float> shift, ArrayView<float> factors,
        int pixels)
    {
        int channels = scale.IntLength;
        float root = 1f / MathF.Sqrt((moments[channels + c] / pixels) + Epsilon);
        factors[c] = moments[c];
        factors[channels + c] = root;
        factors[(2 * channels) + c] = scale[c] * root;
        factors[(3 * channels) + c] = shift[c];
    }

    /// <summary>Computes one element of y.</summary>
    internal static void NormalizeKernel(
        Index1D index, ArrayView<float> x, ArrayView<float> factors, ArrayView<float> residual,
        ArrayView<float> output, NormalizeShape shape)
    {
        int from = shape.Expand.Source(index);
        float value = Preactivation(x[from], factors, from % shape.Expand.Channels, shape.Expand.Channels);
        if (shape.Activation == Activation.Relu) value = ReluOp.Rectify(value);
        if (shape.Margin >= 0) value += residual[shape.Residual(from)];
        output[index] = value;
    }

    /// <summary>Computes sums of g and of g x^ of one channel over one piece.</summary>
    internal static void PieceSumsKernel(
        Index1D index, ArrayView<float> gradient, ArrayView<float> x, ArrayView<float> factors, ArrayView<float> sums,
        PieceShape shape, Activation activation)
    {
        int c = index % shape.Channels;
        int piece = index / shape.Channels;
        float sum = 0f;
        float product = 0f;
        for (int p = piece * shape.PiecePixels; p < shape.End(piece); p++)
        {
            int at = (p * shape.Channels) + c;
            float g = Gated(gradient[at], x[at], factors, c, shape.Channels, activation);
            sum += g;
            product += g * ((x[at] - factors[c]) * factors[shape.Channels + c]);
        }

        int to = (piece * 2 * shape.Channels) + c;
        sums[to] = sum;
        sums[to + shape.Channels] = product;
    }

    /// <summary>Computes one element of dx.</summary>
    internal static void BackwardKernel(
        Index1D index, ArrayView<float> gradient, ArrayView<float> x, ArrayView<float> factors, ArrayView<float> sums,
        ArrayView<float> gradX, BackwardShape shape)
    {
        int channels = shape.Channels;
        int c = index % channels;
        float g = Gated(gradient[index], x[index], factors, c, channels, shape.Activation);
        float normalized = (x[index] - factors[c]) * factors[channels + c];
        float centred = g - (sums[c] / shape.Pixels) - (normalized * (sums[channels + c] / shape.Pixels));
        Accumulate.Into(ref gradX[index], factors[(2 * channels) + c] * centred, shape.Beta);
    }

    /// <summary>z = scale x^ + shift. The mean goes first, so that a large one costs no digits.</summary>
    private static float Preactivation(float x, ArrayView<float> factors, int c, int channels) =>
        (factors[(2 * channels) + c] * (x - factors[c])) + factors[(3 * channels) + c];

    /// <summary>The gradient with respect to z.</summary>
    private static float Gated(
        float gradient, float x, ArrayView<float> factors, int c, int channels, Activation activation) =>
        activation == Activation.None || Preactivation(x, factors, c, channels) > 0f ? gradient : 0f;

    /// <summary>The shape of a pass backward to a map.</summary>
    internal readonly record struct BackwardShape(int Pixels, int Channels, Activation Activation, float Beta);
}
