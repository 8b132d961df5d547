using NativeStyle.Imaging.Jpeg;
using NativeStyle.Imaging.Png;

namespace NativeStyle.Imaging;

/// <summary>What a picture file is written as.</summary>
/// <param name="PngDepth">8 or 16 bits a channel.</param>
/// <param name="JpegQuality">1 to 100.</param>
/// <param name="Text">Keywords with texts that a PNG file also holds.</param>
public sealed record PictureWriteOptions(
    int PngDepth = 8, int JpegQuality = 95, IReadOnlyDictionary<string, string>? Text = null);

/// <summary>Pictures in files. Formats are told by content when reading, by the name's extension when writing.</summary>
public static class PictureFile
{
    /// <summary>Pixels of the largest picture that is decoded; more is taken for damage or an attack.</summary>
    public const long MaxPixels = 1L << 27;

    /// <summary>The extensions that <see cref="Write"/> knows.</summary>
    public static IReadOnlyList<string> WritableExtensions { get; } = [".png", ".jpg", ".jpeg", ".tif", ".tiff", ".npy"];

    /// <summary>Pixels of a picture that is decoded once and kept; a larger one is decoded each time that it is used.</summary>
    private const long KeptPixels = 1L << 22;

    /// <summary>Reads a PNG or JPEG file.</summary>
    /// <exception cref="InvalidDataException">No such picture, or damaged; the message names the file.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static Picture Read(string path)
    {
        byte[] bytes = File.ReadAllBytes(path);
        return Named(path, () => Decode(bytes));
    }

    /// <summary>A PNG or JPEG file to read row by row; a small one is read at once.</summary>
    /// <inheritdoc cref="Read"/>
    public static PictureSource Open(string path)
    {
        byte[] bytes = File.ReadAllBytes(path);
        return Named(path, () =>
        {
            PictureSource source = FileSource.Open(path, bytes);
            return (long)source.Height * source.Width <= KeptPixels ? Decode(bytes) : source;
        });
    }

    /// <summary>Decodes a PNG or JPEG file's bytes.</summary>
    /// <exception cref="InvalidDataException">No such picture, or damaged; the message goes after a file's name.</exception>
    public static Picture Decode(byte[] bytes) => Decoding(() =>
    {
        if (PngDecoder.IsPng(bytes))
        {
            (int height, int width, _) = PngDecoder.Measure(bytes);
            bool transparent = false;
            float[] pixels = Collected(height, width, rows => transparent = PngDecoder.ForEachRow(bytes, rows));
            return new Picture(height, width, pixels) { Notices = transparent ? [FileSource.OnWhite] : [] };
        }

        if (JpegDecoder.IsJpeg(bytes))
        {
            (int height, int width, int orientation) = JpegDecoder.Measure(bytes);
            if (orientation >= 5) (height, width) = (width, height);
            float[] pixels = Collected(height, width, rows => JpegDecoder.ForEachRow(bytes, rows));
            return Orientation.Apply(new Picture(height, width, pixels), orientation);
        }

        throw Unknown(bytes);
    });

    internal static InvalidDataException Unknown(byte[] bytes) => new(bytes.Length == 0 ? "is empty, expected a PNG or JPEG picture"
        : $"is no PNG or JPEG picture (it begins with bytes {Convert.ToHexStringLower(bytes.AsSpan(0, Math.Min(8, bytes.Length)))}); convert it to one of these");

    /// <summary>Whatever a decoder meets in a damaged file becomes one kind of error.</summary>
    internal static T Decoding<T>(Func<T> decode)
    {
        try
        {
            return decode();
        }
        catch (Exception damage) when (damage is EndOfStreamException or IndexOutOfRangeException or ArgumentException or OverflowException)
        {
            // A decoder ran out of the file's bytes somewhere in the middle.
            throw new InvalidDataException("is damaged or truncated", damage);
        }
    }

    internal static T Named<T>(string path, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (InvalidDataException bad)
        {
            throw new InvalidDataException($"{path} {bad.Message}", bad);
        }
    }

    /// <summary>All rows in memory, which is taken with the first: by then the decoder has found the size credible.</summary>
    private static float[] Collected(int height, int width, Action<RowReader> decode)
    {
        float[] pixels = [];
        decode((y, row) =>
        {
            if (pixels.Length == 0) pixels = new float[checked(height * width * 3)];
            row.CopyTo(pixels.AsSpan(y * width * 3));
        });
        return pixels;
    }

    /// <summary>Writes to a temporary file beside <paramref name="path"/> and renames it: never half a picture.</summary>
    /// <exception cref="ArgumentException">The extension is none of <see cref="WritableExtensions"/>.</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public static void Write(string path, Picture picture, PictureWriteOptions? options = null)
    {
        string extension = Known(Path.GetExtension(path));
        AtomicFile.Write(path, file =>
        {
            // Flushed, not disposed: the file is closed by whom it belongs to.
            var buffered = new BufferedStream(file, 1 << 16);
            Encode(buffered, picture, extension, options);
            buffered.Flush();
        });
    }

    /// <summary>A picture as the bytes of a file.</summary>
    /// <param name="extension">One of <see cref="WritableExtensions"/>.</param>
    /// <exception cref="ArgumentException">It is none of them.</exception>
    public static byte[] Encode(Picture picture, string extension, PictureWriteOptions? options = null)
    {
        using var file = new MemoryStream();
        Encode(file, picture, Known(extension), options);
        return file.ToArray();
    }

    /// <summary>Row by row.</summary>
    private static void Encode(Stream file, Picture picture, string extension, PictureWriteOptions? options)
    {
        options ??= new PictureWriteOptions();
        switch (extension)
        {
            case ".png":
                PngEncoder.Write(file, picture, options.PngDepth, options.Text);
                break;
            case ".jpg" or ".jpeg":
                JpegEncoder.Write(file, picture, options.JpegQuality);
                break;
            case ".npy":
                NpyEncoder.Write(file, picture);
                break;
            default:
                TiffEncoder.Write(file, picture);
                break;
        }
    }

    private static string Known(string extension)
    {
        string lower = extension.ToLowerInvariant();
        return WritableExtensions.Contains(lower) ? lower
            : throw new ArgumentException($"'{extension}' is no picture format that can be written; use {string.Join(", ", WritableExtensions)}");
    }
}
