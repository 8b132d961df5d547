using System.Buffers.Binary;

namespace NativeStyle.Vgg.Weights;

/// <summary>The element types that weights files use.</summary>
internal enum NumberType
{
    Float16,
    BFloat16,

    /// <summary>Four bits of exponent and three of fraction, without infinities (E4M3FN).</summary>
    Float8E4M3,

    /// <summary>The upper byte of a float16 (E5M2).</summary>
    Float8E5M2,
    Float32,
    Float64,
    Int8,
    UInt8,
    Int16,
    UInt16,
    Int32,
    UInt32,
    Int64,
    UInt64,
}

/// <summary>
/// Reads numbers of any type and byte order as floats. It reads in small chunks, so that nothing is in memory twice.
/// </summary>
internal static class NumberReader
{
    private const int ChunkBytes = 1 << 16;

    public static int SizeOf(NumberType type) => type switch
    {
        NumberType.Int8 or NumberType.UInt8 or NumberType.Float8E4M3 or NumberType.Float8E5M2 => 1,
        NumberType.Float16 or NumberType.BFloat16 or NumberType.Int16 or NumberType.UInt16 => 2,
        NumberType.Float32 or NumberType.Int32 or NumberType.UInt32 => 4,
        _ => 8,
    };

    /// <summary>Calls store(i, value) for each of the next <paramref name="count"/> numbers.</summary>
    /// <exception cref="EndOfStreamException">The stream ends before all numbers are read.</exception>
    public static void Read(Stream stream, long count, NumberType type, bool bigEndian, Action<long, double> store)
    {
        int size = SizeOf(type);
        byte[] chunk = new byte[Math.Min(ChunkBytes, checked(count * size))];
        for (long at = 0; at < count;)
        {
            int numbers = (int)Math.Min(chunk.Length / size, count - at);
            Span<byte> bytes = chunk.AsSpan(0, numbers * size);
            stream.ReadExactly(bytes);
            for (int i = 0; i < numbers; i++)
                store(at + i, One(bytes.Slice(i * size, size), type, bigEndian));
            at += numbers;
        }
    }

    private static double One(ReadOnlySpan<byte> b, NumberType type, bool bigEndian) => type switch
    {
        NumberType.Int8 => (sbyte)b[0],
        NumberType.UInt8 => b[0],
        NumberType.Float8E4M3 => E4M3(b[0]),
        NumberType.Float8E5M2 => (double)BitConverter.UInt16BitsToHalf((ushort)(b[0] << 8)),
        _ => bigEndian ? BigEndian(b, type) : LittleEndian(b, type),
    };

    private static double BigEndian(ReadOnlySpan<byte> b, NumberType type) => type switch
    {
        NumberType.Float16 => (double)BinaryPrimitives.ReadHalfBigEndian(b),
        NumberType.BFloat16 => FromBFloat16(BinaryPrimitives.ReadUInt16BigEndian(b)),
        NumberType.Int16 => BinaryPrimitives.ReadInt16BigEndian(b),
        NumberType.UInt16 => BinaryPrimitives.ReadUInt16BigEndian(b),
        NumberType.Float32 => BinaryPrimitives.ReadSingleBigEndian(b),
        NumberType.Int32 => BinaryPrimitives.ReadInt32BigEndian(b),
        NumberType.UInt32 => BinaryPrimitives.ReadUInt32BigEndian(b),
        NumberType.Float64 => BinaryPrimitives.ReadDoubleBigEndian(b),
        NumberType.Int64 => BinaryPrimitives.ReadInt64BigEndian(b),
        _ => BinaryPrimitives.ReadUInt64BigEndian(b),
    };

    private static double LittleEndian(ReadOnlySpan<byte> b, NumberType type) => type switch
    {
        NumberType.Float16 => (double)BinaryPrimitives.ReadHalfLittleEndian(b),
        NumberType.BFloat16 => FromBFloat16(BinaryPrimitives.ReadUInt16LittleEndian(b)),
        NumberType.Int16 => BinaryPrimitives.ReadInt16LittleEndian(b),
        NumberType.UInt16 => BinaryPrimitives.ReadUInt16LittleEndian(b),
        NumberType.Float32 => BinaryPrimitives.ReadSingleLittleEndian(b),
        NumberType.Int32 => BinaryPrimitives.ReadInt32LittleEndian(b),
        NumberType.UInt32 => BinaryPrimitives.ReadUInt32LittleEndian(b),
        NumberType.Float64 => BinaryPrimitives.ReadDoubleLittleEndian(b),
        NumberType.Int64 => BinaryPrimitives.ReadInt64LittleEndian(b),
        _ => BinaryPrimitives.ReadUInt64LittleEndian(b),
    };

    /// <summary>A bfloat16 is the upper half of a float32.</summary>
    private static double FromBFloat16(ushort bits) => BitConverter.Int32BitsToSingle(bits << 16);

    /// <summary>Decodes a number as in Micikevicius et al. 2022, "FP8 formats for deep learning", table 1.</summary>
    private static double E4M3(byte bits)
    {
        int exponent = (bits >> 3) & 15, fraction = bits & 7;
        double magnitude = (exponent, fraction) switch
        {
            (15, 7) => double.NaN,
            (0, _) => fraction * Math.Pow(2, -9),
            _ => (1 + (fraction / 8.0)) * Math.Pow(2, exponent - 7),
        };
        return bits >= 128 ? -magnitude : magnitude;
    }
}
