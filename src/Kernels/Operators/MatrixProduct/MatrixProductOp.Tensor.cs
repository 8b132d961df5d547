using ILGPU;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Translation;

namespace NativeStyle.Kernels.Operators.MatrixProduct;

// The matrix product in TF32: A and B are rounded to 10 bits of mantissa, and their products are summed in float32.
internal static partial class MatrixProductOp
{
    /// <summary>Computes a 128 x 64 tile of C by tensor cores; see <see cref="TensorProduct"/>.</summary>
    [GroupItems(TensorProduct.Items)]
    [LeastArchitecture(8, 0)]
    internal static void TensorKernel(
        ArrayView<float> a,
        ArrayView<float> b,
        ArrayView<float> c,
        MultiplyShape shape,
        Widths widths,
        float alpha,
        float beta) =>
        Tensor(default(TensorCore), a, b, c, shape, widths, alpha, beta);

    /// <summary>Does the same, with an exchange between lanes instead of the instruction.</summary>
    [GroupItems(TensorProduct.Items)]
    [LeastArchitecture(7, 0)]
    internal static void ExchangedTensorKernel(
        ArrayView<float> a,
        ArrayView<float> b,
        ArrayView<float> c,
        MultiplyShape shape,
        Widths widths,
        float alpha,
        float beta) =>
        Tensor(
            new ExchangedTensorCore(SharedMemory.Allocate<Float4>(ExchangedTensorCore.SharedQuads)),
            a, b, c, shape, widths, alpha, beta);

    internal static void RunTensor(ComputeDevice device, Arguments p) => device.LaunchGrouped(
        TensorKernel, TensorGrid(p), p.A, p.B, p.C, p.Shape, Widths.Of(p), p.Alpha, p.Beta);

    internal static void RunExchangedTensor(ComputeDevice device, Arguments p) => device.LaunchGrouped(
        ExchangedTensorKernel, TensorGrid(p), p.A, p.B, p.C, p.Shape, Widths.Of(p), p.Alpha, p.Beta);

    private static KernelConfig TensorGrid(Arguments p) =>
        new(GridOf(p.Shape, TensorProduct.Rows, TensorProduct.Columns), new Index3D(TensorProduct.Items, 1, 1));

    private static void Tensor<TCore>(
        TCore core,
        ArrayView<float> a,
        ArrayView<float> b,
        ArrayView<float> c,
        MultiplyShape shape,
        Widths widths,
        float alpha,
        float beta)
        where TCore : struct, ITensorCore
    {
        const int RowQuads = TensorProduct.Columns / 4;
        ArrayView<Float4> shared = SharedMemory.Allocate<Float4>(TensorProduct.SharedQuads);
        int firstRow = Grid.IdxX * TensorProduct.Rows;
        int firstColumn = Grid.IdxY * TensorProduct.Columns;
        TensorProduct.Sums sums = TensorProduct.Multiply(
            OperandA(a, shape, widths.A), OperandB(b, shape, widths.B), core, firstRow, firstColumn,
            shape.DepthOf(Grid.IdxZ), shared);
        for (int half = 0; half < 2; half++)
        {
            TensorProduct.Exchange(sums, half, shared);
            for (int place = Group.IdxX; place < TensorProduct.HalfRows * RowQuads; place += TensorProduct.Items)
            {
                int row = firstRow + (half * TensorProduct.HalfRows) + (place / RowQuads);
                int column = firstColumn + (place % RowQuads * 4);
                int at = (Grid.IdxZ * shape.CBatch) + (row * shape.Columns) + column;
                if (row < shape.Rows)
                    Quads.Accumulate(c, at, shape.Columns - column, alpha * shared[place], widths.C, beta);
            }
        }
    }
}
