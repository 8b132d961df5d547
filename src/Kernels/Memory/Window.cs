namespace NativeStyle.Kernels.Memory;

/// <summary>A rectangle of the pixels of a map.</summary>
/// <param name="Top">Its first row.</param>
/// <param name="Left">Its first column.</param>
public readonly record struct Window(int Top, int Left, int Height, int Width)
{
    /// <summary>The row after the last.</summary>
    public int Bottom => Top + Height;

    /// <summary>The column after the last.</summary>
    public int Right => Left + Width;

    /// <summary>The number of positions.</summary>
    public long Pixels => (long)Height * Width;

    /// <summary>The same pixels, counted from the upper left corner of a window that holds them.</summary>
    public Window Within(Window outer) => this with { Top = Top - outer.Top, Left = Left - outer.Left };
}
