namespace NativeStyle.Imaging.Jpeg;

/// <summary>The bits of entropy-coded data, most significant first, with stuffed zero bytes removed (T.81, B.1.1.5).</summary>
internal sealed class BitReader(byte[] bytes, int position)
{
    /// <summary>Zero bits handed out after the data ended before it counts as damage: a whole last code word and more.</summary>
    private const int MaxPadding = 64;

    private ulong _bits;
    private int _count;
    private int _padding;

    /// <summary>The first byte not yet read: a marker, once the data is at its end.</summary>
    public int Position { get; private set; } = position;

    public int Peek(int count)
    {
        if (_count < count) Fill();
        return (int)(_bits >> (_count - count)) & ((1 << count) - 1);
    }

    public void Skip(int count)
    {
        _count -= count;
        if (_padding > 0 && _count < _padding - MaxPadding)
            throw new InvalidDataException("is a damaged or truncated JPEG: its picture data ends early");
    }

    public int Read(int count)
    {
        if (count == 0) return 0;
        int value = Peek(count);
        Skip(count);
        return value;
    }

    /// <summary>A signed value of <paramref name="size"/> bits (T.81, F.2.2.1, EXTEND).</summary>
    public int ReadSigned(int size)
    {
        int value = Read(size);
        return size > 0 && value < 1 << (size - 1) ? value - (1 << size) + 1 : value;
    }

    /// <summary>Drops the rest of the byte and whatever is left before the next restart marker, and passes it.</summary>
    public void Restart()
    {
        (_bits, _count, _padding) = (0, 0, 0);
        while (Position + 1 < bytes.Length)
        {
            if (bytes[Position] == 0xFF && bytes[Position + 1] is >= 0xD0 and <= 0xD7)
            {
                Position += 2;
                return;
            }

            if (bytes[Position] == 0xFF && bytes[Position + 1] is not (0 or 0xFF)) break;
            Position++;
        }

        throw new InvalidDataException("is a damaged JPEG: a restart marker is missing");
    }

    private void Fill()
    {
        while (_count <= 56)
        {
            int next = 0;
            if (Position >= bytes.Length || (bytes[Position] == 0xFF && (Position + 1 >= bytes.Length || bytes[Position + 1] != 0)))
            {
                // At a marker or the end: zeros, as much as a decoder may look ahead, counted.
                _padding += 8;
            }
            else
            {
                next = bytes[Position];
                Position += next == 0xFF ? 2 : 1;
            }

            _bits = (_bits << 8) | (uint)next;
            _count += 8;
        }
    }
}
