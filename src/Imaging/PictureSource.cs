namespace NativeStyle.Imaging;

/// <summary>
/// A picture that is read row by row, from its first to its last, as often as somebody wants it, so that a large one never
/// lies in memory in floats where only a smaller size of it is used.
/// </summary>
public abstract class PictureSource
{
    public abstract int Height { get; }

    public abstract int Width { get; }

    /// <summary>What the reader has to do that its user may want to know; empty if nothing.</summary>
    public IReadOnlyList<string> Notices { get; init; } = [];

    /// <summary>Bytes of memory that it keeps for as long as it is used.</summary>
    public virtual long HeldBytes => 0;

    /// <summary>Calls <paramref name="row"/> with each row, (width, RGB), from the top; the span is good for the call only.</summary>
    public abstract void ForEachRow(RowReader row);

    /// <summary>The picture at another size: <see cref="Resampler"/>'s, to the same bytes, without the whole in between.</summary>
    public virtual Picture At(int height, int width)
    {
        var resizer = new RowResizer(Height, Width, height, width);
        ForEachRow(resizer.Add);
        return new Picture(height, width, resizer.Picture.Pixels) { Notices = Notices };
    }

    /// <summary>The same at another size, made when it is asked for.</summary>
    public PictureSource Resized(int height, int width) => (height, width) == (Height, Width) ? this : new ResizedSource(this, height, width);

    /// <summary>A rectangle of it.</summary>
    public PictureSource Cropped(int top, int left, int height, int width) => new CroppedSource(this, top, left, height, width);

    /// <summary>The same with each row changed in place.</summary>
    public PictureSource Mapped(Action<Span<float>> change) => new MappedSource(this, change);

    private sealed class ResizedSource(PictureSource source, int height, int width) : PictureSource
    {
        public override int Height => height;

        public override int Width => width;

        public override long HeldBytes => source.HeldBytes;

        public override void ForEachRow(RowReader row) => source.At(height, width).ForEachRow(row);

        public override Picture At(int height, int width) =>
            (height, width) == (Height, Width) ? source.At(height, width) : Resampler.Resize(source.At(Height, Width), height, width);
    }

    private sealed class CroppedSource(PictureSource source, int top, int left, int height, int width) : PictureSource
    {
        public override int Height => height;

        public override int Width => width;

        public override long HeldBytes => source.HeldBytes;

        public override void ForEachRow(RowReader row) => source.ForEachRow((y, values) =>
        {
            if (y >= top && y < top + height) row(y - top, values.Slice(3 * left, 3 * width));
        });
    }

    private sealed class MappedSource(PictureSource source, Action<Span<float>> change) : PictureSource
    {
        private readonly float[] _row = new float[3 * source.Width];

        public override int Height => source.Height;

        public override int Width => source.Width;

        public override long HeldBytes => source.HeldBytes;

        public override void ForEachRow(RowReader row) => source.ForEachRow((y, values) =>
        {
            values.CopyTo(_row);
            change(_row);
            row(y, _row);
        });
    }
}

/// <summary>Sees a row of a picture.</summary>
/// <param name="y">Its number, from 0.</param>
/// <param name="row">(width, RGB).</param>
public delegate void RowReader(int y, ReadOnlySpan<float> row);
