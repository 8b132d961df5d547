using System.IO.Compression;

namespace NativeStyle.Vgg.Weights;

/// <summary>
/// .npz archives with conv1_1_W, (3, 3, in, out), and conv1_1_b: Frossard's vgg16_weights.npz and whatever was saved
/// like it. Only the arrays needed are read, straight out of the archive.
/// </summary>
internal static class NpzWeights
{
    private const long MaxKernel = 9L * 1024 * 1024;

    public static (WeightsContents Contents, Dictionary<string, LayerWeights> Layers) Read(
        string path, IReadOnlyCollection<string> wanted)
    {
        try
        {
            using ZipArchive archive = ZipFile.OpenRead(path);
            var arrays = new Dictionary<string, ZipArchiveEntry>();
            foreach (ZipArchiveEntry entry in archive.Entries)
            {
                if (entry.FullName.EndsWith(".npy", StringComparison.OrdinalIgnoreCase))
                    arrays[entry.FullName[..^4]] = entry;
            }

            string[] names = [.. arrays.Keys.Where(key => key.EndsWith("_W", StringComparison.Ordinal)).Select(key => key[..^2])];
            if (names.Length == 0)
            {
                throw new InvalidDataException(
                    $"{path} is an archive without VGG weights: it has {arrays.Count} arrays, none called conv1_1_W");
            }

            VggArchitecture architecture = WeightsFile.ArchitectureOf(names);
            HashSet<string> load = [.. WeightsFile.Needed(architecture, wanted)];
            var entries = new List<WeightsEntry>();
            var layers = new Dictionary<string, LayerWeights>();
            foreach (string name in names)
            {
                if (!arrays.TryGetValue(name + "_b", out ZipArchiveEntry? biasEntry))
                    throw new InvalidDataException($"{path} has {name}_W but no {name}_b");
                bool needed = load.Contains(name);
                (int[] kernelShape, float[] kernel) = ReadArray(path, arrays[name + "_W"], needed);
                (int[] biasShape, float[] bias) = ReadArray(path, biasEntry, needed);
                entries.Add(new WeightsEntry(name, kernelShape, biasShape));
                if (!needed) continue;
                if (kernelShape is not [3, 3, _, _] || biasShape is not [_] || biasShape[0] != kernelShape[3])
                {
                    throw new InvalidDataException(
                        $"{path}: {name} has shapes ({string.Join(", ", kernelShape)}) and ({string.Join(", ", biasShape)}), " +
                        "expected (3, 3, in, out) and (out)");
                }

                layers[name] = new LayerWeights(kernel, bias);
            }

            entries.Sort((a, b) => string.CompareOrdinal(a.Layer, b.Layer));
            return (new WeightsContents(".npz archive", architecture, entries, null), layers);
        }
        catch (InvalidDataException damage) when (!damage.Message.StartsWith(path, StringComparison.Ordinal))
        {
            throw new InvalidDataException(
                $"{path} is damaged or truncated: {damage.Message}; download it again", damage);
        }
        catch (EndOfStreamException)
        {
            throw new InvalidDataException($"{path} is truncated: an array ends early; download it again");
        }
    }

    private static (int[] Shape, float[] Values) ReadArray(string path, ZipArchiveEntry entry, bool values)
    {
        using Stream stream = entry.Open();
        NpyHeader header;
        try
        {
            header = NpyHeader.Read(stream);
        }
        catch (InvalidDataException bad)
        {
            throw new InvalidDataException($"{path}: {entry.FullName} {bad.Message}", bad);
        }

        if (!values) return (header.Shape, []);
        long count;
        try
        {
            count = header.Count;
        }
        catch (OverflowException)
        {
            count = long.MaxValue;
        }

        if (count > MaxKernel || count * NumberReader.SizeOf(header.Type) > entry.Length)
        {
            throw new InvalidDataException(
                $"{path}: {entry.FullName} states the shape ({string.Join(", ", header.Shape)}), which its {entry.Length:n0} bytes do not hold");
        }

        float[] loaded = new float[count];
        int[] strides = header.FortranOrder ? RowMajorStrides(header.Shape) : [];
        NumberReader.Read(stream, count, header.Type, header.BigEndian, (i, value) =>
            loaded[header.FortranOrder ? RowMajorIndex(i, header.Shape, strides) : i] = (float)value);
        return (header.Shape, loaded);
    }

    private static int[] RowMajorStrides(int[] shape)
    {
        int[] strides = new int[shape.Length];
        int stride = 1;
        for (int axis = shape.Length - 1; axis >= 0; axis--)
        {
            strides[axis] = stride;
            stride *= shape[axis];
        }

        return strides;
    }

    /// <summary>Where the i-th number of a Fortran-ordered array stands in a row-major one.</summary>
    private static long RowMajorIndex(long i, int[] shape, int[] strides)
    {
        long index = 0;
        for (int axis = 0; axis < shape.Length; axis++)
        {
            index += i % shape[axis] * strides[axis];
            i /= shape[axis];
        }

        return index;
    }
}
