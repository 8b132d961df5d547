namespace NativeStyle.Vgg.Weights;

/// <summary>
/// Reads MatConvNet's imagenet-vgg-verydeep-16/19.mat in both editions. <c>layers</c> is a cell array of structs with
/// name, type and weights = {kernel, bias} (in older files filters and biases), and is read by field name. Kernels are
/// (height, width, in, out) in column-major order. The input is RGB 0..255.
/// </summary>
internal static class MatWeights
{
    private const int MaxChannels = 1024;
    private const int MaxSmallArray = 224 * 224 * 3;

    public static (WeightsContents Contents, Dictionary<string, LayerWeights> Layers) Read(
        string path, IReadOnlyCollection<string>? requested, bool load)
    {
        var entries = new List<WeightsEntry>();
        var layers = new Dictionary<string, LayerWeights>();
        float[]? mean = null;
        bool hasLayers = false;

        // Layers come in order: after the last requested one, the rest of the variable need not be inflated.
        bool Enough() =>
            requested is not null && requested.All(name => entries.Any(entry => entry.Layer == name));

        MatFile.Read(path, dimensions => IsNeeded(dimensions, load), (variable, value) =>
        {
            if (variable == "layers")
            {
                hasLayers = true;
                if (value is MatStruct layer) AddLayer(layer, entries, layers);
                return !Enough();
            }

            if (variable is "meta" && value is MatStruct meta) mean ??= MeanOf(meta["normalization"] as MatStruct);
            if (variable is "normalization") mean ??= MeanOf(value as MatStruct);
            return true;
        });
        if (!hasLayers)
        {
            throw new InvalidDataException(
                $"{path} is a MAT-file, but has no variable 'layers' as MatConvNet's networks have "
                + "(imagenet-vgg-verydeep-19.mat)");
        }

        VggArchitecture architecture = WeightsFile.ArchitectureOf(entries.Select(entry => entry.Layer));
        return (new WeightsContents("MAT-file level 5 (MatConvNet)", architecture, entries, mean), layers);
    }

    /// <summary>
    /// Keeps kernels of convolutions if weights are loaded, and small arrays. It skips the 400 MB of fc6.
    /// </summary>
    private static bool IsNeeded(int[] d, bool kernels)
    {
        if (d.Aggregate(1L, (product, n) => product * n) <= MaxSmallArray) return true;
        return kernels && d.Length == 4 && d[0] == 3 && d[1] == 3 && d[2] <= MaxChannels && d[3] <= MaxChannels;
    }

    private static void AddLayer(MatStruct layer, List<WeightsEntry> entries, Dictionary<string, LayerWeights> layers)
    {
        if (layer["name"] is not MatText { Text: string name }) return;
        IReadOnlyList<MatValue> pair = layer["weights"] is MatCell cell ? cell.Cells
            : layer["filters"] is MatValue filters && layer["biases"] is MatValue biases ? [filters, biases] : [];
        if (pair.Count < 2 || pair[0] is not MatNumbers kernel || pair[1] is not MatNumbers bias) return;
        entries.Add(new WeightsEntry(name, kernel.Dimensions, bias.Dimensions));
        if (kernel.Values is null || bias.Values is null) return;
        int[] d = kernel.Dimensions;
        // MATLAB drops trailing dimensions of one.
        (int inChannels, int outChannels) = (d.Length > 2 ? d[2] : 1, d.Length > 3 ? d[3] : 1);
        if (d[0] != 3 || d[1] != 3 || d.Length > 4 || bias.Values.Length != outChannels) return;
        float[] rowMajor = new float[kernel.Values.Length];
        for (int o = 0; o < outChannels; o++)
        for (int i = 0; i < inChannels; i++)
        for (int x = 0; x < 3; x++)
        for (int y = 0; y < 3; y++)
        {
            rowMajor[(((((y * 3) + x) * inChannels) + i) * outChannels) + o] =
                kernel.Values[y + (3 * (x + (3 * (i + (inChannels * o)))))];
        }

        layers[name] = new LayerWeights(rowMajor, bias.Values);
    }

    /// <summary>
    /// Returns the mean per channel of averageImage, which is 224 x 224 x 3 (old), 1 x 1 x 3 or 3 numbers (new).
    /// </summary>
    private static float[]? MeanOf(MatStruct? normalization)
    {
        if (normalization?["averageImage"] is not MatNumbers { Values: { Length: >= 3 } values }) return null;
        if (values.Length % 3 != 0) return null;
        int plane = values.Length / 3;
        float[] mean = new float[3];
        for (int channel = 0; channel < 3; channel++)
        {
            double sum = 0;
            foreach (float value in values.AsSpan(channel * plane, plane)) sum += value;
            mean[channel] = (float)(sum / plane);
        }

        return mean;
    }
}
