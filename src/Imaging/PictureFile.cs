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

    /// <summary>Reads a PNG or JPEG file.</summary>
    /// <exception cref="InvalidDataException">No such picture, or damaged; the message names the file.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static Picture Read(string path)
    {
        byte[] bytes = File.ReadAllBytes(path);
        try
        {
            return Decode(bytes);
        }
        catch (InvalidDataException bad)
        {
            throw new InvalidDataException($"{path} {bad.Message}", bad);
        }
    }

    /// <summary>Decodes a PNG or JPEG file's bytes.</summary>
    /// <exception cref="InvalidDataException">No such picture, or damaged; the message goes after a file's name.</exception>
    public static Picture Decode(ReadOnlySpan<byte> bytes)
    {
        try
        {
            if (bytes.IsEmpty) throw new InvalidDataException("is empty, expected a PNG or JPEG picture");
            if (PngDecoder.IsPng(bytes)) return PngDecoder.Decode(bytes);
            if (JpegDecoder.IsJpeg(bytes)) return JpegDecoder.Decode(bytes);
        }
        catch (Exception damage) when (damage is EndOfStreamException or IndexOutOfRangeException or ArgumentException or OverflowException)
        {
            // A decoder ran out of the file's bytes somewhere in the middle.
            throw new InvalidDataException("is damaged or truncated", damage);
        }

        throw new InvalidDataException(
            $"is no PNG or JPEG picture (it begins with bytes {Convert.ToHexStringLower(bytes[..Math.Min(8, bytes.Length)])}); " +
            "convert it to one of these");
    }

    /// <summary>Writes to a temporary file beside <paramref name="path"/> and renames it: never half a picture.</summary>
    /// <exception cref="ArgumentException">The extension is none of <see cref="WritableExtensions"/>.</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public static void Write(string path, Picture picture, PictureWriteOptions? options = null)
    {
        AtomicFile.Write(path, Encode(picture, Path.GetExtension(path), options));
    }

    /// <summary>A picture as the bytes of a file.</summary>
    /// <param name="extension">One of <see cref="WritableExtensions"/>.</param>
    /// <exception cref="ArgumentException">It is none of them.</exception>
    public static byte[] Encode(Picture picture, string extension, PictureWriteOptions? options = null)
    {
        options ??= new PictureWriteOptions();
        return extension.ToLowerInvariant() switch
        {
            ".png" => PngEncoder.Encode(picture, options.PngDepth, options.Text),
            ".jpg" or ".jpeg" => JpegEncoder.Encode(picture, options.JpegQuality),
            ".tif" or ".tiff" => TiffEncoder.Encode(picture),
            ".npy" => NpyEncoder.Encode(picture),
            _ => throw new ArgumentException($"'{extension}' is no picture format that can be written; use {string.Join(", ", WritableExtensions)}"),
        };
    }
}
