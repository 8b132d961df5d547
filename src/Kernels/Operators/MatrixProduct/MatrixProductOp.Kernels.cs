using ILGPU.Runtime;
using ILGPU;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Translation;

namespace NativeStyle.Kernels.Operators.MatrixProduct;

// The kernels of the matrix product, from the plain one to read first to the tiled ones. Rows lie along the grid's X, which may
// be as long as 2^31; columns and batches, which are fewer, along Y and Z, which end at 65,535.
internal static partial class MatrixProductOp
{
    /// <summary>Rows and columns of C that a group of <see cref="TiledKernel"/> computes.</summary>
    internal const int Tile = 64;

    /// <summary>Rows of C that a group of <see cref="NarrowKernel"/> computes.</summary>
    internal const int NarrowTile = 16;

    /// <summary>Depth of a step: so much of A and B lies in shared memory at a time.</summary>
    internal const int Slice = 16;

    /// <summary>Work items of a group along each side; each computes 8 x 8 elements of C.</summary>
    private const int Side = 8;

    /// <summary>The plain form: one element of C.</summary>
    internal static void PlainKernel(
        Index1D index, ArrayView<float> a, ArrayView<float> b, ArrayView<float> c, MultiplyShape shape, float alpha, float beta)
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

    /// <summary>
    /// A 64 x 64 tile of C by 64 work items. Each step brings 16 columns of A and 16 rows of B into shared memory once;
    /// every work item then keeps an 8 x 8 block of C in registers, as 16 vectors, and multiplies 8 elements of A with 8 of
    /// B for each column: 64 multiply-adds for 16 loads from shared memory.
    /// </summary>
    [GroupItems(Side * Side)]
    internal static void TiledKernel(
        ArrayView<float> a, ArrayView<float> b, ArrayView<float> c, MultiplyShape shape, float alpha, float beta)
    {
        ArrayView<Float4> leftVectors = SharedMemory.Allocate<Float4>(Slice * Tile / 4);
        ArrayView<Float4> rightVectors = SharedMemory.Allocate<Float4>(Slice * Tile / 4);
        ArrayView<float> left = leftVectors.Cast<float>();
        ArrayView<float> right = rightVectors.Cast<float>();
        int x = Group.IdxX;
        int y = Group.IdxY;
        int item = (y * Side) + x;
        int firstRow = Grid.IdxX * Tile;
        int firstColumn = Grid.IdxY * Tile;
        int batch = Grid.IdxZ;
        int depth = shape.DepthOf(batch);
        Float4 zero = Float4.Broadcast(0f);
        Float4 c00 = zero;
        Float4 c01 = zero;
        Float4 c10 = zero;
        Float4 c11 = zero;
        Float4 c20 = zero;
        Float4 c21 = zero;
        Float4 c30 = zero;
        Float4 c31 = zero;
        Float4 c40 = zero;
        Float4 c41 = zero;
        Float4 c50 = zero;
        Float4 c51 = zero;
        Float4 c60 = zero;
        Float4 c61 = zero;
        Float4 c70 = zero;
        Float4 c71 = zero;
        for (int start = 0; start < depth; start += Slice)
        {
            for (int part = 0; part < 16; part++)
            {
                // Neighbouring work items read neighbouring memory, whichever way A lies.
                int place = (part * 64) + item;
                int m = shape.AStep == 1 ? place / Slice : place % Tile;
                int k = shape.AStep == 1 ? place % Slice : place / Tile;
                left[(k * Tile) + m] = ElementOfA(a, shape, batch, depth, firstRow + m, start + k);
                right[place] = ElementOfB(b, shape, batch, depth, start + (place / Tile), firstColumn + (place % Tile));
            }

            Group.Barrier();
            for (int k = 0; k < Slice; k++)
            {
                Float4 upper = leftVectors[(k * Tile / 4) + y];
                Float4 lower = leftVectors[(k * Tile / 4) + Side + y];
                Float4 b0 = rightVectors[(k * Tile / 4) + x];
                Float4 b1 = rightVectors[(k * Tile / 4) + Side + x];
                c00 = Float4.MultiplyAdd(upper.X, b0, c00);
                c01 = Float4.MultiplyAdd(upper.X, b1, c01);
                c10 = Float4.MultiplyAdd(upper.Y, b0, c10);
                c11 = Float4.MultiplyAdd(upper.Y, b1, c11);
                c20 = Float4.MultiplyAdd(upper.Z, b0, c20);
                c21 = Float4.MultiplyAdd(upper.Z, b1, c21);
                c30 = Float4.MultiplyAdd(upper.W, b0, c30);
                c31 = Float4.MultiplyAdd(upper.W, b1, c31);
                c40 = Float4.MultiplyAdd(lower.X, b0, c40);
                c41 = Float4.MultiplyAdd(lower.X, b1, c41);
                c50 = Float4.MultiplyAdd(lower.Y, b0, c50);
                c51 = Float4.MultiplyAdd(lower.Y, b1, c51);
                c60 = Float4.MultiplyAdd(lower.Z, b0, c60);
                c61 = Float4.MultiplyAdd(lower.Z, b1, c61);
                c70 = Float4.MultiplyAdd(lower.W, b0, c70);
                c71 = Float4.MultiplyAdd(lower.W, b1, c71);
            }

            Group.Barrier();
        }

        int top = firstRow + (y * 4);
        int column = firstColumn + (x * 4);
        StoreRow(c, shape, batch, top + 0, column, c00, c01, alpha, beta);
        StoreRow(c, shape, batch, top + 1, column, c10, c11, alpha, beta);
        StoreRow(c, shape, batch, top + 2, column, c20, c21, alpha, beta);
        StoreRow(c, shape, batch, top + 3, column, c30, c31, alpha, beta);
        StoreRow(c, shape, batch, top + 32, column, c40, c41, alpha, beta);
        StoreRow(c, shape, batch, top + 33, column, c50, c51, alpha, beta);
        StoreRow(c, shape, batch, top + 34, column, c60, c61, alpha, beta);
        StoreRow(c, shape, batch, top + 35, column, c70, c71, alpha, beta);
    }

    /// <summary>
    /// As <see cref="TiledKernel"/> with 16 rows: a work item keeps 2 x 8 elements of C. It loads more for each product, but
    /// where C has few rows (the deep layers of a small picture) it does not compute rows that are not there, and there are
    /// four times as many groups to keep a GPU busy.
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

            // A row of B at a time, one element a work item.
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
        StoreRow(c, shape, batch, firstRow + y, column, c00, c01, alpha, beta);
        StoreRow(c, shape, batch, firstRow + Side + y, column, c10, c11, alpha, beta);
    }

    internal static void RunPlain(ComputeDevice device, Arguments p) =>
        device.Launch(PlainKernel, (long)p.Shape.Batches * p.Shape.Rows * p.Shape.Columns, p.A, p.B, p.C, p.Shape, p.Alpha, p.Beta);

    internal static void RunTiled(ComputeDevice device, Arguments p) =>
        device.LaunchGrouped(TiledKernel, GridOf(p.Shape, Tile), p.A, p.B, p.C, p.Shape, p.Alpha, p.Beta);

    internal static void RunNarrow(ComputeDevice device, Arguments p) =>
        device.LaunchGrouped(NarrowKernel, GridOf(p.Shape, NarrowTile), p.A, p.B, p.C, p.Shape, p.Alpha, p.Beta);

    /// <summary>Groups of 64 work items for tiles of so many rows and 64 columns.</summary>
    internal static KernelConfig GridOf(MultiplyShape shape, int tileRows) => new(
        new Index3D((shape.Rows + tileRows - 1) / tileRows, (shape.Columns + Tile - 1) / Tile, shape.Batches), new Index3D(Side, Side, 1));

    /// <summary>A[row, k] of a batch, 0 beyond its end.</summary>
    private static float ElementOfA(ArrayView<float> a, MultiplyShape shape, int batch, int depth, int row, int k)
    {
        float value = 0f;
        if (k < depth && row < shape.Rows) value = a[(batch * shape.ABatch) + (row * shape.ARow) + (k * shape.AStep)];
        return value;
    }

    /// <summary>B[k, column] of a batch, 0 beyond its end.</summary>
    private static float ElementOfB(ArrayView<float> b, MultiplyShape shape, int batch, int depth, int k, int column)
    {
        float value = 0f;
        if (k < depth && column < shape.Columns) value = b[(batch * shape.BBatch) + (k * shape.BRow) + column];
        return value;
    }

    /// <summary>Two vectors of a row of C, 32 columns apart, where they exist.</summary>
    private static void StoreRow(
        ArrayView<float> c, MultiplyShape shape, int batch, int row, int column, Float4 left, Float4 right, float alpha, float beta)
    {
        if (row < shape.Rows)
        {
            int at = (batch * shape.CBatch) + (row * shape.Columns) + column;
            StoreVector(c, at, shape.Columns - column, left, alpha, beta);
            StoreVector(c, at + 32, shape.Columns - column - 32, right, alpha, beta);
        }
    }

    private static void StoreVector(ArrayView<float> c, int at, int room, Float4 sum, float alpha, float beta)
    {
        if (room > 0) Accumulate.Into(ref c[at], alpha * sum.X, beta);
        if (room > 1) Accumulate.Into(ref c[at + 1], alpha * sum.Y, beta);
        if (room > 2) Accumulate.Into(ref c[at + 2], alpha * sum.Z, beta);
        if (room > 3) Accumulate.Into(ref c[at + 3], alpha * sum.W, beta);
    }
}
