namespace NativeStyle.Imaging;

/// <summary>
/// Does the same as <see cref="Resampler.Resize(Picture, int, int)"/>, but on rows as they come. It makes the same
/// additions in the same order.
/// </summary>
internal sealed class RowResizer
{
    private readonly (int First, float[] Weights)[]? _across;
    private readonly (int First, float[] Weights)[]? _down;
    private readonly float[] _row;
    private readonly int _rowLength;
    private int _unfinished;

    public RowResizer(int height, int width, int newHeight, int newWidth)
    {
        _across = newWidth == width ? null : Resampler.Taps(width, newWidth);
        _down = newHeight == height ? null : Resampler.Taps(height, newHeight);
        Picture = new Picture(newHeight, newWidth);
        _rowLength = 3 * newWidth;
        _row = new float[_rowLength];
    }

    /// <summary>The resized picture, complete after all rows were added.</summary>
    public Picture Picture { get; }

    /// <summary>Adds the next row, (width, RGB).</summary>
    public void Add(int y, ReadOnlySpan<float> row)
    {
        if (_across is null) row.CopyTo(_row);
        else Shrink(row);
        if (_down is null)
        {
            Finish(y, _row);
            return;
        }

        for (int i = _unfinished; i < _down.Length && _down[i].First <= y; i++)
        {
            (int first, float[] weights) = _down[i];
            if (y >= first + weights.Length) continue;
            Span<float> target = Picture.Pixels.AsSpan(i * _rowLength, _rowLength);
            float weight = weights[y - first];
            for (int x = 0; x < target.Length; x++) target[x] += weight * _row[x];
            if (y != first + weights.Length - 1) continue;
            Finish(i, target);
            if (i == _unfinished) _unfinished++;
        }
    }

    private void Shrink(ReadOnlySpan<float> row)
    {
        for (int column = 0; column < _across!.Length; column++)
        {
            (int first, float[] weights) = _across[column];
            for (int c = 0; c < 3; c++)
            {
                float sum = 0;
                for (int k = 0; k < weights.Length; k++) sum += weights[k] * row[(3 * (first + k)) + c];
                _row[(3 * column) + c] = sum;
            }
        }
    }

    /// <summary>
    /// Clamps a row, because the filter overshoots at edges. A picture that keeps its size keeps its values.
    /// </summary>
    private void Finish(int y, ReadOnlySpan<float> row)
    {
        Span<float> target = Picture.Pixels.AsSpan(y * _rowLength, _rowLength);
        bool same = _across is null && _down is null;
        for (int x = 0; x < target.Length; x++) target[x] = same ? row[x] : Math.Clamp(row[x], 0f, 1f);
    }
}
