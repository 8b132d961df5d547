using ILGPU;
using ILGPU.Runtime;
using NativeStyle.Kernels.Operators.Conv3x3;
using NativeStyle.Kernels.Operators.Gram;
using NativeStyle.Kernels.Operators.MatrixProduct;

namespace NativeStyle.Kernels.Tests;

/// <summary>CUDA's grids end at 65,535 groups along Y and Z, and at 2,147,483,647 along X.</summary>
public class GridTests
{
    [Theory]
    [InlineData(256, 256)]
    [InlineData(2048, 2048)]
    [InlineData(4096, 4096)]
    [InlineData(1, 1)]
    public void GridsStayWithinTheLimitsAtEverySize(int height, int width)
    {
        (int Rows, int Columns)[] tileSizes =
        [
            (MatrixProductOp.NarrowTile, 64),
            (TileProduct.Small, TileProduct.Small),
            (TensorProduct.Rows, TensorProduct.Columns),
        ];
        foreach (int channels in new[] { 3, 8, 64, 128, 256, 512 })
        {
            int pixels = height * width, pieces = GramOp.Pieces(pixels, channels);
            int depth = (pixels + pieces - 1) / pieces;
            MultiplyShape forward = GramOp.ProductShape(pixels, channels, depth, pieces);
            var backward = new MultiplyShape(pixels, channels, channels, 1, channels, 0, channels, 1, 0, channels, 0);
            int tiles = (height + 3) / 4 * ((width + 3) / 4);
            foreach (MultiplyShape shape in new[] { forward, backward, WinogradGpu.ProductShape(tiles, channels, 512) })
            {
                foreach ((int rows, int columns) in tileSizes)
                    AssertWithin(MatrixProductOp.GridOf(shape, rows, columns));
            }

            AssertWithin(WinogradGpu.OutputsGrid(new WinogradGpu.Tiles(0, tiles, (width + 3) / 4), channels).GridDim);
            AssertWithin(DirectGpu.Grids(new Conv3x3Shape(height, width, 3, channels), WindowOutput.Windows, channels));
        }
    }

    private static void AssertWithin(Index3D grid)
    {
        Assert.InRange(grid.Y, 1, 65_535);
        Assert.InRange(grid.Z, 1, 65_535);
    }
}
