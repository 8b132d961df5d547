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
/// <remarks>Everything is computed once: kernels ask for it for each element.</remarks>
internal readonly record struct Phase
{
    /// <param name="number">At least 0, less than the stride squared.</param>
    public Phase(ConvolutionShape shape, int number)
    {
        Shape = shape;
        (OutHeight, OutWidth) = (shape.OutHeight, shape.OutWidth);
        Row = number / shape.Stride;
        Column = number - (Row * shape.Stride);
        // A column beyond the picture or the taps leaves nothing, but nobody divides by 0.
        bool hasPixels = Column < shape.Width;
        bool hasTaps = Column < shape.Kernel;
        Height = hasPixels ? Count(shape.Height, Row, shape.Stride) : 0;
        Width = hasPixels ? Count(shape.Width, Column, shape.Stride) : 1;
        TapRows = hasTaps ? Count(shape.Kernel, Row, shape.Stride) : 0;
        TapColumns = hasTaps ? Count(shape.Kernel, Column, shape.Stride) : 1;
    }

    public ConvolutionShape Shape { get; }

    public int OutHeight { get; }

    public int OutWidth { get; }

    public int Row { get; }

    public int Column { get; }

    /// <summary>Rows of dx; none if the phase has no columns.</summary>
    public int Height { get; }

    /// <summary>Columns of dx, at least 1.</summary>
    public int Width { get; }

    /// <summary>Rows of taps; none if the phase has no columns of taps, as between windows that are apart.</summary>
    public int TapRows { get; }

    /// <summary>Columns of taps, at least 1.</summary>
    public int TapColumns { get; }

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
    private static int Count(int length, int first, int stride) => (length - first + stride - 1) / stride;
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
            // A loop, because ILGPU writes its body into the kernel wherever it is called.
            for (int left = 4; left > 0; left--)
            {
                quad = new Float4(quad.Y, quad.Z, quad.W, Element(line, step));
                step = Phase.Next(step);
            }
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
        int tapRow = step.X / Phase.TapColumns;
        int row = line.X - tapRow;
        int column = line.Y - (step.X - (tapRow * Phase.TapColumns));
        bool exists = tapRow < Phase.TapRows
            && row >= 0 && row < Phase.OutHeight && column >= 0 && column < Phase.OutWidth;
        return exists ? (((row * Phase.OutWidth) + column) * Phase.Shape.OutChannels) + step.Y : -1;
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
            // A loop, because ILGPU writes its body into the kernel wherever it is called.
            for (int left = 4; left > 0; left--)
            {
                quad = new Float4(quad.Y, quad.Z, quad.W, Element(line, step));
                step = Phase.Next(step);
            }
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
