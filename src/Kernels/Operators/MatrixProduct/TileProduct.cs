using ILGPU;

namespace NativeStyle.Kernels.Operators.MatrixProduct;

/// <summary>
/// The product of square tiles that GPUs use for large matrices. A group computes a tile of C, each work item 8 x 8
/// elements of it in registers. Shared memory holds a slice of A and B at a time, in two buffers. While a slice is
/// multiplied, the next is on its way from memory to registers. One barrier a slice is enough, because nobody writes
/// the buffer that others may still read.
/// </summary>
internal static class TileProduct
{
    /// <summary>Rows and columns of C that 64 work items compute.</summary>
    internal const int Small = 64;

    /// <summary>Rows and columns of C that 256 work items compute: half as many loads a product.</summary>
    internal const int Large = 128;

    /// <summary>Depth of a slice.</summary>
    internal const int Slice = 8;

    /// <summary>
    /// The length of a row of a slice in shared memory, in Float4s. It is one more than the tile, so that the four
    /// elements that a work item scatters to four rows never share a bank with those of its neighbours.
    /// </summary>
    internal const int SmallRow = (Small / 4) + 1, LargeRow = (Large / 4) + 1;

    /// <summary>The two buffers of one operand, in Float4s.</summary>
    internal const int SmallBuffers = 2 * Slice * SmallRow, LargeBuffers = 2 * Slice * LargeRow;

    /// <summary>
    /// Computes the sums of this work item (x, y): rows 4y to 4y + 3 and the four rows half a tile below, columns 4x to
    /// 4x + 3 and the four columns half a tile to the right. All work items of a group must call it.
    /// </summary>
    /// <param name="a">A from the first row of the tile on.</param>
    /// <param name="b">B from the first column of the tile on.</param>
    /// <param name="firstRow">The first row of the tile.</param>
    /// <param name="firstColumn">The first column of the tile.</param>
    /// <param name="depth">The number of terms of a sum.</param>
    /// <param name="sharedA">Two buffers of A's slices in shared memory.</param>
    /// <param name="sharedB">Two buffers of B's slices in shared memory.</param>
    /// <param name="tile"><see cref="Small"/> or <see cref="Large"/>, a constant.</param>
    public static RegisterTile Multiply<TA, TB>(
        TA a, TB b, int firstRow, int firstColumn, int depth,
        ArrayView<Float4> sharedA, ArrayView<Float4> sharedB, int tile)
        where TA : struct, IOperand where TB : struct, IOperand
    {
        int side = tile / 8;
        int row = (tile / 4) + 1;
        int x = Group.IdxX;
        int y = Group.IdxY;
        int item = (y * side) + x;
        RegisterTile sums = default;
        // 256 work items load a slice of 128 lines with one quad each; 64 load one of 64 lines with two quads each.
        Index2D lineA0 = LineOf(a, firstRow, item, 0, tile);
        Index2D lineA1 = LineOf(a, firstRow, item, 1, tile);
        Index2D lineB0 = LineOf(b, firstColumn, item, 0, tile);
        Index2D lineB1 = LineOf(b, firstColumn, item, 1, tile);
        Float4 a0 = a.Quad(lineA0, StepOf(a, 0, item, 0, tile));
        Float4 b0 = b.Quad(lineB0, StepOf(b, 0, item, 0, tile));
        Float4 a1 = default;
        Float4 b1 = default;
        if (tile == Small)
        {
            a1 = a.Quad(lineA1, StepOf(a, 0, item, 1, tile));
            b1 = b.Quad(lineB1, StepOf(b, 0, item, 1, tile));
        }

        int buffer = 0;
        for (int start = 0; start < depth; start += Slice)
        {
            Place(sharedA, buffer, item, a0, a.Order, tile);
            Place(sharedB, buffer, item, b0, b.Order, tile);
            if (tile == Small)
            {
                Place(sharedA, buffer, item + 64, a1, a.Order, tile);
                Place(sharedB, buffer, item + 64, b1, b.Order, tile);
            }

            Group.Barrier();
            if (start + Slice < depth)
            {
                a0 = a.Quad(lineA0, StepOf(a, start + Slice, item, 0, tile));
                b0 = b.Quad(lineB0, StepOf(b, start + Slice, item, 0, tile));
                if (tile == Small)
                {
                    a1 = a.Quad(lineA1, StepOf(a, start + Slice, item, 1, tile));
                    b1 = b.Quad(lineB1, StepOf(b, start + Slice, item, 1, tile));
                }
            }

            // Takes two steps at a time, so that the second one's loads wait while the first one is multiplied.
            for (int k = 0; k < Slice; k += 2)
            {
                int at = buffer + (k * row);
                int next = at + row;
                sums = sums.PlusOuter(sharedA[at + y], sharedA[at + side + y], sharedB[at + x], sharedB[at + side + x]);
                sums = sums.PlusOuter(
                    sharedA[next + y], sharedA[next + side + y], sharedB[next + x], sharedB[next + side + x]);
            }

            buffer = (Slice * row) - buffer;
        }

        return sums;
    }

    /// <summary>
    /// The line of a work item's quad number <paramref name="part"/>. Neighbours read neighbouring memory, whatever the
    /// operand's order.
    /// </summary>
    private static Index2D LineOf<T>(T operand, int first, int item, int part, int tile) where T : struct, IOperand =>
        operand.Line(
            first + (operand.Order == QuadOrder.AlongDepth ? (item / 2) + (part * 32) : item % (tile / 4) * 4));

    /// <summary>The step of that quad.</summary>
    private static Index2D StepOf<T>(T operand, int start, int item, int part, int tile) where T : struct, IOperand =>
        operand.Step(start + (operand.Order == QuadOrder.AlongDepth ? item % 2 * 4 : (item / (tile / 4)) + (part * 4)));

    /// <summary>
    /// Puts a quad where all work items read it: a row of shared memory for each step of the depth.
    /// </summary>
    private static void Place(ArrayView<Float4> shared, int buffer, int place, Float4 quad, QuadOrder order, int tile)
    {
        int row = (tile / 4) + 1;
        if (order == QuadOrder.AlongDepth)
        {
            ArrayView<float> floats = shared.Cast<float>();
            int at = ((buffer + ((place & 1) * 4 * row)) * 4) + (place >> 1);
            floats[at] = quad.X;
            floats[at + (4 * row)] = quad.Y;
            floats[at + (8 * row)] = quad.Z;
            floats[at + (12 * row)] = quad.W;
        }
        else
        {
            shared[buffer + (place / (tile / 4) * row) + (place % (tile / 4))] = quad;
        }
    }
}
