using System.IO.Compression;
using PureHDF;
using PureHDF.Filters;
using PureHDF.VOL.Native;

namespace NativeStyle.Vgg.Weights;

/// <summary>
/// Reads VGG's arrays from a Keras HDF5 file (.h5), as keras.applications publishes them and as save_weights and
/// model.save write them. It looks them up by the names that Keras uses. PureHDF reads the file through
/// <see cref="Hdf5Guard"/>.
/// </summary>
internal static class Hdf5File
{
    /// <summary>The places of a network's layers: its weights, its whole model, or VGG as a layer of either.</summary>
    private static readonly string[] s_folders =
        ["", "model_weights/", "vgg19/", "vgg16/", "model_weights/vgg19/", "model_weights/vgg16/"];

    /// <summary>The names of kernel and bias of a layer, {0}, from Keras 1 to 3.</summary>
    private static readonly (string Kernel, string Bias)[] s_names =
    [
        ("{0}_W_1:0", "{0}_b_1:0"), ("{0}/kernel:0", "{0}/bias:0"), ("{0}/kernel", "{0}/bias"),
        ("kernel:0", "bias:0"), ("kernel", "bias"),
        ("{0}_W:0", "{0}_b:0"), ("{0}_W", "{0}_b"),
    ];

    static Hdf5File()
    {
        // PureHDF's own filters inflate whatever a chunk holds, and count bytes as the file states them.
        H5Filter.Register(new Inflate());
        H5Filter.Register(new Unshuffle());
    }

    /// <exception cref="InvalidDataException">
    /// The file is damaged, or has no layers of VGG. The message does not name the file.
    /// </exception>
    public static IReadOnlyList<NamedArray> Read(string path) => Guarded(path, (file, guard) =>
    {
        string folder = s_folders.FirstOrDefault(folder => Exists(file, folder + "block1_conv1"))
            ?? throw new InvalidDataException(
                "is an HDF5 file without a group block1_conv1, "
                + "as Keras's VGG files have at their root or in model_weights");
        IEnumerable<string> layers = Enumerable.Range(1, 5)
            .SelectMany(block => Enumerable.Range(1, 4).Select(conv => $"block{block}_conv{conv}"))
            .Concat(["fc1", "fc2"]);
        var arrays = new List<NamedArray>();
        foreach (string layer in layers)
        {
            if (!Exists(file, folder + layer) || file.Get(folder + layer) is not NativeGroup group) continue;
            foreach ((string kernel, string bias) in s_names)
            {
                if (!Exists(group, Named(kernel, layer))) continue;
                IEnumerable<string> names = new[] { kernel, bias }.Select(pattern => Named(pattern, layer));
                foreach (string name in names.Where(name => Exists(group, name)))
                {
                    string full = $"{folder}{layer}/{name}";
                    arrays.Add(new NamedArray(full, Dataset(group, name, guard).Facts.Shape, () => Values(path, full)));
                }

                break;
            }
        }

        if (arrays.Count > 0) return arrays;
        throw new InvalidDataException(
            $"is an HDF5 file whose group {folder}block1_conv1 has no kernel of a name that Keras uses "
            + "(kernel:0, block1_conv1_W_1:0)");
    });

    private static float[] Values(string path, string name) => Guarded(path, (file, guard) =>
    {
        (NativeDataset dataset, Hdf5Dataset facts) = Dataset(file, name, guard);
        if (facts.Problem is not null) throw new InvalidDataException($"has {name}, which {facts.Problem}");
        float[] values = new float[NamedArray.Count(facts.Shape)];
        byte[] bytes = new byte[values.Length * NumberReader.SizeOf(facts.Type)];
        guard.ReadsNumbers = true;
        var cache = new SimpleReadingChunkCache((int)facts.Chunks + 1, long.MaxValue);
        dataset.Read<byte>(new H5DatasetAccess(ChunkCache: cache), bytes.AsSpan());
        if (guard.Pieces < facts.Chunks)
            throw new InvalidDataException($"lacks {facts.Chunks - guard.Pieces} of {facts.Chunks} chunks of {name}");
        using var numbers = new MemoryStream(bytes);
        NumberReader.Read(numbers, values.Length, facts.Type, facts.BigEndian, (i, value) => values[i] = (float)value);
        return values;
    });

    /// <summary>
    /// Opens the file for one purpose, and reports damage as <see cref="InvalidDataException"/>: PureHDF has no
    /// exception of its own for it.
    /// </summary>
    private static T Guarded<T>(string path, Func<NativeFile, Hdf5Guard, T> read)
    {
        using var guard = new Hdf5Guard(path);
        try
        {
            using NativeFile file = H5File.Open(guard, leaveOpen: true);
            return read(file, guard);
        }
        catch (Exception damage) when (damage is not (InvalidDataException or IOException) or EndOfStreamException)
        {
            Exception cause = damage.GetBaseException();
            string message = cause is InvalidDataException
                ? cause.Message
                : $"is damaged or truncated: {cause.Message}";
            throw new InvalidDataException(message, damage);
        }
    }

    /// <summary>
    /// Whether a path exists. It is followed step by step, because PureHDF fails on a path through an object that is
    /// not a group.
    /// </summary>
    private static bool Exists(NativeGroup group, string path)
    {
        string[] steps = path.Split('/');
        for (int i = 0; i < steps.Length; i++)
        {
            if (!group.LinkExists(steps[i])) return false;
            if (i == steps.Length - 1) return true;
            if (group.Get(steps[i]) is not NativeGroup next) return false;
            group = next;
        }

        return false;
    }

    private static (NativeDataset Dataset, Hdf5Dataset Facts) Dataset(
        NativeGroup group, string path, Hdf5Guard guard) =>
        group.Get(path) is NativeDataset dataset && guard.Dataset is { } facts
            ? (dataset, facts)
            : throw new InvalidDataException($"has {path}, which is no dataset");

    private static string Named(string pattern, string layer) =>
        pattern.Replace("{0}", layer, StringComparison.Ordinal);

    /// <summary>Inflates a chunk (filter 1) to exactly as many bytes as the chunk has.</summary>
    private sealed class Inflate : IH5Filter
    {
        public ushort FilterId => 1;

        public string Name => "deflate";

        public Memory<byte> Filter(FilterInfo info)
        {
            using var stream = new ZLibStream(new MemoryStream(info.Buffer.ToArray()), CompressionMode.Decompress);
            byte[] chunk = new byte[info.ChunkSize];
            try
            {
                stream.ReadExactly(chunk);
            }
            catch (IOException damage) when (damage is not EndOfStreamException)
            {
                throw new InvalidDataException("has a chunk that cannot be inflated", damage);
            }

            return chunk;
        }

        public uint[] GetParameters(uint[] chunkDimensions, uint typeSize, Dictionary<string, object>? options) =>
            throw new NotSupportedException();
    }

    /// <summary>
    /// Undoes shuffle (filter 2), which stores first the first bytes of all numbers, then the second ones, and so on.
    /// Bytes after the last whole number stay in place.
    /// </summary>
    private sealed class Unshuffle : IH5Filter
    {
        public ushort FilterId => 2;

        public string Name => "shuffle";

        public Memory<byte> Filter(FilterInfo info)
        {
            ReadOnlySpan<byte> shuffled = info.Buffer.Span;
            byte[] plain = shuffled.ToArray();
            int size = (int)info.Parameters[0], count = plain.Length / size;
            for (int i = 0; i < count; i++)
            for (int part = 0; part < size; part++)
                plain[(i * size) + part] = shuffled[(part * count) + i];
            return plain;
        }

        public uint[] GetParameters(uint[] chunkDimensions, uint typeSize, Dictionary<string, object>? options) =>
            throw new NotSupportedException();
    }
}
