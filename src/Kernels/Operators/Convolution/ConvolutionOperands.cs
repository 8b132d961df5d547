using ILGPU;
using NativeStyle.Kernels.Operators.MatrixProduct;

namespace NativeStyle.Kernels.Operators.Convolution;

// A convolution as a matrix product whose factors are never written to memory ("implicit GEMM").

/// <summary>
/// The patches of x: pixel p of y, place (ky, kx, i) of its window. Pixels are lines and places are steps of the depth,
/// or the other way round. The places of one row of taps lie together in memory.
/// </summary>
/// <param name="First">The first pixel.</param>
/// <param name="End">The pixel after the last.</param>
/// <param name="Order">Along the depth: pixels are lines. Across: pixels are steps.</param>
internal readonly record struct PatchOperand(
    ArrayView<float> Input, ConvolutionShape Shape, int First, int End, QuadOrder Order, LoadWidth Width) : IOperand
{
    private int RowPlaces => Shape.Kernel * Shape.InChannels;

    public Index2D Line(int line) => Order == QuadOrder.AlongDepth ? Pixel(line) : Place(line);

    public Index2D Step(int k) => Order == QuadOrder.AlongDepth ? Place(k) : Pixel(k);

    /// <summary>Returns four places of one pixel, whatever the order.</summary>
    public Float4 Quad(Index2D line, Index2D step)
    {
        bool alongDepth = Order == QuadOrder.AlongDepth;
        Index2D pixel = alongDepth ? line : step;
        Index2D place = alongDepth ? step : line;
        int room = pixel.Y < End ? (Shape.Kernel * RowPlaces) - place.Y : 0;
        Float4 quad = Float4.Broadcast(0f);
        if (Width == LoadWidth.Vector)
        {
            quad = Quads.Load(Input, pixel.X + place.X, room, LoadWidth.Vector);
        }
        else
        {
            // After a row of taps the next one follows, a row of x further on.
            int jump = (Shape.Width * Shape.InChannels) - RowPlaces;
            int left = RowPlaces - (place.Y % RowPlaces);
            int at = pixel.X + place.X;
            float first = room > 0 ? Input[at] : 0f;
            float second = room > 1 ? Input[at + 1 + Jumps(1, left, jump)] : 0f;
            float third = room > 2 ? Input[at + 2 + Jumps(2, left, jump)] : 0f;
            float fourth = room > 3 ? Input[at + 3 + Jumps(3, left, jump)] : 0f;
            quad = new Float4(first, second, third, fourth);
        }

        return quad;
    }

    /// <summary>The index of the window's first element in x, and the pixel's number.</summary>
    private Index2D Pixel(int number)
    {
        int pixel = First + number;
        int row = pixel / Shape.OutWidth;
        int column = pixel - (row * Shape.OutWidth);
        return new(((row * Shape.Width) + column) * Shape.Stride * Shape.InChannels, pixel);
    }

    /// <summary>The distance of a place from the window's first element, and its number.</summary>
    private Index2D Place(int number)
    {
        int row = number / RowPlaces;
        return new(number + (row * ((Shape.Width * Shape.InChannels) - RowPlaces)), number);
    }

    /// <summary>
    /// How far the jumps to next rows of taps move a place that lies <paramref name="ahead"/> places ahead.
    /// </summary>
    private int Jumps(int ahead, int left, int jump) =>
        ahead < left ? 0 : (1 + ((ahead - left) / RowPlaces)) * jump;
}

/// <summary>
/// The pixels of dx that the same taps meet: those whose row and column leave the same remainders by the stride. Each
/// such phase is a convolution of dy with stride 1 by its own taps.
/// </summary>
/// <param name="Number">At least 0, less than the stride squared.</param>
internal readonly record struct Phase(ConvolutionShape Shape, int Number)
{
    public int Row => Number / Shape.Stride;

    public int Column => Number % Shape.Stride;

    /// <summary>Rows of dx; none if the phase has no columns.</summary>
    public int Height => Column < Shape.Width ? Count(Shape.Height, Row) : 0;

    /// <summary>Columns of dx, at least 1.</summary>
    public int Width => Column < Shape.Width ? Count(Shape.Width, Column) : 1;

    /// <summary>Rows of taps; none if the phase has no columns of taps, as between windows that are apart.</summary>
    public int TapRows => Column < Shape.Kernel ? Count(Shape.Kernel, Row) : 0;

    /// <summary>Columns of taps, at least 1.</summary>
    public int TapColumns => Column < Shape.Kernel ? Count(Shape.Kernel, Column) : 1;

    public int Depth => TapRows * TapColumns * Shape.OutChannels;

    /// <summary>The tap and the channel of dy at a step of the depth.</summary>
    public Index2D Step(int k)
    {
        int tap = k / Shape.OutChannels;
        return new(tap, k - (tap * Shape.OutChannels));
    }

    public Index2D Next(Index2D step) =>
        step.Y + 1 == Shape.OutChannels ? new Index2D(step.X + 1, 0) : new Index2D(step.X, step.Y + 1);

    /// <summary>Counts the places below a length that a stride reaches from the first.</summary>
    private int Count(int length, int first) => (length - first + Shape.Stride - 1) / Shape.Stride;
}

/// <summary>What the taps of a phase see of dy: pixel q of the phase, step (t, o) is dy[q - t, o].</summary>
internal readonly record struct GradientPatchOperand(
    ArrayView<float> GradOutput, Phase Phase, LoadWidth Width) : IOperand
{
    public QuadOrder Order => QuadOrder.AlongDepth;

    /// <summary>The row and column in the phase.</summary>
    public Index2D Line(int line)
    {
        int row = line / Phase.Width;
        return new(row, line - (row * Phase.Width));
    }

    public Index2D Step(int k) => Phase.Step(k);

    public Float4 Quad(Index2D line, Index2D step)
    {
        Float4 quad = Float4.Broadcast(0f);
        if (Width == LoadWidth.Vector)
        {
            int from = Find(line, step);
            if (from >= 0) quad = Quads.Load(GradOutput, from, 4, LoadWidth.Vector);
        }
        else
        {
            Index2D second = Phase.Next(step);
            Index2D third = Phase.Next(second);
            quad = new Float4(
                Element(line, step), Element(line, second), Element(line, third), Element(line, Phase.Next(third)));
        }

        return quad;
    }

    private float Element(Index2D line, Index2D step)
    {
        int from = Find(line, step);
        return from >= 0 ? GradOutput[from] : 0f;
    }

    /// <summary>Finds an element of dy; -1 if it does not exist.</summary>
    private int Find(Index2D line, Index2D step)
    {
        ConvolutionShape shape = Phase.Shape;
        int tapRow = step.X / Phase.TapColumns;
        int row = line.X - tapRow;
        int column = line.Y - (step.X - (tapRow * Phase.TapColumns));
        bool exists = tapRow < Phase.TapRows
            && row >= 0 && row < shape.OutHeight && column >= 0 && column < shape.OutWidth;
        return exists ? (((row * shape.OutWidth) + column) * shape.OutChannels) + step.Y : -1;
    }
}

/// <summary>w of a phase's taps as backward's second factor: step (t, o), column i is w[t, i, o].</summary>
internal readonly record struct PhaseFilterOperand(ArrayView<float> Filter, Phase Phase, LoadWidth Width) : IOperand
{
    public QuadOrder Order => QuadOrder.AlongDepth;

    /// <summary>The column's offset in the list of a tap's weights, and its number.</summary>
    public Index2D Line(int line) => new(line * Phase.Shape.OutChannels, line);

    public Index2D Step(int k) => Phase.Step(k);

    public Float4 Quad(Index2D line, Index2D step)
    {
        Float4 quad = Float4.Broadcast(0f);
        if (Width == LoadWidth.Vector)
        {
            int from = Find(line, step);
            if (from >= 0) quad = Quads.Load(Filter, from, 4, LoadWidth.Vector);
        }
        else
        {
            Index2D second = Phase.Next(step);
            Index2D third = Phase.Next(second);
            quad = new Float4(
                Element(line, step), Element(line, second), Element(line, third), Element(line, Phase.Next(third)));
        }

        return quad;
    }

    private float Element(Index2D line, Index2D step)
    {
        int from = Find(line, step);
        return from >= 0 ? Filter[from] : 0f;
    }

    /// <summary>Finds an element of w; -1 if it does not exist.</summary>
    private int Find(Index2D line, Index2D step)
    {
        ConvolutionShape shape = Phase.Shape;
        int tapRow = step.X / Phase.TapColumns;
        int tapColumn = step.X - (tapRow * Phase.TapColumns);
        int tap = ((Phase.Row + (tapRow * shape.Stride)) * shape.Kernel) + Phase.Column + (tapColumn * shape.Stride);
        return tapRow < Phase.TapRows && line.Y < shape.InChannels
            ? (tap * shape.InChannels * shape.OutChannels) + line.X + step.Y
            : -1;
    }
}
