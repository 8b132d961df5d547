using NativeStyle.Imaging;

namespace NativeStyle.Style.Tiling;

/// <summary>A picture of some size for rehearsals, whose pixels nobody reads.</summary>
internal sealed class BlankPicture(int height, int width) : PictureSource
{
    public override int Height => height;

    public override int Width => width;

    public override void ForEachRow(RowReader row) =>
        throw new NotSupportedException("a rehearsal reads no picture");
}
