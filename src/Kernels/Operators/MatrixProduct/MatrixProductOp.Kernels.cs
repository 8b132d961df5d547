using ILGPU;
using ILGPU.Runtime;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Translation;

namespace NativeStyle.Kernels.Operators.MatrixProduct;

// The kernels of the matrix product, from the plain one, which should be read first, to the tiled ones. Rows lie along
// the grid's X, which may be as long as 2^31. Columns and batches, which are fewer, lie along Y and Z, which end at
// 65,535.
internal static partial class MatrixProductOp
{
    /// <summary>Rows of C that a group of <see cref="NarrowKernel"/> computes.</summary>
    internal const int NarrowTile = 16;

    /// <summary>Columns of C that a group of <see cref="NarrowKernel"/> computes.</summary>
    private const int Tile = 64;

    /// <summary>The depth of A and B that <see cref="NarrowKernel"/> holds in shared memory at a time.</summary>
    private const int Slice = 16;

    /// <summary>Work items of a group of <see cref="NarrowKernel"/> along each side.</summary>
    private const int Side = 8;

    /// <summary>
    /// The least number of large tiles that makes them worthwhile: two for each of the 108 multiprocessors of an A100.
    /// </summary>
    private const int ManyGroups = 216;

    /// <summary>Computes one element of C, in the plain form.</summary>
    internal static void PlainKernel(
        Index1D index,
        ArrayView<float> a,
        ArrayView<float> b,
        ArrayView<float> c,
        MultiplyShape shape,
        float alpha,
        float beta)
    {
        int column = index % shape.Columns;
        int row = index / shape.Columns % shape.Rows;
        int batch = index / (shape.Columns * shape.Rows);
        int from = (batch * shape.ABatch) + (row * shape.ARow);
        int to = (batch * shape.BBatch) + column;
        float sum = 0f;
        for (int k = 0; k < shape.DepthOf(batch); k++) sum += a[from + (k * shape.AStep)] * b[to + (k * shape.BRow)];
        Accumulate.Into(ref c[(batch * shape.CBatch) + (row * shape.Columns) + column], alpha * sum, beta);
    }

    /// <summary>Computes a 64 x 64 tile of C by 64 work items; see <see cref="TileProduct"/>.</summary>
    [GroupItems(64)]
    internal static void SmallTileKernel(
        ArrayView<float> a,
        ArrayView<float> b,
        ArrayView<float> c,
        MultiplyShape shape,
        Widths widths,
        float alpha,
        float beta)
    {
        ArrayView<Float4> sharedA = SharedMemory.Allocate<Float4>(TileProduct.SmallBuffers);
        ArrayView<Float4> sharedB = SharedMemory.Allocate<Float4>(TileProduct.SmallBuffers);
        MultiplyTile(a, b, c, shape, widths, alpha, beta, sharedA, sharedB, TileProduct.Small);
    }

    /// <summary>Computes a 128 x 128 tile of C by 128 work items; see <see cref="TileProduct"/>.</summary>
    [GroupItems(128, GroupsPerMultiprocessor = 2)]
    internal static void LargeTileKernel(
        ArrayView<float> a,
        ArrayView<float> b,
        ArrayView<float> c,
        MultiplyShape shape,
        Widths widths,
        float alpha,
        float beta)
    {
        ArrayView<Float4> sharedA = SharedMemory.Allocate<Float4>(TileProduct.LargeBuffers);
        ArrayView<Float4> sharedB = SharedMemory.Allocate<Float4>(TileProduct.LargeBuffers);
        MultiplyTile(a, b, c, shape, widths, alpha, beta, sharedA, sharedB, TileProduct.Large);
    }

    /// <summary>
    /// Computes the group's tile of C. Its two kernels differ only in size, which shared memory must know at compile
    /// time.
    /// </summary>
    private static void MultiplyTile(
        ArrayView<float> a,
        ArrayView<float> b,
        ArrayView<float> c,
        MultiplyShape shape,
        Widths widths,
        float alpha,
        float beta,
        ArrayView<Float4> sharedA,
        ArrayView<Float4> sharedB,
        int tile)
    {
        int row = Grid.IdxX * tile;
        int column = Grid.IdxY * tile;
        TileProduct.Sums sums = TileProduct.Multiply(
            OperandA(a, shape, widths.A), OperandB(b, shape, widths.B), row, column, shape.DepthOf(Grid.IdxZ),
            sharedA, sharedB, tile);
        row += Group.IdxY * 4;
        column += Group.IdxX * 4;
        Store(c, shape, row, column, tile / 2, sums.Near, widths.C, alpha, beta);
        if (tile == TileProduct.Large)
            Store(c, shape, row, column + TileProduct.Small, tile / 2, sums.Far, widths.C, alpha, beta);
    }

    /// <summary>
    /// Computes 16 rows by 64 columns of C; a work item keeps 2 x 8 elements. It loads more for each product than
    /// larger tiles do. But if C has few rows (the deep layers of a small picture), it computes no rows that do not
    /// exist, and there are four times as many groups to keep a GPU busy.
    /// </summary>
    [GroupItems(Side * Side)]
    internal static void NarrowKernel(
        ArrayView<float> a, ArrayView<float> b, ArrayView<float> c, MultiplyShape shape, float alpha, float beta)
    {
        ArrayView<float> left = SharedMemory.Allocate<float>(Slice * NarrowTile);
        ArrayView<Float4> rightVectors = SharedMemory.Allocate<Float4>(Slice * Tile / 4);
        ArrayView<float> right = rightVectors.Cast<float>();
        int x = Group.IdxX;
        int y = Group.IdxY;
        int item = (y * Side) + x;
        int firstRow = Grid.IdxX * NarrowTile;
        int firstColumn = Grid.IdxY * Tile;
        int batch = Grid.IdxZ;
        int depth = shape.DepthOf(batch);
        Float4 zero = Float4.Broadcast(0f);
        Float4 c00 = zero;
        Float4 c01 = zero;
        Float4 c10 = zero;
        Float4 c11 = zero;
        for (int start = 0; start < depth; start += Slice)
        {
            for (int part = 0; part < 4; part++)
            {
                int place = (part * 64) + item;
                int m = shape.AStep == 1 ? place / Slice : place % NarrowTile;
                int k = shape.AStep == 1 ? place % Slice : place / NarrowTile;
                left[(k * NarrowTile) + m] = ElementOfA(a, shape, batch, depth, firstRow + m, start + k);
            }

            // Loads a row of B at a time, one element a work item.
            for (int k = 0; k < Slice; k++)
                right[(k * Tile) + item] = ElementOfB(b, shape, batch, depth, start + k, firstColumn + item);
            Group.Barrier();
            for (int k = 0; k < Slice; k++)
            {
                float upper = left[(k * NarrowTile) + y];
                float lower = left[(k * NarrowTile) + Side + y];
                Float4 b0 = rightVectors[(k * Tile / 4) + x];
                Float4 b1 = rightVectors[(k * Tile / 4) + Side + x];
                c00 = Float4.MultiplyAdd(upper, b0, c00);
                c01 = Float4.MultiplyAdd(upper, b1, c01);
                c10 = Float4.MultiplyAdd(lower, b0, c10);
                c11 = Float4.MultiplyAdd(lower, b1, c11);
            }

            Group.Barrier();
        }

        int column = firstColumn + (x * 4);
        StoreRow(c, shape, firstRow + y, column, Tile / 2, c00, c01, LoadWidth.Scalar, alpha, beta);
        StoreRow(c, shape, firstRow + Side + y, column, Tile / 2, c10, c11, LoadWidth.Scalar, alpha, beta);
    }

    internal static void RunPlain(ComputeDevice device, Arguments p)
    {
        long elements = (long)p.Shape.Batches * p.Shape.Rows * p.Shape.Columns;
        device.Launch(PlainKernel, elements, p.A, p.B, p.C, p.Shape, p.Alpha, p.Beta);
    }

    internal static void RunNarrow(ComputeDevice device, Arguments p) => device.LaunchGrouped(
        NarrowKernel, new KernelConfig(GridOf(p.Shape, NarrowTile, Tile), new Index3D(Side, Side, 1)),
        p.A, p.B, p.C, p.Shape, p.Alpha, p.Beta);

    internal static void RunSmallTiles(ComputeDevice device, Arguments p) => device.LaunchGrouped(
        SmallTileKernel, new KernelConfig(GridOf(p.Shape, TileProduct.Small, TileProduct.Small), new Index3D(8, 8, 1)),
        p.A, p.B, p.C, p.Shape, Widths.Of(p), p.Alpha, p.Beta);

    internal static void RunLargeTiles(ComputeDevice device, Arguments p) => device.LaunchGrouped(
        LargeTileKernel,
        new KernelConfig(GridOf(p.Shape, TileProduct.Large, TileProduct.Large), new Index3D(8, 16, 1)),
        p.A, p.B, p.C, p.Shape, Widths.Of(p), p.Alpha, p.Beta);

    /// <summary>Whether 128 x 128 tiles keep a GPU busy; otherwise there are more tiles of 64 x 64.</summary>
    internal static bool FillsLargeTiles(MultiplyShape shape)
    {
        Index3D grid = GridOf(shape, TileProduct.Large, TileProduct.Large);
        return shape is { Rows: > TileProduct.Small, Columns: > TileProduct.Small }
            && (long)grid.X * grid.Y * grid.Z >= ManyGroups;
    }

    /// <summary>The grid of groups for tiles of C with the given rows and columns.</summary>
    internal static Index3D GridOf(MultiplyShape shape, int rows, int columns) =>
        new((shape.Rows + rows - 1) / rows, (shape.Columns + columns - 1) / columns, shape.Batches);

    /// <summary>A of this group's batch. Its rows or its columns are contiguous: one of ARow and AStep is 1.</summary>
    private static MatrixOperand OperandA(ArrayView<float> a, MultiplyShape shape, LoadWidth width)
    {
        int batch = Grid.IdxZ;
        int first = batch * shape.ABatch;
        bool alongDepth = shape.AStep == 1;
        int depth = shape.DepthOf(batch);
        return new MatrixOperand(
            a, first, alongDepth ? shape.ARow : shape.AStep, alongDepth ? shape.Rows : depth,
            alongDepth ? depth : shape.Rows,
            alongDepth ? QuadOrder.AlongDepth : QuadOrder.Across, width);
    }

    /// <summary>B of this group's batch.</summary>
    private static MatrixOperand OperandB(ArrayView<float> b, MultiplyShape shape, LoadWidth width) =>
        new(b, Grid.IdxZ * shape.BBatch, shape.BRow, shape.DepthOf(Grid.IdxZ), shape.Columns, QuadOrder.Across, width);

    /// <summary>A[row, k] of a batch, 0 after its end.</summary>
    private static float ElementOfA(ArrayView<float> a, MultiplyShape shape, int batch, int depth, int row, int k)
    {
        float value = 0f;
        if (k < depth && row < shape.Rows) value = a[(batch * shape.ABatch) + (row * shape.ARow) + (k * shape.AStep)];
        return value;
    }

    /// <summary>B[k, column] of a batch, 0 after its end.</summary>
    private static float ElementOfB(ArrayView<float> b, MultiplyShape shape, int batch, int depth, int k, int column)
    {
        float value = 0f;
        if (k < depth && column < shape.Columns) value = b[(batch * shape.BBatch) + (k * shape.BRow) + column];
        return value;
    }

    /// <summary>Stores a work item's sums in C, as far as C exists.</summary>
    /// <param name="row">The row of the first sum.</param>
    /// <param name="column">The column of the first sum.</param>
    /// <param name="below">The distance from the upper sums to the lower ones.</param>
    private static void Store(
        ArrayView<float> c, MultiplyShape shape, int row, int column, int below, RegisterTile sums, LoadWidth width,
        float alpha, float beta)
    {
        const int Half = TileProduct.ColumnStride;
        StoreRow(c, shape, row, column, Half, sums.UpperLeft0, sums.UpperRight0, width, alpha, beta);
        StoreRow(c, shape, row + 1, column, Half, sums.UpperLeft1, sums.UpperRight1, width, alpha, beta);
        StoreRow(c, shape, row + 2, column, Half, sums.UpperLeft2, sums.UpperRight2, width, alpha, beta);
        StoreRow(c, shape, row + 3, column, Half, sums.UpperLeft3, sums.UpperRight3, width, alpha, beta);
        StoreRow(c, shape, row + below, column, Half, sums.LowerLeft0, sums.LowerRight0, width, alpha, beta);
        StoreRow(c, shape, row + below + 1, column, Half, sums.LowerLeft1, sums.LowerRight1, width, alpha, beta);
        StoreRow(c, shape, row + below + 2, column, Half, sums.LowerLeft2, sums.LowerRight2, width, alpha, beta);
        StoreRow(c, shape, row + below + 3, column, Half, sums.LowerLeft3, sums.LowerRight3, width, alpha, beta);
    }

    private static void StoreRow(
        ArrayView<float> c, MultiplyShape shape, int row, int column, int half, Float4 left, Float4 right,
        LoadWidth width, float alpha, float beta)
    {
        if (row < shape.Rows)
        {
            int at = (Grid.IdxZ * shape.CBatch) + (row * shape.Columns) + column;
            Quads.Accumulate(c, at, shape.Columns - column, alpha * left, width, beta);
            Quads.Accumulate(c, at + half, shape.Columns - column - half, alpha * right, width, beta);
        }
    }
}
