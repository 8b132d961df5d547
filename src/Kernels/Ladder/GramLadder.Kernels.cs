using ILGPU;
using NativeStyle.Kernels.Operators;
using NativeStyle.Kernels.Translation;

namespace NativeStyle.Kernels.Ladder;

// The Gram matrix in eight kernels, from the formula to a tile that is loaded while the one before is multiplied. Each
// differs from the one before in one idea. They show ideas and have no edges: channels are a multiple of 64, pixels a
// multiple of 16. Operators/Gram has the form that transfers use.
//
//   G[i, j] = s sum over p of F[p, i] F[p, j]
internal static partial class GramLadder
{
    /// <summary>Pixels of a slice, which shared memory holds at a time.</summary>
    private const int Slice = 16;

    /// <summary>Work items of a group along each side.</summary>
    private const int Side = 16;

    /// <summary>Rows and columns of G of a group whose work items compute 4 x 4 elements each.</summary>
    private const int Tile = 4 * Side;

    /// <summary>
    /// Computes one element, as the formula says. F lies as papers and PyTorch have it: a row of pixels for each
    /// channel.
    /// </summary>
    internal static void PlainKernel(
        Index1D index, ArrayView<float> f, ArrayView<float> g, int pixels, int channels, float scale)
    {
        int i = index / channels;
        int j = index % channels;
        float sum = 0f;
        for (int p = 0; p < pixels; p++) sum += f[(i * pixels) + p] * f[(j * pixels) + p];
        g[index] = scale * sum;
    }

    /// <summary>Reads F channels-last, so that neighbouring work items read neighbouring memory.</summary>
    internal static void CoalescedKernel(
        Index1D index, ArrayView<float> f, ArrayView<float> g, int pixels, int channels, float scale)
    {
        int i = index / channels;
        int j = index % channels;
        float sum = 0f;
        for (int p = 0; p < pixels; p++) sum += f[(p * channels) + i] * f[(p * channels) + j];
        g[index] = scale * sum;
    }

    /// <summary>Adds to four sums in turn, so that an addition need not wait for the one before.</summary>
    internal static void IndependentSumsKernel(
        Index1D index, ArrayView<float> f, ArrayView<float> g, int pixels, int channels, float scale)
    {
        int i = index / channels;
        int j = index % channels;
        float sum0 = 0f;
        float sum1 = 0f;
        float sum2 = 0f;
        float sum3 = 0f;
        for (int p = 0; p < pixels; p += 4)
        {
            sum0 += f[(p * channels) + i] * f[(p * channels) + j];
            sum1 += f[((p + 1) * channels) + i] * f[((p + 1) * channels) + j];
            sum2 += f[((p + 2) * channels) + i] * f[((p + 2) * channels) + j];
            sum3 += f[((p + 3) * channels) + i] * f[((p + 3) * channels) + j];
        }

        g[index] = scale * (sum0 + sum1 + (sum2 + sum3));
    }

    /// <summary>Computes 4 x 4 elements: 8 loaded floats for 16 multiply-adds.</summary>
    internal static void RegisterBlockKernel(
        Index1D index, ArrayView<float> f, ArrayView<float> g, int pixels, int channels, float scale)
    {
        int i = index / (channels / 4) * 4;
        int j = index % (channels / 4) * 4;
        ArrayView<Float4> quads = f.Cast<Float4>();
        Float4 sum0 = Float4.Broadcast(0f);
        Float4 sum1 = sum0;
        Float4 sum2 = sum0;
        Float4 sum3 = sum0;
        for (int p = 0; p < pixels; p++)
        {
            Float4 a = quads[((p * channels) + i) / 4];
            Float4 b = quads[((p * channels) + j) / 4];
            sum0 = Float4.MultiplyAdd(a.X, b, sum0);
            sum1 = Float4.MultiplyAdd(a.Y, b, sum1);
            sum2 = Float4.MultiplyAdd(a.Z, b, sum2);
            sum3 = Float4.MultiplyAdd(a.W, b, sum3);
        }

        ArrayView<Float4> rows = g.Cast<Float4>();
        rows[((i * channels) + j) / 4] = scale * sum0;
        rows[(((i + 1) * channels) + j) / 4] = scale * sum1;
        rows[(((i + 2) * channels) + j) / 4] = scale * sum2;
        rows[(((i + 3) * channels) + j) / 4] = scale * sum3;
    }

    /// <summary>A group computes 16 x 16 elements from slices of 16 pixels that it holds in shared memory.</summary>
    [GroupItems(Side * Side)]
    internal static void SharedTileKernel(
        ArrayView<float> f, ArrayView<float> g, int pixels, int channels, float scale)
    {
        const int Row = Slice;
        ArrayView<float> left = SharedMemory.Allocate<float>(Side * Row);
        ArrayView<float> right = SharedMemory.Allocate<float>(Side * Row);
        int x = Group.IdxX;
        int y = Group.IdxY;
        int i = Grid.IdxY * Side;
        int j = Grid.IdxX * Side;
        float sum = 0f;
        for (int start = 0; start < pixels; start += Slice)
        {
            int from = (start + y) * channels;
            left[(x * Row) + y] = f[from + i + x];
            right[(x * Row) + y] = f[from + j + x];
            Group.Barrier();
            for (int p = 0; p < Slice; p++) sum += left[(y * Row) + p] * right[(x * Row) + p];
            Group.Barrier();
        }

        g[((i + y) * channels) + j + x] = scale * sum;
    }

    /// <summary>A group computes 64 x 64 elements, a work item 4 x 4 of them.</summary>
    [GroupItems(Side * Side)]
    internal static void TileAndRegistersKernel(
        ArrayView<float> f, ArrayView<float> g, int pixels, int channels, float scale)
    {
        const int Row = Slice;
        ArrayView<float> left = SharedMemory.Allocate<float>(Tile * Row);
        ArrayView<float> right = SharedMemory.Allocate<float>(Tile * Row);
        int x = Group.IdxX;
        int y = Group.IdxY;
        int i = Grid.IdxY * Tile;
        int j = Grid.IdxX * Tile;
        Float4 sum0 = Float4.Broadcast(0f);
        Float4 sum1 = sum0;
        Float4 sum2 = sum0;
        Float4 sum3 = sum0;
        for (int start = 0; start < pixels; start += Slice)
        {
            int from = (start + y) * channels;
            Spread(left, (x * Row) + y, Side * Row, Gather(f, from + i + x, Side));
            Spread(right, (x * Row) + y, Side * Row, Gather(f, from + j + x, Side));
            Group.Barrier();
            for (int p = 0; p < Slice; p++)
            {
                Float4 a = Gather(left, (y * Row) + p, Side * Row);
                Float4 b = Gather(right, (x * Row) + p, Side * Row);
                sum0 = Float4.MultiplyAdd(a.X, b, sum0);
                sum1 = Float4.MultiplyAdd(a.Y, b, sum1);
                sum2 = Float4.MultiplyAdd(a.Z, b, sum2);
                sum3 = Float4.MultiplyAdd(a.W, b, sum3);
            }

            Group.Barrier();
        }

        int to = ((i + y) * channels) + j + x;
        Spread(g, to, Side, scale * sum0);
        Spread(g, to + (Side * channels), Side, scale * sum1);
        Spread(g, to + (2 * Side * channels), Side, scale * sum2);
        Spread(g, to + (3 * Side * channels), Side, scale * sum3);
    }

    /// <summary>
    /// Leaves one float unused after each row of shared memory, so that a column lies in different banks.
    /// </summary>
    [GroupItems(Side * Side)]
    internal static void PaddedKernel(
        ArrayView<float> f, ArrayView<float> g, int pixels, int channels, float scale)
    {
        const int Row = Slice + 1;
        ArrayView<float> left = SharedMemory.Allocate<float>(Tile * Row);
        ArrayView<float> right = SharedMemory.Allocate<float>(Tile * Row);
        int x = Group.IdxX;
        int y = Group.IdxY;
        int i = Grid.IdxY * Tile;
        int j = Grid.IdxX * Tile;
        Float4 sum0 = Float4.Broadcast(0f);
        Float4 sum1 = sum0;
        Float4 sum2 = sum0;
        Float4 sum3 = sum0;
        for (int start = 0; start < pixels; start += Slice)
        {
            int from = (start + y) * channels;
            Spread(left, (x * Row) + y, Side * Row, Gather(f, from + i + x, Side));
            Spread(right, (x * Row) + y, Side * Row, Gather(f, from + j + x, Side));
            Group.Barrier();
            for (int p = 0; p < Slice; p++)
            {
                Float4 a = Gather(left, (y * Row) + p, Side * Row);
                Float4 b = Gather(right, (x * Row) + p, Side * Row);
                sum0 = Float4.MultiplyAdd(a.X, b, sum0);
                sum1 = Float4.MultiplyAdd(a.Y, b, sum1);
                sum2 = Float4.MultiplyAdd(a.Z, b, sum2);
                sum3 = Float4.MultiplyAdd(a.W, b, sum3);
            }

            Group.Barrier();
        }

        int to = ((i + y) * channels) + j + x;
        Spread(g, to, Side, scale * sum0);
        Spread(g, to + (Side * channels), Side, scale * sum1);
        Spread(g, to + (2 * Side * channels), Side, scale * sum2);
        Spread(g, to + (3 * Side * channels), Side, scale * sum3);
    }

    /// <summary>
    /// Loads the next slice into registers while this one is multiplied, and has a second buffer for it.
    /// </summary>
    [GroupItems(Side * Side)]
    internal static void DoubleBufferKernel(
        ArrayView<float> f, ArrayView<float> g, int pixels, int channels, float scale)
    {
        const int Row = Slice + 1;
        ArrayView<float> left = SharedMemory.Allocate<float>(2 * Tile * Row);
        ArrayView<float> right = SharedMemory.Allocate<float>(2 * Tile * Row);
        int x = Group.IdxX;
        int y = Group.IdxY;
        int i = Grid.IdxY * Tile;
        int j = Grid.IdxX * Tile;
        Float4 sum0 = Float4.Broadcast(0f);
        Float4 sum1 = sum0;
        Float4 sum2 = sum0;
        Float4 sum3 = sum0;
        Float4 nextLeft = Gather(f, (y * channels) + i + x, Side);
        Float4 nextRight = Gather(f, (y * channels) + j + x, Side);
        int buffer = 0;
        for (int start = 0; start < pixels; start += Slice)
        {
            Spread(left, buffer + (x * Row) + y, Side * Row, nextLeft);
            Spread(right, buffer + (x * Row) + y, Side * Row, nextRight);
            Group.Barrier();
            if (start + Slice < pixels)
            {
                int from = (start + Slice + y) * channels;
                nextLeft = Gather(f, from + i + x, Side);
                nextRight = Gather(f, from + j + x, Side);
            }

            for (int p = 0; p < Slice; p++)
            {
                Float4 a = Gather(left, buffer + (y * Row) + p, Side * Row);
                Float4 b = Gather(right, buffer + (x * Row) + p, Side * Row);
                sum0 = Float4.MultiplyAdd(a.X, b, sum0);
                sum1 = Float4.MultiplyAdd(a.Y, b, sum1);
                sum2 = Float4.MultiplyAdd(a.Z, b, sum2);
                sum3 = Float4.MultiplyAdd(a.W, b, sum3);
            }

            buffer = (Tile * Row) - buffer;
        }

        int to = ((i + y) * channels) + j + x;
        Spread(g, to, Side, scale * sum0);
        Spread(g, to + (Side * channels), Side, scale * sum1);
        Spread(g, to + (2 * Side * channels), Side, scale * sum2);
        Spread(g, to + (3 * Side * channels), Side, scale * sum3);
    }

    /// <summary>Four elements that lie <paramref name="step"/> apart.</summary>
    private static Float4 Gather(ArrayView<float> x, int at, int step) =>
        new(x[at], x[at + step], x[at + (2 * step)], x[at + (3 * step)]);

    /// <summary>Writes four elements that lie <paramref name="step"/> apart.</summary>
    private static void Spread(ArrayView<float> x, int at, int step, Float4 values)
    {
        x[at] = values.X;
        x[at + step] = values.Y;
        x[at + (2 * step)] = values.Z;
        x[at + (3 * step)] = values.W;
    }
}
