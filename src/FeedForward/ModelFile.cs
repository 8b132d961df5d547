using NativeStyle.Autodiff;
using NativeStyle.Imaging;
using NativeStyle.Vgg;
using NativeStyle.Vgg.Weights;

namespace NativeStyle.FeedForward;

/// <summary>
/// Reads and writes trained styles. The first bytes of a file decide the format, and not its name. Tensors have the
/// names and the layout of PyTorch's example fast_neural_style in either format, so other programs can read what this
/// one writes.
/// </summary>
public static class ModelFile
{
    private const string FormatKey = "format";
    private const string FormatName = "NativeStyle style model";
    private const string VersionKey = "version";
    private const string Version = "1";
    private const string Expected =
        "a style model: .safetensors, or .pth of PyTorch's example fast_neural_style";

    /// <summary>More channels than a layer of a style model has, and more blocks than one has.</summary>
    private const int MaxChannels = 1024, MaxBlocks = 256;

    /// <summary>What old versions of PyTorch save with an instance norm, and do not use.</summary>
    private static readonly string[] s_unused = ["running_mean", "running_var", "num_batches_tracked"];

    /// <summary>Reads a model of any number of channels and blocks.</summary>
    /// <param name="path">A .safetensors file, or a .pth file of either kind that torch.save writes.</param>
    /// <exception cref="InvalidDataException">
    /// The file is damaged, of another format, or of another network. The message begins with the path.
    /// </exception>
    public static StyleModel Read(string path)
    {
        byte[] head = new byte[8];
        int length;
        using (Stream file = File.OpenRead(path)) length = file.ReadAtLeast(head, 8, throwOnEndOfStream: false);
        if (length == 0) throw new InvalidDataException($"{path} is empty, expected {Expected}");
        string source = Path.GetFileName(path);
        return DamagedFile.Named(path, () =>
        {
            // A header's length may begin with the same bytes as a pickle, so .safetensors is tested for first.
            bool named = path.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase);
            if (SafeTensors.Begins(() => File.OpenRead(path)) || named)
                return ReadSafeTensors(path, source, () => File.OpenRead(path));
            var nothing = new Dictionary<string, string>();
            if (head.AsSpan().StartsWith("PK"u8) && TorchFile.IsZip(path))
                return Model(path, source, NamedWeights.Torch, TorchFile.ReadZip(path), nothing);
            if (TorchFile.IsLegacy(head))
                return Model(path, source, NamedWeights.Torch, TorchFile.ReadLegacy(path), nothing);
            string start = Convert.ToHexStringLower(head.AsSpan(0, length));
            throw new InvalidDataException($"{path} begins with bytes {start}, expected {Expected}");
        });
    }

    /// <summary>Writes a model as .safetensors, to a temporary file that is then renamed.</summary>
    /// <inheritdoc cref="Write(Stream, TransformerWeights, IReadOnlyDictionary{string, string}, bool)"/>
    internal static void Write(
        string path, TransformerWeights weights, IReadOnlyDictionary<string, string> made, bool half = false) =>
        AtomicFile.Write(path, stream => Write(stream, weights, made, half));

    /// <summary>Writes a model as .safetensors.</summary>
    /// <param name="made">How it was made, for the metadata: see the keys of <see cref="StyleModel"/>.</param>
    /// <param name="half">Whether to write float16, which takes half the bytes, instead of float32.</param>
    /// <exception cref="InvalidDataException">A number is not finite. No program could use the model.</exception>
    /// <exception cref="OverflowException">A number is too large for float16.</exception>
    internal static void Write(
        Stream stream, TransformerWeights weights, IReadOnlyDictionary<string, string> made, bool half = false)
    {
        var arrays = new List<(string Name, int[] Shape, float[] Values)>();
        foreach (TransformerParameter parameter in weights.Architecture.Parameters)
        {
            float[] values = weights[parameter.Name];
            if (NotFinite(values) is { } wrong)
                throw new InvalidDataException($"the model's {parameter.Name} holds {wrong}, so it is not written");
            int[] shape = TorchShape(parameter);
            arrays.Add((parameter.Name, shape, parameter.IsFilter ? ChannelsFirst(values, shape) : values));
        }

        var metadata = new Dictionary<string, string>(made) { [FormatKey] = FormatName, [VersionKey] = Version };
        SafeTensors.Write(stream, arrays, metadata, half);
    }

    /// <summary>Reads a .safetensors file from wherever it is.</summary>
    /// <param name="path">The file's path for messages.</param>
    /// <param name="source">Its name in the model.</param>
    /// <param name="open">Opens it from its beginning.</param>
    internal static StyleModel ReadSafeTensors(string path, string source, Func<Stream> open)
    {
        (IReadOnlyList<NamedArray> arrays, IReadOnlyDictionary<string, string> metadata) = SafeTensors.Read(open);
        string version = metadata.GetValueOrDefault(VersionKey, "");
        if (metadata.GetValueOrDefault(FormatKey) == FormatName && version != Version)
        {
            throw new InvalidDataException(
                $"{path} is a style model of version '{version}', expected {Version}; "
                + "use the version of this program that wrote it, or a newer one");
        }

        return Model(path, source, ".safetensors", arrays, metadata);
    }

    private static StyleModel Model(
        string path, string source, string format, IReadOnlyList<NamedArray> arrays,
        IReadOnlyDictionary<string, string> metadata)
    {
        var byName = new Dictionary<string, NamedArray>();
        foreach (NamedArray array in arrays)
        {
            if (!byName.TryAdd(array.Name, array))
                throw new InvalidDataException($"{path} has two tensors called {array.Name}, expected one");
        }

        TransformerArchitecture architecture = ArchitectureOf(path, format, byName);
        TransformerParameter[] parameters = [.. architecture.Parameters];
        HashSet<string> known = [.. parameters.Select(parameter => parameter.Name)];
        IEnumerable<string> unused = architecture.Stages.Where(stage => stage.Norm is not null)
            .SelectMany(stage => s_unused.Select(name => $"{stage.Norm}.{name}"));
        string[] missing = [.. known.Where(name => !byName.ContainsKey(name))];
        if (missing.Length > 0)
        {
            throw new InvalidDataException(
                $"{path} lacks {Listed(missing)}, expected {known.Count} tensors for {architecture}");
        }

        string[] extra = [.. byName.Keys.Except(known).Except(unused)];
        if (extra.Length > 0)
        {
            throw new InvalidDataException(
                $"{path} also has {Listed(extra)}, expected only the {known.Count} tensors for {architecture}: "
                + "this is another network");
        }

        var values = new Dictionary<string, float[]>();
        foreach (TransformerParameter parameter in parameters)
        {
            (NamedArray array, int[] shape) = (byName[parameter.Name], TorchShape(parameter));
            if (!array.Shape.AsSpan().SequenceEqual(shape))
            {
                throw new InvalidDataException(
                    $"{path}: {array.Name} has the shape ({string.Join(", ", array.Shape)}), "
                    + $"expected ({string.Join(", ", shape)}) in a network of {architecture}");
            }
        }

        foreach (TransformerParameter parameter in parameters)
        {
            float[] numbers = byName[parameter.Name].Read();
            if (NotFinite(numbers) is { } wrong)
            {
                throw new InvalidDataException(
                    $"{path}: {parameter.Name} holds {wrong}, expected finite numbers; "
                    + "the file is damaged or its training failed");
            }

            Shape shape = parameter.Shape;
            values[parameter.Name] = parameter.IsFilter
                ? NamedWeights.ChannelsLast(numbers, shape[3], shape[2]) : numbers;
        }

        return new StyleModel(new TransformerWeights(architecture, values), format, source, metadata);
    }

    /// <summary>Returns the network that the first three filters and the names of the residual blocks tell.</summary>
    private static TransformerArchitecture ArchitectureOf(
        string path, string format, Dictionary<string, NamedArray> arrays)
    {
        string[] heads = [.. new[] { "conv1", "conv2", "conv3" }.Select(name => $"{name}.conv2d.weight")];
        if (!heads.Any(arrays.ContainsKey))
        {
            bool vgg = arrays.Keys.Any(name =>
                VggArchitecture.Vgg19.Find(name[..Math.Max(0, name.LastIndexOf('.'))]) is not null);
            string what = vgg ? "VGG's weights" : $"{arrays.Count} tensors and no {heads[0]}";
            throw new InvalidDataException($"{path} is {format} with {what}, expected {Expected}");
        }

        int[] channels = new int[heads.Length];
        for (int i = 0; i < heads.Length; i++)
        {
            if (!arrays.TryGetValue(heads[i], out NamedArray? filter))
                throw new InvalidDataException($"{path} lacks {heads[i]}, expected {Expected}");
            if (filter.Shape is not [>= 1 and <= MaxChannels and var filters, _, _, _])
            {
                throw new InvalidDataException(
                    $"{path}: {heads[i]} has the shape ({string.Join(", ", filter.Shape)}), "
                    + $"expected (out, in, height, width) with 1 to {MaxChannels} filters");
            }

            channels[i] = filters;
        }

        // A file without blocks then lacks those of the first.
        int blocks = 1;
        while (blocks < MaxBlocks && arrays.ContainsKey($"res{blocks + 1}.conv1.conv2d.weight")) blocks++;
        return new TransformerArchitecture(channels[0], channels[1], channels[2], blocks);
    }

    /// <summary>PyTorch's shape of a parameter: (out, in, K, K) for a filter.</summary>
    private static int[] TorchShape(TransformerParameter parameter)
    {
        Shape shape = parameter.Shape;
        return parameter.IsFilter ? [shape[3], shape[2], shape[0], shape[1]] : [shape[0]];
    }

    /// <summary>Converts filters (K, K, in, out) to (out, in, K, K).</summary>
    private static float[] ChannelsFirst(float[] values, int[] shape)
    {
        float[] result = new float[values.Length];
        (int outChannels, int inChannels, int taps) = (shape[0], shape[1], shape[2] * shape[3]);
        for (int o = 0; o < outChannels; o++)
        for (int i = 0; i < inChannels; i++)
        for (int tap = 0; tap < taps; tap++)
            result[(((o * inChannels) + i) * taps) + tap] = values[(((tap * inChannels) + i) * outChannels) + o];
        return result;
    }

    private static string? NotFinite(float[] values)
    {
        int at = Array.FindIndex(values, value => !float.IsFinite(value));
        return at < 0 ? null : $"the number {values[at]}";
    }

    private static string Listed(string[] names) => names.Length <= 3
        ? string.Join(", ", names) : $"{string.Join(", ", names[..3])} and {names.Length - 3} more";
}
