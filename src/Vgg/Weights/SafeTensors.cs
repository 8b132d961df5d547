using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace NativeStyle.Vgg.Weights;

/// <summary>
/// Reads and writes .safetensors: eight bytes with the length of a JSON header, the header (name to type, shape and
/// place), and the raw little-endian numbers.
/// </summary>
internal static class SafeTensors
{
    private const long MaxHeader = 100_000_000;

    /// <summary>Whether a file begins with a length that fits, followed by an opening brace.</summary>
    /// <param name="open">Opens the file from its beginning.</param>
    public static bool Begins(Func<Stream> open)
    {
        byte[] head = new byte[9];
        using Stream file = open();
        return file.ReadAtLeast(head, 9, throwOnEndOfStream: false) == 9 && head[8] == (byte)'{'
            && BinaryPrimitives.ReadUInt64LittleEndian(head) is var length && length < (ulong)file.Length;
    }

    /// <summary>Returns the arrays and the file's metadata.</summary>
    /// <param name="open">Opens the file from its beginning. The stream must be able to seek.</param>
    /// <exception cref="InvalidDataException">The file is damaged. The message does not name the file.</exception>
    public static (IReadOnlyList<NamedArray> Arrays, IReadOnlyDictionary<string, string> Metadata) Read(
        Func<Stream> open)
    {
        using Stream file = open();
        byte[] head = new byte[8];
        file.ReadExactly(head);
        ulong length = BinaryPrimitives.ReadUInt64LittleEndian(head);
        if (length > MaxHeader || (long)length > file.Length - 8)
            throw new InvalidDataException($"states a header of {length:n0} bytes, the file has {file.Length:n0}");
        byte[] header = new byte[length];
        file.ReadExactly(header);
        long start = 8 + (long)length, data = file.Length - start;
        var arrays = new List<NamedArray>();
        var metadata = new Dictionary<string, string>();
        try
        {
            using JsonDocument json = JsonDocument.Parse(header, new JsonDocumentOptions { MaxDepth = 8 });
            foreach (JsonProperty item in json.RootElement.EnumerateObject())
            {
                if (item.Name == "__metadata__")
                {
                    foreach (JsonProperty entry in item.Value.EnumerateObject())
                        metadata[entry.Name] = entry.Value.GetString() ?? "";
                    continue;
                }

                JsonElement array = item.Value;
                int[] shape = [.. array.GetProperty("shape").EnumerateArray().Select(size => size.GetInt32())];
                long[] place = [.. array.GetProperty("data_offsets").EnumerateArray().Select(at => at.GetInt64())];
                string type = array.GetProperty("dtype").GetString() ?? "";
                arrays.Add(Named(open, item.Name, type, shape, place, start, data));
            }
        }
        catch (Exception bad)
            when (bad is JsonException or InvalidOperationException or FormatException or KeyNotFoundException)
        {
            throw new InvalidDataException($"has a header that is no safetensors header: {bad.Message}", bad);
        }

        return (arrays, metadata);
    }

    /// <summary>Writes arrays as float32, or rounded to the nearest float16.</summary>
    /// <exception cref="OverflowException">
    /// A finite number is too large for float16, whose largest is 65,504.
    /// </exception>
    public static void Write(
        Stream stream, IReadOnlyList<(string Name, int[] Shape, float[] Values)> arrays,
        IReadOnlyDictionary<string, string> metadata, bool half = false)
    {
        int size = half ? sizeof(ushort) : sizeof(float);
        IEnumerable<KeyValuePair<string, JsonNode?>> facts =
            metadata.Select(item => KeyValuePair.Create(item.Key, (JsonNode?)item.Value));
        var header = new JsonObject { ["__metadata__"] = new JsonObject(facts) };
        long at = 0;
        foreach ((string name, int[] shape, float[] values) in arrays)
        {
            long bytes = size * (long)values.Length;
            header[name] = new JsonObject
            {
                ["dtype"] = half ? "F16" : "F32",
                ["shape"] = new JsonArray([.. shape.Select(dimension => (JsonNode)dimension)]),
                ["data_offsets"] = new JsonArray(at, at + bytes),
            };
            at += bytes;
        }

        // Pad with spaces, so that the numbers begin at a multiple of eight.
        byte[] text = JsonSerializer.SerializeToUtf8Bytes(header);
        byte[] padded = new byte[(text.Length + 7) / 8 * 8];
        padded.AsSpan().Fill((byte)' ');
        text.CopyTo(padded, 0);
        byte[] length = new byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)padded.Length);
        stream.Write(length);
        stream.Write(padded);
        byte[] chunk = new byte[1 << 16];
        foreach ((string name, _, float[] values) in arrays)
        {
            for (int from = 0; from < values.Length; from += chunk.Length / size)
            {
                int count = Math.Min(chunk.Length / size, values.Length - from);
                for (int i = 0; i < count; i++)
                {
                    Span<byte> number = chunk.AsSpan(i * size);
                    if (half) BinaryPrimitives.WriteHalfLittleEndian(number, ToHalf(name, values[from + i]));
                    else BinaryPrimitives.WriteSingleLittleEndian(number, values[from + i]);
                }

                stream.Write(chunk, 0, count * size);
            }
        }
    }

    private static Half ToHalf(string name, float value)
    {
        var half = (Half)value;
        if (Half.IsFinite(half) || !float.IsFinite(value)) return half;
        throw new OverflowException(
            $"{name} has the number {value}, too large for float16 (at most {Half.MaxValue})");
    }

    private static NamedArray Named(
        Func<Stream> open, string name, string dtype, int[] shape, long[] place, long start, long data) =>
        new(name, shape, () => Values(open, name, dtype, shape, place, start, data));

    private static float[] Values(
        Func<Stream> open, string name, string dtype, int[] shape, long[] place, long start, long data)
    {
        NumberType type = dtype switch
        {
            "F8_E4M3" => NumberType.Float8E4M3,
            "F8_E5M2" => NumberType.Float8E5M2,
            "F16" => NumberType.Float16,
            "BF16" => NumberType.BFloat16,
            "F32" => NumberType.Float32,
            "F64" => NumberType.Float64,
            _ => throw new InvalidDataException(
                $"has {name} of type '{dtype}', expected F8_E4M3, F8_E5M2, F16, BF16, F32 or F64"),
        };
        long count = NamedArray.Count(shape);
        bool inFile = place.Length == 2 && place[0] >= 0 && place[1] >= place[0] && place[1] <= data;
        if (count > NamedArray.MaxElements || !inFile || place[1] - place[0] != count * NumberReader.SizeOf(type))
        {
            throw new InvalidDataException(
                $"states the shape ({string.Join(", ", shape)}) for {name} "
                + $"at bytes {string.Join(" to ", place)} of {data:n0}, which do not fit");
        }

        float[] values = new float[count];
        if (count == 0) return values;
        using Stream file = open();
        file.Position = start + place[0];
        if (type == NumberType.Float32 && BitConverter.IsLittleEndian)
            file.ReadExactly(MemoryMarshal.AsBytes(values.AsSpan()));
        else NumberReader.Read(file, count, type, bigEndian: false, (i, value) => values[i] = (float)value);
        return values;
    }
}
