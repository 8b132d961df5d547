using NativeStyle.Kernels.Memory;
using NativeStyle.Style.Tiling;
using NativeStyle.Vgg;

namespace NativeStyle.Figures;

/// <summary>A tile, and what is computed for it, on the two maps of a segment.</summary>
internal static class HaloFigure
{
    private const int Height = 48, Width = 64, Cells = 8, Side = 64;

    public static string Draw()
    {
        var options = new VggOptions();
        var plan = new VggPlan(VggArchitecture.Vgg19, options, ["conv1_1", "conv2_2"]);
        var segment = new Segment(plan.Steps, Height, Width, options);
        Tile[] tiles = [.. segment.Tiles((Cells, Cells))];
        int across = segment.Cells.Width / Cells;
        Tile tile = tiles[across + 1];

        var drawing = new Drawing(860, 470, "A tile of a picture and its halo");
        (string Name, string[] Layers)[] maps = [
            .. Enumerable.Range(0, segment.LastLevel + 1).Select(level => (
                level == 0 ? "The picture" : "The map after the pooling",
                segment.Layers.Where(layer => segment.Level(layer) == level).Select(layer => layer.Name).ToArray()))];
        for (int level = 0; level <= segment.LastLevel; level++)
        {
            (int rows, int columns) = segment.SizeAt(level);
            double left = 24 + (level * 424), top = 66, scale = 380.0 / columns;
            drawing.Text(left, 30, $"{maps[level].Name}, {columns} x {rows}", bold: true);
            drawing.Text(left, 50, $"read by {string.Join(" and ", maps[level].Layers)}", Ink.Soft, 13);
            drawing.Rectangle(left, top, columns * scale, rows * scale, Ink.Faint);
            foreach (Tile each in tiles) Outline(each.Own(level), Ink.None, Ink.Line, 1, 1);
            Window own = tile.Own(level), computed = tile.Computed(level);
            Outline(computed, Ink.Orange, Ink.Orange, 0.18, 2.5);
            Outline(own, Ink.Blue, Ink.Blue, 0.45, 2.5);
            // A convolution spoils a pixel more at each end of the window that lies inside the picture.
            int convolutions = maps[level].Layers.Length;
            int spoilt = convolutions + (level == 0 ? 0 : (segment.Layers.Count - convolutions) / 2);
            var right = new Window(
                computed.Top + spoilt, computed.Left + spoilt, computed.Height - (2 * spoilt),
                computed.Width - (2 * spoilt));
            Outline(right, Ink.None, Ink.Green, 1, 2);
            double y = top + (rows * scale) + 26;
            drawing.Text(left, y, $"own: {own.Width} x {own.Height}", Ink.Blue, 14, bold: true);
            drawing.Text(left + 120, y, $"computed: {computed.Width} x {computed.Height}", Ink.Orange, 14, bold: true);
            drawing.Text(
                left + 290, y, $"right: {right.Width} x {right.Height}", Ink.Green, 14, bold: true);

            void Outline(Window window, Ink fill, Ink stroke, double opacity, double lineWidth) => drawing.Rectangle(
                left + (window.Left * scale), top + (window.Top * scale), window.Width * scale, window.Height * scale,
                fill, stroke, opacity, lineWidth);
        }

        drawing.Text(
            24, 410,
            "Zeros around the orange window are wrong where the picture goes on: each convolution spoils one more "
                + "pixel from its edge.", Ink.Soft, 13);
        drawing.Text(
            24, 430,
            "Inside the green line the map is that of the whole picture, and the tile's own part lies within it.",
            Ink.Soft, 13);
        drawing.Text(
            24, 450,
            $"Small tiles cost most: {Drawing.Words(Windows(segment, Cells), "0.00")} times the picture's pixels here, "
                + $"and {Drawing.Words(Windows(new Segment(plan.Steps, 2048, 2048, options), 2 * Side), "0.00")} "
                + $"times for tiles of {4 * Side} x {4 * Side} in 2048 x 2048.",
            Ink.Soft, 13);
        return drawing.Svg();
    }

    /// <summary>The pixels of all tiles' windows, relative to the picture's.</summary>
    private static double Windows(Segment segment, int cells) =>
        (double)segment.PixelsOfWindows((cells, cells), 0) / ((long)segment.Size.Height * segment.Size.Width);
}
