using ILGPU;

namespace NativeStyle.Kernels.Operators.MatrixProduct;

/// <summary>
/// The product of tiles by tensor cores: a group of four warps computes 128 x 64 elements of C, each warp 64 x 32. As
/// in <see cref="TileProduct"/>, there are two buffers of slices. They hold A's rows and B's columns in quads of four
/// steps of the depth, rounded to TF32.
/// <para>
/// A lane reads one quad, four steps 4t to 4t + 3, where the instruction expects steps t and t + 4 twice. A sum does
/// not depend on how the steps of the depth are numbered, as long as A and B agree: the quad's elements stand for t and
/// t + 4 of two instructions.
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
    internal const int SharedQuads = 2 * (Rows + Columns) * Slice / 4;

    /// <summary>Rows of C of a half; see <see cref="Exchange"/>.</summary>
    internal const int HalfRows = Rows / 2;

    /// <summary>Four adjacent fragments of C: 16 rows, 32 columns of a warp.</summary>
    internal readonly record struct Band(Float4 First, Float4 Second, Float4 Third, Float4 Fourth)
    {
        /// <summary>The band plus 16 rows of A times 32 columns of B, over 16 steps of the depth.</summary>
        /// <param name="upper">A quad of row g of the band.</param>
        /// <param name="lower">A quad of row g + 8.</param>
        public Band Plus<T>(T core, Float4 upper, Float4 lower, Float4 b0, Float4 b1, Float4 b2, Float4 b3)
            where T : struct, ITensorCore
        {
            Float4 a = new(upper.X, lower.X, upper.Y, lower.Y);
            Float4 next = new(upper.Z, lower.Z, upper.W, lower.W);
            return new Band(
                core.MultiplyAdd(next, b0.Z, b0.W, core.MultiplyAdd(a, b0.X, b0.Y, First)),
                core.MultiplyAdd(next, b1.Z, b1.W, core.MultiplyAdd(a, b1.X, b1.Y, Second)),
                core.MultiplyAdd(next, b2.Z, b2.W, core.MultiplyAdd(a, b2.X, b2.Y, Third)),
                core.MultiplyAdd(next, b3.Z, b3.W, core.MultiplyAdd(a, b3.X, b3.Y, Fourth)));
        }
    }

    /// <summary>The part of its warp's 64 x 32 sums that a lane holds.</summary>
    internal readonly record struct Sums(Band First, Band Second, Band Third, Band Fourth);

    /// <summary>Computes the sums of this lane. All work items of a group, which lies along X, must call it.</summary>
    /// <inheritdoc cref="TileProduct.Multiply"/>
    public static Sums Multiply<TA, TB, TCore>(
        TA a, TB b, TCore core, int firstRow, int firstColumn, int depth, ArrayView<Float4> shared)
        where TA : struct, IOperand where TB : struct, IOperand where TCore : struct, ITensorCore
    {
        int item = Group.IdxX;
        int warp = item / 32;
        int g = item % 32 / 4;
        int t = item % 4;
        int rowOfWarp = (warp / 2 * 64) + g;
        int columnOfWarp = (warp % 2 * 32) + g;
        Band s0 = default;
        Band s1 = default;
        Band s2 = default;
        Band s3 = default;
        Index2D lineA0 = LineOf(a, firstRow, item, 0, Rows);
        Index2D lineA1 = LineOf(a, firstRow, item, 1, Rows);
        Index2D lineA2 = LineOf(a, firstRow, item, 2, Rows);
        Index2D lineA3 = LineOf(a, firstRow, item, 3, Rows);
        Index2D lineB0 = LineOf(b, firstColumn, item, 0, Columns);
        Index2D lineB1 = LineOf(b, firstColumn, item, 1, Columns);
        Float4 a0 = Fetch(a, lineA0, 0, item, 0, Rows);
        Float4 a1 = Fetch(a, lineA1, 0, item, 1, Rows);
        Float4 a2 = Fetch(a, lineA2, 0, item, 2, Rows);
        Float4 a3 = Fetch(a, lineA3, 0, item, 3, Rows);
        Float4 b0 = Fetch(b, lineB0, 0, item, 0, Columns);
        Float4 b1 = Fetch(b, lineB1, 0, item, 1, Columns);
        int buffer = 0;
        for (int start = 0; start < depth; start += Slice)
        {
            int bufferB = buffer + (Rows * Slice / 4);
            shared[buffer + PlaceOf(a, item, 0, Rows)] = TensorFloat.Round(a0);
            shared[buffer + PlaceOf(a, item, 1, Rows)] = TensorFloat.Round(a1);
            shared[buffer + PlaceOf(a, item, 2, Rows)] = TensorFloat.Round(a2);
            shared[buffer + PlaceOf(a, item, 3, Rows)] = TensorFloat.Round(a3);
            shared[bufferB + PlaceOf(b, item, 0, Columns)] = TensorFloat.Round(b0);
            shared[bufferB + PlaceOf(b, item, 1, Columns)] = TensorFloat.Round(b1);
            Group.Barrier();
            if (start + Slice < depth)
            {
                a0 = Fetch(a, lineA0, start + Slice, item, 0, Rows);
                a1 = Fetch(a, lineA1, start + Slice, item, 1, Rows);
                a2 = Fetch(a, lineA2, start + Slice, item, 2, Rows);
                a3 = Fetch(a, lineA3, start + Slice, item, 3, Rows);
                b0 = Fetch(b, lineB0, start + Slice, item, 0, Columns);
                b1 = Fetch(b, lineB1, start + Slice, item, 1, Columns);
            }

            Float4 q0 = shared[bufferB + PlaceOf(columnOfWarp, t)];
            Float4 q1 = shared[bufferB + PlaceOf(columnOfWarp + 8, t)];
            Float4 q2 = shared[bufferB + PlaceOf(columnOfWarp + 16, t)];
            Float4 q3 = shared[bufferB + PlaceOf(columnOfWarp + 24, t)];
            s0 = s0.Plus(
                core, shared[buffer + PlaceOf(rowOfWarp, t)], shared[buffer + PlaceOf(rowOfWarp + 8, t)],
                q0, q1, q2, q3);
            s1 = s1.Plus(
                core, shared[buffer + PlaceOf(rowOfWarp + 16, t)], shared[buffer + PlaceOf(rowOfWarp + 24, t)],
                q0, q1, q2, q3);
            s2 = s2.Plus(
                core, shared[buffer + PlaceOf(rowOfWarp + 32, t)], shared[buffer + PlaceOf(rowOfWarp + 40, t)],
                q0, q1, q2, q3);
            s3 = s3.Plus(
                core, shared[buffer + PlaceOf(rowOfWarp + 48, t)], shared[buffer + PlaceOf(rowOfWarp + 56, t)],
                q0, q1, q2, q3);
            buffer = (SharedQuads / 2) - buffer;
        }

        return new Sums(s0, s1, s2, s3);
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
            int at = (item % 32 / 4 * Columns) + (item / 32 % 2 * 32) + (item % 4 * 2);
            StoreBand(floats, at, sums.First);
            StoreBand(floats, at + (16 * Columns), sums.Second);
            StoreBand(floats, at + (32 * Columns), sums.Third);
            StoreBand(floats, at + (48 * Columns), sums.Fourth);
        }

        Group.Barrier();
    }

    private static void StoreBand(ArrayView<float> floats, int at, Band band)
    {
        StoreFragment(floats, at, band.First);
        StoreFragment(floats, at + 8, band.Second);
        StoreFragment(floats, at + 16, band.Third);
        StoreFragment(floats, at + 24, band.Fourth);
    }

    private static void StoreFragment(ArrayView<float> floats, int at, Float4 fragment)
    {
        floats[at] = fragment.X;
        floats[at + 1] = fragment.Y;
        floats[at + (8 * Columns)] = fragment.Z;
        floats[at + (8 * Columns) + 1] = fragment.W;
    }

    /// <summary>
    /// The line of a work item's quad number <paramref name="part"/>. Neighbours read neighbouring memory.
    /// </summary>
    private static int NumberOf<T>(T operand, int item, int part, int lines) where T : struct, IOperand =>
        operand.Order == QuadOrder.AlongDepth ? (item / 4) + (part * Items / 4) : item % lines;

    /// <summary>The number of that quad among the four of its line.</summary>
    private static int QuadOf<T>(T operand, int item, int part, int lines) where T : struct, IOperand =>
        operand.Order == QuadOrder.AlongDepth ? item % 4 : (item / lines) + (part * (Items / lines));

    private static Index2D LineOf<T>(T operand, int first, int item, int part, int lines) where T : struct, IOperand =>
        operand.Line(first + NumberOf(operand, item, part, lines));

    private static Float4 Fetch<T>(T operand, Index2D line, int start, int item, int part, int lines)
        where T : struct, IOperand =>
        operand.DepthQuad(line, operand.Step(start + (QuadOf(operand, item, part, lines) * 4)));

    private static int PlaceOf<T>(T operand, int item, int part, int lines) where T : struct, IOperand =>
        PlaceOf(NumberOf(operand, item, part, lines), QuadOf(operand, item, part, lines));

    /// <summary>
    /// The place of a line's quad of steps 4t to 4t + 3. The order of the quads of a line changes from pair of lines to
    /// pair of lines, so that any eight lanes, which read or write 128 bytes together, never share a bank.
    /// </summary>
    private static int PlaceOf(int line, int t) => (line * 4) + (t ^ ((line >> 1) & 3));
}
