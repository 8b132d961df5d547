namespace NativeStyle.Kernels;

/// <summary>How feature maps are made smaller.</summary>
public enum Pooling
{
    /// <summary>Not at all.</summary>
    None,

    /// <summary>The mean of each 2x2 window: smoother gradients, as Gatys et al. recommend for synthesis.</summary>
    Average,

    /// <summary>The maximum of each 2x2 window, as VGG was trained.</summary>
    Max,

    /// <summary>The 2-norm of each 2x2 window.</summary>
    L2,
}

/// <summary>What 2x2 pooling with stride 2 does with an odd last row or column.</summary>
public enum PoolEdge
{
    /// <summary>Drops it (Caffe's and PyTorch's floor): n -> n / 2.</summary>
    Floor,

    /// <summary>
    /// TensorFlow's SAME: n -> (n + 1) / 2; a window over the edge pools the pixels that exist, and an average divides
    /// by their number.
    /// </summary>
    Same,
}

/// <summary>The sizes of a 2x2 pooling with stride 2.</summary>
/// <param name="Height">Rows of the input.</param>
/// <param name="Width">Columns of the input.</param>
/// <param name="Channels">Channels of both.</param>
/// <param name="Edge">The rule for odd sizes.</param>
public readonly record struct PoolShape(int Height, int Width, int Channels, PoolEdge Edge)
{
    public int OutHeight => Edge == PoolEdge.Same ? (Height + 1) / 2 : Height / 2;

    public int OutWidth => Edge == PoolEdge.Same ? (Width + 1) / 2 : Width / 2;

    public long InLength => (long)Height * Width * Channels;

    public long OutLength => (long)OutHeight * OutWidth * Channels;

    /// <summary>Pixels of a window that exist.</summary>
    public int WindowPixels(int row, int column) =>
        Math.Min(2, Height - (2 * row)) * Math.Min(2, Width - (2 * column));
}

/// <summary>The loop that the vectorised forward passes of both poolings share.</summary>
internal static unsafe class Pool2x2
{
    /// <summary>Pools all channels of one window.</summary>
    /// <param name="first">The window's upper left pixel.</param>
    /// <param name="right">From a pixel to its right neighbour in floats; 0 where the window has one column.</param>
    /// <param name="down">From a pixel to the one below; 0 where the window has one row.</param>
    /// <param name="output">The pooled pixel.</param>
    public delegate void Window(float* first, long right, long down, float* output);

    /// <summary>
    /// Calls <paramref name="pool"/> for every window. One over the edge reads its last row or column twice, which
    /// changes neither its mean nor its maximum.
    /// </summary>
    public static void ForEachWindow(CpuAccelerator cpu, float* input, float* output, PoolShape shape, Window pool)
    {
        (int height, int width, int channels) = (shape.Height, shape.Width, shape.Channels);
        cpu.Parallel(shape.OutHeight, (row, _) =>
        {
            long down = (2 * row) + 1 < height ? (long)width * channels : 0;
            for (int column = 0; column < shape.OutWidth; column++)
            {
                long right = (2 * column) + 1 < width ? channels : 0;
                pool(
                    input + ((((2L * row) * width) + (2 * column)) * channels), right, down,
                    output + ((((long)row * shape.OutWidth) + column) * channels));
            }
        });
    }
}
