using System.Buffers.Binary;

namespace NativeStyle.Tests;

/// <summary>MAT-files of level 5: variables with their lengths, compressed or not.</summary>
internal sealed class MatShape : FileShape
{
    private const int Header = 128, TagBytes = 8, Compressed = 15;

    protected override byte[]? Damage(byte[] file, byte[] other, Mutator mutator)
    {
        bool big = file[126] == (byte)'M';
        List<(int Type, byte[] Body)> variables = Variables(file, big);
        int at = mutator.Random.Next(variables.Count);
        (int type, byte[] body) = variables[at];
        // Lengths stand in lengths, so damage that keeps them reaches deeper.
        bool sameLength = mutator.Random.Next(4) > 0;
        if (type == Compressed)
        {
            byte[] inflated = Inflate(body);
            body = Deflate(mutator.Damaged(inflated, inflated, sameLength));
        }
        else
        {
            body = mutator.Damaged(body, body, sameLength);
        }

        variables[at] = (type, body);
        return [.. file[..Header], .. variables.SelectMany(variable => Bytes(variable.Type, variable.Body, big))];
    }

    private static List<(int Type, byte[] Body)> Variables(byte[] file, bool big)
    {
        var variables = new List<(int, byte[])>();
        for (int at = Header; at + TagBytes <= file.Length;)
        {
            int length = Int32(file.AsSpan(at + 4), big);
            variables.Add((Int32(file.AsSpan(at), big), file[(at + TagBytes)..(at + TagBytes + length)]));
            at += TagBytes + length;
        }

        return variables;
    }

    private static int Int32(ReadOnlySpan<byte> at, bool big) =>
        big ? BinaryPrimitives.ReadInt32BigEndian(at) : BinaryPrimitives.ReadInt32LittleEndian(at);

    private static byte[] Bytes(int type, byte[] body, bool big)
    {
        byte[] tag = new byte[TagBytes];
        if (big)
        {
            BinaryPrimitives.WriteInt32BigEndian(tag, type);
            BinaryPrimitives.WriteInt32BigEndian(tag.AsSpan(4), body.Length);
        }
        else
        {
            BinaryPrimitives.WriteInt32LittleEndian(tag, type);
            BinaryPrimitives.WriteInt32LittleEndian(tag.AsSpan(4), body.Length);
        }

        return [.. tag, .. body];
    }
}
