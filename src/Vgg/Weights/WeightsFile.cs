using System.Security.Cryptography;

namespace NativeStyle.Vgg.Weights;

/// <summary>A layer of a weights file.</summary>
/// <param name="Layer">The layer's name in the file.</param>
/// <param name="Filter">The filter's dimensions, (3, 3, in, out) for a convolution, or empty without a filter.</param>
/// <param name="Bias">The bias's dimensions.</param>
public sealed record WeightsEntry(string Layer, IReadOnlyList<int> Filter, IReadOnlyList<int> Bias);

/// <summary>The contents of a weights file.</summary>
/// <param name="Format">A name of the format to show to users.</param>
/// <param name="Architecture">The network that its convolutions belong to, with as many channels as they have.</param>
/// <param name="Entries">The layers in the file's order.</param>
/// <param name="Mean">The mean pixel that the file states, RGB 0..255, or null if it states none.</param>
public sealed record WeightsContents(
    string Format, VggArchitecture Architecture, IReadOnlyList<WeightsEntry> Entries, float[]? Mean)
{
    /// <summary>The input that its first layer was trained on, as far as the file tells.</summary>
    public WeightsConvention Convention { get; init; } = WeightsConvention.Rgb255;

    /// <summary>The reason for <see cref="Convention"/>.</summary>
    public string ConventionReason { get; init; } = "MatConvNet's files are RGB";

    /// <summary>The order of the kernels' dimensions in the file.</summary>
    public string KernelOrder { get; init; } = "(height, width, in, out)";

    /// <summary>The metadata of a .safetensors file.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; init; } = new Dictionary<string, string>();
}

/// <summary>A file's checksums, and the published file that they belong to.</summary>
/// <param name="Bytes">The file's size.</param>
/// <param name="PublishedAs">The published file, or null if its checksums are unknown.</param>
public sealed record WeightsIdentity(long Bytes, string Md5, string Sha256, string? PublishedAs);

/// <summary>
/// Reads VGG weights from the usual files, or <see cref="CompactNetwork"/> by its name. The first bytes decide the
/// format, and not the file's name.
/// </summary>
/// <example>
/// <code>
/// VggWeights weights = WeightsFile.Load("imagenet-vgg-verydeep-19.mat", ["conv4_2"]);
/// </code>
/// </example>
public static class WeightsFile
{
    /// <summary>Loads the convolutions up to the deepest of <paramref name="layers"/>.</summary>
    /// <param name="path">A .mat, .npz, .npy, .h5, .pth or .safetensors file.</param>
    /// <param name="layers">Canonical names of the layers that are needed. Those before them are loaded too.</param>
    /// <param name="convention">The input that the first layer expects, or null to use what the file tells.</param>
    /// <exception cref="InvalidDataException">The file is damaged or of another format.</exception>
    /// <exception cref="MissingLayerException">The file lacks a layer that is needed.</exception>
    public static VggWeights Load(string path, IReadOnlyCollection<string> layers, WeightsConvention? convention = null)
    {
        (WeightsContents contents, Dictionary<string, LayerWeights> loaded) = Read(path, layers, load: true);
        VggArchitecture architecture = contents.Architecture;
        foreach (string name in Needed(architecture, layers).Concat(layers).Distinct())
        {
            if (loaded.ContainsKey(name)) continue;
            string has = loaded.Count == 0
                ? "no convolution of VGG"
                : $"the convolutions {string.Join(", ", loaded.Keys)}";
            throw new MissingLayerException($"{path} lacks layer {name}: it has {has}", name);
        }

        foreach (VggLayer layer in architecture.Layers)
        {
            if (!loaded.TryGetValue(layer.Name, out LayerWeights? weights)) continue;
            long size = 9L * layer.InChannels * layer.OutChannels;
            if (weights.Bias.Length != layer.OutChannels || weights.Filter.Length != size)
            {
                int place = architecture.Layers.ToList().IndexOf(layer);
                string reads = layer.ReadsPixels ? "RGB" : $"the channels of {architecture.Layers[place - 1].Name}";
                throw new InvalidDataException(
                    $"{path}: {layer.Name} has {weights.Filter.Length:n0} weights and {weights.Bias.Length} biases, "
                    + $"expected (3, 3, {layer.InChannels}, {layer.OutChannels}) and {layer.OutChannels}, "
                    + $"as it reads {reads}: this is no {architecture.Name}");
            }
        }

        return VggWeights.FromConvention(
            architecture, loaded, convention ?? contents.Convention, contents.Mean,
            path == CompactNetwork.Name ? $"{path} {architecture.Name}" : Path.GetFileName(path));
    }

    /// <summary>
    /// Writes the convolutions alone as .safetensors, which has a seventh of a published file's size. They are float32,
    /// (3, 3, in, out), for RGB 0..255 with the mean subtracted. The metadata states what they are and where they come
    /// from.
    /// </summary>
    /// <param name="sourceSha256">The SHA-256 of the file they were loaded from.</param>
    /// <param name="half">Whether to write float16, which takes half the bytes, instead of float32.</param>
    /// <param name="more">More entries for the metadata.</param>
    /// <exception cref="OverflowException">A number is too large for float16.</exception>
    internal static void Save(
        VggWeights weights, Stream stream, string sourceSha256, bool half = false,
        IReadOnlyDictionary<string, string>? more = null)
    {
        var arrays = new List<(string Name, int[] Shape, float[] Values)>();
        foreach (VggLayer layer in weights.Architecture.Layers)
        {
            if (!weights.Layers.TryGetValue(layer.Name, out LayerWeights? values)) continue;
            arrays.Add(($"{layer.Name}.weight", [3, 3, layer.InChannels, layer.OutChannels], values.Filter));
            arrays.Add(($"{layer.Name}.bias", [layer.OutChannels], values.Bias));
        }

        IEnumerable<string> mean =
            weights.Mean.Select(value => value.ToString("R", System.Globalization.CultureInfo.InvariantCulture));
        var metadata = new Dictionary<string, string>
        {
            ["format"] = "NativeStyle VGG convolutions",
            ["architecture"] = weights.Architecture.Name,
            ["convention"] = WeightsConventions.NameOf(WeightsConvention.Rgb255),
            ["mean"] = string.Join(",", mean),
            ["kernel_order"] = "height, width, in, out",
            ["source"] = weights.Source,
            ["source_sha256"] = sourceSha256,
        };
        foreach ((string key, string value) in more ?? new Dictionary<string, string>()) metadata[key] = value;
        SafeTensors.Write(stream, arrays, metadata, half);
    }

    /// <summary>Returns the table of a file's layers without loading them.</summary>
    /// <exception cref="InvalidDataException">The file is damaged or of another format.</exception>
    public static WeightsContents Describe(string path) => Read(path, null, load: false).Contents;

    /// <summary>Whether the file has all of the layers. It is read only up to the last of them.</summary>
    /// <exception cref="InvalidDataException">The file is damaged or of another format.</exception>
    public static bool Has(string path, IReadOnlyCollection<string> layers)
    {
        HashSet<string> names = [.. Read(path, layers, load: false).Contents.Entries.Select(entry => entry.Layer)];
        return layers.All(names.Contains);
    }

    /// <summary>Computes MD5 and SHA-256 of the whole file in one pass.</summary>
    public static WeightsIdentity Identify(string path)
    {
        // MD5 is computed only because some files are published with it.
        using var md5 = IncrementalHash.CreateHash(HashAlgorithmName.MD5);
        using var sha256 = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using Stream file = Open(path);
        byte[] chunk = new byte[1 << 20];
        for (int read; (read = file.Read(chunk)) > 0;)
        {
            md5.AppendData(chunk, 0, read);
            sha256.AppendData(chunk, 0, read);
        }

        string md5Text = Convert.ToHexStringLower(md5.GetHashAndReset());
        string sha256Text = Convert.ToHexStringLower(sha256.GetHashAndReset());
        WeightsSource? published = WeightsSource.All.FirstOrDefault(source =>
            (source.Sha256.Length > 0 || source.Md5.Length > 0)
            && (source.Sha256.Length == 0 || source.Sha256 == sha256Text)
            && (source.Md5.Length == 0 || source.Md5 == md5Text));
        string? publishedAs = published is null
            ? null
            : $"{Path.GetFileName(published.Address.LocalPath)}, {published.Network} from {published.Name}";
        return new WeightsIdentity(file.Length, md5Text, sha256Text, publishedAs);
    }

    /// <summary>Returns the requested layers and all layers before them.</summary>
    internal static IEnumerable<string> Needed(VggArchitecture architecture, IReadOnlyCollection<string> layers)
    {
        int last = architecture.Layers.Select((layer, i) => layers.Contains(layer.Name) ? i : -1).Max();
        return architecture.Layers.Take(last + 1).Select(layer => layer.Name);
    }

    /// <summary>Tells VGG-19 from VGG-16: VGG-19 has a fourth convolution in its last three blocks.</summary>
    internal static VggArchitecture ArchitectureOf(IEnumerable<string> layerNames)
    {
        HashSet<string> names = [.. layerNames];
        bool fourth = names.Contains("conv3_4") || names.Contains("conv4_4") || names.Contains("conv5_4");
        return fourth || !names.Contains("conv4_1") ? VggArchitecture.Vgg19 : VggArchitecture.Vgg16;
    }

    /// <summary>The most channels that a layer of a file may have.</summary>
    private const int MaxChannels = 4096;

    /// <param name="layers">The layers that are needed, after which reading may stop, or null for all.</param>
    /// <param name="load">Whether to load the layers' values, or only to list the layers.</param>
    private static (WeightsContents Contents, Dictionary<string, LayerWeights> Layers) Read(
        string path, IReadOnlyCollection<string>? layers, bool load)
    {
        (WeightsContents contents, Dictionary<string, LayerWeights> loaded) = ReadFormat(path, layers, load);
        var channels = new Dictionary<string, int>();
        HashSet<string> names = [.. contents.Architecture.Layers.Select(layer => layer.Name)];
        foreach (WeightsEntry entry in contents.Entries.Where(entry => names.Contains(entry.Layer)))
        {
            // A layer has as many filters as biases. An impossible number is reported by the comparison with the
            // kernel.
            long count = NamedArray.Count(entry.Bias);
            if (count is >= 1 and <= MaxChannels) channels[entry.Layer] = (int)count;
        }

        return (contents with { Architecture = contents.Architecture.WithChannels(channels) }, loaded);
    }

    /// <inheritdoc cref="Read"/>
    private static (WeightsContents Contents, Dictionary<string, LayerWeights> Layers) ReadFormat(
        string path, IReadOnlyCollection<string>? layers, bool load)
    {
        byte[] head = new byte[8];
        int length;
        using (Stream file = Open(path)) length = file.ReadAtLeast(head, 8, throwOnEndOfStream: false);
        const string Expected =
            "VGG weights: .mat (MatConvNet), .npz, .npy (tensorflow-vgg), .h5 (Keras), .pth (PyTorch) or .safetensors";
        if (length == 0) throw new InvalidDataException($"{path} is empty, expected {Expected}; download it again");
        bool hdf5 = head[0] == 0x89 && head.AsSpan(1).StartsWith("HDF"u8);
        bool Named(string extension) => path.EndsWith(extension, StringComparison.OrdinalIgnoreCase);
        if (head.AsSpan().StartsWith("MATLAB"u8) || (!hdf5 && Named(".mat")))
            return MatWeights.Read(path, layers, load);
        IReadOnlyCollection<string> requested = load ? layers! : [];
        return DamagedFile.Named(path, () =>
        {
            if (hdf5) return NamedWeights.Read(path, NamedWeights.Keras, Hdf5File.Read(path), requested);
            // Test for .safetensors before pickles: a header's length may begin with the same bytes as a pickle.
            if (SafeTensors.Begins(() => Open(path)) || Named(".safetensors"))
            {
                (IReadOnlyList<NamedArray> arrays, IReadOnlyDictionary<string, string> metadata) =
                    SafeTensors.Read(() => Open(path));
                return NamedWeights.Read(path, ".safetensors", arrays, requested, metadata);
            }

            if (head.AsSpan().StartsWith("PK"u8))
            {
                return TorchFile.IsZip(path)
                    ? NamedWeights.Read(path, NamedWeights.Torch, TorchFile.ReadZip(path), requested)
                    : NamedWeights.Read(path, ".npz archive", NpzFile.Read(path), requested);
            }

            if (head[0] == 0x93 && head.AsSpan(1).StartsWith("NUMPY"u8))
                return NamedWeights.Read(path, NamedWeights.TensorflowVgg, NumpyPickleFile.Read(path), requested);
            if (TorchFile.IsLegacy(head))
                return NamedWeights.Read(path, NamedWeights.Torch, TorchFile.ReadLegacy(path), requested);
            string start = Convert.ToHexStringLower(head.AsSpan(0, length));
            throw new InvalidDataException(
                $"{path} is no weights file that can be read: it begins with bytes {start}, expected {Expected}");
        });
    }

    private static Stream Open(string path) =>
        path == CompactNetwork.Name ? CompactNetwork.Open() : File.OpenRead(path);
}
