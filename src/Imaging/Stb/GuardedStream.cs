namespace NativeStyle.Imaging.Stb;

/// <summary>
/// A file's bytes for a decoder that trusts what it reads: seeking stays within the file, and what is asked for past its end
/// is counted. It never throws, because the decoder would leak native memory.
/// </summary>
internal sealed class GuardedStream(byte[] bytes) : Stream
{
    private int _at;

    /// <summary>Bytes that were asked for and are not there.</summary>
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
        int there = Math.Min(count, bytes.Length - _at);
        bytes.AsSpan(_at, there).CopyTo(buffer.AsSpan(offset));
        _at += there;
        MissingBytes += count - there;
        return there;
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
