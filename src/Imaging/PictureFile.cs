using NativeStyle.Imaging.Png;
using NativeStyle.Imaging.Stb;

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
    /// <summary>The formats that are read, for people.</summary>
    public const string Readable = "JPEG, PNG, BMP, TGA, GIF, PSD or HDR";

    private static readonly string[] s_readable = [".jpg", ".jpeg", ".png", ".bmp", ".tga", ".gif", ".psd", ".hdr"];

    /// <summary>Whether a file is taken for a picture in a folder, by its extension.</summary>
    public static bool HasPictureName(string path) => s_readable.Contains(Path.GetExtension(path).ToLowerInvariant());

    /// <summary>The extensions that <see cref="Write"/> knows.</summary>
    public static IReadOnlyList<string> WritableExtensions { get; } = [".png", ".jpg", ".jpeg", ".tif", ".tiff", ".npy"];

    /// <summary>A file larger than this is no picture of a size that is read.</summary>
    private const long MaxFileBytes = 1L << 30;

    /// <summary>Reads a JPEG, PNG, BMP, TGA, GIF (its first frame), PSD or Radiance HDR file.</summary>
    /// <exception cref="InvalidDataException">No such picture, too large, or damaged; the message names the file.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static Picture Read(string path) => Floats(Open(path));

    /// <summary>The same, decoded once and kept as the file has it: three bytes a pixel, of 16-bit pictures six.</summary>
    /// <param name="memory">Bytes that decoding may take.</param>
    /// <exception cref="PictureMemoryException">It takes more.</exception>
    /// <inheritdoc cref="Read"/>
    public static PictureSource Open(string path, long memory = long.MaxValue)
    {
        try
        {
            long length = new FileInfo(path).Length;
            if (length > MaxFileBytes) throw new InvalidDataException($"has {length:n0} bytes, expected a picture of at most {MaxFileBytes:n0}");
            return PictureDecoder.Decode(File.ReadAllBytes(path), memory);
        }
        catch (InvalidDataException bad)
        {
            throw new InvalidDataException($"{path} {bad.Message}", bad);
        }
        catch (PictureMemoryException large)
        {
            throw new PictureMemoryException($"{path} {large.Message}", large.NeededBytes, large.MemoryBytes);
        }
    }

    /// <summary>Decodes a file's bytes.</summary>
    /// <exception cref="InvalidDataException">No such picture, too large, or damaged; the message goes after a file's name.</exception>
    public static Picture Decode(byte[] bytes) => Floats(PictureDecoder.Decode(bytes, long.MaxValue));

    private static Picture Floats(PictureSource source) => source.At(source.Height, source.Width);

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
