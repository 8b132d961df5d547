using ILGPU;
using ILGPU.Runtime;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;
using NativeStyle.Kernels.Operators.MatrixProduct;
using NativeStyle.Kernels.Operators.Pool2x2;
using NativeStyle.Kernels.Operators.Relu;

namespace NativeStyle.Kernels.Operators.Conv3x3;

// What follows a convolution, where it is not fused into it: ReLU, then 2x2 pooling or none. z is the convolution's
// output before its activation, (height, width, channels).
//
//   forward   y[q, c] = max(z[q, c], 0)         or the mean or maximum of that over the window p of q (NaN stays NaN)
//             gate[q, c] = z[q, c] > 0 or NaN   and, with max pooling, q is the first maximum or the first NaN of its
//                                               window
//   backward  dz[q, c] = gate[q, c] dy[p, c]    with average pooling divided by the window's number of pixels
//
// The gate is one bit for each z. It is all that backward needs from the forward pass, at 1/32 of z's memory. Bit
// c % 32 of word c / 32 of a pixel belongs to channel c.

/// <summary>ReLU and pooling, with the gate bits that backward reads.</summary>
internal static class ReluPoolOp
{
    private static readonly Operator<ForwardArguments> s_forward = new Operator<ForwardArguments>(
            "ReluPool.Forward", a => ($"{a.Preactivation.Length}", Work.Each(a.Preactivation.Length, 2, 2)))
        .Plain((device, a) => device.Launch(
            ForwardKernel, (a.Shape.Height + 1L) / 2 * ((a.Shape.Width + 1) / 2) * a.Shape.GateWordsPerPixel,
            a.Preactivation, a.Output, a.Gate, a.Shape.Sizes, a.Shape.End(a.Gate.IsValid)));

    private static readonly Operator<BackwardArguments> s_backward = new Operator<BackwardArguments>(
            "ReluPool.Backward", a => ($"{a.GradPreactivation.Length}", Work.Each(a.GradPreactivation.Length, 1, 2)))
        .Plain((device, a) => device.Launch(
            BackwardKernel, a.Shape.Pixels * ((a.Shape.OutChannels + 3L) / 4),
            a.GradOutput, a.Gate, a.GradPreactivation, a.Shape.Sizes, a.Shape.End(true),
            MatrixOperand.WidthOf(
                a.GradOutput.StartsAt16Bytes && a.GradPreactivation.StartsAt16Bytes, a.Shape.OutChannels, 0, 0)));

    private readonly record struct ForwardArguments(
        ArrayView<float> Preactivation, ArrayView<float> Output, ArrayView<uint> Gate, Conv3x3Shape Shape);

    private readonly record struct BackwardArguments(
        ArrayView<float> GradOutput, ArrayView<uint> Gate, ArrayView<float> GradPreactivation, Conv3x3Shape Shape);

    /// <summary>Computes 32 channels of the four pixels of one window by one work item.</summary>
    /// <param name="preactivation">z, the convolution's output before its activation.</param>
    internal static void ForwardKernel(
        Index1D index,
        ArrayView<float> preactivation,
        ArrayView<float> output,
        ArrayView<uint> gate,
        ConvSizes sizes,
        ConvEnd end)
    {
        (int height, int width, int channels) = (sizes.Height, sizes.Width, sizes.OutChannels);
        int words = (channels + 31) / 32;
        int window = index / words;
        int word = index % words;
        int windowsAcross = (width + 1) / 2;
        int top = window / windowsAcross * 2;
        int left = window % windowsAcross * 2;
        bool pooled = top / 2 < end.OutHeight && left / 2 < end.OutWidth;
        int first = word * 32;
        int last = first + 32 < channels ? first + 32 : channels;
        uint gate0 = 0u;
        uint gate1 = 0u;
        uint gate2 = 0u;
        uint gate3 = 0u;
        for (int c = first; c < last; c++)
        {
            uint bit = 1u << (c - first);
            float sum = 0f;
            float largest = 0f;
            int best = -1;
            int count = 0;
            for (int k = 0; k < 4; k++)
            {
                int row = top + (k / 2);
                int column = left + (k % 2);
                if (row < height && column < width)
                {
                    int at = (((row * width) + column) * channels) + c;
                    float value = ReluOp.Rectify(preactivation[at]);
                    if (end.Pooling == Pooling.None) output[at] = value;
                    sum += value;
                    count++;
                    if (MaxPoolOp.IsLarger(value, largest))
                    {
                        largest = value;
                        best = k;
                    }

                    if (ReluOp.Passes(value) && end.Pooling != Pooling.Max)
                    {
                        if (k == 0) gate0 |= bit;
                        if (k == 1) gate1 |= bit;
                        if (k == 2) gate2 |= bit;
                        if (k == 3) gate3 |= bit;
                    }
                }
            }

            if (end.Pooling == Pooling.Max)
            {
                if (best == 0) gate0 |= bit;
                if (best == 1) gate1 |= bit;
                if (best == 2) gate2 |= bit;
                if (best == 3) gate3 |= bit;
            }

            if (end.Pooling != Pooling.None && pooled)
            {
                int at = ((((top / 2) * end.OutWidth) + (left / 2)) * channels) + c;
                output[at] = end.Pooling == Pooling.Max ? largest : sum / count;
            }
        }

        if (end.Gate == GateUse.Used)
        {
            bool open = end.Pooling == Pooling.None || pooled;
            int pixel = (top * width) + left;
            gate[(pixel * words) + word] = open ? gate0 : 0u;
            if (left + 1 < width) gate[((pixel + 1) * words) + word] = open ? gate1 : 0u;
            if (top + 1 < height) gate[((pixel + width) * words) + word] = open ? gate2 : 0u;
            if (left + 1 < width && top + 1 < height) gate[((pixel + width + 1) * words) + word] = open ? gate3 : 0u;
        }
    }

    /// <summary>Computes four elements of dz.</summary>
    /// <param name="gradPreactivation">
    /// dz, the gradient with respect to the convolution's output before its activation.
    /// </param>
    internal static void BackwardKernel(
        Index1D index,
        ArrayView<float> gradOutput,
        ArrayView<uint> gate,
        ArrayView<float> gradPreactivation,
        ConvSizes sizes,
        ConvEnd end,
        LoadWidth width)
    {
        int channels = sizes.OutChannels;
        int quads = (channels + 3) / 4;
        int pixel = index / quads;
        int c = index % quads * 4;
        int room = channels - c;
        var gradient = new GradientQuads(gradOutput, gate, sizes, end, width);
        Float4 quad = gradient.At(pixel / sizes.Width, pixel % sizes.Width, c, room);
        Quads.Accumulate(gradPreactivation, (pixel * channels) + c, room, quad, width, 0f);
    }

    /// <summary>Computes y and, if it is valid, the gate.</summary>
    /// <param name="preactivation">z, the convolution's output before its activation.</param>
    /// <param name="output">y; without pooling it may be <paramref name="preactivation"/>.</param>
    public static void Forward(
        ComputeDevice device, ArrayView<float> preactivation, ArrayView<float> output, ArrayView<uint> gate,
        Conv3x3Shape shape) =>
        s_forward.Run(device, new ForwardArguments(preactivation, output, gate, shape));

    /// <summary>Computes dz from dy.</summary>
    /// <param name="gradPreactivation">
    /// dz, the gradient with respect to the convolution's output before its activation; overwritten.
    /// </param>
    public static void Backward(
        ComputeDevice device, ArrayView<float> gradOutput, ArrayView<uint> gate, ArrayView<float> gradPreactivation,
        Conv3x3Shape shape) =>
        s_backward.Run(device, new BackwardArguments(gradOutput, gate, gradPreactivation, shape));
}
