using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace NativeStyle.Tests;

/// <summary>.safetensors: the length of a JSON header, the header, and the numbers.</summary>
/// <param name="checksum">
/// Whether the metadata has the SHA-256 of the text "training" and of all numbers, as checkpoints of trainings have.
/// </param>
internal sealed class SafeTensorsShape(bool checksum = false) : FileShape
{
    protected override byte[]? Damage(byte[] file, byte[] other, Mutator mutator)
    {
        (string header, byte[] numbers) = Parts(file);
        if (mutator.Random.Next(4) > 0) header = JsonShape.Damaged(header, Parts(other).Header, mutator);
        else numbers = mutator.Damaged(numbers, numbers, mutator.Random.Next(2) == 0);
        if (checksum) header = WithChecksum(header, numbers);
        byte[] text = Encoding.UTF8.GetBytes(header), length = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, text.Length);
        return [.. length, .. text, .. numbers];
    }

    private static (string Header, byte[] Numbers) Parts(byte[] file)
    {
        int length = (int)BinaryPrimitives.ReadInt64LittleEndian(file);
        return (Encoding.UTF8.GetString(file, 8, length), file[(8 + length)..]);
    }

    private static string WithChecksum(string header, byte[] numbers)
    {
        try
        {
            JsonNode root = JsonNode.Parse(header)!;
            if (root["__metadata__"] is not JsonObject facts) return header;
            if (facts["training"] is not JsonValue training) return header;
            byte[] job = Encoding.UTF8.GetBytes(training.GetValue<string>());
            facts["sha256"] = Convert.ToHexStringLower(SHA256.HashData([.. job, .. numbers]));
            return root.ToJsonString();
        }
        catch (Exception damaged) when (damaged is System.Text.Json.JsonException or InvalidOperationException
            or ArgumentException)
        {
            return header;
        }
    }
}
