using ILGPU;
using NativeStyle.Kernels.Memory;

namespace NativeStyle.Kernels.Operators.MatrixProduct;

/// <summary>How a kernel reads four neighbours of a matrix.</summary>
internal enum LoadWidth
{
    /// <summary>One by one, each where it exists.</summary>
    Scalar,

    /// <summary>As one <see cref="Float4"/>.</summary>
    Vector,
}

/// <summary>Which way four elements lie that an operand hands over together.</summary>
internal enum QuadOrder
{
    /// <summary>One row (of A) or column (of B) of C, four steps of the depth: A as it lies in memory, row by row.</summary>
    AlongDepth,

    /// <summary>One step of the depth, four rows or columns of C: B as it lies in memory, or a transposed A.</summary>
    Across,
}

/// <summary>What a tiled product reads: a matrix in memory, or the pixels that a convolution sees as one.</summary>
internal interface IOperand
{
    /// <summary>Which way <see cref="Quad"/> goes; the same for all work items.</summary>
    QuadOrder Order { get; }

    /// <summary>Four elements from row or column <paramref name="line"/> of C and step <paramref name="k"/> on, 0 beyond the end.</summary>
    /// <param name="line">A multiple of 4 where the order is across.</param>
    /// <param name="k">A multiple of 4 where the order is along the depth.</param>
    Float4 Quad(int line, int k);

    /// <summary>Four steps of the depth of one line, whatever the order; 0 beyond the end.</summary>
    /// <param name="k">A multiple of 4.</param>
    Float4 DepthQuad(int line, int k);
}

/// <summary>A matrix in memory whose rows lie together.</summary>
/// <param name="First">Its first element.</param>
/// <param name="Stride">From row to row.</param>
/// <param name="Rows">Rows that exist.</param>
/// <param name="Columns">Columns that exist.</param>
/// <param name="Order">Along the depth: its rows are lines, its columns steps. Across: the other way round.</param>
internal readonly record struct MatrixOperand(
    ArrayView<float> View, int First, int Stride, int Rows, int Columns, QuadOrder Order, LoadWidth Width) : IOperand
{
    /// <summary>
    /// The widest load that a matrix allows: four floats at a time if every row starts at 16 bytes and none ends within four, in
    /// each matrix of a batch.
    /// </summary>
    /// <param name="startsAt16Bytes">Of the view; see <see cref="Views"/>.</param>
    /// <param name="columns">Elements of a row.</param>
    /// <param name="stride">From row to row.</param>
    /// <param name="batchStride">From matrix to matrix.</param>
    public static LoadWidth WidthOf(bool startsAt16Bytes, int columns, int stride, int batchStride) =>
        startsAt16Bytes && ((columns | stride | batchStride) & 3) == 0 ? LoadWidth.Vector : LoadWidth.Scalar;

    public Float4 Quad(int line, int k) => Order == QuadOrder.AlongDepth ? RowQuad(line, k) : RowQuad(k, line);

    public Float4 DepthQuad(int line, int k) =>
        Order == QuadOrder.AlongDepth ? RowQuad(line, k) : new Float4(Element(k, line), Element(k + 1, line), Element(k + 2, line), Element(k + 3, line));

    private float Element(int row, int column)
    {
        float value = 0f;
        if (row < Rows && column < Columns) value = View[First + (row * Stride) + column];
        return value;
    }

    private Float4 RowQuad(int row, int column) =>
        Quads.Load(View, First + (row * Stride) + column, row < Rows ? Columns - column : 0, Width);
}
