using ILGPU;

namespace NativeStyle.Kernels.Operators.MatrixProduct;

/// <summary>
/// The product of square tiles that GPUs use for large matrices. A group of as many work items as the tile has rows
/// computes a tile of C. Shared memory holds a slice of A and B at a time, in two buffers. While a slice is multiplied,
/// the next is on its way from memory to registers. One barrier a slice is enough, because nobody writes the buffer
/// that others may still read.
/// <para>
/// A work item keeps 8 x 8 elements of a small tile, or 8 x 16 of a large one. For a step of the depth it reads 8 + 8
/// floats of shared memory for 64 products, or 8 + 16 for 128. A multiprocessor that makes 128 multiply-adds a cycle
/// (compute capability 8.6 and newer) reads 32 floats in that time: 8 x 8 elements take it as long to read as to
/// multiply.
/// </para>
/// <para>
/// What does not change from slice to slice is computed before the loop. Remainders of powers of two are taken by
/// masks: ILGPU does not know that a number is not negative, and would divide.
/// </para>
/// </summary>
internal static class TileProduct
{
    /// <summary>Rows and columns of C that 64 work items compute.</summary>
    internal const int Small = 64;

    /// <summary>Rows and columns of C that 128 work items compute: half as many loads a product.</summary>
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

    /// <summary>Work items of a group along X; there are tile / 8 along Y.</summary>
    internal const int Across = 8;

    /// <summary>The distance in columns from a work item's four columns to its next four.</summary>
    internal const int ColumnStride = 4 * Across;

    /// <summary>
    /// The sums of a work item (x, y): rows 4y to 4y + 3 and the four rows half a tile below, columns 4x to 4x + 3 and
    /// those <see cref="ColumnStride"/> to their right.
    /// </summary>
    /// <param name="Near">The first 64 columns.</param>
    /// <param name="Far">The other 64 columns of a large tile.</param>
    internal readonly record struct Sums(RegisterTile Near, RegisterTile Far)
    {
        /// <summary>The sums plus the products of a step of the depth.</summary>
        /// <param name="rowsA">A's slice from the work item's rows of the first step on.</param>
        /// <param name="rowsB">B's slice from the work item's columns of the first step on.</param>
        public Sums PlusStep(ArrayView<Float4> rowsA, ArrayView<Float4> rowsB, int step, int tile)
        {
            int at = step * ((tile / 4) + 1);
            Float4 upper = rowsA[at];
            Float4 lower = rowsA[at + (tile / 8)];
            RegisterTile far = Far;
            if (tile == Large)
                far = far.PlusOuter(upper, lower, rowsB[at + (2 * Across)], rowsB[at + (3 * Across)]);
            return new Sums(Near.PlusOuter(upper, lower, rowsB[at], rowsB[at + Across]), far);
        }
    }

    /// <summary>Computes the sums of this work item. All work items of a group must call it.</summary>
    /// <param name="a">A from the first row of the tile on.</param>
    /// <param name="b">B from the first column of the tile on.</param>
    /// <param name="firstRow">The first row of the tile.</param>
    /// <param name="firstColumn">The first column of the tile.</param>
    /// <param name="depth">The number of terms of a sum.</param>
    /// <param name="sharedA">Two buffers of A's slices in shared memory.</param>
    /// <param name="sharedB">Two buffers of B's slices in shared memory.</param>
    /// <param name="tile"><see cref="Small"/> or <see cref="Large"/>, a constant.</param>
    public static Sums Multiply<TA, TB>(
        TA a, TB b, int firstRow, int firstColumn, int depth,
        ArrayView<Float4> sharedA, ArrayView<Float4> sharedB, int tile)
        where TA : struct, IOperand where TB : struct, IOperand
    {
        int row = (tile / 4) + 1;
        int item = (Group.IdxY * Across) + Group.IdxX;
        Sums sums = default;
        // A slice has two quads for each work item.
        Index2D lineA0 = LineOf(a, firstRow, item, 0, tile);
        Index2D lineA1 = LineOf(a, firstRow, item, 1, tile);
        Index2D lineB0 = LineOf(b, firstColumn, item, 0, tile);
        Index2D lineB1 = LineOf(b, firstColumn, item, 1, tile);
        int stepA = StepOf(a, item, tile);
        int stepB = StepOf(b, item, tile);
        int placeA = PlaceOf(a, item, tile);
        int placeB = PlaceOf(b, item, tile);
        Float4 a0 = a.Quad(lineA0, a.Step(stepA));
        Float4 a1 = a.Quad(lineA1, a.Step(stepA + SecondStep(a)));
        Float4 b0 = b.Quad(lineB0, b.Step(stepB));
        Float4 b1 = b.Quad(lineB1, b.Step(stepB + SecondStep(b)));
        int buffer = 0;
        for (int start = 0; start < depth; start += Slice)
        {
            Put(sharedA, buffer, placeA, a0, a.Order, tile);
            Put(sharedA, buffer, placeA + SecondPlace(a, tile), a1, a.Order, tile);
            Put(sharedB, buffer, placeB, b0, b.Order, tile);
            Put(sharedB, buffer, placeB + SecondPlace(b, tile), b1, b.Order, tile);
            Group.Barrier();
            int next = start + Slice;
            if (next < depth)
            {
                a0 = a.Quad(lineA0, a.Step(next + stepA));
                a1 = a.Quad(lineA1, a.Step(next + stepA + SecondStep(a)));
                b0 = b.Quad(lineB0, b.Step(next + stepB));
                b1 = b.Quad(lineB1, b.Step(next + stepB + SecondStep(b)));
            }

            ArrayView<Float4> rowsA = sharedA.SubView(buffer + Group.IdxY);
            ArrayView<Float4> rowsB = sharedB.SubView(buffer + Group.IdxX);
            if (tile == Large)
            {
                // Writes the steps out: a loop would move its 128 sums from register to register.
                sums = sums.PlusStep(rowsA, rowsB, 0, tile);
                sums = sums.PlusStep(rowsA, rowsB, 1, tile);
                sums = sums.PlusStep(rowsA, rowsB, 2, tile);
                sums = sums.PlusStep(rowsA, rowsB, 3, tile);
                sums = sums.PlusStep(rowsA, rowsB, 4, tile);
                sums = sums.PlusStep(rowsA, rowsB, 5, tile);
                sums = sums.PlusStep(rowsA, rowsB, 6, tile);
                sums = sums.PlusStep(rowsA, rowsB, 7, tile);
            }
            else
            {
                // Takes two steps at a time, so that the second one's loads wait while the first one is multiplied.
                for (int k = 0; k < Slice; k += 2)
                {
                    sums = sums.PlusStep(rowsA.SubView(k * row), rowsB.SubView(k * row), 0, tile);
                    sums = sums.PlusStep(rowsA.SubView(k * row), rowsB.SubView(k * row), 1, tile);
                }
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
            first
            + (operand.Order == QuadOrder.AlongDepth ? (item + (part * tile)) / 2 : (item & ((tile / 4) - 1)) * 4));

    /// <summary>The step of a work item's first quad within a slice.</summary>
    private static int StepOf<T>(T operand, int item, int tile) where T : struct, IOperand =>
        operand.Order == QuadOrder.AlongDepth ? (item & 1) * 4 : item / (tile / 4);

    /// <summary>The steps from the first quad to the second, the same for all work items.</summary>
    private static int SecondStep<T>(T operand) where T : struct, IOperand =>
        operand.Order == QuadOrder.AlongDepth ? 0 : Slice / 2;

    /// <summary>The way from the first quad's place to the second's, the same for all work items.</summary>
    private static int SecondPlace<T>(T operand, int tile) where T : struct, IOperand =>
        operand.Order == QuadOrder.AlongDepth ? tile / 2 : Slice / 2 * ((tile / 4) + 1);

    /// <summary>
    /// Where a work item's first quad goes in a buffer, so that there is a row of shared memory for each step of the depth: the place of
    /// its first float if its floats lie along the depth, else its own place.
    /// </summary>
    private static int PlaceOf<T>(T operand, int item, int tile) where T : struct, IOperand
    {
        int row = (tile / 4) + 1;
        return operand.Order == QuadOrder.AlongDepth
            ? ((item & 1) * 16 * row) + (item / 2)
            : (item / (tile / 4) * row) + (item & ((tile / 4) - 1));
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
