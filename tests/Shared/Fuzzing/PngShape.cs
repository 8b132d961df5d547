using System.Buffers.Binary;

namespace NativeStyle.Tests;

/// <summary>PNG: chunks with lengths and CRCs, of which some hold compressed data.</summary>
internal sealed class PngShape : FileShape
{
    private const int Signature = 8;

    protected override byte[]? Damage(byte[] file, byte[] other, Mutator mutator)
    {
        List<Chunk> chunks = Chunks(file);
        Random random = mutator.Random;
        int at = random.Next(chunks.Count);
        switch (random.Next(6))
        {
            case 0:
                List<Chunk> others = Chunks(other);
                chunks.Insert(at, mutator.Pick(others));
                break;
            case 1:
                chunks.RemoveAt(at);
                break;
            case 2:
                chunks.Insert(random.Next(chunks.Count), chunks[at]);
                break;
            case 3 when chunks.Exists(chunk => chunk.Type == "IDAT"):
                byte[] data = [.. chunks.Where(chunk => chunk.Type == "IDAT").SelectMany(chunk => chunk.Body)];
                byte[] rows = Inflate(data);
                data = Deflate(mutator.Damaged(rows, rows, sameLength: random.Next(2) == 0));
                int cut = random.Next(data.Length);
                int first = chunks.FindIndex(chunk => chunk.Type == "IDAT");
                chunks.RemoveAll(chunk => chunk.Type == "IDAT");
                chunks.InsertRange(first, [new Chunk("IDAT", data[..cut]), new Chunk("IDAT", data[cut..])]);
                break;
            default:
                chunks[at] = chunks[at] with { Body = DamagedBody(chunks[at], mutator) };
                break;
        }

        return [.. file[..Signature], .. chunks.SelectMany(Bytes)];
    }

    private static List<Chunk> Chunks(byte[] file)
    {
        var chunks = new List<Chunk>();
        for (int at = Signature; at + 12 <= file.Length;)
        {
            int length = BinaryPrimitives.ReadInt32BigEndian(file.AsSpan(at));
            if (length < 0 || length > file.Length - at - 12) break;
            string type = System.Text.Encoding.Latin1.GetString(file, at + 4, 4);
            chunks.Add(new Chunk(type, file[(at + 8)..(at + 8 + length)]));
            at += 12 + length;
        }

        return chunks;
    }

    private static byte[] DamagedBody(Chunk chunk, Mutator mutator)
    {
        byte[] body = chunk.Body;
        // A name that ends in a zero and a method stand before a profile or a text.
        int start = Array.IndexOf(body, (byte)0) + 2;
        if (chunk.Type is "iCCP" or "zTXt" && start >= 2 && mutator.Random.Next(4) > 0)
        {
            byte[] inflated = Inflate(body.AsSpan(start));
            return [.. body[..start], .. Deflate(mutator.Damaged(inflated, inflated))];
        }

        return mutator.Damaged(body, body, sameLength: chunk.Type == "IHDR" || mutator.Random.Next(2) == 0);
    }

    private static byte[] Bytes(Chunk chunk)
    {
        byte[] bytes = new byte[12 + chunk.Body.Length];
        BinaryPrimitives.WriteInt32BigEndian(bytes, chunk.Body.Length);
        System.Text.Encoding.Latin1.GetBytes(chunk.Type, bytes.AsSpan(4));
        chunk.Body.CopyTo(bytes, 8);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(8 + chunk.Body.Length), Crc(bytes.AsSpan(4..^4)));
        return bytes;
    }

    /// <summary>The CRC-32 of PNG's annex D.</summary>
    private static uint Crc(ReadOnlySpan<byte> bytes)
    {
        uint crc = uint.MaxValue;
        foreach (byte each in bytes)
        {
            crc ^= each;
            for (int bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ (0xEDB88320 & (0 - (crc & 1)));
        }

        return ~crc;
    }

    private sealed record Chunk(string Type, byte[] Body);
}
