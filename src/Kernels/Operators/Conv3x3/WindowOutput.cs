using ILGPU;
using NativeStyle.Kernels.Operators.MatrixProduct;
using NativeStyle.Kernels.Operators.Pool2x2;

namespace NativeStyle.Kernels.Operators.Conv3x3;

/// <summary>Stores a direct convolution's sums window by window, with bias, ReLU and pooling.</summary>
internal readonly record struct WindowOutput(
    ArrayView<float> Bias, ArrayView<float> Output, ArrayView<uint> Gate, ConvSizes Sizes, ConvEnd End, LoadWidth Width)
{
    /// <summary>Windows of a group, whose gate bits meet in shared memory.</summary>
    internal const int Windows = 16;

    /// <summary>Channels of a group, in quads.</summary>
    internal const int ChannelQuads = 16;

    /// <summary>Writes y of a window, given by its number in <see cref="WindowOrder"/>.</summary>
    public uint Store(int window, int c, Float4 s0, Float4 s1, Float4 s2, Float4 s3) =>
        Store(WindowOrder.RowOf(window * 4, Sizes), WindowOrder.ColumnOf(window * 4, Sizes), c, s0, s1, s2, s3);

    /// <summary>Writes y of a window and four channels.</summary>
    /// <param name="row">The row of the upper left pixel.</param>
    /// <param name="column">The column of the upper left pixel.</param>
    /// <param name="c">The first channel.</param>
    /// <param name="s0">The sums of the upper left pixel.</param>
    /// <param name="s3">The sums of the lower right pixel.</param>
    /// <returns>The window's gate bits: for each channel one bit for each pixel.</returns>
    public uint Store(int row, int column, int c, Float4 s0, Float4 s1, Float4 s2, Float4 s3)
    {
        int room = row < Sizes.Height && column < Sizes.Width ? Sizes.OutChannels - c : 0;
        bool hasRight = column + 1 < Sizes.Width;
        bool hasLower = row + 1 < Sizes.Height;
        Float4 bias = Quads.Load(Bias, c, room, Width);
        Float4 y0 = WindowEnd.Activate(s0 + bias, End);
        Float4 y1 = WindowEnd.Activate(s1 + bias, End);
        Float4 y2 = WindowEnd.Activate(s2 + bias, End);
        Float4 y3 = WindowEnd.Activate(s3 + bias, End);
        uint open = 0u;
        if (End.Pooling == Pooling.None)
        {
            int at = (((row * Sizes.Width) + column) * Sizes.OutChannels) + c;
            int below = at + (Sizes.Width * Sizes.OutChannels);
            Quads.Accumulate(Output, at, room, y0, Width, 0f);
            Quads.Accumulate(Output, at + Sizes.OutChannels, hasRight ? room : 0, y1, Width, 0f);
            Quads.Accumulate(Output, below, hasLower ? room : 0, y2, Width, 0f);
            Quads.Accumulate(Output, below + Sizes.OutChannels, hasRight && hasLower ? room : 0, y3, Width, 0f);
            open = WindowEnd.Passing(y0.X, y1.X, y2.X, y3.X)
                | (WindowEnd.Passing(y0.Y, y1.Y, y2.Y, y3.Y) << 4)
                | (WindowEnd.Passing(y0.Z, y1.Z, y2.Z, y3.Z) << 8)
                | (WindowEnd.Passing(y0.W, y1.W, y2.W, y3.W) << 12);
        }
        else if (row / 2 < End.OutHeight && column / 2 < End.OutWidth)
        {
            WindowEnd.Pooled x = WindowEnd.Pool(y0.X, y1.X, y2.X, y3.X, hasRight, hasLower, End.Pooling);
            WindowEnd.Pooled y = WindowEnd.Pool(y0.Y, y1.Y, y2.Y, y3.Y, hasRight, hasLower, End.Pooling);
            WindowEnd.Pooled z = WindowEnd.Pool(y0.Z, y1.Z, y2.Z, y3.Z, hasRight, hasLower, End.Pooling);
            WindowEnd.Pooled w = WindowEnd.Pool(y0.W, y1.W, y2.W, y3.W, hasRight, hasLower, End.Pooling);
            int at = ((((row / 2) * End.OutWidth) + (column / 2)) * Sizes.OutChannels) + c;
            Quads.Accumulate(Output, at, room, new Float4(x.Value, y.Value, z.Value, w.Value), Width, 0f);
            open = x.Open | (y.Open << 4) | (z.Open << 8) | (w.Open << 12);
        }

        return open;
    }

    /// <summary>Writes the gate words of 16 windows and 64 channels: two a pixel.</summary>
    /// <param name="opens">What storing 16 windows returned, 16 quads each.</param>
    /// <param name="firstWindow">The group's first window.</param>
    /// <param name="firstChannel">The group's first channel, a multiple of 64.</param>
    /// <param name="item">The work item's number in the group.</param>
    /// <param name="items">The number of work items of the group.</param>
    public void StoreGates(ArrayView<uint> opens, int firstWindow, int firstChannel, int item, int items)
    {
        int words = (Sizes.OutChannels + 31) / 32;
        for (int place = item; place < Windows * 4 * 2; place += items)
        {
            int line = place / 2;
            int word = (firstChannel / 32) + (place % 2);
            int row = WindowOrder.RowOf((firstWindow * 4) + line, Sizes);
            int column = WindowOrder.ColumnOf((firstWindow * 4) + line, Sizes);
            if (row < Sizes.Height && column < Sizes.Width && word < words)
            {
                Gate[(((row * Sizes.Width) + column) * words) + word] =
                    GateWord(opens, (line / 4 * ChannelQuads) + (place % 2 * 8), line % 4);
            }
        }
    }

    /// <summary>
    /// Makes the gate word of 32 channels of a pixel from what
    /// <see cref="Store(int, int, Float4, Float4, Float4, Float4)"/> returned for them.
    /// </summary>
    /// <param name="first">The first of eight quads.</param>
    /// <param name="pixel">The pixel's number in its window.</param>
    public static uint GateWord(ArrayView<uint> opens, int first, int pixel)
    {
        uint bits = 0u;
        for (int quad = 0; quad < 8; quad++)
        {
            uint open = opens[first + quad] >> pixel;
            bits |= ((open & 1u) | ((open >> 3) & 2u) | ((open >> 6) & 4u) | ((open >> 9) & 8u)) << (quad * 4);
        }

        return bits;
    }
}
