namespace NativeStyle.Kernels;

// Max pooling 2x2, stride 2.
//
//   forward   y[p, c] = max over q in window p of x[q, c]
//   backward  dx[q, c] = dy[p, c] for the first q of window p (in row order) that holds the maximum, else 0

/// <summary>2x2 max pooling, forward and backward.</summary>
public static class MaxPool
{
    [Kernel]
    public static void ForwardKernel(
        Index1D index, ArrayView<float> input, ArrayView<float> output, int height, int width, int channels,
        int outWidth)
    {
        int window = index / channels;
        output[index] = input[ArgMax(
            input, window / outWidth, window % outWidth, index % channels, height, width, channels)];
    }

    [Kernel]
    public static void BackwardKernel(
        Index1D index, ArrayView<float> gradOutput, ArrayView<float> input, ArrayView<float> gradInput, int height,
        int width, int channels, int outHeight, int outWidth, float beta)
    {
        int pixel = index / channels;
        int y = pixel / width / 2;
        int x = pixel % width / 2;
        float gradient = 0f;
        if (y < outHeight && x < outWidth && ArgMax(input, y, x, index % channels, height, width, channels) == index)
            gradient = gradOutput[(((y * outWidth) + x) * channels) + (index % channels)];
        gradInput[index] = beta == 0f ? gradient : (beta * gradInput[index]) + gradient;
    }

    /// <summary>y = the largest of each window.</summary>
    public static void Forward(Accelerator accelerator, ArrayView<float> input, ArrayView<float> output, PoolShape shape)
    {
        Require.Length(input, shape.InLength, nameof(input));
        Require.Length(output, shape.OutLength, nameof(output));
        accelerator.Launch(
            ForwardKernel, (Index1D)output.IntLength, input, output, shape.Height, shape.Width, shape.Channels,
            shape.OutWidth);
    }

    /// <summary>dx = beta dx + dy at the maximum of each window.</summary>
    /// <param name="input">x of the forward pass.</param>
    public static void Backward(
        Accelerator accelerator, ArrayView<float> gradOutput, ArrayView<float> input, ArrayView<float> gradInput,
        PoolShape shape, float beta)
    {
        Require.Length(input, shape.InLength, nameof(input));
        Require.Length(gradInput, shape.InLength, nameof(gradInput));
        Require.Length(gradOutput, shape.OutLength, nameof(gradOutput));
        accelerator.Launch(
            BackwardKernel, (Index1D)gradInput.IntLength, gradOutput, input, gradInput, shape.Height, shape.Width,
            shape.Channels, shape.OutHeight, shape.OutWidth, beta);
    }

    /// <summary>The element of window (y, x) with the largest value; of equals the first.</summary>
    private static int ArgMax(ArrayView<float> input, int y, int x, int c, int height, int width, int channels)
    {
        int best = (((2 * y * width) + (2 * x)) * channels) + c;
        for (int k = 1; k < 4; k++)
        {
            int row = (2 * y) + (k / 2);
            int column = (2 * x) + (k % 2);
            if (row < height && column < width)
            {
                int candidate = (((row * width) + column) * channels) + c;
                if (input[candidate] > input[best]) best = candidate;
            }
        }

        return best;
    }
}
