namespace NativeStyle.Imaging;

/// <summary>An RGB picture in floats. 0 is black and 1 is white, in the file's own (usually sRGB) encoding.</summary>
public sealed class Picture : PictureSource
{
    /// <param name="height">The number of rows, at least 1.</param>
    /// <param name="width">The number of columns, at least 1.</param>
    /// <param name="pixels">(height, width, RGB), or null for black.</param>
    public Picture(int height, int width, float[]? pixels = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        (Height, Width, Pixels) = (height, width, pixels ?? new float[checked(height * width * 3)]);
        if (Pixels.Length != height * width * 3)
            throw new ArgumentException($"{Pixels.Length} values are not {height} x {width} x 3", nameof(pixels));
    }

    /// <inheritdoc/>
    public override int Height { get; }

    /// <inheritdoc/>
    public override int Width { get; }

    /// <summary>(height, width, RGB).</summary>
    public float[] Pixels { get; }

    /// <summary>One sample: 0 for black, 1 for white.</summary>
    /// <param name="channel">0, 1 and 2 for red, green and blue.</param>
    public float this[int row, int column, int channel]
    {
        get => Pixels[(((row * Width) + column) * 3) + channel];
        set => Pixels[(((row * Width) + column) * 3) + channel] = value;
    }

    /// <inheritdoc/>
    public override long HeldBytes => sizeof(float) * Pixels.LongLength;

    /// <inheritdoc/>
    public override void ForEachRow(RowReader row)
    {
        for (int y = 0; y < Height; y++) row(y, Pixels.AsSpan(y * Width * 3, Width * 3));
    }

    /// <inheritdoc/>
    public override Picture At(int height, int width) => Resampler.Resize(this, height, width);
}
