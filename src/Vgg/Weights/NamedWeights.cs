using System.Globalization;
using System.Text.RegularExpressions;

namespace NativeStyle.Vgg.Weights;

/// <summary>
/// VGG's convolutions from named arrays, whatever the file: layers by the names that the publishers use, kernels as
/// (height, width, in, out) or (out, in, height, width), whichever their shape says.
/// </summary>
internal static partial class NamedWeights
{
    /// <summary>Lists all layers and loads those needed.</summary>
    /// <param name="path">For messages.</param>
    /// <param name="format">For people.</param>
    /// <param name="arrays">All arrays of the file.</param>
    /// <param name="wanted">Layers to load, with those before them; none to list only.</param>
    /// <param name="metadata">What a .safetensors file says of itself.</param>
    public static (WeightsContents Contents, Dictionary<string, LayerWeights> Layers) Read(
        string path, string format, IReadOnlyList<NamedArray> arrays, IReadOnlyCollection<string> wanted,
        IReadOnlyDictionary<string, string>? metadata = null)
    {
        bool features = arrays.Any(array => FeaturesPattern().IsMatch(array.Name));
        VggArchitecture? byPlaces = features ? ArchitectureOfPlaces(arrays) : null;
        var layers = new Dictionary<string, (NamedArray? Kernel, NamedArray? Bias)>();
        var order = new List<string>();
        foreach (NamedArray array in arrays)
        {
            if (LayerOf(array.Name, byPlaces) is not var (layer, isBias)) continue;
            if (!layers.ContainsKey(layer)) order.Add(layer);
            (NamedArray? kernel, NamedArray? bias) = layers.GetValueOrDefault(layer);
            layers[layer] = isBias ? (kernel, array) : (array, bias);
        }

        if (!order.Any(name => VggArchitecture.Vgg19.Find(name) is not null))
        {
            throw new InvalidDataException(
                $"{path} is {format} without VGG weights: it has {arrays.Count} arrays, none called conv1_1_W, conv1_1.weight or features.0.weight");
        }

        VggArchitecture architecture = byPlaces ?? WeightsFile.ArchitectureOf(order);
        // A kernel of 3 x 3 x 3 x 3 may be either; it lies as the file's others do, or as the file says.
        int[][] shapes = [.. order.Select(name => layers[name].Kernel?.Shape).OfType<int[]>()];
        bool statedLast = metadata is not null && metadata.TryGetValue("kernel_order", out string? lies) && lies.StartsWith("height", StringComparison.Ordinal);
        bool first = !statedLast && shapes.Any(shape => shape is [_, _, 3, 3])
            && !shapes.Any(shape => shape is [3, 3, _, _] and not [_, _, 3, 3]);
        HashSet<string> load = [.. WeightsFile.Needed(architecture, wanted), "conv1_1"];
        var entries = new List<WeightsEntry>();
        var loaded = new Dictionary<string, LayerWeights>();
        foreach (string name in order.OrderBy(name => name, StringComparer.Ordinal))
        {
            (NamedArray? kernel, NamedArray? bias) = layers[name];
            if (kernel is null || bias is null)
                throw new InvalidDataException($"{path} has {(kernel ?? bias)!.Name}, but no {(kernel is null ? "kernel" : "bias")} for {name}");
            entries.Add(new WeightsEntry(name, kernel.Shape, bias.Shape));
            if (!load.Contains(name)) continue;
            bool channelsFirst = kernel.Shape is [_, _, 3, 3] && (first || kernel.Shape is not [3, 3, _, _]);
            if ((!channelsFirst && kernel.Shape is not [3, 3, _, _]) || bias.Shape is not [_] || bias.Shape[0] != kernel.Shape[channelsFirst ? 0 : 3])
            {
                throw new InvalidDataException(
                    $"{path}: {name} has shapes ({string.Join(", ", kernel.Shape)}) and ({string.Join(", ", bias.Shape)}), " +
                    "expected (3, 3, in, out) or (out, in, 3, 3), and (out)");
            }

            float[] values = kernel.Read();
            loaded[name] = new LayerWeights(channelsFirst ? ChannelsLast(values, kernel.Shape[0], kernel.Shape[1]) : values, bias.Read());
        }

        (WeightsConvention convention, string why) = Convention(path, format, features, loaded.GetValueOrDefault("conv1_1"), metadata);
        float[]? mean = metadata is not null && metadata.TryGetValue("mean", out string? text) ? ParseMean(text) : null;
        return (new WeightsContents(format, architecture, entries, mean)
        {
            Convention = convention,
            ConventionReason = why,
            Metadata = metadata ?? new Dictionary<string, string>(),
            KernelOrder = first ? "(out, in, height, width)" : "(height, width, in, out)",
        }, loaded);
    }

    /// <summary>
    /// What the first layer was trained on. The numbers say it where they are the published ones of Oxford's VGG-19; then
    /// the file's own metadata, then the habit of its format.
    /// </summary>
    internal static (WeightsConvention Convention, string Why) Convention(
        string path, string format, bool features, LayerWeights? first, IReadOnlyDictionary<string, string>? metadata)
    {
        if (first is not null && ByNumbers(first) is { } found)
            return (found, $"conv1_1 has the published numbers of Oxford's VGG-19, {(found == WeightsConvention.Rgb255 ? "red" : "blue")} first");
        if (metadata is not null && metadata.TryGetValue("convention", out string? stated) && WeightsConventions.Parse(stated) is { } named)
            return (named, "the file's metadata says so");
        string name = Path.GetFileName(path);
        if (name.Contains("d01eb7cb", StringComparison.Ordinal) || name.Contains("00b39a1b", StringComparison.Ordinal))
            return (WeightsConvention.Bgr255, "the file's name is that of the Caffe weights for PyTorch");
        if (features) return (WeightsConvention.RgbUnit, "layers are called features.N, as torchvision's");
        return format switch
        {
            TensorflowVgg => (WeightsConvention.Bgr255, "tensorflow-vgg's files are BGR"),
            Keras => (WeightsConvention.Bgr255, "Keras's VGG files are BGR"),
            Torch => (WeightsConvention.Bgr255, "Caffe's layers in a PyTorch file, as Gatys's vgg_conv.pth, are BGR"),
            _ => (WeightsConvention.Rgb255, $"the habit of {format}"),
        };
    }

    public const string TensorflowVgg = ".npy dictionary (tensorflow-vgg)";
    public const string Keras = "HDF5 (Keras)";
    public const string Torch = "PyTorch state dictionary";

    /// <summary>Biases and kernels of conv1_1 in all of Oxford's files, in another order of channels at most.</summary>
    private static WeightsConvention? ByNumbers(LayerWeights first)
    {
        const float Tolerance = 2e-3f;
        float[] bias = [0.73017758f, 0.06493629f, 0.03428847f, 0.8260386f];
        if (first.Bias.Length != 64 || first.Kernel.Length != 27 * 64) return null;
        for (int i = 0; i < bias.Length; i++)
            if (!(Math.Abs(first.Bias[i] - bias[i]) < Tolerance)) return null;
        // On red, above the centre and left of it.
        bool At(int channel) => Math.Abs(first.Kernel[((1 * 3) + channel) * 64] - 0.37740308f) < Tolerance
            && Math.Abs(first.Kernel[((3 * 3) + channel) * 64] - 0.2671299f) < Tolerance;
        return At(0) ? WeightsConvention.Rgb255 : At(2) ? WeightsConvention.Bgr255 : null;
    }

    /// <summary>The layer that an array belongs to, and whether it is its bias; null for arrays of something else.</summary>
    private static (string Layer, bool IsBias)? LayerOf(string name, VggArchitecture? byPlaces)
    {
        if (FeaturesPattern().Match(name) is { Success: true } place)
        {
            VggLayer? found = byPlaces!.Find("features." + place.Groups[1].Value);
            return found is null ? null : (found.Name, place.Groups[2].Value == "bias");
        }

        if (KerasPattern().Match(name) is { Success: true } keras)
            return (keras.Groups[3].Success ? keras.Groups[3].Value : $"conv{keras.Groups[1].Value}_{keras.Groups[2].Value}", keras.Groups[4].Value is "b" or "bias");
        return LayerPattern().Match(name) is { Success: true } layer
            ? (layer.Groups[1].Value, layer.Groups[2].Value is "b" or "bias" or "biases") : null;
    }

    /// <summary>The fourth convolution of the third block is VGG-19's; its place is a pooling's in VGG-16.</summary>
    private static VggArchitecture ArchitectureOfPlaces(IReadOnlyList<NamedArray> arrays)
    {
        HashSet<int> places = [.. arrays.Select(array => FeaturesPattern().Match(array.Name)).Where(match => match.Success)
            .Select(match => int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture))];
        return places.Contains(17) && !places.Contains(16) ? VggArchitecture.Vgg16 : VggArchitecture.Vgg19;
    }

    private static float[] ChannelsLast(float[] values, int outChannels, int inChannels)
    {
        float[] result = new float[values.Length];
        for (int o = 0; o < outChannels; o++)
        for (int i = 0; i < inChannels; i++)
        for (int tap = 0; tap < 9; tap++)
            result[(((tap * inChannels) + i) * outChannels) + o] = values[(((o * inChannels) + i) * 9) + tap];
        return result;
    }

    private static float[]? ParseMean(string text)
    {
        float[] mean = [.. text.Split(',').Select(part =>
            float.TryParse(part, NumberStyles.Float, CultureInfo.InvariantCulture, out float value) ? value : float.NaN)];
        return mean.Length == 3 && mean.All(float.IsFinite) ? mean : null;
    }

    [GeneratedRegex(@"^(?:module\.)?features\.(\d{1,2})\.(weight|bias)$")]
    private static partial Regex FeaturesPattern();

    [GeneratedRegex(@"(?:^|/)(?:block(\d)_conv(\d)|(fc\d))(?:_|/(?:.*/)?)(W|b|kernel|bias)(?:_1)?(?::0)?$")]
    private static partial Regex KerasPattern();

    [GeneratedRegex(@"^(\w*?\d+(?:_\d+)?)[._/](W|b|weight|weights|bias|biases|kernel)(?::0)?$")]
    private static partial Regex LayerPattern();
}
