using ILGPU;
using ILGPU.Algorithms;
using ILGPU.Runtime;

namespace NativeStyle.Kernels.Operators.Conv3x3;

public static partial class Conv3x3Op
{
    /// <summary>Computes one output element from 9 x in products. It is the plainest form; read it first.</summary>
    internal static void ForwardKernel(
        Index1D index,
        ArrayView<float> input,
        ArrayView<float> filter,
        ArrayView<float> bias,
        ArrayView<float> output,
        ConvSizes sizes)
    {
        (int height, int width) = (sizes.Height, sizes.Width);
        (int inChannels, int outChannels) = (sizes.InChannels, sizes.OutChannels);
        int o = index % outChannels;
        int pixel = index / outChannels;
        int column = pixel % width;
        int row = pixel / width;
        float sum = bias[o];
        for (int ky = 0; ky < 3; ky++)
        {
            for (int kx = 0; kx < 3; kx++)
            {
                int y = row + ky - 1;
                int x = column + kx - 1;
                if (sizes.Padding == Padding.Replicate)
                {
                    y = XMath.Clamp(y, 0, height - 1);
                    x = XMath.Clamp(x, 0, width - 1);
                }

                if (y >= 0 && y < height && x >= 0 && x < width)
                {
                    int from = ((y * width) + x) * inChannels;
                    int weight = (((ky * 3) + kx) * inChannels * outChannels) + o;
                    for (int i = 0; i < inChannels; i++)
                        sum += input[from + i] * filter[weight + (i * outChannels)];
                }
            }
        }

        output[index] = sum;
    }

    /// <summary>
    /// Computes one element of dx. The padded picture shows this pixel at its own position and, with replicate padding
    /// on a border, at its copies one step outside.
    /// </summary>
    /// <param name="gradPreactivation">
    /// dz, the gradient with respect to the convolution's output before its activation.
    /// </param>
    internal static void BackwardDataKernel(
        Index1D index,
        ArrayView<float> gradPreactivation,
        ArrayView<float> filter,
        ArrayView<float> gradInput,
        ConvSizes sizes,
        float beta)
    {
        (int height, int width) = (sizes.Height, sizes.Width);
        (int inChannels, int outChannels) = (sizes.InChannels, sizes.OutChannels);
        bool replicate = sizes.Padding == Padding.Replicate;
        int i = index % inChannels;
        int pixel = index / inChannels;
        int column = pixel % width;
        int row = pixel / width;
        int firstRow = replicate && row == 0 ? -1 : row;
        int lastRow = replicate && row == height - 1 ? height : row;
        int firstColumn = replicate && column == 0 ? -1 : column;
        int lastColumn = replicate && column == width - 1 ? width : column;
        float sum = 0f;
        for (int py = firstRow; py <= lastRow; py++)
        {
            for (int px = firstColumn; px <= lastColumn; px++)
            {
                for (int ky = 0; ky < 3; ky++)
                {
                    for (int kx = 0; kx < 3; kx++)
                    {
                        int y = py - ky + 1;
                        int x = px - kx + 1;
                        if (y >= 0 && y < height && x >= 0 && x < width)
                        {
                            int from = ((y * width) + x) * outChannels;
                            int weight = ((((ky * 3) + kx) * inChannels) + i) * outChannels;
                            for (int o = 0; o < outChannels; o++)
                                sum += gradPreactivation[from + o] * filter[weight + o];
                        }
                    }
                }
            }
        }

        Accumulate.Into(ref gradInput[index], sum, beta);
    }

    /// <summary>Computes one element of dw: a sum over all pixels.</summary>
    /// <param name="gradPreactivation">
    /// dz, the gradient with respect to the convolution's output before its activation.
    /// </param>
    internal static void BackwardWeightsKernel(
        Index1D index,
        ArrayView<float> input,
        ArrayView<float> gradPreactivation,
        ArrayView<float> gradFilter,
        ConvSizes sizes,
        float beta)
    {
        (int height, int width) = (sizes.Height, sizes.Width);
        (int inChannels, int outChannels) = (sizes.InChannels, sizes.OutChannels);
        int o = index % outChannels;
        int i = index / outChannels % inChannels;
        int tap = index / (outChannels * inChannels);
        int ky = tap / 3;
        int kx = tap % 3;
        float sum = 0f;
        for (int row = 0; row < height; row++)
        {
            // Adds a sum per row, then a sum of rows: the rounding error grows with height + width, not their product.
            float rowSum = 0f;
            for (int column = 0; column < width; column++)
            {
                int y = row + ky - 1;
                int x = column + kx - 1;
                if (sizes.Padding == Padding.Replicate)
                {
                    y = XMath.Clamp(y, 0, height - 1);
                    x = XMath.Clamp(x, 0, width - 1);
                }

                if (y >= 0 && y < height && x >= 0 && x < width)
                {
                    rowSum += input[(((y * width) + x) * inChannels) + i]
                        * gradPreactivation[(((row * width) + column) * outChannels) + o];
                }
            }

            sum += rowSum;
        }

        Accumulate.Into(ref gradFilter[index], sum, beta);
    }
}
