using ILGPU;

namespace NativeStyle.Kernels.Operators.Convolution;

public static partial class ConvolutionOp
{
    /// <summary>Computes one output element from K x K x in products. It is the plainest form; read it first.</summary>
    internal static void ForwardKernel(
        Index1D index,
        ArrayView<float> input,
        ArrayView<float> filter,
        ArrayView<float> bias,
        ArrayView<float> output,
        ConvolutionShape shape)
    {
        int outWidth = ((shape.Width - shape.Kernel) / shape.Stride) + 1;
        int o = index % shape.OutChannels;
        int pixel = index / shape.OutChannels;
        int top = pixel / outWidth * shape.Stride;
        int left = pixel % outWidth * shape.Stride;
        float sum = bias[o];
        for (int ky = 0; ky < shape.Kernel; ky++)
        {
            for (int kx = 0; kx < shape.Kernel; kx++)
            {
                int from = (((top + ky) * shape.Width) + left + kx) * shape.InChannels;
                int weight = (((ky * shape.Kernel) + kx) * shape.InChannels * shape.OutChannels) + o;
                for (int i = 0; i < shape.InChannels; i++)
                    sum += input[from + i] * filter[weight + (i * shape.OutChannels)];
            }
        }

        output[index] = sum;
    }

    /// <summary>Computes one element of dx from the windows that this pixel lies in.</summary>
    internal static void BackwardDataKernel(
        Index1D index,
        ArrayView<float> gradOutput,
        ArrayView<float> filter,
        ArrayView<float> gradInput,
        ConvolutionShape shape,
        float beta)
    {
        int outHeight = ((shape.Height - shape.Kernel) / shape.Stride) + 1;
        int outWidth = ((shape.Width - shape.Kernel) / shape.Stride) + 1;
        int i = index % shape.InChannels;
        int pixel = index / shape.InChannels;
        int row = pixel / shape.Width;
        int column = pixel % shape.Width;
        float sum = 0f;
        for (int ky = 0; ky < shape.Kernel; ky++)
        {
            for (int kx = 0; kx < shape.Kernel; kx++)
            {
                int y = (row - ky) / shape.Stride;
                int x = (column - kx) / shape.Stride;
                bool starts = row >= ky && column >= kx
                    && y * shape.Stride == row - ky && x * shape.Stride == column - kx;
                if (starts && y < outHeight && x < outWidth)
                {
                    int from = ((y * outWidth) + x) * shape.OutChannels;
                    int weight = ((((ky * shape.Kernel) + kx) * shape.InChannels) + i) * shape.OutChannels;
                    for (int o = 0; o < shape.OutChannels; o++) sum += gradOutput[from + o] * filter[weight + o];
                }
            }
        }

        Accumulate.Into(ref gradInput[index], sum, beta);
    }

    /// <summary>Computes one element of dw: a sum over all windows.</summary>
    internal static void BackwardWeightsKernel(
        Index1D index,
        ArrayView<float> input,
        ArrayView<float> gradOutput,
        ArrayView<float> gradFilter,
        ConvolutionShape shape,
        float beta)
    {
        int outHeight = ((shape.Height - shape.Kernel) / shape.Stride) + 1;
        int outWidth = ((shape.Width - shape.Kernel) / shape.Stride) + 1;
        int o = index % shape.OutChannels;
        int i = index / shape.OutChannels % shape.InChannels;
        int tap = index / (shape.OutChannels * shape.InChannels);
        int ky = tap / shape.Kernel;
        int kx = tap % shape.Kernel;
        float sum = 0f;
        for (int row = 0; row < outHeight; row++)
        {
            // Adds a sum per row, then a sum of rows: the rounding error grows with height + width, not their product.
            float rowSum = 0f;
            for (int column = 0; column < outWidth; column++)
            {
                int y = (row * shape.Stride) + ky;
                int x = (column * shape.Stride) + kx;
                rowSum += input[(((y * shape.Width) + x) * shape.InChannels) + i]
                    * gradOutput[(((row * outWidth) + column) * shape.OutChannels) + o];
            }

            sum += rowSum;
        }

        Accumulate.Into(ref gradFilter[index], sum, beta);
    }

    /// <summary>Computes one element of db.</summary>
    internal static void BackwardBiasKernel(
        Index1D index, ArrayView<float> gradOutput, ArrayView<float> gradBias, float beta)
    {
        int outChannels = gradBias.IntLength;
        int pixels = gradOutput.IntLength / outChannels;
        float sum = 0f;
        for (int start = 0; start < pixels; start += 256)
        {
            float partial = 0f;
            int end = start + 256 < pixels ? start + 256 : pixels;
            for (int p = start; p < end; p++) partial += gradOutput[(p * outChannels) + index];
            sum += partial;
        }

        Accumulate.Into(ref gradBias[index], sum, beta);
    }
}
