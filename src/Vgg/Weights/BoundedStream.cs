namespace NativeStyle.Vgg.Weights;

/// <summary>
/// Reads at most the next <paramref name="length"/> bytes of a stream, and does not close the stream.
/// </summary>
internal sealed class BoundedStream(Stream inner, long length) : Stream
{
    public long Remaining { get; private set; } = length;

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
        int count = (int)Math.Min(buffer.Length, Remaining);
        if (count == 0) return 0;
        int read = inner.Read(buffer[..count]);
        Remaining -= read;
        return read;
    }

    /// <summary>Reads to the end of the bounded part.</summary>
    /// <exception cref="EndOfStreamException">The underlying stream ends first.</exception>
    public void SkipRest()
    {
        Span<byte> waste = stackalloc byte[4096];
        while (Remaining > 0) ReadExactly(waste[..(int)Math.Min(waste.Length, Remaining)]);
    }

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
