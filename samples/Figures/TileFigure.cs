using NativeStyle.Kernels.Operators.MatrixProduct;
using NativeStyle.Kernels.Simd;

namespace NativeStyle.Figures;

/// <summary>Where the numbers of a product are: memory, a group's tile, a work item's registers.</summary>
internal static class TileFigure
{
    private const int Tile = TileProduct.Small, Slice = TileProduct.Slice, Side = Tile / 8, Items = Side * Side;

    public static string Draw()
    {
        var drawing = new Drawing(860, 400, "A matrix product on a GPU, group, tile and registers, and on a CPU");
        Memory(drawing, 24);
        Group(drawing, 290);
        Registers(drawing, 520);
        Cpu(drawing, 700);
        return drawing.Svg();
    }

    /// <summary>C = A B in memory, and the slices that the group of one tile reads.</summary>
    private static void Memory(Drawing drawing, double left)
    {
        const double Scale = 0.66, Gap = 62;
        const int Size = 3 * Tile;
        double c = left + Gap, top = 150, cell = Tile * Scale;
        drawing.Text(left, 34, "Memory: C = A B", bold: true);
        drawing.Rectangle(c, top, Size * Scale, Size * Scale, Ink.Faint);
        for (int i = 0; i <= 3; i++)
        {
            drawing.Line(c + (i * cell), top, c + (i * cell), top + (3 * cell));
            drawing.Line(c, top + (i * cell), c + (3 * cell), top + (i * cell));
        }

        drawing.Rectangle(c + cell, top + cell, cell, cell, Ink.Green, Ink.Green, 0.5, 2);
        drawing.Rectangle(left, top + cell, Gap - 8, cell, Ink.Blue, Ink.Line, 0.12);
        drawing.Rectangle(left + 16, top + cell, 7, cell, Ink.Blue, Ink.None);
        drawing.Rectangle(c + cell, top - Gap, cell, Gap - 8, Ink.Orange, Ink.Line, 0.12);
        drawing.Rectangle(c + cell, top - Gap + 16, cell, 7, Ink.Orange, Ink.None);
        drawing.Text(left, top + cell - 8, "A", Ink.Blue, 14, bold: true);
        drawing.Text(c + cell - 16, top - 40, "B", Ink.Orange, 14, bold: true);
        drawing.Text(left, 316, $"A group computes a tile of", Ink.Soft, 13);
        drawing.Text(left, 334, $"{Tile} x {Tile}. Shared memory holds", Ink.Soft, 13);
        drawing.Text(left, 352, $"a slice of {Tile} x {Slice} floats of", Ink.Soft, 13);
        drawing.Text(left, 370, $"each, and the next one comes.", Ink.Soft, 13);
    }

    /// <summary>The tile, its work items, and the elements of one of them.</summary>
    private static void Group(Drawing drawing, double left)
    {
        const double Scale = 2.8, Top = 88;
        const int X = 5, Y = 3;
        drawing.Text(left, 34, $"Group: {Items} work items", bold: true);
        drawing.Text(left, 54, $"a tile of {Tile} x {Tile} sums", Ink.Soft, 13);
        drawing.Rectangle(left, Top, Tile * Scale, Tile * Scale, Ink.Green, Ink.Line, 0.12);
        for (int i = 1; i < Tile / 4; i++)
        {
            drawing.Line(left + (i * 4 * Scale), Top, left + (i * 4 * Scale), Top + (Tile * Scale), Ink.Line, 0.3);
            drawing.Line(left, Top + (i * 4 * Scale), left + (Tile * Scale), Top + (i * 4 * Scale), Ink.Line, 0.3);
        }

        foreach (int row in new[] { 4 * Y, (Tile / 2) + (4 * Y) })
        {
            drawing.Rectangle(left, Top + (row * Scale), Tile * Scale, 4 * Scale, Ink.Blue, Ink.None, 0.25);
            foreach (int column in new[] { 4 * X, (Tile / 2) + (4 * X) })
                drawing.Rectangle(
                    left + (column * Scale), Top + (row * Scale), 4 * Scale, 4 * Scale, Ink.Green, Ink.Text, 1, 1.2);
        }

        foreach (int column in new[] { 4 * X, (Tile / 2) + (4 * X) })
            drawing.Rectangle(left + (column * Scale), Top, 4 * Scale, Tile * Scale, Ink.Orange, Ink.None, 0.25);
        drawing.Text(left, 316, $"Item ({X}, {Y}) has four blocks of", Ink.Soft, 13);
        drawing.Text(left, 334, "4 x 4, half a tile apart, so that", Ink.Soft, 13);
        drawing.Text(left, 352, "neighbours read neighbouring", Ink.Soft, 13);
        drawing.Text(left, 370, "floats, 16 bytes each.", Ink.Soft, 13);
    }

    /// <summary>One step of the depth in a work item.</summary>
    private static void Registers(Drawing drawing, double left)
    {
        const double Cell = 14, Top = 112;
        double sums = left + 22;
        drawing.Text(left, 34, "Registers", bold: true);
        drawing.Text(left, 54, "of one work item", Ink.Soft, 13);
        for (int i = 0; i < 8; i++)
        {
            double gap = i < 4 ? 0 : 5;
            drawing.Rectangle(left, Top + (i * Cell) + gap, Cell, Cell, Ink.Blue, Ink.Line, 0.6);
            drawing.Rectangle(sums + (i * Cell) + gap, Top - 22, Cell, Cell, Ink.Orange, Ink.Line, 0.6);
            for (int j = 0; j < 8; j++)
                drawing.Rectangle(
                    sums + (j * Cell) + (j < 4 ? 0 : 5), Top + (i * Cell) + gap, Cell, Cell, Ink.Green, Ink.Line, 0.35);
        }

        drawing.Text(left, 252, "For each step of", Ink.Soft, 13);
        drawing.Text(left, 270, "the depth:", Ink.Soft, 13);
        drawing.Text(left, 292, "8 + 8 floats loaded,", size: 13);
        drawing.Text(left, 310, "8 x 8 multiply-adds:", size: 13);
        drawing.Text(left, 328, "4 for each float.", size: 13);
        drawing.Text(left, 352, "One element an item:", Ink.Soft, 13);
        drawing.Text(left, 370, "½ for each float.", Ink.Soft, 13);
    }

    /// <summary>The block of the CPU's micro-kernel.</summary>
    private static void Cpu(Drawing drawing, double left)
    {
        const double Cell = 9, Wide = 56, Top = 112;
        int rows = Lanes512.MicroRows, lanes = Lanes512.Count;
        drawing.Text(left, 34, "CPU, 512 bits", bold: true);
        drawing.Text(left, 54, $"{rows} x {2 * lanes} sums", Ink.Soft, 13);
        for (int row = 0; row < rows; row++)
        {
            drawing.Rectangle(left, Top + (row * (Cell + 2)), Cell, Cell, Ink.Blue, Ink.Line, 0.6);
            for (int vector = 0; vector < 2; vector++)
                drawing.Rectangle(
                    left + 18 + (vector * (Wide + 5)), Top + (row * (Cell + 2)), Wide, Cell, Ink.Green, Ink.Line, 0.35);
        }

        for (int vector = 0; vector < 2; vector++)
            drawing.Rectangle(left + 18 + (vector * (Wide + 5)), Top - 20, Wide, Cell, Ink.Orange, Ink.Line, 0.6);
        drawing.Text(left, 270, $"{2 * rows} + 2 + 1 of the", Ink.Soft, 13);
        drawing.Text(left, 288, "32 registers hold", Ink.Soft, 13);
        drawing.Text(left, 306, "sums, B and A.", Ink.Soft, 13);
        drawing.Text(left, 330, $"256 bits: {Lanes256.MicroRows} x {2 * Lanes256.Count}", size: 13);
        drawing.Text(left, 352, $"{2 * Lanes256.MicroRows} + 2 + 1 of 16", Ink.Soft, 13);
    }
}
