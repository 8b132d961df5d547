using NativeStyle.Imaging.Jpeg;
using NativeStyle.Imaging.Png;

namespace NativeStyle.Imaging;

/// <summary>A picture file that is decoded whenever its rows are wanted.</summary>
internal sealed class FileSource : PictureSource
{
    public const string OnWhite = "its transparent parts were put on white";

    private readonly string _path;
    private readonly int _orientation;

    private FileSource(string path, int height, int width, int orientation) => (_path, Height, Width, _orientation) = (path, height, width, orientation);

    public override int Height { get; }

    public override int Width { get; }

    /// <summary>Reads no more than the file's header.</summary>
    public static FileSource Open(string path, byte[] bytes) => PictureFile.Decoding(() =>
    {
        if (PngDecoder.IsPng(bytes))
        {
            (int height, int width, bool transparent) = PngDecoder.Measure(bytes);
            return new FileSource(path, height, width, 1) { Notices = transparent ? [OnWhite] : [] };
        }

        if (JpegDecoder.IsJpeg(bytes))
        {
            (int height, int width, int orientation) = JpegDecoder.Measure(bytes);
            return new FileSource(path, height, width, orientation) { Notices = orientation == 1 ? [] : [Orientation.Notice] };
        }

        throw PictureFile.Unknown(bytes);
    });

    public override void ForEachRow(RowReader row)
    {
        // Turned pictures come with their columns as rows: there is no way around having all of it.
        if (_orientation == 1) Decode(row);
        else PictureFile.Read(_path).ForEachRow(row);
    }

    /// <summary>A picture that is to be turned is made smaller first.</summary>
    public override Picture At(int height, int width)
    {
        bool turned = _orientation >= 5;
        (int storedHeight, int storedWidth) = turned ? (Width, Height) : (Height, Width);
        var resizer = new RowResizer(storedHeight, storedWidth, turned ? width : height, turned ? height : width);
        Decode(resizer.Add);
        return Orientation.Apply(resizer.Picture, _orientation);
    }

    private void Decode(RowReader row) => PictureFile.Named(_path, () => PictureFile.Decoding(() =>
    {
        byte[] bytes = File.ReadAllBytes(_path);
        if (PngDecoder.IsPng(bytes)) PngDecoder.ForEachRow(bytes, row);
        else JpegDecoder.ForEachRow(bytes, row);
        return true;
    }));
}
