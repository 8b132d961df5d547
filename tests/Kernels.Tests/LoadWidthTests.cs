using NativeStyle.Kernels.Operators.MatrixProduct;

namespace NativeStyle.Kernels.Tests;

/// <summary>
/// Tests the small decisions of the matrix product's kernels: how they load, which tile they take, what TF32 keeps.
/// </summary>
public class LoadWidthTests
{
    [Theory]
    [InlineData(true, 64, 64, 0, true)]
    [InlineData(true, 64, 128, 4096, true)]
    [InlineData(false, 64, 64, 0, false)] // a view at an odd offset
    [InlineData(true, 3, 3, 0, false)] // three channels
    [InlineData(true, 27, 64, 0, false)]
    [InlineData(true, 64, 66, 0, false)]
    [InlineData(true, 64, 64, 4098, false)]
    public void FourFloatsAreLoadedTogetherWhereEveryRowStartsAndEndsAt16Bytes(
        bool starts, int columns, int stride, int batchStride, bool vector)
    {
        LoadWidth width = MatrixOperand.WidthOf(starts, columns, stride, batchStride);
        Assert.Equal(vector ? LoadWidth.Vector : LoadWidth.Scalar, width);
    }

    [Fact]
    public void LargeTilesAreForProductsThatFillAGpu()
    {
        Assert.True(MatrixProductOp.FillsLargeTiles(MultiplyShape.Square(4096)));
        Assert.False(MatrixProductOp.FillsLargeTiles(MultiplyShape.Square(512)));
        // 64 columns would leave half of each tile empty.
        Assert.False(MatrixProductOp.FillsLargeTiles(new MultiplyShape(100_000, 64, 64, 1, 64, 0, 64, 1, 0, 64, 0)));
    }

    [Theory]
    [InlineData(1f, 1f)]
    [InlineData(1f + (1f / 2048), 1f + (1f / 1024))] // half of the last place: rounded away from zero
    [InlineData(-1f - (1f / 2048), -1f - (1f / 1024))]
    [InlineData(1f + (1f / 4096), 1f)]
    [InlineData(0f, 0f)]
    [InlineData(float.PositiveInfinity, float.PositiveInfinity)]
    [InlineData(float.NaN, float.NaN)]
    public void Tf32KeepsTenBitsOfMantissa(float value, float rounded) =>
        Assert.Equal(rounded, TensorFloat.Round(value));
}
