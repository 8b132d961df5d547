namespace NativeStyle.Kernels;

// The matrix product under the Gram matrix' gradient, the Wasserstein loss and, on GPUs, Winograd's convolution, for a
// batch of pairs z:
//
//   C[z][m, n] = beta C[z][m, n] + alpha sum over k of A[z][m, k] B[z][k, n]
//
// A[z][m, k] = a[z aBatch + m aRow + k aStep], B[z][k, n] = b[z bBatch + k bRow + n], C[z][m, n] = c[z cBatch + m columns + n].
// A batch can also be one product whose depth is cut into pieces: aBatch and bBatch are then a piece's length in a and b,
// and the last piece may be shorter.

/// <summary>The sizes and strides of a batch of matrix products.</summary>
/// <param name="Rows">Rows of A and C.</param>
/// <param name="Columns">Columns of B and C.</param>
/// <param name="Depth">Columns of A, rows of B.</param>
/// <param name="Batches">Products.</param>
/// <param name="TotalDepth">Where the depth is cut into pieces: the depth of all together; otherwise Batches x Depth.</param>
public readonly record struct MultiplyShape(
    int Rows, int Columns, int Depth, int Batches, int TotalDepth, int ABatch, int ARow, int AStep, int BBatch, int BRow, int CBatch);

/// <summary>The kernels of the matrix product.</summary>
internal enum MultiplyKernel
{
    /// <summary>One element of C per work item.</summary>
    Plain,

    /// <summary>16 x 64 elements of C per group: for matrices with few rows.</summary>
    Narrow,

    /// <summary>64 x 64 elements of C per group.</summary>
    Tiled,
}

/// <summary>Batched matrix products.</summary>
internal static unsafe class MatrixMultiply
{
    /// <summary>Rows and columns of C that a group of <see cref="TiledKernel"/> computes.</summary>
    public const int Tile = 64;

    /// <summary>Rows of C that a group of <see cref="NarrowKernel"/> computes.</summary>
    public const int NarrowTile = 16;

    /// <summary>Depth of a step: so much of A and B lies in shared memory at a time.</summary>
    public const int Slice = 16;

    /// <summary>Work items of a group along each side; each computes 8 x 8 elements of C.</summary>
    private const int Side = 8;

    /// <summary>The plain form: one element of C.</summary>
    [Kernel]
    public static void PlainKernel(
        Index3D index, ArrayView<float> a, ArrayView<float> b, ArrayView<float> c, int columns, int depth, int totalDepth,
        int aBatch, int aRow, int aStep, int bBatch, int bRow, int cBatch, float alpha, float beta)
    {
        int left = totalDepth - (index.Z * depth);
        int count = left < depth ? left : depth;
        int from = (index.Z * aBatch) + (index.Y * aRow);
        int to = (index.Z * bBatch) + index.X;
        float sum = 0f;
        for (int k = 0; k < count; k++) sum += a[from + (k * aStep)] * b[to + (k * bRow)];
        int target = (index.Z * cBatch) + (index.Y * columns) + index.X;
        c[target] = beta == 0f ? alpha * sum : (beta * c[target]) + (alpha * sum);
    }

    /// <summary>
    /// A 64 x 64 tile of C by 64 work items. Each step brings 16 columns of A and 16 rows of B into shared memory once;
    /// every work item then keeps an 8 x 8 block of C in registers, as 16 vectors, and multiplies 8 elements of A with 8 of
    /// B for each column: 64 multiply-adds for 16 loads from shared memory.
    /// </summary>
    [Kernel]
    public static void TiledKernel(
        ArrayView<float> a, ArrayView<float> b, ArrayView<float> c, int rows, int columns, int depth, int totalDepth,
        int aBatch, int aRow, int aStep, int bBatch, int bRow, int cBatch, float alpha, float beta)
    {
        ArrayView<float> left = SharedMemory.Allocate<float>(Slice * Tile);
        ArrayView<float> right = SharedMemory.Allocate<float>(Slice * Tile);
        int x = Group.IdxX;
        int y = Group.IdxY;
        int item = (y * Side) + x;
        int firstRow = Grid.IdxY * Tile;
        int firstColumn = Grid.IdxX * Tile;
        int batch = Grid.IdxZ;
        int remaining = totalDepth - (batch * depth);
        int count = remaining < depth ? remaining : depth;
        Float4 c00 = Float4.Broadcast(0f);
        Float4 c01 = c00;
        Float4 c10 = c00;
        Float4 c11 = c00;
        Float4 c20 = c00;
        Float4 c21 = c00;
        Float4 c30 = c00;
        Float4 c31 = c00;
        Float4 c40 = c00;
        Float4 c41 = c00;
        Float4 c50 = c00;
        Float4 c51 = c00;
        Float4 c60 = c00;
        Float4 c61 = c00;
        Float4 c70 = c00;
        Float4 c71 = c00;
        for (int start = 0; start < count; start += Slice)
        {
            for (int part = 0; part < 16; part++)
            {
                // Neighbouring work items read neighbouring memory, whichever way A lies.
                int place = (part * 64) + item;
                int m = aStep == 1 ? place / Slice : place % Tile;
                int k = aStep == 1 ? place % Slice : place / Tile;
                bool inside = start + k < count && firstRow + m < rows;
                left[(k * Tile) + m] = inside ? a[(batch * aBatch) + ((firstRow + m) * aRow) + ((start + k) * aStep)] : 0f;
                int n = place % Tile;
                int depthOfB = place / Tile;
                bool insideB = start + depthOfB < count && firstColumn + n < columns;
                right[(depthOfB * Tile) + n] = insideB ? b[(batch * bBatch) + ((start + depthOfB) * bRow) + firstColumn + n] : 0f;
            }

            Group.Barrier();
            for (int k = 0; k < Slice; k++)
            {
                Float4 upper = Float4.Load(left, (k * Tile) + (y * 4));
                Float4 lower = Float4.Load(left, (k * Tile) + 32 + (y * 4));
                Float4 b0 = Float4.Load(right, (k * Tile) + (x * 4));
                Float4 b1 = Float4.Load(right, (k * Tile) + 32 + (x * 4));
                c00 = Float4.MultiplyAdd(Float4.Broadcast(upper.X), b0, c00);
                c01 = Float4.MultiplyAdd(Float4.Broadcast(upper.X), b1, c01);
                c10 = Float4.MultiplyAdd(Float4.Broadcast(upper.Y), b0, c10);
                c11 = Float4.MultiplyAdd(Float4.Broadcast(upper.Y), b1, c11);
                c20 = Float4.MultiplyAdd(Float4.Broadcast(upper.Z), b0, c20);
                c21 = Float4.MultiplyAdd(Float4.Broadcast(upper.Z), b1, c21);
                c30 = Float4.MultiplyAdd(Float4.Broadcast(upper.W), b0, c30);
                c31 = Float4.MultiplyAdd(Float4.Broadcast(upper.W), b1, c31);
                c40 = Float4.MultiplyAdd(Float4.Broadcast(lower.X), b0, c40);
                c41 = Float4.MultiplyAdd(Float4.Broadcast(lower.X), b1, c41);
                c50 = Float4.MultiplyAdd(Float4.Broadcast(lower.Y), b0, c50);
                c51 = Float4.MultiplyAdd(Float4.Broadcast(lower.Y), b1, c51);
                c60 = Float4.MultiplyAdd(Float4.Broadcast(lower.Z), b0, c60);
                c61 = Float4.MultiplyAdd(Float4.Broadcast(lower.Z), b1, c61);
                c70 = Float4.MultiplyAdd(Float4.Broadcast(lower.W), b0, c70);
                c71 = Float4.MultiplyAdd(Float4.Broadcast(lower.W), b1, c71);
            }

            Group.Barrier();
        }

        int top = firstRow + (y * 4);
        int at = firstColumn + (x * 4);
        int target = batch * cBatch;
        StoreRow(c, target, top, at, rows, columns, c00, c01, alpha, beta);
        StoreRow(c, target, top + 1, at, rows, columns, c10, c11, alpha, beta);
        StoreRow(c, target, top + 2, at, rows, columns, c20, c21, alpha, beta);
        StoreRow(c, target, top + 3, at, rows, columns, c30, c31, alpha, beta);
        StoreRow(c, target, top + 32, at, rows, columns, c40, c41, alpha, beta);
        StoreRow(c, target, top + 33, at, rows, columns, c50, c51, alpha, beta);
        StoreRow(c, target, top + 34, at, rows, columns, c60, c61, alpha, beta);
        StoreRow(c, target, top + 35, at, rows, columns, c70, c71, alpha, beta);
    }

    /// <summary>
    /// As <see cref="TiledKernel"/> with 16 rows: a work item keeps 2 x 8 elements of C. It loads more for each product, but
    /// where C has few rows (the deep layers of a small picture) it does not compute rows that are not there, and there are
    /// four times as many groups to keep a GPU busy.
    /// </summary>
    [Kernel]
    public static void NarrowKernel(
        ArrayView<float> a, ArrayView<float> b, ArrayView<float> c, int rows, int columns, int depth, int totalDepth,
        int aBatch, int aRow, int aStep, int bBatch, int bRow, int cBatch, float alpha, float beta)
    {
        ArrayView<float> left = SharedMemory.Allocate<float>(Slice * NarrowTile);
        ArrayView<float> right = SharedMemory.Allocate<float>(Slice * Tile);
        int x = Group.IdxX;
        int y = Group.IdxY;
        int item = (y * Side) + x;
        int firstRow = Grid.IdxY * NarrowTile;
        int firstColumn = Grid.IdxX * Tile;
        int batch = Grid.IdxZ;
        int remaining = totalDepth - (batch * depth);
        int count = remaining < depth ? remaining : depth;
        Float4 c00 = Float4.Broadcast(0f);
        Float4 c01 = c00;
        Float4 c10 = c00;
        Float4 c11 = c00;
        for (int start = 0; start < count; start += Slice)
        {
            for (int part = 0; part < 4; part++)
            {
                int place = (part * 64) + item;
                int m = aStep == 1 ? place / Slice : place % NarrowTile;
                int k = aStep == 1 ? place % Slice : place / NarrowTile;
                bool inside = start + k < count && firstRow + m < rows;
                left[(k * NarrowTile) + m] = inside ? a[(batch * aBatch) + ((firstRow + m) * aRow) + ((start + k) * aStep)] : 0f;
            }

            for (int part = 0; part < 16; part++)
            {
                // A row of B at a time, one element a work item.
                bool inside = start + part < count && firstColumn + item < columns;
                right[(part * Tile) + item] = inside ? b[(batch * bBatch) + ((start + part) * bRow) + firstColumn + item] : 0f;
            }

            Group.Barrier();
            for (int k = 0; k < Slice; k++)
            {
                Float4 upper = Float4.Broadcast(left[(k * NarrowTile) + y]);
                Float4 lower = Float4.Broadcast(left[(k * NarrowTile) + Side + y]);
                Float4 b0 = Float4.Load(right, (k * Tile) + (x * 4));
                Float4 b1 = Float4.Load(right, (k * Tile) + 32 + (x * 4));
                c00 = Float4.MultiplyAdd(upper, b0, c00);
                c01 = Float4.MultiplyAdd(upper, b1, c01);
                c10 = Float4.MultiplyAdd(lower, b0, c10);
                c11 = Float4.MultiplyAdd(lower, b1, c11);
            }

            Group.Barrier();
        }

        int at = firstColumn + (x * 4);
        StoreRow(c, batch * cBatch, firstRow + y, at, rows, columns, c00, c01, alpha, beta);
        StoreRow(c, batch * cBatch, firstRow + Side + y, at, rows, columns, c10, c11, alpha, beta);
    }

    /// <summary>Two vectors of a row of C, 32 columns apart, where they exist.</summary>
    private static void StoreRow(
        ArrayView<float> c, int target, int row, int column, int rows, int columns, Float4 left, Float4 right, float alpha,
        float beta)
    {
        if (row < rows)
        {
            int at = target + (row * columns) + column;
            StoreVector(c, at, columns - column, left, alpha, beta);
            StoreVector(c, at + 32, columns - column - 32, right, alpha, beta);
        }
    }

    private static void StoreVector(ArrayView<float> c, int at, int room, Float4 sum, float alpha, float beta)
    {
        Float4 value = Float4.Broadcast(alpha) * sum;
        if (room >= 4)
        {
            if (beta != 0f) value = Float4.MultiplyAdd(Float4.Broadcast(beta), Float4.Load(c, at), value);
            value.Store(c, at);
        }
        else
        {
            if (room > 0) c[at] = beta == 0f ? value.X : (beta * c[at]) + value.X;
            if (room > 1) c[at + 1] = beta == 0f ? value.Y : (beta * c[at + 1]) + value.Y;
            if (room > 2) c[at + 2] = beta == 0f ? value.Z : (beta * c[at + 2]) + value.Z;
        }
    }

    /// <summary>C = A B of n x n matrices.</summary>
    public static void Square(Accelerator accelerator, ArrayView<float> a, ArrayView<float> b, ArrayView<float> c, int n) =>
        Run(accelerator, a, b, c, new MultiplyShape(n, n, n, 1, n, 0, n, 1, 0, n, 0), 1f, 0f);

    /// <summary>
    /// C = beta C + alpha A B: by the CPU's micro-kernel for one product with A in rows, by the kernel that suits the device
    /// and the number of rows, or by a given one.
    /// </summary>
    public static void Run(
        Accelerator accelerator, ArrayView<float> a, ArrayView<float> b, ArrayView<float> c, MultiplyShape shape, float alpha,
        float beta, MultiplyKernel? kernel = null)
    {
        if (kernel is null && shape is { Batches: 1, AStep: 1 } && accelerator is CpuAccelerator { Path: CpuPath.Vectorized } cpu)
        {
            cpu.Vectorize(new ProductJob(a.Pointer, b.Pointer, c.Pointer, shape, alpha, beta));
            return;
        }

        kernel ??= !accelerator.HasFastGroups ? MultiplyKernel.Plain
            : shape.Rows <= 2 * NarrowTile ? MultiplyKernel.Narrow : MultiplyKernel.Tiled;
        if (kernel == MultiplyKernel.Plain)
        {
            accelerator.Launch(
                PlainKernel, new Index3D(shape.Columns, shape.Rows, shape.Batches), a, b, c, shape.Columns, shape.Depth, shape.TotalDepth,
                shape.ABatch, shape.ARow, shape.AStep, shape.BBatch, shape.BRow, shape.CBatch, alpha, beta);
            return;
        }

        int height = kernel == MultiplyKernel.Narrow ? NarrowTile : Tile;
        var config = new KernelConfig(
            new Index3D((shape.Columns + Tile - 1) / Tile, (shape.Rows + height - 1) / height, shape.Batches), new Index3D(Side, Side, 1));
        if (kernel == MultiplyKernel.Narrow)
        {
            accelerator.LaunchGrouped(
                NarrowKernel, config, a, b, c, shape.Rows, shape.Columns, shape.Depth, shape.TotalDepth, shape.ABatch, shape.ARow,
                shape.AStep, shape.BBatch, shape.BRow, shape.CBatch, alpha, beta);
        }
        else
        {
            accelerator.LaunchGrouped(
                TiledKernel, config, a, b, c, shape.Rows, shape.Columns, shape.Depth, shape.TotalDepth, shape.ABatch, shape.ARow,
                shape.AStep, shape.BBatch, shape.BRow, shape.CBatch, alpha, beta);
        }
    }

    /// <summary>B packed into the micro-kernel's panels, then C a block of rows at a time.</summary>
    private sealed class ProductJob(float* a, float* b, float* c, MultiplyShape shape, float alpha, float beta) : IVectorJob
    {
        private const int BlockRows = 96;

        public void Run<T>(CpuAccelerator cpu) where T : unmanaged, ILanes<T>
        {
            (int depth, int count) = (shape.Depth, shape.Columns);
            int columns = MicroKernel<T>.Columns, panels = MicroKernel<T>.Panels(count), width = panels * columns;
            using MemoryBuffer<float> packed = cpu.Allocate<float>((long)width * depth);
            float* panelsOfB = packed.View.Pointer;
            cpu.Parallel(panels, (panel, _) =>
            {
                for (int k = 0; k < depth; k++)
                {
                    for (int lane = 0; lane < columns; lane++)
                    {
                        int j = (panel * columns) + lane;
                        panelsOfB[((((long)panel * depth) + k) * columns) + lane] = j >= count ? 0f : alpha * b[((long)k * shape.BRow) + j];
                    }
                }
            });
            cpu.Parallel((shape.Rows + BlockRows - 1) / BlockRows, (part, worker) =>
            {
                int first = part * BlockRows, some = Math.Min(BlockRows, shape.Rows - first);
                int rows = MicroKernel<T>.RoundUpRows(some), stride = shape.ARow;
                float* copy = cpu.Scratch(worker, ((long)BlockRows * (depth + width)) + columns);
                float* products = copy + ((long)BlockRows * depth) + columns;
                float* from = a + ((long)first * stride), target = c + ((long)first * count);
                if (rows != some)
                {
                    // The last block: rows past the end must exist for the micro-kernel.
                    new Span<float>(copy, rows * depth).Clear();
                    for (int row = 0; row < some; row++)
                        new ReadOnlySpan<float>(from + ((long)row * stride), depth).CopyTo(new Span<float>(copy + ((long)row * depth), depth));
                    from = copy;
                    stride = depth;
                }

                // Straight into C where its rows are whole panels.
                bool direct = rows == some && width == count && (beta == 0f || beta == 1f);
                for (int panel = 0; panel < panels; panel++)
                {
                    MicroKernel<T>.Run(
                        rows, depth, from, stride, 1, panelsOfB + ((long)panel * depth * columns), columns,
                        (direct ? target : products) + (panel * columns), direct ? count : width, direct && beta == 1f);
                }

                for (int row = 0; row < some && !direct; row++)
                {
                    float* to = target + ((long)row * count), product = products + ((long)row * width);
                    if (beta == 0f) new ReadOnlySpan<float>(product, count).CopyTo(new Span<float>(to, count));
                    else for (int i = 0; i < count; i++) to[i] = (beta * to[i]) + product[i];
                }
            });
        }
    }
}
