using ILGPU.Runtime;
using ILGPU;
using NativeStyle.Kernels.Operators.Conv3x3;
using NativeStyle.Kernels.Operators.Gram;
using NativeStyle.Kernels.Operators.MatrixProduct;

namespace NativeStyle.Kernels.Tests;

/// <summary>CUDA's grids end at 65,535 groups along Y and Z, at 2,147,483,647 along X.</summary>
public class GridTests
{
    [Theory]
    [InlineData(256, 256)]
    [InlineData(2048, 2048)]
    [InlineData(4096, 4096)]
    [InlineData(1, 1)]
    public void GridsStayWithinTheLimitsAtEverySize(int height, int width)
    {
        foreach (int channels in new[] { 3, 8, 64, 128, 256, 512 })
        {
            int pixels = height * width, pieces = GramOp.Pieces(pixels, channels), depth = (pixels + pieces - 1) / pieces;
            MultiplyShape forward = GramOp.ProductShape(pixels, channels, depth, pieces);
            var backward = new MultiplyShape(pixels, channels, channels, 1, channels, 0, channels, 1, 0, channels, 0);
            int tiles = (height + 3) / 4 * ((width + 3) / 4);
            foreach (MultiplyShape shape in new[] { forward, backward, WinogradGpu.ProductShape(tiles, channels, 512) })
            {
                AssertWithin(MatrixProductOp.GridOf(shape, MatrixProductOp.Tile));
                AssertWithin(MatrixProductOp.GridOf(shape, MatrixProductOp.NarrowTile));
            }

            AssertWithin(WinogradGpu.OutputsGrid(new WinogradGpu.Tiles(0, tiles, (width + 3) / 4), channels));
        }
    }

    private static void AssertWithin(KernelConfig config)
    {
        Assert.InRange(config.GridDim.Y, 1, 65_535);
        Assert.InRange(config.GridDim.Z, 1, 65_535);
    }
}
