using System.IO.Compression;

namespace NativeStyle.Tests;

/// <summary>
/// The structure of a format with checksums, lengths or compression. Damage within it gets past the checks that refuse
/// nearly all random damage.
/// </summary>
internal abstract class FileShape
{
    /// <summary>A format without such a structure.</summary>
    public static FileShape None { get; } = new NoShape();

    /// <summary>Damages what the structure holds, and puts lengths and checksums right.</summary>
    /// <param name="other">A file from which parts may come.</param>
    /// <returns>The file, or null if <paramref name="file"/> does not have the structure.</returns>
    public byte[]? Damaged(byte[] file, byte[] other, Mutator mutator)
    {
        try
        {
            return Damage(file, other, mutator);
        }
        catch (Exception shapeless) when (shapeless is not OutOfMemoryException)
        {
            return null;
        }
    }

    /// <summary>Does the same, and may throw anything if there is no such structure.</summary>
    protected abstract byte[]? Damage(byte[] file, byte[] other, Mutator mutator);

    protected static byte[] Inflate(ReadOnlySpan<byte> bytes)
    {
        const int Most = 1 << 20;
        using var zlib = new ZLibStream(new MemoryStream(bytes.ToArray()), CompressionMode.Decompress);
        byte[] inflated = new byte[Most];
        return inflated[..zlib.ReadAtLeast(inflated, Most, throwOnEndOfStream: false)];
    }

    protected static byte[] Deflate(byte[] bytes)
    {
        using var deflated = new MemoryStream();
        using (var zlib = new ZLibStream(deflated, CompressionLevel.Fastest, leaveOpen: true)) zlib.Write(bytes);
        return deflated.ToArray();
    }

    private sealed class NoShape : FileShape
    {
        protected override byte[]? Damage(byte[] file, byte[] other, Mutator mutator) => null;
    }
}
