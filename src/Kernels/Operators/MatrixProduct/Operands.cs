using ILGPU;
using NativeStyle.Kernels.Memory;

namespace NativeStyle.Kernels.Operators.MatrixProduct;

/// <summary>How a kernel reads four neighbouring elements of a matrix.</summary>
internal enum LoadWidth
{
    /// <summary>One by one, each if it exists.</summary>
    Scalar,

    /// <summary>As one <see cref="Float4"/>.</summary>
    Vector,
}

/// <summary>The direction of four elements that an operand returns together.</summary>
internal enum QuadOrder
{
    /// <summary>
    /// One row (of A) or column (of B) of C, four steps of the depth: A as it lies in memory, row by row.
    /// </summary>
    AlongDepth,

    /// <summary>One step of the depth, four rows or columns of C: B as it lies in memory, or a transposed A.</summary>
    Across,
}

/// <summary>
/// What a tiled product reads: a matrix in memory, or the pixels that a convolution sees as one. The position of an
/// element has two parts: its line, computed once for a whole product, and its step of the depth, computed once a
/// slice. Divisions take longer than loads.
/// </summary>
internal interface IOperand
{
    /// <summary>The direction of <see cref="Quad"/>; the same for all work items.</summary>
    QuadOrder Order { get; }

    /// <summary>The position of row or column <paramref name="line"/> of C.</summary>
    Index2D Line(int line);

    /// <summary>The position of step <paramref name="k"/> of the depth.</summary>
    Index2D Step(int k);

    /// <summary>
    /// Four elements, 0 after the end: either steps k to k + 3 of a line with k a multiple of 4, or one step of lines l
    /// to l + 3 with l a multiple of 4.
    /// </summary>
    Float4 Quad(Index2D line, Index2D step);
}

/// <summary>
/// What a product by tensor cores reads. The step is counted on from slice to slice, so that a work item makes no
/// division within the product.
/// </summary>
internal interface ITensorOperand
{
    /// <summary>
    /// The direction in which neighbouring elements lie in memory; neighbouring work items read along it.
    /// </summary>
    QuadOrder Order { get; }

    /// <summary>Whether all elements have been rounded to TF32 before; a constant.</summary>
    bool IsRounded { get; }

    /// <summary>The position of row or column <paramref name="line"/> of C.</summary>
    Index2D Line(int line);

    /// <summary>The position of step <paramref name="k"/> of the depth, a multiple of 4 within the first slice.</summary>
    Index2D Step(int k);

    /// <summary>The position of the same step of the next slice; see <see cref="TensorProduct.Slice"/>.</summary>
    Index2D Next(Index2D step);

    /// <summary>Four steps of the depth of one line, whatever the order; 0 after the end.</summary>
    Float4 DepthQuad(Index2D line, Index2D step);
}

/// <summary>A matrix in memory whose rows are contiguous.</summary>
/// <param name="First">The index of its first element.</param>
/// <param name="Stride">The distance from row to row.</param>
/// <param name="Rows">Rows that exist.</param>
/// <param name="Columns">Columns that exist.</param>
/// <param name="Order">Along the depth: rows are lines, columns are steps. Across: the other way round.</param>
internal readonly record struct MatrixOperand(
    ArrayView<float> View, int First, int Stride, int Rows, int Columns, QuadOrder Order, LoadWidth Width)
    : IOperand, ITensorOperand
{
    public bool IsRounded => false;

    /// <summary>
    /// The widest load that a matrix allows: four floats at a time if every row starts at 16 bytes and none ends within
    /// four floats, in each matrix of a batch.
    /// </summary>
    /// <param name="startsAt16Bytes">Whether the view does; see <see cref="Views"/>.</param>
    /// <param name="columns">Elements of a row.</param>
    /// <param name="stride">The distance from row to row.</param>
    /// <param name="batchStride">The distance from matrix to matrix.</param>
    public static LoadWidth WidthOf(bool startsAt16Bytes, int columns, int stride, int batchStride) =>
        startsAt16Bytes && ((columns | stride | batchStride) & 3) == 0 ? LoadWidth.Vector : LoadWidth.Scalar;

    /// <summary>
    /// The line's offset in memory and its number. Across, the line is a column, and the second value is the number of
    /// columns from there to the end.
    /// </summary>
    public Index2D Line(int line) => Order == QuadOrder.AlongDepth
        ? new(First + (line * Stride), line)
        : new(First + line, Columns - line);

    public Index2D Step(int k) => new(Order == QuadOrder.AlongDepth ? k : k * Stride, k);

    public Index2D Next(Index2D step) => new(
        step.X + (Order == QuadOrder.AlongDepth ? TensorProduct.Slice : TensorProduct.Slice * Stride),
        step.Y + TensorProduct.Slice);

    public Float4 Quad(Index2D line, Index2D step)
    {
        int room = step.Y < Rows ? line.Y : 0;
        if (Order == QuadOrder.AlongDepth) room = line.Y < Rows ? Columns - step.Y : 0;
        return Quads.Load(View, line.X + step.X, room, Width);
    }

    public Float4 DepthQuad(Index2D line, Index2D step) => Order == QuadOrder.AlongDepth
        ? Quad(line, step)
        : new Float4(Element(line, step, 0), Element(line, step, 1), Element(line, step, 2), Element(line, step, 3));

    private float Element(Index2D line, Index2D step, int row)
    {
        float value = 0f;
        if (step.Y + row < Rows && line.Y > 0) value = View[line.X + step.X + (row * Stride)];
        return value;
    }
}
