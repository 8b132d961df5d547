using NativeStyle.Kernels.Devices;

namespace NativeStyle.Kernels.Operators.Pool2x2;

/// <summary>The loop that the vectorised forward passes of all poolings share.</summary>
internal static unsafe class PoolWindows
{
    /// <summary>Pools all channels of one window.</summary>
    /// <param name="first">The window's upper left pixel.</param>
    /// <param name="right">Floats from a pixel to its right neighbour; 0 if the window has one column.</param>
    /// <param name="down">Floats from a pixel to the one below; 0 if the window has one row.</param>
    /// <param name="output">The pooled pixel.</param>
    public delegate void Pool(float* first, long right, long down, float* output);

    /// <summary>
    /// Calls <paramref name="pool"/> for every window. A window over the edge reads its last row or column twice, which
    /// changes neither its mean nor its maximum.
    /// </summary>
    public static void ForEach(CpuDevice cpu, float* input, float* output, PoolShape shape, Pool pool)
    {
        (int height, int width, int channels) = (shape.Height, shape.Width, shape.Channels);
        cpu.Parallel(shape.OutHeight, row =>
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
