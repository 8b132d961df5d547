namespace NativeStyle.Kernels.Operators.Expand;

/// <summary>A map, or a window of one, and what it is expanded to.</summary>
/// <param name="Rows">Which row of the map each row of the result is a copy of.</param>
/// <param name="Columns">Which column of the map each column of the result is a copy of.</param>
/// <param name="Height">Rows of the map's window.</param>
/// <param name="Width">Columns of the map's window.</param>
/// <param name="Channels">Channels of both.</param>
public readonly record struct ExpandShape(
    ExpansionAxis Rows, ExpansionAxis Columns, int Height, int Width, int Channels)
{
    /// <summary>The shape of a whole map.</summary>
    /// <exception cref="ArgumentException">The map is too small for the padding.</exception>
    public static ExpandShape Whole(int height, int width, int channels, Expansion expansion) =>
        new(ExpansionAxis.Whole(height, expansion), ExpansionAxis.Whole(width, expansion), height, width, channels);

    /// <summary>Elements of the map's window.</summary>
    public long InLength => (long)Height * Width * Channels;

    /// <summary>Elements of the result's window.</summary>
    public long OutLength => (long)Rows.Count * Columns.Count * Channels;

    /// <summary>The element of the map's window that an element of the result's window is a copy of.</summary>
    internal int Source(int index)
    {
        int c = index % Channels;
        int pixel = index / Channels;
        int row = Rows.Source(pixel / Columns.Count);
        int column = Columns.Source(pixel % Columns.Count);
        return (((row * Width) + column) * Channels) + c;
    }

    /// <exception cref="ArgumentException">
    /// The map is too small for the padding, a window does not lie in its map, or the map's window lacks a pixel that
    /// the result needs.
    /// </exception>
    internal void RequireValid()
    {
        Rows.RequireValid();
        Columns.RequireValid();
        ((int top, int bottom), (int left, int right)) = (Rows.Sources, Columns.Sources);
        if (top < Rows.Start || bottom > Rows.Start + Height || left < Columns.Start || right > Columns.Start + Width)
        {
            throw new ArgumentException(
                $"rows {top} to {bottom} and columns {left} to {right} of the map are needed, but it has {Height} x "
                + $"{Width} pixels from ({Rows.Start}, {Columns.Start}) on");
        }
    }
}
