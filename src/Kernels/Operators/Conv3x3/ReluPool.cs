namespace NativeStyle.Kernels;

// The end of a convolution where it is not fused into it: ReLU, then 2x2 pooling or none. z is what the convolution
// summed up, (height, width, channels).
//
//   forward   y[q, c] = max(z[q, c], 0)          or the mean or maximum of that over the window p of q
//             gate[q, c] = z[q, c] > 0           and, with max pooling, q is the first maximum of its window
//   backward  dz[q, c] = gate[q, c] dy[p, c]     with average pooling divided by the window's number of pixels
//
// The gate is one bit for each z: all that backward needs to know of the forward pass, 1/32 of its memory. Bit c % 32
// of word c / 32 of a pixel belongs to channel c.

/// <summary>ReLU and pooling with the gate bits that backward reads.</summary>
internal static class ReluPool
{
    /// <summary>One work item: 32 channels of the four pixels of one window.</summary>
    [Kernel]
    public static void ForwardKernel(
        Index1D index, ArrayView<float> sums, ArrayView<float> output, ArrayView<uint> gate, int height, int width,
        int channels, int outHeight, int outWidth, int pooling, int writeGate)
    {
        int words = (channels + 31) / 32;
        int window = index / words;
        int word = index % words;
        int windowsAcross = (width + 1) / 2;
        int top = window / windowsAcross * 2;
        int left = window % windowsAcross * 2;
        bool pooled = top / 2 < outHeight && left / 2 < outWidth;
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
                    float value = MathF.Max(sums[at], 0f);
                    if (pooling == 0) output[at] = value;
                    sum += value;
                    count++;
                    if (value > largest)
                    {
                        largest = value;
                        best = k;
                    }

                    if (value > 0f && pooling != 2)
                    {
                        if (k == 0) gate0 |= bit;
                        if (k == 1) gate1 |= bit;
                        if (k == 2) gate2 |= bit;
                        if (k == 3) gate3 |= bit;
                    }
                }
            }

            if (pooling == 2)
            {
                if (best == 0) gate0 |= bit;
                if (best == 1) gate1 |= bit;
                if (best == 2) gate2 |= bit;
                if (best == 3) gate3 |= bit;
            }

            if (pooling != 0 && pooled)
                output[((((top / 2) * outWidth) + (left / 2)) * channels) + c] = pooling == 2 ? largest : sum / count;
        }

        if (writeGate != 0)
        {
            bool open = pooling == 0 || pooled;
            int pixel = (top * width) + left;
            gate[(pixel * words) + word] = open ? gate0 : 0u;
            if (left + 1 < width) gate[((pixel + 1) * words) + word] = open ? gate1 : 0u;
            if (top + 1 < height) gate[((pixel + width) * words) + word] = open ? gate2 : 0u;
            if (left + 1 < width && top + 1 < height) gate[((pixel + width + 1) * words) + word] = open ? gate3 : 0u;
        }
    }

    [Kernel]
    public static void BackwardKernel(
        Index1D index, ArrayView<float> gradOutput, ArrayView<uint> gate, ArrayView<float> gradSums, int height,
        int width, int channels, int outWidth, int pooling)
    {
        int c = index % channels;
        int pixel = index / channels;
        int row = pixel / width;
        int column = pixel % width;
        int words = (channels + 31) / 32;
        float gradient = 0f;
        if ((gate[(pixel * words) + (c / 32)] >> (c % 32) & 1u) != 0u)
        {
            int from = pooling == 0 ? pixel : ((row / 2) * outWidth) + (column / 2);
            gradient = gradOutput[(from * channels) + c];
            if (pooling == 1)
            {
                int rows = (row | 1) < height ? 2 : 1;
                int columns = (column | 1) < width ? 2 : 1;
                gradient /= rows * columns;
            }
        }

        gradSums[index] = gradient;
    }

    /// <summary>y and, if it is valid, the gate; without pooling output may be sums.</summary>
    public static void Forward(
        Accelerator accelerator, ArrayView<float> sums, ArrayView<float> output, ArrayView<uint> gate, Conv3x3Shape shape)
    {
        PoolShape pool = shape.PoolShape;
        int windows = (shape.Height + 1) / 2 * ((shape.Width + 1) / 2);
        accelerator.Launch(
            ForwardKernel, (Index1D)(windows * shape.GateWordsPerPixel), sums, output, gate, shape.Height, shape.Width,
            shape.OutChannels, pool.OutHeight, pool.OutWidth, (int)shape.Pooling, gate.IsValid ? 1 : 0);
    }

    /// <summary>dz, overwritten.</summary>
    public static void Backward(
        Accelerator accelerator, ArrayView<float> gradOutput, ArrayView<uint> gate, ArrayView<float> gradSums,
        Conv3x3Shape shape) =>
        accelerator.Launch(
            BackwardKernel, (Index1D)checked((int)shape.SumLength), gradOutput, gate, gradSums, shape.Height, shape.Width,
            shape.OutChannels, shape.PoolShape.OutWidth, (int)shape.Pooling);
}
