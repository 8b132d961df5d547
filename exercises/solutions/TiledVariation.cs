namespace NativeStyle.Exercises;

/// <summary>A rectangle of a picture. Tiles hold each pixel of the picture once.</summary>
/// <param name="Top">Its first row.</param>
/// <param name="Left">Its first column.</param>
/// <param name="PictureHeight">Rows of the whole picture.</param>
public readonly record struct PictureTile(
    int Top, int Left, int Height, int Width, int PictureHeight, int PictureWidth);

/// <summary>
/// Solution of exercise 5. A pair belongs to its upper or left pixel, and so to the tile that holds that pixel. Tiles
/// hold each pixel once, so each pair is counted by exactly one tile, and Σ_T L_T = L. The other pixel of the pair is
/// at most one row below or one column to the right, so a halo of one pixel is enough. dL/dx[q] = 2 Σ (x[q] - x[n])
/// over the neighbours n of q that the picture has. All of these terms are computed by the tile that holds q, with no
/// regard to which tile counts the pair in L. So each tile's own part of the gradient is complete, and nothing is added
/// over tiles.
/// </summary>
public static class TiledVariation
{
    /// <summary>Pixels around a tile that may be read, where the picture has them. One is enough.</summary>
    public const int Halo = 1;

    /// <summary>What this tile adds to L.</summary>
    /// <param name="read">The pixel at a row and column of the picture, in the tile and its halo.</param>
    public static double Sum(PictureTile tile, Func<int, int, double> read)
    {
        double sum = 0;
        for (int row = tile.Top; row < tile.Top + tile.Height; row++)
        {
            for (int column = tile.Left; column < tile.Left + tile.Width; column++)
            {
                double x = read(row, column);
                if (column + 1 < tile.PictureWidth) sum += Math.Pow(read(row, column + 1) - x, 2);
                if (row + 1 < tile.PictureHeight) sum += Math.Pow(read(row + 1, column) - x, 2);
            }
        }

        return sum;
    }

    /// <summary>dL/dx of the tile's own pixels, where L is the loss of the whole picture.</summary>
    /// <inheritdoc cref="Sum"/>
    public static double[,] Gradient(PictureTile tile, Func<int, int, double> read)
    {
        double[,] gradient = new double[tile.Height, tile.Width];
        for (int row = 0; row < tile.Height; row++)
        {
            for (int column = 0; column < tile.Width; column++)
            {
                (int r, int c) = (tile.Top + row, tile.Left + column);
                foreach ((int nextRow, int nextColumn) in new[] { (r, c - 1), (r, c + 1), (r - 1, c), (r + 1, c) })
                {
                    bool inside = nextRow >= 0 && nextRow < tile.PictureHeight
                        && nextColumn >= 0 && nextColumn < tile.PictureWidth;
                    if (inside) gradient[row, column] += 2 * (read(r, c) - read(nextRow, nextColumn));
                }
            }
        }

        return gradient;
    }
}
