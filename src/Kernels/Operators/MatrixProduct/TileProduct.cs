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
    /// The place (x, y) of this work item in its tile. A warp has 8 x 4 places, so that it reads as few different quads
    /// of shared memory as possible.
    /// </summary>
    public static Index2D Place(int tile)
    {
        int item = Item(tile);
        int warpsAcross = tile / 64;
        int warp = item / 32;
        return new Index2D(
            ((warp & (warpsAcross - 1)) * 8) + (item & 7), (warp / warpsAcross * 4) + ((item / 8) & 3));
    }

    /// <summary>
    /// Computes the sums of this work item at place (x, y): rows 4y to 4y + 3 and the four rows half a tile below,
    /// columns 4x to 4x + 3 and the four columns half a tile to the right. All work items of a group must call it.
    /// <para>
    /// What does not change from slice to slice is computed before the loop, and remainders of powers of two are taken
    /// by masks: ILGPU does not know that a number is not negative, and would divide.
    /// </para>
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
        int item = Item(tile);
        (int x, int y) = (Place(tile).X, Place(tile).Y);
        RegisterTile sums = default;
        // 256 work items load a slice of 128 lines with one quad each; 64 load one of 64 lines with two quads each.
        Index2D lineA0 = LineOf(a, firstRow, item, 0, tile);
        Index2D lineA1 = LineOf(a, firstRow, item, 1, tile);
        Index2D lineB0 = LineOf(b, firstColumn, item, 0, tile);
        Index2D lineB1 = LineOf(b, firstColumn, item, 1, tile);
        int stepA0 = StepOf(a, item, 0, tile);
        int stepA1 = StepOf(a, item, 1, tile);
        int stepB0 = StepOf(b, item, 0, tile);
        int stepB1 = StepOf(b, item, 1, tile);
        int placeA0 = PlaceOf(a, item, tile);
        int placeA1 = PlaceOf(a, item + 64, tile);
        int placeB0 = PlaceOf(b, item, tile);
        int placeB1 = PlaceOf(b, item + 64, tile);
        Float4 a0 = a.Quad(lineA0, a.Step(stepA0));
        Float4 b0 = b.Quad(lineB0, b.Step(stepB0));
        Float4 a1 = default;
        Float4 b1 = default;
        if (tile == Small)
        {
            a1 = a.Quad(lineA1, a.Step(stepA1));
            b1 = b.Quad(lineB1, b.Step(stepB1));
        }

        int buffer = 0;
        for (int start = 0; start < depth; start += Slice)
        {
            Put(sharedA, buffer, placeA0, a0, a.Order, tile);
            Put(sharedB, buffer, placeB0, b0, b.Order, tile);
            if (tile == Small)
            {
                Put(sharedA, buffer, placeA1, a1, a.Order, tile);
                Put(sharedB, buffer, placeB1, b1, b.Order, tile);
            }

            Group.Barrier();
            int next = start + Slice;
            if (next < depth)
            {
                a0 = a.Quad(lineA0, a.Step(next + stepA0));
                b0 = b.Quad(lineB0, b.Step(next + stepB0));
                if (tile == Small)
                {
                    a1 = a.Quad(lineA1, a.Step(next + stepA1));
                    b1 = b.Quad(lineB1, b.Step(next + stepB1));
                }
            }

            // Takes two steps at a time, so that the second one's loads wait while the first one is multiplied.
            for (int k = 0; k < Slice; k += 2)
            {
                ArrayView<Float4> rowsA = sharedA.SubView(buffer + (k * row) + y);
                ArrayView<Float4> rowsB = sharedB.SubView(buffer + (k * row) + x);
                sums = sums.PlusOuter(rowsA[0], rowsA[side], rowsB[0], rowsB[side]);
                sums = sums.PlusOuter(rowsA[row], rowsA[row + side], rowsB[row], rowsB[row + side]);
            }

            buffer = (Slice * row) - buffer;
        }

        return sums;
    }

    /// <summary>The number of this work item in its group of tile / 8 by tile / 8.</summary>
    private static int Item(int tile) => (Group.IdxY * (tile / 8)) + Group.IdxX;

    /// <summary>
    /// The line of a work item's quad number <paramref name="part"/>. Neighbours read neighbouring memory, whatever the
    /// operand's order.
    /// </summary>
    private static Index2D LineOf<T>(T operand, int first, int item, int part, int tile) where T : struct, IOperand =>
        operand.Line(
            first
            + (operand.Order == QuadOrder.AlongDepth ? (item / 2) + (part * 32) : (item & ((tile / 4) - 1)) * 4));

    /// <summary>The step of that quad within a slice.</summary>
    private static int StepOf<T>(T operand, int item, int part, int tile) where T : struct, IOperand =>
        operand.Order == QuadOrder.AlongDepth ? (item & 1) * 4 : (item / (tile / 4)) + (part * 4);

    /// <summary>
    /// Where a quad goes in a buffer, so that there is a row of shared memory for each step of the depth: the place of
    /// its first float if its floats lie along the depth, else its own place.
    /// </summary>
    private static int PlaceOf<T>(T operand, int place, int tile) where T : struct, IOperand
    {
        int row = (tile / 4) + 1;
        return operand.Order == QuadOrder.AlongDepth
            ? ((place & 1) * 16 * row) + (place / 2)
            : (place / (tile / 4) * row) + (place & ((tile / 4) - 1));
    }

    /// <summary>Puts a quad where all work items read it.</summary>
    private static void Put(ArrayView<Float4> shared, int buffer, int place, Float4 quad, QuadOrder order, int tile)
    {
        int row = (tile / 4) + 1;
        if (order == QuadOrder.AlongDepth)
        {
            ArrayView<float> floats = shared.Cast<float>();
            int at = (buffer * 4) + place;
            floats[at] = quad.X;
            floats[at + (4 * row)] = quad.Y;
            floats[at + (8 * row)] = quad.Z;
            floats[at + (12 * row)] = quad.W;
        }
        else
        {
            shared[buffer + place] = quad;
        }
    }
}
