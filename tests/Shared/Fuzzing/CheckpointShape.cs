using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace NativeStyle.Tests;

/// <summary>
/// Checkpoints of transfers: eight bytes, the length of a JSON header, the header, arrays, and the SHA-256 of all that.
/// </summary>
internal sealed class CheckpointShape : FileShape
{
    private const int Magic = 8, Hash = 32;

    protected override byte[]? Damage(byte[] file, byte[] other, Mutator mutator)
    {
        (string header, byte[] arrays) = Parts(file);
        byte[] text = Encoding.UTF8.GetBytes(header);
        switch (mutator.Random.Next(6))
        {
            case 0:
                arrays = mutator.Damaged(arrays, arrays);
                break;
            case 1:
                text = mutator.Damaged(text, text);
                break;
            default:
                text = Encoding.UTF8.GetBytes(JsonShape.Damaged(header, Parts(other).Header, mutator));
                break;
        }

        byte[] length = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(length, text.Length);
        byte[] hashed = [.. file[..Magic], .. length, .. text, .. arrays];
        return [.. hashed, .. SHA256.HashData(hashed)];
    }

    private static (string Header, byte[] Arrays) Parts(byte[] file)
    {
        int length = BinaryPrimitives.ReadInt32LittleEndian(file.AsSpan(Magic)), start = Magic + 4;
        return (Encoding.UTF8.GetString(file, start, length), file[(start + length)..^Hash]);
    }
}
