namespace NativeStyle.Imaging.Jpeg;

/// <summary>A Huffman code (T.81, annex C), for decoding and encoding.</summary>
internal sealed class HuffmanTable
{
    private const int LookupBits = 9;

    private readonly byte[] _values;
    private readonly int[] _largest = new int[18];
    private readonly int[] _offset = new int[17];
    private readonly ushort[] _lookup = new ushort[1 << LookupBits];

    /// <param name="counts">The number of codes of each length from 1 to 16.</param>
    /// <param name="values">The symbols in the order of their codes.</param>
    /// <exception cref="InvalidDataException">The counts make no prefix code.</exception>
    public HuffmanTable(ReadOnlySpan<byte> counts, ReadOnlySpan<byte> values)
    {
        _values = values.ToArray();
        int code = 0, next = 0;
        for (int length = 1; length <= 16; length++)
        {
            _offset[length] = next - code;
            for (int i = 0; i < counts[length - 1]; i++, code++, next++)
            {
                if (code >= 1 << length) throw new InvalidDataException("is a damaged JPEG: a Huffman table has too many codes");
                Codes[_values[next]] = ((ushort)code, (byte)length);
                if (length > LookupBits) continue;
                int first = code << (LookupBits - length);
                for (int fill = 0; fill < 1 << (LookupBits - length); fill++)
                    _lookup[first + fill] = (ushort)((length << 8) | _values[next]);
            }

            _largest[length] = code - 1;
            if (counts[length - 1] == 0) _largest[length] = -1;
            code <<= 1;
        }
    }

    /// <summary>Code and length of each symbol; length 0 for symbols without a code.</summary>
    public (ushort Code, byte Length)[] Codes { get; } = new (ushort, byte)[256];

    /// <summary>The next symbol.</summary>
    public int Decode(BitReader bits)
    {
        int entry = _lookup[bits.Peek(LookupBits)];
        if (entry != 0)
        {
            bits.Skip(entry >> 8);
            return entry & 0xFF;
        }

        int code = bits.Read(LookupBits);
        for (int length = LookupBits + 1; length <= 16; length++)
        {
            code = (code << 1) | bits.Read(1);
            if (code <= _largest[length]) return _values[_offset[length] + code];
        }

        throw new InvalidDataException("is a damaged JPEG: a Huffman code that does not exist");
    }
}
