namespace NativeStyle.Imaging.Png;

/// <summary>Reads pieces of memory one after the other: the contents of the IDAT chunks together.</summary>
internal sealed class JoinedStream(IReadOnlyList<ReadOnlyMemory<byte>> parts) : Stream
{
    private int _part;
    private int _at;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override int Read(Span<byte> buffer)
    {
        while (_part < parts.Count && _at == parts[_part].Length) (_part, _at) = (_part + 1, 0);
        if (_part == parts.Count) return 0;
        int read = Math.Min(buffer.Length, parts[_part].Length - _at);
        parts[_part].Span.Slice(_at, read).CopyTo(buffer);
        _at += read;
        return read;
    }

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
