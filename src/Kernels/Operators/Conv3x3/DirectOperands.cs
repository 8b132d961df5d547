using ILGPU;
using ILGPU.Algorithms;
using NativeStyle.Kernels.Operators.MatrixProduct;

namespace NativeStyle.Kernels.Operators.Conv3x3;

// A convolution as a matrix product whose factors are never written to memory ("implicit GEMM"). A row is a pixel; a
// step of the depth is a tap and a channel. Rows go window by window of 2 x 2 pixels, so that the four adjacent rows
// that a work item holds are a window, which it can pool.

/// <summary>The order of the pixels: window by window, and row by row in a window.</summary>
internal static class WindowOrder
{
    /// <summary>Windows of a picture; windows at an odd edge have pixels that do not exist.</summary>
    public static int Count(ConvSizes sizes) => (sizes.Height + 1) / 2 * Across(sizes);

    public static int Across(ConvSizes sizes) => (sizes.Width + 1) / 2;

    public static int RowOf(int line, ConvSizes sizes) => ((line >> 2) / Across(sizes) * 2) + ((line >> 1) & 1);

    public static int ColumnOf(int line, ConvSizes sizes) => ((line >> 2) % Across(sizes) * 2) + (line & 1);
}

/// <summary>
/// Numbers the nine taps for kernels: four times their row plus their column, so that neither takes a division.
/// </summary>
internal static class Taps
{
    public static int Of(int number) => (number / 3 * 4) + (number % 3);

    public static int Next(int tap) => (tap & 3) == 2 ? tap + 2 : tap + 1;

    public static int RowOf(int tap) => tap >> 2;

    public static int ColumnOf(int tap) => tap & 3;

    public static bool Exists(int tap) => tap < 12;
}

/// <summary>The values of x that the taps see: row p, step (t, i) is x[p + t - 1, i].</summary>
internal readonly record struct PictureOperand(ArrayView<float> Input, ConvSizes Sizes, LoadWidth Width) : IOperand
{
    public QuadOrder Order => QuadOrder.AlongDepth;

    /// <summary>The row and column of the first tap's pixel.</summary>
    public Index2D Line(int line) => new(WindowOrder.RowOf(line, Sizes) - 1, WindowOrder.ColumnOf(line, Sizes) - 1);

    /// <summary>The tap, numbered by <see cref="Taps"/>, and the channel.</summary>
    public Index2D Step(int k) => new(Taps.Of(k / Sizes.InChannels), k % Sizes.InChannels);

    public Float4 Quad(Index2D line, Index2D step)
    {
        (int row, int column) = (line.X, line.Y);
        (int tap, int c) = (step.X, step.Y);
        Float4 quad = Float4.Broadcast(0f);
        if (Width == LoadWidth.Vector)
        {
            // Reads four channels of one tap.
            int from = Find(row, column, tap);
            if (from >= 0) quad = Quads.Load(Input, from + c, 4, LoadWidth.Vector);
        }
        else
        {
            float first = Element(row, column, tap, c);
            bool wraps = ++c == Sizes.InChannels;
            c = wraps ? 0 : c;
            tap = wraps ? Taps.Next(tap) : tap;
            float second = Element(row, column, tap, c);
            wraps = ++c == Sizes.InChannels;
            c = wraps ? 0 : c;
            tap = wraps ? Taps.Next(tap) : tap;
            float third = Element(row, column, tap, c);
            wraps = ++c == Sizes.InChannels;
            c = wraps ? 0 : c;
            tap = wraps ? Taps.Next(tap) : tap;
            quad = new Float4(first, second, third, Element(row, column, tap, c));
        }

        return quad;
    }

    private float Element(int row, int column, int tap, int c)
    {
        int from = Find(row, column, tap);
        return from >= 0 ? Input[from + c] : 0f;
    }

    /// <summary>Finds the first channel of the pixel that a tap sees; -1 if it sees a zero.</summary>
    private int Find(int row, int column, int tap)
    {
        int y = row + Taps.RowOf(tap);
        int x = column + Taps.ColumnOf(tap);
        if (Sizes.Padding == Padding.Replicate)
        {
            y = XMath.Clamp(y, 0, Sizes.Height - 1);
            x = XMath.Clamp(x, 0, Sizes.Width - 1);
        }

        return Taps.Exists(tap) && y >= 0 && y < Sizes.Height && x >= 0 && x < Sizes.Width
            ? ((y * Sizes.Width) + x) * Sizes.InChannels
            : -1;
    }
}

/// <summary>
/// The values of dz that the taps see in the backward pass: row q, step (t, o) is dz[q - t + 1, o]. With replicate
/// padding a border pixel also lies at its copies' positions, and the values seen there are added.
/// </summary>
internal readonly record struct GradientOperand(GradientQuads Gradient) : IOperand
{
    public QuadOrder Order => QuadOrder.AlongDepth;

    /// <summary>The row and column of the pixel.</summary>
    public Index2D Line(int line) =>
        new(WindowOrder.RowOf(line, Gradient.Sizes), WindowOrder.ColumnOf(line, Gradient.Sizes));

    /// <summary>The tap, numbered by <see cref="Taps"/>, and the channel.</summary>
    public Index2D Step(int k) => new(Taps.Of(k / Gradient.Sizes.OutChannels), k % Gradient.Sizes.OutChannels);

    public Float4 Quad(Index2D line, Index2D step)
    {
        bool vector = Gradient.Width == LoadWidth.Vector;
        Float4 quad = Float4.Broadcast(0f);
        // One loop for both widths: ILGPU writes the body into the kernel wherever it is called.
        for (int left = vector ? 1 : 4; left > 0; left--)
        {
            Float4 values = ValueAt(line, step, vector ? 4 : 1);
            quad = vector ? values : new Float4(quad.Y, quad.Z, quad.W, values.X);
            step = Next(step);
        }

        return quad;
    }

    private Index2D Next(Index2D step) =>
        step.Y + 1 == Gradient.Sizes.OutChannels ? new Index2D(Taps.Next(step.X), 0) : new Index2D(step.X, step.Y + 1);

    private Float4 ValueAt(Index2D line, Index2D step, int room)
    {
        ConvSizes sizes = Gradient.Sizes;
        (int row, int column) = (line.X, line.Y);
        (int tap, int o) = (step.X, step.Y);
        bool replicate = sizes.Padding == Padding.Replicate;
        int lastRow = replicate && row == sizes.Height - 1 ? sizes.Height : row;
        int lastColumn = replicate && column == sizes.Width - 1 ? sizes.Width : column;
        Float4 sum = Float4.Broadcast(0f);
        for (int y = replicate && row == 0 ? -1 : row; y <= lastRow; y++)
            for (int x = replicate && column == 0 ? -1 : column; x <= lastColumn; x++)
                sum += Gradient.At(y - Taps.RowOf(tap) + 1, x - Taps.ColumnOf(tap) + 1, o, Taps.Exists(tap) ? room : 0);
        return sum;
    }
}

/// <summary>
/// w as backward's second factor: step (t, o), column i is w[t, i, o]. Four channels o lie together.
/// </summary>
internal readonly record struct TransposedFilterOperand(
    ArrayView<float> Filter, ConvSizes Sizes, LoadWidth Width) : IOperand
{
    public QuadOrder Order => QuadOrder.AlongDepth;

    /// <summary>
    /// The line's offset in the list of a tap's channels, and its number, which is less than 0 if it does not exist.
    /// </summary>
    public Index2D Line(int line) => new(line * Sizes.OutChannels, line < Sizes.InChannels ? line : -1);

    /// <summary>The offset of the tap and the channel, and the number of steps that exist from there on.</summary>
    public Index2D Step(int k) => new(
        (k / Sizes.OutChannels * Sizes.InChannels * Sizes.OutChannels) + (k % Sizes.OutChannels),
        (9 * Sizes.OutChannels) - k);

    public Float4 Quad(Index2D line, Index2D step)
    {
        Float4 quad = Float4.Broadcast(0f);
        if (Width == LoadWidth.Vector)
        {
            quad = Quads.Load(Filter, line.X + step.X, line.Y >= 0 ? step.Y : 0, LoadWidth.Vector);
        }
        else
        {
            int k = (9 * Sizes.OutChannels) - step.Y;
            quad = new Float4(
                Element(line, step),
                Element(line, Step(k + 1)),
                Element(line, Step(k + 2)),
                Element(line, Step(k + 3)));
        }

        return quad;
    }

    private float Element(Index2D line, Index2D step)
    {
        float value = 0f;
        if (line.Y >= 0 && step.Y > 0) value = Filter[line.X + step.X];
        return value;
    }
}
