namespace NativeStyle.Imaging.Stb;

/// <summary>
/// A file's bytes for a decoder that trusts its input. Seeking stays within the file, and requested bytes past its end
/// are counted. The stream never throws, because the decoder would leak native memory.
/// </summary>
internal sealed class GuardedStream(byte[] bytes) : Stream
{
    private int _at;

    /// <summary>The number of bytes that were requested past the end.</summary>
    public long MissingBytes { get; private set; }

    public override bool CanRead => true;

    public override bool CanSeek => true;

    public override bool CanWrite => false;

    public override long Length => bytes.Length;

    public override long Position
    {
        get => _at;
        set => Seek(value, SeekOrigin.Begin);
    }

    public override int ReadByte()
    {
        if (_at < bytes.Length) return bytes[_at++];
        MissingBytes++;
        return -1;
    }

    public override int Read(byte[] buffer, int offset, int count)
    {
        int available = Math.Min(count, bytes.Length - _at);
        bytes.AsSpan(_at, available).CopyTo(buffer.AsSpan(offset));
        _at += available;
        MissingBytes += count - available;
        return available;
    }

    public override long Seek(long offset, SeekOrigin origin)
    {
        long from = origin switch { SeekOrigin.Begin => 0, SeekOrigin.Current => _at, _ => bytes.Length };
        return _at = (int)Math.Clamp(from + offset, 0, bytes.Length);
    }

    public override void Flush()
    {
    }

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
