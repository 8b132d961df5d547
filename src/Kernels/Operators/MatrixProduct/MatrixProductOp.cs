using ILGPU;
using ILGPU.Runtime;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;
using NativeStyle.Kernels.Simd;

namespace NativeStyle.Kernels.Operators.MatrixProduct;

// The matrix product that the Gram matrix's gradient, the Wasserstein loss and, on GPUs, Winograd's convolution use,
// for a batch of pairs z:
//
//   C[z][m, n] = beta C[z][m, n] + alpha sum over k of A[z][m, k] B[z][k, n]
//
// A[z][m, k] = a[z aBatch + m aRow + k aStep], B[z][k, n] = b[z bBatch + k bRow + n],
// C[z][m, n] = c[z cBatch + m columns + n].
// A batch can also be one product whose depth is cut into pieces: aBatch and bBatch are then a piece's length in a and
// b, and the last piece may be shorter.

/// <summary>The sizes and strides of a batch of matrix products.</summary>
/// <param name="Rows">Rows of A and C.</param>
/// <param name="Columns">Columns of B and C.</param>
/// <param name="Depth">Columns of A, rows of B.</param>
/// <param name="Batches">The number of products.</param>
/// <param name="TotalDepth">
/// The depth of all pieces together if the depth is cut into pieces; otherwise Batches x Depth.
/// </param>
internal readonly record struct MultiplyShape(
    int Rows,
    int Columns,
    int Depth,
    int Batches,
    int TotalDepth,
    int ABatch,
    int ARow,
    int AStep,
    int BBatch,
    int BRow,
    int CBatch)
{
    /// <summary>The number of terms of a sum of batch <paramref name="batch"/>: fewer in the last piece.</summary>
    public int DepthOf(int batch)
    {
        int rest = TotalDepth - (batch * Depth);
        return rest < Depth ? rest : Depth;
    }

    /// <summary>C = A B of n x n matrices.</summary>
    public static MultiplyShape Square(int n) => new(n, n, n, 1, n, 0, n, 1, 0, n, 0);
}

/// <summary>Batched matrix products.</summary>
internal static unsafe partial class MatrixProductOp
{
    private static readonly Operator<Arguments> s_run = new Operator<Arguments>(
            "MatrixProduct",
            a => ($"{a.Shape.Batches} of {a.Shape.Rows}x{a.Shape.Depth}x{a.Shape.Columns}", WorkOf(a.Shape)))
        .Vectorized(
            (cpu, a) => cpu.Vectorize(new ProductJob(a.A.Pointer, a.B.Pointer, a.C.Pointer, a.Shape, a.Alpha, a.Beta)),
            fits: (_, a) => a.Shape is { Batches: 1, AStep: 1 })
        .Grouped(RunNarrow, fits: (_, a) => a.Shape.Rows <= 2 * NarrowTile)
        .Grouped(RunLargeTiles, fits: (_, a) => FillsLargeTiles(a.Shape))
        .Grouped(RunSmallTiles)
        .Plain(RunPlain);

    internal readonly record struct Arguments(
        ArrayView<float> A,
        ArrayView<float> B,
        ArrayView<float> C,
        MultiplyShape Shape,
        float Alpha,
        float Beta);

    /// <summary>How a kernel reads A and B and writes C.</summary>
    internal readonly record struct Widths(LoadWidth A, LoadWidth B, LoadWidth C)
    {
        /// <summary>The widest loads that the sizes, the strides and the views' starts allow.</summary>
        public static Widths Of(Arguments p)
        {
            // If A lies along the depth, its rows are as long as a piece of the depth, which may be the last one.
            MultiplyShape s = p.Shape;
            int rowOfA = s.AStep == 1 ? s.Depth | s.TotalDepth : s.Rows;
            return new Widths(
                MatrixOperand.WidthOf(p.A.StartsAt16Bytes, rowOfA, s.AStep == 1 ? s.ARow : s.AStep, s.ABatch),
                MatrixOperand.WidthOf(p.B.StartsAt16Bytes, s.Columns, s.BRow, s.BBatch),
                MatrixOperand.WidthOf(p.C.StartsAt16Bytes, s.Columns, s.Columns, s.CBatch));
        }
    }

    /// <summary>C = A B of n x n matrices.</summary>
    public static void Square(
        ComputeDevice device, ArrayView<float> a, ArrayView<float> b, ArrayView<float> c, int n) =>
        Run(device, a, b, c, MultiplyShape.Square(n), 1f, 0f);

    /// <summary>C = beta C + alpha A B.</summary>
    public static void Run(
        ComputeDevice device, ArrayView<float> a, ArrayView<float> b, ArrayView<float> c, MultiplyShape shape,
        float alpha, float beta) =>
        Run(device, new Arguments(a, b, c, shape, alpha, beta));

    /// <summary>Does the same, with the arguments as one value.</summary>
    internal static void Run(ComputeDevice device, Arguments arguments) => s_run.Run(device, arguments);

    private static Work WorkOf(MultiplyShape shape)
    {
        double products = (double)shape.Rows * shape.Columns * shape.TotalDepth;
        return new Work(2 * products, 4.0 * shape.Batches * ((double)shape.Rows * shape.Columns));
    }

    /// <summary>Packs B into the micro-kernel's panels, then computes C a block of rows at a time.</summary>
    private sealed class ProductJob(
        float* a, float* b, float* c, MultiplyShape shape, float alpha, float beta) : IVectorJob
    {
        private const int BlockRows = 96;

        public void Run<T>(CpuDevice cpu) where T : unmanaged, ILanes<T>
        {
            (int depth, int count) = (shape.Depth, shape.Columns);
            int columns = MicroKernel<T>.Columns, panels = MicroKernel<T>.Panels(count), width = panels * columns;
            using DeviceBuffer<float> packed = cpu.Allocate<float>((long)width * depth);
            float* panelsOfB = packed.View.Pointer;
            cpu.Parallel(panels, panel =>
            {
                for (int k = 0; k < depth; k++)
                {
                    for (int lane = 0; lane < columns; lane++)
                    {
                        int j = (panel * columns) + lane;
                        panelsOfB[((((long)panel * depth) + k) * columns) + lane] =
                            j >= count ? 0f : alpha * b[((long)k * shape.BRow) + j];
                    }
                }
            });
            long scratch = ((long)BlockRows * (depth + width)) + columns;
            cpu.Parallel((shape.Rows + BlockRows - 1) / BlockRows, scratch, (part, copy) =>
            {
                int first = part * BlockRows, realRows = Math.Min(BlockRows, shape.Rows - first);
                int rows = MicroKernel<T>.RoundUpRows(realRows), stride = shape.ARow;
                float* products = copy + ((long)BlockRows * depth) + columns;
                float* from = a + ((long)first * stride), target = c + ((long)first * count);
                if (rows != realRows)
                {
                    // In the last block, rows past the end must exist for the micro-kernel.
                    new Span<float>(copy, rows * depth).Clear();
                    for (int row = 0; row < realRows; row++)
                    {
                        var to = new Span<float>(copy + ((long)row * depth), depth);
                        new ReadOnlySpan<float>(from + ((long)row * stride), depth).CopyTo(to);
                    }
                    from = copy;
                    stride = depth;
                }

                // Writes straight into C if its rows are whole panels.
                bool direct = rows == realRows && width == count && (beta == 0f || beta == 1f);
                for (int panel = 0; panel < panels; panel++)
                {
                    MicroKernel<T>.Run(
                        rows, depth, from, stride, 1, panelsOfB + ((long)panel * depth * columns), columns,
                        (direct ? target : products) + (panel * columns), direct ? count : width, direct && beta == 1f);
                }

                for (int row = 0; row < realRows && !direct; row++)
                {
                    float* to = target + ((long)row * count), product = products + ((long)row * width);
                    if (beta == 0f) new ReadOnlySpan<float>(product, count).CopyTo(new Span<float>(to, count));
                    else for (int i = 0; i < count; i++) to[i] = (beta * to[i]) + product[i];
                }
            });
        }
    }
}
