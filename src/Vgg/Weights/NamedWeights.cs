using System.Globalization;
using System.Text.RegularExpressions;

namespace NativeStyle.Vgg.Weights;

/// <summary>
/// Reads VGG's convolutions from named arrays, whatever the file. Layers are found by the names that publishers use.
/// Kernels are (height, width, in, out) or (out, in, height, width), according to their shape.
/// </summary>
internal static partial class NamedWeights
{
    /// <summary>Lists all layers, and loads those that are needed.</summary>
    /// <param name="path">The file's path, for messages.</param>
    /// <param name="format">A name of the format to show to users.</param>
    /// <param name="arrays">All arrays of the file.</param>
    /// <param name="requested">
    /// Layers to load together with those before them. If empty, layers are only listed.
    /// </param>
    /// <param name="metadata">The metadata of a .safetensors file.</param>
    public static (WeightsContents Contents, Dictionary<string, LayerWeights> Layers) Read(
        string path, string format, IReadOnlyList<NamedArray> arrays, IReadOnlyCollection<string> requested,
        IReadOnlyDictionary<string, string>? metadata = null)
    {
        bool features = arrays.Any(array => FeaturesPattern().IsMatch(array.Name));
        VggArchitecture? byPlaces = features ? ArchitectureOfPlaces(arrays) : null;
        var layers = new Dictionary<string, (NamedArray? Filter, NamedArray? Bias)>();
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
                $"{path} is {format} without VGG weights: it has {arrays.Count} arrays, "
                + "none called conv1_1_W, conv1_1.weight or features.0.weight");
        }

        VggArchitecture architecture = byPlaces ?? WeightsFile.ArchitectureOf(order);
        // The shape of a 3 x 3 x 3 x 3 kernel does not tell its order. It is that of the file's other kernels, or the
        // one that the file states.
        int[][] shapes = [.. order.Select(name => layers[name].Filter?.Shape).OfType<int[]>()];
        string? kernelOrder = metadata?.GetValueOrDefault("kernel_order");
        bool statedLast = kernelOrder is not null && kernelOrder.StartsWith("height", StringComparison.Ordinal);
        bool first = !statedLast && shapes.Any(shape => shape is [_, _, 3, 3])
            && !shapes.Any(shape => shape is [3, 3, _, _] and not [_, _, 3, 3]);
        HashSet<string> load = [.. WeightsFile.Needed(architecture, requested), "conv1_1"];
        var entries = new List<WeightsEntry>();
        var loaded = new Dictionary<string, LayerWeights>();
        foreach (string name in order.OrderBy(name => name, StringComparer.Ordinal))
        {
            (NamedArray? kernel, NamedArray? bias) = layers[name];
            if (kernel is null || bias is null)
            {
                string missing = kernel is null ? "kernel" : "bias";
                throw new InvalidDataException($"{path} has {(kernel ?? bias)!.Name}, but no {missing} for {name}");
            }

            entries.Add(new WeightsEntry(name, kernel.Shape, bias.Shape));
            if (!load.Contains(name)) continue;
            bool channelsFirst = kernel.Shape is [_, _, 3, 3] && (first || kernel.Shape is not [3, 3, _, _]);
            bool matching = (channelsFirst || kernel.Shape is [3, 3, _, _])
                && bias.Shape is [var filters] && filters == kernel.Shape[channelsFirst ? 0 : 3];
            if (!matching)
            {
                throw new InvalidDataException(
                    $"{path}: {name} has shapes ({string.Join(", ", kernel.Shape)}) "
                    + $"and ({string.Join(", ", bias.Shape)}), "
                    + "expected (3, 3, in, out) or (out, in, 3, 3), and (out)");
            }

            float[] values = kernel.Read();
            if (channelsFirst) values = ChannelsLast(values, kernel.Shape[0], kernel.Shape[1]);
            loaded[name] = new LayerWeights(values, bias.Read());
        }

        (WeightsConvention convention, string why) = Convention(
            path, format, features, loaded.GetValueOrDefault("conv1_1"), metadata);
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
    /// Returns the input that the first layer was trained on. The numbers decide if they are the published ones of
    /// Oxford's VGG-19, then the file's own metadata, and then the custom of its format.
    /// </summary>
    internal static (WeightsConvention Convention, string Why) Convention(
        string path, string format, bool features, LayerWeights? first, IReadOnlyDictionary<string, string>? metadata)
    {
        if (first is not null && ByNumbers(first) is { } byNumbers)
        {
            string color = byNumbers == WeightsConvention.Rgb255 ? "red" : "blue";
            return (byNumbers, $"conv1_1 has the published numbers of Oxford's VGG-19, {color} first");
        }

        string? stated = metadata?.GetValueOrDefault("convention");
        if (stated is not null && WeightsConventions.Parse(stated) is { } byMetadata)
            return (byMetadata, "the file's metadata says so");
        string name = Path.GetFileName(path);
        bool fromCaffe = name.Contains("d01eb7cb", StringComparison.Ordinal)
            || name.Contains("00b39a1b", StringComparison.Ordinal);
        if (fromCaffe) return (WeightsConvention.Bgr255, "the file's name is that of the Caffe weights for PyTorch");
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

    /// <summary>
    /// Compares with biases and kernels of conv1_1. They are the same in all of Oxford's files, except that the order
    /// of the channels may differ.
    /// </summary>
    private static WeightsConvention? ByNumbers(LayerWeights first)
    {
        const float Tolerance = 2e-3f;
        float[] bias = [0.73017758f, 0.06493629f, 0.03428847f, 0.8260386f];
        if (first.Bias.Length != 64 || first.Filter.Length != 27 * 64) return null;
        for (int i = 0; i < bias.Length; i++)
            if (!(Math.Abs(first.Bias[i] - bias[i]) < Tolerance)) return null;
        // The weights for red, above the centre and left of it.
        bool At(int channel) => Math.Abs(first.Filter[((1 * 3) + channel) * 64] - 0.37740308f) < Tolerance
            && Math.Abs(first.Filter[((3 * 3) + channel) * 64] - 0.2671299f) < Tolerance;
        return At(0) ? WeightsConvention.Rgb255 : At(2) ? WeightsConvention.Bgr255 : null;
    }

    /// <summary>
    /// Returns the layer that an array belongs to and whether the array is its bias, or null for any other array.
    /// </summary>
    private static (string Layer, bool IsBias)? LayerOf(string name, VggArchitecture? byPlaces)
    {
        if (FeaturesPattern().Match(name) is { Success: true } place)
        {
            VggLayer? layer = byPlaces!.Find("features." + place.Groups[1].Value);
            return layer is null ? null : (layer.Name, place.Groups[2].Value == "bias");
        }

        if (KerasPattern().Match(name) is { Success: true } keras)
        {
            GroupCollection groups = keras.Groups;
            string layer = groups[3].Success ? groups[3].Value : $"conv{groups[1].Value}_{groups[2].Value}";
            return (layer, groups[4].Value is "b" or "bias");
        }

        return LayerPattern().Match(name) is { Success: true } canonical
            ? (canonical.Groups[1].Value, canonical.Groups[2].Value is "b" or "bias" or "biases")
            : null;
    }

    /// <summary>
    /// Tells VGG-19 from VGG-16: the third block's fourth convolution is VGG-19's, and VGG-16 has a pooling in its
    /// place.
    /// </summary>
    private static VggArchitecture ArchitectureOfPlaces(IReadOnlyList<NamedArray> arrays)
    {
        HashSet<int> places =
        [
            .. arrays.Select(array => FeaturesPattern().Match(array.Name))
                .Where(match => match.Success)
                .Select(match => int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture)),
        ];
        return places.Contains(17) && !places.Contains(16) ? VggArchitecture.Vgg16 : VggArchitecture.Vgg19;
    }

    /// <summary>Converts filters (out, in, K, K) to (K, K, in, out).</summary>
    internal static float[] ChannelsLast(float[] values, int outChannels, int inChannels)
    {
        float[] result = new float[values.Length];
        int taps = values.Length / (outChannels * inChannels);
        for (int o = 0; o < outChannels; o++)
        for (int i = 0; i < inChannels; i++)
        for (int tap = 0; tap < taps; tap++)
            result[(((tap * inChannels) + i) * outChannels) + o] = values[(((o * inChannels) + i) * taps) + tap];
        return result;
    }

    private static float[]? ParseMean(string text)
    {
        const NumberStyles Style = NumberStyles.Float;
        float[] mean =
        [
            .. text.Split(',').Select(part =>
                float.TryParse(part, Style, CultureInfo.InvariantCulture, out float value) ? value : float.NaN),
        ];
        return mean.Length == 3 && mean.All(float.IsFinite) ? mean : null;
    }

    [GeneratedRegex(@"^(?:module\.)?features\.(\d{1,2})\.(weight|bias)$")]
    private static partial Regex FeaturesPattern();

    [GeneratedRegex(@"(?:^|/)(?:block(\d)_conv(\d)|(fc\d))(?:_|/(?:.*/)?)(W|b|kernel|bias)(?:_1)?(?::0)?$")]
    private static partial Regex KerasPattern();

    [GeneratedRegex(@"^(\w*?\d+(?:_\d+)?)[._/](W|b|weight|weights|bias|biases|kernel)(?::0)?$")]
    private static partial Regex LayerPattern();
}
