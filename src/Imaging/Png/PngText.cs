using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace NativeStyle.Imaging.Png;

/// <summary>
/// Reads and writes texts in PNG files (PNG specification, 11.3.4). It reads tEXt, zTXt and iTXt, and writes iTXt.
/// </summary>
internal static class PngText
{
    /// <summary>The most bytes of all decompressed texts. More is taken for an attack.</summary>
    private const int MaxBytes = 1 << 24;

    /// <summary>
    /// Returns the texts of a PNG file by keyword. If a keyword occurs twice, its first text is returned.
    /// </summary>
    /// <exception cref="InvalidDataException">
    /// The file is not a PNG file, or it is damaged. The message names the file.
    /// </exception>
    public static IReadOnlyDictionary<string, string> Read(string path)
    {
        byte[] bytes = File.ReadAllBytes(path);
        if (!bytes.StartsWith(PngEncoder.Signature))
            throw new InvalidDataException($"{path} is no PNG picture; texts are in PNG files only");
        try
        {
            return Read(bytes);
        }
        catch (Exception damage) when (damage
            is ArgumentException or InvalidDataException or IndexOutOfRangeException or OverflowException
                or IOException)
        {
            throw new InvalidDataException($"{path} is damaged or truncated", damage);
        }
    }

    /// <summary>Encodes the body of an iTXt chunk: UTF-8, not compressed.</summary>
    internal static byte[] Encode(string keyword, string text) =>
        [.. Encoding.Latin1.GetBytes(keyword), 0, 0, 0, 0, 0, .. Encoding.UTF8.GetBytes(text)];

    private static Dictionary<string, string> Read(ReadOnlySpan<byte> bytes)
    {
        Dictionary<string, string> texts = [];
        int inflated = 0;
        int at = PngEncoder.Signature.Length;
        while (at + 12 <= bytes.Length)
        {
            int length = BinaryPrimitives.ReadInt32BigEndian(bytes[at..]);
            if (length < 0 || length > bytes.Length - at - 12)
                throw new InvalidDataException("a chunk is longer than the file");
            string type = Encoding.ASCII.GetString(bytes.Slice(at + 4, 4));
            ReadOnlySpan<byte> body = bytes.Slice(at + 8, length);
            if (type is "tEXt" or "zTXt" or "iTXt")
            {
                uint checksum = BinaryPrimitives.ReadUInt32BigEndian(bytes[(at + 8 + length)..]);
                if (Crc32.Of(bytes.Slice(at + 4, 4 + length)) != checksum)
                    throw new InvalidDataException("a checksum is wrong");
                int end = body.IndexOf((byte)0);
                if (end > 0)
                    texts.TryAdd(Encoding.Latin1.GetString(body[..end]), Decode(type, body[(end + 1)..], ref inflated));
            }

            at += 12 + length;
            if (type == "IEND") break;
        }

        return texts;
    }

    private static string Decode(string type, ReadOnlySpan<byte> body, ref int inflated)
    {
        if (type == "tEXt") return Encoding.Latin1.GetString(body);
        if (type == "zTXt") return Encoding.Latin1.GetString(Inflate(body[1..], ref inflated));
        bool compressed = body[0] != 0;
        body = body[2..];
        // Skip language and translated keyword, each of which ends with a zero.
        for (int i = 0; i < 2; i++) body = body[(body.IndexOf((byte)0) + 1)..];
        return Encoding.UTF8.GetString(compressed ? Inflate(body, ref inflated) : body);
    }

    /// <param name="inflated">The bytes of the texts so far.</param>
    private static byte[] Inflate(ReadOnlySpan<byte> zlib, ref int inflated)
    {
        using var source = new MemoryStream(zlib.ToArray());
        using var inflater = new ZLibStream(source, CompressionMode.Decompress);
        using var text = new MemoryStream();
        byte[] buffer = new byte[4096];
        for (int read; (read = inflater.Read(buffer)) > 0;)
        {
            text.Write(buffer, 0, read);
            if ((inflated += read) > MaxBytes) throw new InvalidDataException("its texts are too long");
        }

        return text.ToArray();
    }
}
