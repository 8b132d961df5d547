using NativeStyle.Imaging.Png;
using NativeStyle.Imaging.Stb;

namespace NativeStyle.Imaging;

/// <summary>Options of a picture file to write.</summary>
/// <param name="PngDepth">8 or 16 bits per channel.</param>
/// <param name="JpegQuality">1 to 100.</param>
/// <param name="Text">Keywords with texts to store in a PNG file.</param>
public sealed record PictureWriteOptions(
    int PngDepth = 8, int JpegQuality = 95, IReadOnlyDictionary<string, string>? Text = null);

/// <summary>
/// Reads and writes picture files. The content decides the format of a file to read, and the name's extension that of a
/// file to write.
/// </summary>
/// <example>
/// <code>
/// Picture picture = PictureFile.Open("photo.jpg").At(height: 300, width: 400);
/// PictureFile.Write("small.png", picture);
/// </code>
/// </example>
public static class PictureFile
{
    /// <summary>A description of the readable formats to show to users.</summary>
    public const string Readable = "JPEG, PNG, BMP, TGA, GIF, PSD or HDR";

    private static readonly string[] s_readable = [".jpg", ".jpeg", ".png", ".bmp", ".tga", ".gif", ".psd", ".hdr"];

    /// <summary>Whether a file in a folder is taken for a picture, by its extension.</summary>
    public static bool HasPictureName(string path) => s_readable.Contains(Path.GetExtension(path).ToLowerInvariant());

    /// <summary>The extensions that <see cref="Write"/> accepts.</summary>
    public static IReadOnlyList<string> WritableExtensions { get; } =
        [".png", ".jpg", ".jpeg", ".tif", ".tiff", ".npy"];

    /// <summary>A larger file cannot be a picture of a supported size.</summary>
    private const long MaxFileBytes = 1L << 30;

    /// <summary>Reads a JPEG, PNG, BMP, TGA, GIF (its first frame), PSD or Radiance HDR file.</summary>
    /// <exception cref="InvalidDataException">
    /// The file is not such a picture, or it is too large or damaged. The message names the file.
    /// </exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static Picture Read(string path) => Floats(Open(path));

    /// <summary>
    /// Reads a file, decodes it once and keeps the samples as the file has them: three bytes per pixel, or six for
    /// 16-bit pictures.
    /// </summary>
    /// <param name="memory">The most bytes that decoding may use.</param>
    /// <exception cref="PictureMemoryException">Decoding needs more.</exception>
    /// <inheritdoc cref="Read"/>
    public static PictureSource Open(string path, long memory = long.MaxValue)
    {
        try
        {
            long length = new FileInfo(path).Length;
            if (length > MaxFileBytes)
            {
                throw new InvalidDataException(
                    $"has {length:n0} bytes, expected a picture of at most {MaxFileBytes:n0}");
            }

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

    /// <summary>Decodes a file's bytes, and keeps the samples as the file has them.</summary>
    /// <param name="memory">The most bytes that decoding may use.</param>
    /// <exception cref="PictureMemoryException">Decoding needs more.</exception>
    /// <inheritdoc cref="Decode"/>
    internal static PictureSource Open(byte[] bytes, long memory) => PictureDecoder.Decode(bytes, memory);

    /// <summary>Decodes a file's bytes.</summary>
    /// <exception cref="InvalidDataException">
    /// The bytes are not such a picture, or it is too large or damaged. The message is meant to follow a file's name.
    /// </exception>
    public static Picture Decode(byte[] bytes) => Floats(PictureDecoder.Decode(bytes, long.MaxValue));

    private static Picture Floats(PictureSource source) => source.At(source.Height, source.Width);

    /// <summary>
    /// Writes to a temporary file next to <paramref name="path"/> and renames it, so that there is never half a
    /// picture.
    /// </summary>
    /// <exception cref="ArgumentException">The extension is none of <see cref="WritableExtensions"/>.</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public static void Write(string path, Picture picture, PictureWriteOptions? options = null)
    {
        string extension = Writable(Path.GetExtension(path));
        AtomicFile.Write(path, file =>
        {
            // Flush but do not dispose: AtomicFile closes the file.
            var buffered = new BufferedStream(file, 1 << 16);
            Encode(buffered, picture, extension, options);
            buffered.Flush();
        });
    }

    /// <summary>Encodes a picture as the bytes of a file.</summary>
    /// <param name="extension">One of <see cref="WritableExtensions"/>.</param>
    /// <exception cref="ArgumentException">The extension is none of them.</exception>
    public static byte[] Encode(Picture picture, string extension, PictureWriteOptions? options = null)
    {
        using var file = new MemoryStream();
        Encode(file, picture, Writable(extension), options);
        return file.ToArray();
    }

    /// <summary>Encodes row by row.</summary>
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

    private static string Writable(string extension)
    {
        string lower = extension.ToLowerInvariant();
        if (WritableExtensions.Contains(lower)) return lower;
        string extensions = string.Join(", ", WritableExtensions);
        throw new ArgumentException($"'{extension}' is no picture format that can be written; use {extensions}");
    }
}
