namespace NativeStyle.Exercises.Tests;

public class TiledVariationTests
{
    /// <summary>
    /// Pixels are small integers, so all sums are exact, and tiles must give the whole picture's numbers exactly,
    /// however it is cut.
    /// </summary>
    [Fact]
    public void TilesGiveTheWholePicturesSumAndGradient()
    {
        Assert.InRange(TiledVariation.Halo, 0, 1);
        var random = new Random(1);
        for (int round = 0; round < 200; round++)
        {
            (int height, int width) = (random.Next(1, 12), random.Next(1, 12));
            double[,] x = new double[height, width];
            for (int row = 0; row < height; row++)
                for (int column = 0; column < width; column++) x[row, column] = random.Next(-50, 50);
            double sum = 0;
            double[,] gradient = new double[height, width];
            foreach (PictureTile tile in Cut(height, width, random))
            {
                double Read(int row, int column)
                {
                    const int Halo = TiledVariation.Halo;
                    Assert.InRange(row, Math.Max(0, tile.Top - Halo), tile.Top + tile.Height - 1 + Halo);
                    Assert.InRange(column, Math.Max(0, tile.Left - Halo), tile.Left + tile.Width - 1 + Halo);
                    return x[row, column];
                }

                sum += TiledVariation.Sum(tile, Read);
                double[,] own = TiledVariation.Gradient(tile, Read);
                for (int row = 0; row < tile.Height; row++)
                    for (int column = 0; column < tile.Width; column++)
                        gradient[tile.Top + row, tile.Left + column] += own[row, column];
            }

            Assert.Equal(Loss(x), sum);
            for (int row = 0; row < height; row++)
                for (int column = 0; column < width; column++)
                    Assert.Equal(Difference(x, row, column), gradient[row, column]);
        }
    }

    private static double Loss(double[,] x)
    {
        double sum = 0;
        for (int row = 0; row < x.GetLength(0); row++)
            for (int column = 0; column < x.GetLength(1); column++)
            {
                if (column > 0) sum += Math.Pow(x[row, column] - x[row, column - 1], 2);
                if (row > 0) sum += Math.Pow(x[row, column] - x[row - 1, column], 2);
            }

        return sum;
    }

    /// <summary>The central difference, which is exact for a quadratic function.</summary>
    private static double Difference(double[,] x, int row, int column)
    {
        x[row, column] += 1;
        double more = Loss(x);
        x[row, column] -= 2;
        double less = Loss(x);
        x[row, column] += 1;
        return (more - less) / 2;
    }

    private static IEnumerable<PictureTile> Cut(int height, int width, Random random)
    {
        List<int> rows = Ends(height), columns = Ends(width);
        for (int i = 0; i + 1 < rows.Count; i++)
            for (int j = 0; j + 1 < columns.Count; j++)
                yield return new PictureTile(
                    rows[i], columns[j], rows[i + 1] - rows[i], columns[j + 1] - columns[j], height, width);

        List<int> Ends(int length)
        {
            List<int> ends = [0];
            while (ends[^1] < length) ends.Add(Math.Min(length, ends[^1] + random.Next(1, 5)));
            return ends;
        }
    }
}
