using System.Buffers.Binary;
using System.Globalization;
using System.IO.Compression;
using System.Numerics;
using System.Text;

namespace NativeStyle.Vgg.Weights;

/// <summary>
/// Reads a state dictionary that torch.save wrote. Since 1.6 it is a zip archive with data.pkl and a file per storage.
/// Before that ("legacy") it was five pickles and the storages one after the other. Tensors are windows on storages.
/// </summary>
internal static class TorchFile
{
    private const int MaxPickle = 1 << 24;

    private static readonly BigInteger s_legacyMagic =
        BigInteger.Parse("119547037146038801333356", CultureInfo.InvariantCulture);

    /// <summary>Whether a zip archive is one of torch.</summary>
    public static bool IsZip(string path)
    {
        using ZipArchive archive = ZipFile.OpenRead(path);
        return archive.Entries.Any(entry => IsPickle(entry.FullName));
    }

    /// <summary>Whether a file that begins with these bytes may be a legacy one.</summary>
    public static bool IsLegacy(ReadOnlySpan<byte> head) =>
        head.Length > 1 && head[0] == 0x80 && head[1] is >= 2 and <= 5;

    /// <summary>Returns the tensors of a zip archive with a data.pkl.</summary>
    public static IReadOnlyList<NamedArray> ReadZip(string path)
    {
        using ZipArchive archive = ZipFile.OpenRead(path);
        ZipArchiveEntry pickle = archive.Entries.First(entry => IsPickle(entry.FullName));
        if (pickle.Length > MaxPickle) throw new InvalidDataException($"has a data.pkl of {pickle.Length:n0} bytes");
        string folder = pickle.FullName[..^"data.pkl".Length];
        bool bigEndian = archive.GetEntry(folder + "byteorder") is { Length: < 16 } order
            && ReadAll(order).AsSpan().SequenceEqual("big"u8);
        object? value = new PickleReader(new MemoryStream(ReadAll(pickle)), Storage).Read();
        return Tensors(value, (tensor, name) =>
        {
            using ZipArchive again = ZipFile.OpenRead(path);
            ZipArchiveEntry entry = again.GetEntry($"{folder}data/{tensor.Storage.Key}")
                ?? throw new InvalidDataException($"lacks the storage {tensor.Storage.Key} of {name}");
            using Stream stream = ZipContents.Open(entry);
            return Values(stream, entry.Length, tensor, name, bigEndian);
        });
    }

    private static bool IsPickle(string entry) =>
        entry == "data.pkl"
        || (entry.EndsWith("/data.pkl", StringComparison.Ordinal) && entry.Count(c => c == '/') == 1);

    /// <summary>Returns the tensors of a legacy file.</summary>
    public static IReadOnlyList<NamedArray> ReadLegacy(string path)
    {
        using FileStream file = File.OpenRead(path);
        if (new PickleReader(file).Read() is not BigInteger magic || magic != s_legacyMagic)
            throw new InvalidDataException("is a pickle, but not one that torch.save wrote");
        new PickleReader(file).Read();
        new PickleReader(file).Read();
        object? value = new PickleReader(file, Storage).Read();
        var places = new Dictionary<string, (long Offset, long Count)>();
        if (new PickleReader(file).Read() is not List<object?> keys)
            throw new InvalidDataException("has no list of storages");
        Dictionary<string, string> types = [];
        foreach (TorchTensor tensor in Tensors(value)) types[tensor.Storage.Key] = tensor.Storage.Type;
        byte[] head = new byte[8];
        foreach (object? key in keys)
        {
            string name = Key(key) ?? throw new InvalidDataException("has a storage without a name");
            file.ReadExactly(head);
            long count = BinaryPrimitives.ReadInt64LittleEndian(head);
            int size = types.TryGetValue(name, out string? type) ? NumberReader.SizeOf(TypeOf(type)) : 4;
            if (count < 0 || count > (file.Length - file.Position) / size) throw new EndOfStreamException();
            places[name] = (file.Position, count);
            file.Seek(count * size, SeekOrigin.Current);
        }

        return Tensors(value, (tensor, name) =>
        {
            if (!places.TryGetValue(tensor.Storage.Key, out (long Offset, long Count) place))
                throw new InvalidDataException($"lacks the storage {tensor.Storage.Key} of {name}");
            using FileStream again = File.OpenRead(path);
            again.Seek(place.Offset, SeekOrigin.Begin);
            long bytes = place.Count * NumberReader.SizeOf(TypeOf(tensor.Storage.Type));
            return Values(again, bytes, tensor, name, bigEndian: false);
        });
    }

    /// <summary>Reads ('storage', class, key, location, number of elements, ...).</summary>
    private static TorchStorage Storage(object?[] id)
    {
        if (id is [string or byte[], PickleGlobal type, var key, ..] && Key(key) is { } name)
            return new TorchStorage(type.Name, name);

        throw new InvalidDataException("names a storage in a way that is not known");
    }

    /// <summary>A storage's key as text: Python 2 writes it as bytes.</summary>
    private static string? Key(object? key) =>
        key as string ?? (key is byte[] bytes ? Encoding.Latin1.GetString(bytes) : null);

    private static IEnumerable<TorchTensor> Tensors(object? value) =>
        value is Dictionary<string, object?> tensors ? tensors.Values.OfType<TorchTensor>() : [];

    private static IReadOnlyList<NamedArray> Tensors(object? value, Func<TorchTensor, string, float[]> read)
    {
        if (value is not Dictionary<string, object?> all)
            throw new InvalidDataException("holds no state dictionary (name to tensor)");
        // Some checkpoints wrap the weights in another dictionary.
        if (all.TryGetValue("state_dict", out object? inner) && inner is Dictionary<string, object?> wrapped)
            all = wrapped;
        return [.. all.Where(item => item.Value is TorchTensor).Select(item =>
        {
            var tensor = (TorchTensor)item.Value!;
            return new NamedArray(item.Key, tensor.Shape, () => read(tensor, item.Key));
        })];
    }

    /// <summary>Reads a window on a storage as a row-major array.</summary>
    private static float[] Values(Stream storage, long storageBytes, TorchTensor tensor, string name, bool bigEndian)
    {
        NumberType type = TypeOf(tensor.Storage.Type);
        int size = NumberReader.SizeOf(type);
        long count = NamedArray.Count(tensor.Shape), last = tensor.Offset;
        for (int axis = 0; axis < tensor.Shape.Length; axis++)
        {
            long reach = Math.Max(0, tensor.Shape[axis] - 1);
            if (reach > 0 && tensor.Strides[axis] > (long.MaxValue - last) / reach) last = long.MaxValue;
            else last += reach * tensor.Strides[axis];
        }

        bool inStorage = last < storageBytes / size && last - tensor.Offset < 4 * NamedArray.MaxElements;
        if (count > NamedArray.MaxElements || count == 0 || !inStorage)
        {
            throw new InvalidDataException(
                $"states the shape ({string.Join(", ", tensor.Shape)}) for {name}, "
                + $"which its storage of {storageBytes:n0} bytes does not hold");
        }

        // Read and discard, because the stream may be unable to seek.
        Skip(storage, tensor.Offset * size);
        float[] window = new float[last - tensor.Offset + 1];
        NumberReader.Read(storage, window.Length, type, bigEndian, (i, value) => window[i] = (float)value);
        float[] values = new float[count];
        for (long i = 0; i < count; i++)
        {
            long rest = i, at = 0;
            for (int axis = tensor.Shape.Length - 1; axis >= 0; axis--)
            {
                at += rest % tensor.Shape[axis] * tensor.Strides[axis];
                rest /= tensor.Shape[axis];
            }

            values[i] = window[at];
        }

        return values;
    }

    private static void Skip(Stream stream, long bytes)
    {
        byte[] waste = new byte[Math.Min(bytes, 1 << 16)];
        for (long left = bytes; left > 0; left -= waste.Length)
            stream.ReadExactly(waste.AsSpan(0, (int)Math.Min(left, waste.Length)));
    }

    private static NumberType TypeOf(string storage) => storage switch
    {
        "FloatStorage" => NumberType.Float32,
        "DoubleStorage" => NumberType.Float64,
        "HalfStorage" => NumberType.Float16,
        "BFloat16Storage" => NumberType.BFloat16,
        "LongStorage" => NumberType.Int64,
        "IntStorage" => NumberType.Int32,
        _ => NumberType.UInt8,
    };

    private static byte[] ReadAll(ZipArchiveEntry entry)
    {
        using Stream stream = ZipContents.Open(entry);
        byte[] bytes = new byte[entry.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }
}
