using ILGPU;

namespace NativeStyle.Kernels.Operators.MatrixProduct;

/// <summary>
/// The product of tiles by tensor cores: a group of four warps computes 128 x 64 elements of C, each warp 64 x 32. As
/// in <see cref="TileProduct"/>, there are two buffers of slices, and while one is multiplied, the next is on its way.
/// <para>
/// The instruction computes 16 columns by 8 rows of C: Cᵀ = Bᵀ Aᵀ. So B's columns are its first factor, whose part of a
/// lane has four elements of two lines, and A's rows are its second, whose part has two of one line. The shared memory
/// holds each part as the instruction takes it: of A's rows quads of four steps of the depth, of B's columns the parts
/// themselves, which a work item puts together while it stores them.
/// </para>
/// <para>
/// A lane reads one quad of A, four steps 4t to 4t + 3, where the instruction expects steps t and t + 4 twice. A sum
/// does not depend on how the steps of the depth are numbered, as long as A and B agree: the quad's elements stand for
/// t and t + 4 of two instructions.
/// </para>
/// </summary>
internal static class TensorProduct
{
    /// <summary>Rows of C of a group.</summary>
    internal const int Rows = 128;

    /// <summary>Columns of C of a group.</summary>
    internal const int Columns = 64;

    /// <summary>Work items of a group.</summary>
    internal const int Items = 128;

    /// <summary>Depth of a slice: two instructions.</summary>
    internal const int Slice = 16;

    /// <summary>
    /// Shared memory, in Float4s: two buffers of A's and B's slices. After the product it holds half of the sums.
    /// </summary>
    internal const int SharedQuads = 2 * BufferQuads;

    /// <summary>Rows of C of a half; see <see cref="Exchange"/>.</summary>
    internal const int HalfRows = Rows / 2;

    /// <summary>Quads of a slice of A, and the parts of B after them.</summary>
    private const int RowQuads = Rows * Slice / 4, BufferQuads = RowQuads + (Columns * Slice / 4);

    /// <summary>Four fragments of C: 16 columns, four times 8 rows.</summary>
    internal readonly record struct Band(Float4 First, Float4 Second, Float4 Third, Float4 Fourth)
    {
        /// <summary>The band plus 16 columns of B times 32 rows of A, over 16 steps of the depth.</summary>
        /// <param name="b">This lane's part of B for the first instruction.</param>
        /// <param name="next">This lane's part of B for the second instruction.</param>
        public Band Plus<T>(T core, Float4 b, Float4 next, Float4 a0, Float4 a1, Float4 a2, Float4 a3)
            where T : struct, ITensorCore => new(
            core.MultiplyAdd(next, a0.Z, a0.W, core.MultiplyAdd(b, a0.X, a0.Y, First)),
            core.MultiplyAdd(next, a1.Z, a1.W, core.MultiplyAdd(b, a1.X, a1.Y, Second)),
            core.MultiplyAdd(next, a2.Z, a2.W, core.MultiplyAdd(b, a2.X, a2.Y, Third)),
            core.MultiplyAdd(next, a3.Z, a3.W, core.MultiplyAdd(b, a3.X, a3.Y, Fourth)));
    }

    /// <summary>The part of its warp's 64 x 32 sums that a lane holds: two bands of 16 columns each.</summary>
    internal readonly record struct Sums(Band UpperLeft, Band LowerLeft, Band UpperRight, Band LowerRight);

    /// <summary>Computes the sums of this lane. All work items of a group, which lies along X, must call it.</summary>
    /// <inheritdoc cref="TileProduct.Multiply"/>
    public static Sums Multiply<TA, TB, TCore>(
        TA a, TB b, TCore core, int firstRow, int firstColumn, int depth, ArrayView<Float4> shared)
        where TA : struct, ITensorOperand where TB : struct, ITensorOperand where TCore : struct, ITensorCore
    {
        int item = Group.IdxX;
        Sums sums = default;
        Index2D lineA0 = a.Line(firstRow + RowOf(a, item, 0));
        Index2D lineA1 = a.Line(firstRow + RowOf(a, item, 1));
        Index2D lineA2 = a.Line(firstRow + RowOf(a, item, 2));
        Index2D lineA3 = a.Line(firstRow + RowOf(a, item, 3));
        Index2D lineB0 = b.Line(firstColumn + ColumnOf(b, item));
        Index2D lineB1 = b.Line(firstColumn + ColumnOf(b, item) + 8);
        Index2D stepA0 = a.Step(QuadOf(a, item, 0) * 4);
        Index2D stepA1 = a.Step(QuadOf(a, item, 1) * 4);
        Index2D stepA2 = a.Step(QuadOf(a, item, 2) * 4);
        Index2D stepA3 = a.Step(QuadOf(a, item, 3) * 4);
        Index2D stepB = b.Step(QuadOfColumn(b, item) * 4);
        int placeA0 = PlaceOfRow(RowOf(a, item, 0), QuadOf(a, item, 0));
        int placeA1 = PlaceOfRow(RowOf(a, item, 1), QuadOf(a, item, 1));
        int placeA2 = PlaceOfRow(RowOf(a, item, 2), QuadOf(a, item, 2));
        int placeA3 = PlaceOfRow(RowOf(a, item, 3), QuadOf(a, item, 3));
        int placeB = PlaceOfColumn(ColumnOf(b, item), QuadOfColumn(b, item));
        shared[placeA0] = core.Round(a.DepthQuad(lineA0, stepA0));
        shared[placeA1] = core.Round(a.DepthQuad(lineA1, stepA1));
        shared[placeA2] = core.Round(a.DepthQuad(lineA2, stepA2));
        shared[placeA3] = core.Round(a.DepthQuad(lineA3, stepA3));
        PutColumns(core, shared, placeB, b.DepthQuad(lineB0, stepB), b.DepthQuad(lineB1, stepB), b.IsRounded);
        Group.Barrier();
        int buffer = 0;
        for (int start = Slice; start < depth; start += Slice)
        {
            // If the floats of A lie along the depth, all four quads are of the same steps.
            stepA0 = a.Next(stepA0);
            stepA1 = a.Order == QuadOrder.AlongDepth ? stepA0 : a.Next(stepA1);
            stepA2 = a.Order == QuadOrder.AlongDepth ? stepA0 : a.Next(stepA2);
            stepA3 = a.Order == QuadOrder.AlongDepth ? stepA0 : a.Next(stepA3);
            stepB = b.Next(stepB);
            Float4 a0 = a.DepthQuad(lineA0, stepA0);
            Float4 a1 = a.DepthQuad(lineA1, stepA1);
            Float4 a2 = a.DepthQuad(lineA2, stepA2);
            Float4 a3 = a.DepthQuad(lineA3, stepA3);
            Float4 b0 = b.DepthQuad(lineB0, stepB);
            Float4 b1 = b.DepthQuad(lineB1, stepB);
            sums = PlusSlice(core, sums, shared.SubView(buffer), item);
            buffer = BufferQuads - buffer;
            shared[buffer + placeA0] = core.Round(a0);
            shared[buffer + placeA1] = core.Round(a1);
            shared[buffer + placeA2] = core.Round(a2);
            shared[buffer + placeA3] = core.Round(a3);
            PutColumns(core, shared, buffer + placeB, b0, b1, b.IsRounded);
            Group.Barrier();
        }

        return PlusSlice(core, sums, shared.SubView(buffer), item);
    }

    /// <summary>
    /// Puts the sums of the upper (0) or lower (1) 64 rows into shared memory, row by row, so that neighbours lie
    /// beside each other. All work items of a group must call it; a call waits until all have read the half before.
    /// </summary>
    public static void Exchange(Sums sums, int half, ArrayView<Float4> shared)
    {
        int item = Group.IdxX;
        ArrayView<float> floats = shared.Cast<float>();
        Group.Barrier();
        if (item / 64 == half)
        {
            int at = ((item & 3) * 2 * Columns) + (((item / 32) & 1) * 32) + ((item & 31) / 4);
            StoreBand(floats, at, sums.UpperLeft);
            StoreBand(floats, at + (32 * Columns), sums.LowerLeft);
            StoreBand(floats, at + 16, sums.UpperRight);
            StoreBand(floats, at + (32 * Columns) + 16, sums.LowerRight);
        }

        Group.Barrier();
    }

    private static Sums PlusSlice<T>(T core, Sums sums, ArrayView<Float4> buffer, int item)
        where T : struct, ITensorCore
    {
        int lane = item & 31;
        int warp = item / 32;
        // Rows 16 apart have the same order of quads, so their places differ by constants.
        int row = (warp / 2 * 64) + (lane / 4);
        ArrayView<Float4> rows = buffer.SubView(PlaceOfRow(row, lane & 3));
        ArrayView<Float4> rows8 = buffer.SubView(PlaceOfRow(row + 8, lane & 3));
        ArrayView<Float4> columns = buffer.SubView(RowQuads + ((warp & 1) * 128) + lane);
        Float4 b0 = columns[0];
        Float4 next0 = columns[32];
        Float4 b1 = columns[64];
        Float4 next1 = columns[96];
        Float4 a0 = rows[0];
        Float4 a1 = rows8[0];
        Float4 a2 = rows[64];
        Float4 a3 = rows8[64];
        Band upperLeft = sums.UpperLeft.Plus(core, b0, next0, a0, a1, a2, a3);
        Band upperRight = sums.UpperRight.Plus(core, b1, next1, a0, a1, a2, a3);
        a0 = rows[128];
        a1 = rows8[128];
        a2 = rows[192];
        a3 = rows8[192];
        return new Sums(
            upperLeft, sums.LowerLeft.Plus(core, b0, next0, a0, a1, a2, a3),
            upperRight, sums.LowerRight.Plus(core, b1, next1, a0, a1, a2, a3));
    }

    /// <summary>Puts the parts of two instructions together from the same four steps of columns g and g + 8.</summary>
    private static void PutColumns<T>(
        T core, ArrayView<Float4> shared, int place, Float4 column, Float4 column8, bool isRounded)
        where T : struct, ITensorCore
    {
        Float4 b0 = isRounded ? column : core.Round(column);
        Float4 b1 = isRounded ? column8 : core.Round(column8);
        shared[place] = new Float4(b0.X, b1.X, b0.Y, b1.Y);
        shared[place + 32] = new Float4(b0.Z, b1.Z, b0.W, b1.W);
    }

    private static void StoreBand(ArrayView<float> floats, int at, Band band)
    {
        StoreFragment(floats, at, band.First);
        StoreFragment(floats, at + (8 * Columns), band.Second);
        StoreFragment(floats, at + (16 * Columns), band.Third);
        StoreFragment(floats, at + (24 * Columns), band.Fourth);
    }

    private static void StoreFragment(ArrayView<float> floats, int at, Float4 fragment)
    {
        floats[at] = fragment.X;
        floats[at + Columns] = fragment.Y;
        floats[at + 8] = fragment.Z;
        floats[at + Columns + 8] = fragment.W;
    }

    /// <summary>
    /// The row of a work item's quad number <paramref name="part"/> of A. Neighbours read neighbouring memory.
    /// </summary>
    private static int RowOf<T>(T a, int item, int part) where T : struct, ITensorOperand =>
        a.Order == QuadOrder.AlongDepth ? (item / 4) + (part * Items / 4) : item;

    /// <summary>The number of that quad among the four of its row.</summary>
    private static int QuadOf<T>(T a, int item, int part) where T : struct, ITensorOperand =>
        a.Order == QuadOrder.AlongDepth ? item & 3 : part;

    /// <summary>The first of the two columns, 8 apart, of which a work item reads a quad each.</summary>
    private static int ColumnOf<T>(T b, int item) where T : struct, ITensorOperand
    {
        int pair = b.Order == QuadOrder.AlongDepth ? item / 4 : item & 31;
        return (pair / 8 * 16) + (pair & 7);
    }

    /// <summary>The number of these quads among the four of their columns.</summary>
    private static int QuadOfColumn<T>(T b, int item) where T : struct, ITensorOperand =>
        b.Order == QuadOrder.AlongDepth ? item & 3 : item / 32;

    /// <summary>
    /// The place of a row's quad of steps 4t to 4t + 3. The order of the quads of a row changes from pair of rows to
    /// pair of rows, so that any eight lanes, which read or write 128 bytes together, never share a bank.
    /// </summary>
    private static int PlaceOfRow(int row, int t) => (row * 4) + (t ^ ((row >> 1) & 3));

    /// <summary>The place of the part of lane 4g + t, for columns g and g + 8 of 16.</summary>
    private static int PlaceOfColumn(int column, int t) =>
        RowQuads + (column / 16 * 64) + ((column & 7) * 4) + t;
}
