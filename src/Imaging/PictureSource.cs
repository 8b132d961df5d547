namespace NativeStyle.Imaging;

/// <summary>
/// A picture that can be read row by row, from the first to the last, any number of times. A large picture is therefore
/// never in memory in floats if only a smaller size of it is used.
/// </summary>
public abstract class PictureSource
{
    /// <summary>The number of rows.</summary>
    public abstract int Height { get; }

    /// <summary>The number of columns.</summary>
    public abstract int Width { get; }

    /// <summary>Messages for the user about how the picture was read. It is empty if there are none.</summary>
    public IReadOnlyList<string> Notices { get; init; } = [];

    /// <summary>The bytes of memory that the source keeps as long as it is in use.</summary>
    public virtual long HeldBytes => 0;

    /// <summary>
    /// Calls <paramref name="row"/> with each row, (width, RGB), from the top. The span is valid during the call only.
    /// </summary>
    public abstract void ForEachRow(RowReader row);

    /// <summary>
    /// Returns the picture at another size. The result is equal to <see cref="Resampler"/>'s to the byte, but the whole
    /// picture is never in memory in floats.
    /// </summary>
    public virtual Picture At(int height, int width)
    {
        var resizer = new RowResizer(Height, Width, height, width);
        ForEachRow(resizer.Add);
        return new Picture(height, width, resizer.Picture.Pixels) { Notices = Notices };
    }

    /// <summary>Returns the picture at another size, which is computed on demand.</summary>
    public PictureSource Resized(int height, int width) =>
        (height, width) == (Height, Width) ? this : new ResizedSource(this, height, width);

    /// <summary>Returns a rectangle of the picture.</summary>
    public PictureSource Cropped(int top, int left, int height, int width) =>
        new CroppedSource(this, top, left, height, width);

    /// <summary>Returns the picture with each row changed in place.</summary>
    public PictureSource Mapped(Action<Span<float>> change) => new MappedSource(this, change);

    private sealed class ResizedSource(PictureSource source, int height, int width) : PictureSource
    {
        public override int Height => height;

        public override int Width => width;

        public override long HeldBytes => source.HeldBytes;

        public override void ForEachRow(RowReader row) => source.At(height, width).ForEachRow(row);

        public override Picture At(int height, int width) =>
            (height, width) == (Height, Width)
                ? source.At(height, width)
                : Resampler.Resize(source.At(Height, Width), height, width);
    }

    private sealed class CroppedSource(PictureSource source, int top, int left, int height, int width)
        : PictureSource
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

/// <summary>Receives a row of a picture.</summary>
/// <param name="y">The row's number, from 0.</param>
/// <param name="row">(width, RGB).</param>
public delegate void RowReader(int y, ReadOnlySpan<float> row);
