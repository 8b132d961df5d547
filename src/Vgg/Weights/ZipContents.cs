using System.IO.Compression;

namespace NativeStyle.Vgg.Weights;

/// <summary>Opens entries of zip archives whose stated lengths can be true.</summary>
internal static class ZipContents
{
    /// <summary>Deflate makes at most 1032 bytes out of one.</summary>
    private const long MostPerByte = 1032;

    /// <summary>Opens an entry. Its length can then be trusted with memory.</summary>
    /// <exception cref="InvalidDataException">
    /// It states more bytes than its compressed ones can make. The message does not name the file.
    /// </exception>
    public static Stream Open(ZipArchiveEntry entry)
    {
        if (entry.Length > MostPerByte * entry.CompressedLength)
        {
            throw new InvalidDataException(
                $"has {entry.FullName}, which states {entry.Length:n0} bytes in {entry.CompressedLength:n0}");
        }

        return entry.Open();
    }
}
