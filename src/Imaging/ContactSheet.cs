namespace NativeStyle.Imaging;

/// <summary>A picture with its label. The cell is empty if there is no picture.</summary>
internal readonly record struct SheetCell(string Label, Picture? Picture);

/// <summary>Lays out many pictures on one, in rows, each with a label above it.</summary>
internal static class ContactSheet
{
    private const int Gap = 8;

    /// <summary>Lays the cells out on white. Each picture is fitted into its cell.</summary>
    /// <param name="rows">The cells. Rows may have different lengths.</param>
    /// <param name="cellHeight">The most rows of pixels for a picture.</param>
    /// <param name="cellWidth">The most columns of pixels for a picture, and for its label.</param>
    /// <param name="title">A title above everything, or empty.</param>
    public static Picture Create(
        IReadOnlyList<IReadOnlyList<SheetCell>> rows, int cellHeight, int cellWidth, string title = "")
    {
        int columns = rows.Max(row => row.Count), titleHeight = title.Length > 0 ? 3 * Lettering.LineHeight : 0;
        int rowHeight = Lettering.LineHeight + cellHeight + Gap;
        var sheet = new Picture(titleHeight + Gap + (rows.Count * rowHeight), Gap + (columns * (cellWidth + Gap)));
        Array.Fill(sheet.Pixels, 1f);
        if (title.Length > 0) Lettering.Write(sheet, title, Gap, Gap, 2);
        for (int row = 0; row < rows.Count; row++)
        {
            for (int column = 0; column < rows[row].Count; column++)
            {
                SheetCell cell = rows[row][column];
                (int top, int left) = (titleHeight + Gap + (row * rowHeight), Gap + (column * (cellWidth + Gap)));
                // Cut off a label that is too long, so that it does not run into its neighbour.
                int letters = Math.Min(cell.Label.Length, (cellWidth + 1) / Lettering.Advance);
                Lettering.Write(sheet, cell.Label[..letters], top, left);
                if (cell.Picture is { } picture)
                    Place(sheet, picture, top + Lettering.LineHeight, left, cellHeight, cellWidth);
            }
        }

        return sheet;
    }

    private static void Place(Picture sheet, Picture picture, int top, int left, int cellHeight, int cellWidth)
    {
        double scale = Math.Min((double)cellHeight / picture.Height, (double)cellWidth / picture.Width);
        int height = Math.Max(1, (int)(picture.Height * scale)), width = Math.Max(1, (int)(picture.Width * scale));
        Picture sized = Resampler.Resize(picture, height, width);
        for (int row = 0; row < height; row++)
        {
            Span<float> target = sheet.Pixels.AsSpan((((top + row) * sheet.Width) + left) * 3);
            sized.Pixels.AsSpan(row * width * 3, width * 3).CopyTo(target);
        }
    }
}
