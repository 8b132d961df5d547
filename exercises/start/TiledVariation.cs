namespace NativeStyle.Exercises;

/// <summary>A rectangle of a picture. Tiles hold each pixel of the picture once.</summary>
/// <param name="Top">Its first row.</param>
/// <param name="Left">Its first column.</param>
/// <param name="PictureHeight">Rows of the whole picture.</param>
public readonly record struct PictureTile(
    int Top, int Left, int Height, int Width, int PictureHeight, int PictureWidth);

/// <summary>
/// Exercise 5: make tiles exact for total variation, and prove it. The loss of the whole picture is the sum over all
/// pairs of neighbours,
/// <code>
///   L = Σ (x[r, c+1] - x[r, c])² + (x[r+1, c] - x[r, c])²
/// </code>
/// Which tile counts a pair whose pixels lie in two tiles? And what does a pixel's gradient need? The code below looks
/// at pairs inside a tile only, so the seams are missing. Mend it, and write your proof in a comment: each pair is
/// counted by exactly one tile, and each term of dL/dx[q] by the tile that holds q.
/// </summary>
public static class TiledVariation
{
    /// <summary>Pixels around a tile that may be read, where the picture has them. One is enough.</summary>
    public const int Halo = 0;

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
                if (column + 1 < tile.Left + tile.Width) sum += Math.Pow(read(row, column + 1) - x, 2);
                if (row + 1 < tile.Top + tile.Height) sum += Math.Pow(read(row + 1, column) - x, 2);
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
                    bool inside = nextRow >= tile.Top && nextRow < tile.Top + tile.Height
                        && nextColumn >= tile.Left && nextColumn < tile.Left + tile.Width;
                    if (inside) gradient[row, column] += 2 * (read(r, c) - read(nextRow, nextColumn));
                }
            }
        }

        return gradient;
    }
}
