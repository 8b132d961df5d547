using System.Buffers.Binary;

namespace NativeStyle.Tests;

/// <summary>Damages bytes as bad disks, cut downloads and attackers do.</summary>
/// <param name="words">Words that are written or inserted whole.</param>
internal sealed class Mutator(Random random, IReadOnlyList<byte[]> words)
{
    /// <summary>Inputs are kept shorter than this, so that many can be read.</summary>
    private const int MostBytes = 1 << 18;

    /// <summary>Numbers at which sizes, signs and products of readers change.</summary>
    private static readonly long[] s_numbers =
    [
        0, 1, 2, 3, 4, 7, 8, 15, 16, 31, 32, 63, 64, 127, 128, 255, 256, 511, 512, 1000, 1024, 4096, 16383, 16384,
        32767, 32768, 65535, 65536, 0x7FFFFF, 1 << 24, 0x3FFFFFFF, 0x40000000, 0x7FFFFFFE, int.MaxValue, 0x80000000,
        0xFFFFFFFE, uint.MaxValue, 1L << 32, 1L << 40, 1L << 62, long.MaxValue - 7, long.MaxValue, long.MinValue, -1,
        -2, -3, -4, -8, -16, -128, -32768, int.MinValue,
    ];

    public Random Random => random;

    /// <summary>Damages a copy in one to sixteen places.</summary>
    /// <param name="other">Bytes from which pieces may come.</param>
    /// <param name="sameLength">Whether the length stays as it is.</param>
    public byte[] Damaged(byte[] whole, byte[] other, bool sameLength = false)
    {
        byte[] bytes = [.. whole];
        for (int places = 1 << random.Next(5); places > 0; places--)
        {
            bool changesLength = !sameLength && (bytes.Length == 0 || random.Next(3) == 0);
            bytes = changesLength ? Relength(bytes, other) : Rewrite(bytes, other);
        }

        return bytes.Length <= MostBytes || sameLength ? bytes : bytes[..MostBytes];
    }

    public T Pick<T>(IReadOnlyList<T> from) => from[random.Next(from.Count)];

    /// <summary>Overwrites a place.</summary>
    private byte[] Rewrite(byte[] bytes, byte[] other)
    {
        if (bytes.Length == 0) return bytes;
        int at = random.Next(bytes.Length);
        switch (random.Next(7))
        {
            case 0:
                bytes[at] ^= (byte)(1 << random.Next(8));
                break;
            case 1:
                bytes[at] = (byte)random.Next(256);
                break;
            case 2:
                Number(bytes.AsSpan(at), old => old + random.Next(-35, 36));
                break;
            case 3:
                Number(bytes.AsSpan(at), _ => Pick(s_numbers));
                break;
            case 4:
                Piece(bytes, bytes.Length - at).CopyTo(bytes.AsSpan(at));
                break;
            case 5:
                Piece(other, bytes.Length - at).CopyTo(bytes.AsSpan(at));
                break;
            default:
                byte[] word = Word();
                word.AsSpan(0, Math.Min(word.Length, bytes.Length - at)).CopyTo(bytes.AsSpan(at));
                break;
        }

        return bytes;
    }

    /// <summary>Inserts, removes, cuts off or joins.</summary>
    private byte[] Relength(byte[] bytes, byte[] other)
    {
        int at = random.Next(bytes.Length + 1);
        return random.Next(8) switch
        {
            0 => bytes[..at],
            1 => [.. bytes[..at], .. bytes[(at + Piece(bytes, bytes.Length - at).Length)..]],
            2 => [.. bytes[..at], .. Piece(bytes, bytes.Length), .. bytes[at..]],
            3 => [.. bytes[..at], .. Piece(other, other.Length), .. bytes[at..]],
            4 => [.. bytes[..at], .. other[Math.Min(other.Length, at)..]],
            5 => [.. bytes[..at], .. other[random.Next(other.Length + 1)..]],
            6 => [.. bytes[..at], .. Enumerable.Repeat((byte)random.Next(256), 1 << random.Next(9)), .. bytes[at..]],
            _ => [.. bytes[..at], .. Word(), .. bytes[at..]],
        };
    }

    /// <summary>Returns a piece of some bytes; short pieces come more often.</summary>
    private byte[] Piece(byte[] from, int most)
    {
        int length = Math.Min(Math.Min(most, from.Length), random.Next(1, 1 << random.Next(1, 12)));
        int at = random.Next(from.Length - length + 1);
        return from[at..(at + length)];
    }

    private byte[] Word() => words.Count > 0 ? Pick(words) : [(byte)random.Next(256)];

    /// <summary>Replaces a number of one, two, four or eight bytes, of either byte order.</summary>
    private void Number(Span<byte> at, Func<long, long> change)
    {
        bool big = random.Next(2) == 0;
        switch (1 << random.Next(4))
        {
            case 8 when at.Length >= 8 && big:
                BinaryPrimitives.WriteInt64BigEndian(at, change(BinaryPrimitives.ReadInt64BigEndian(at)));
                break;
            case 8 when at.Length >= 8:
                BinaryPrimitives.WriteInt64LittleEndian(at, change(BinaryPrimitives.ReadInt64LittleEndian(at)));
                break;
            case 4 when at.Length >= 4 && big:
                BinaryPrimitives.WriteInt32BigEndian(at, (int)change(BinaryPrimitives.ReadInt32BigEndian(at)));
                break;
            case 4 when at.Length >= 4:
                BinaryPrimitives.WriteInt32LittleEndian(at, (int)change(BinaryPrimitives.ReadInt32LittleEndian(at)));
                break;
            case 2 when at.Length >= 2 && big:
                BinaryPrimitives.WriteInt16BigEndian(at, (short)change(BinaryPrimitives.ReadInt16BigEndian(at)));
                break;
            case 2 when at.Length >= 2:
                BinaryPrimitives.WriteInt16LittleEndian(at, (short)change(BinaryPrimitives.ReadInt16LittleEndian(at)));
                break;
            default:
                at[0] = (byte)change(at[0]);
                break;
        }
    }
}
