using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using NativeStyle.Kernels.Operators.Pool2x2;
using NativeStyle.Vgg;

namespace NativeStyle.Style;

/// <summary>Options as JSON: what presets in files, checkpoints and pictures hold.</summary>
public static class OptionsJson
{
    /// <summary>A property that names the preset whose values stand where a file has none.</summary>
    private const string Base = "base";

    /// <summary>camelCase names, enumerations as words-with-dashes, nothing unknown.</summary>
    public static JsonSerializerOptions Format { get; } = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        WriteIndented = true,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.KebabCaseLower, allowIntegerValues: false) },
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public static string Write(TransferOptions options) => JsonSerializer.Serialize(options, Format);

    /// <summary>
    /// Options from JSON, all of them or those that differ from the preset that "base" names.
    /// </summary>
    /// <param name="json">An object.</param>
    /// <param name="presets">Finds the preset of "base".</param>
    /// <exception cref="TransferException">No such JSON, or a value out of range; the message goes after a file's name.</exception>
    public static TransferOptions Read(string json, Func<string, TransferOptions?> presets)
    {
        try
        {
            if (JsonNode.Parse(json) is not JsonObject given) throw new TransferException("is not a JSON object of options");
            if (given[Base] is { } name)
            {
                TransferOptions found = (name is JsonValue value && value.TryGetValue(out string? text) ? presets(text) : null)
                    ?? throw new TransferException($"has the base {name.ToJsonString()}, expected one of {string.Join(", ", Presets.Names)}");
                given.Remove(Base);
                given = Merge(found, given);
            }

            return Validated(given.Deserialize<TransferOptions>(Format) ?? throw new TransferException("is empty"));
        }
        catch (JsonException wrong)
        {
            throw new TransferException($"is not a preset: {wrong.Message.Split(" Path:")[0]} (see 'nativestyle presets show NAME' for what is expected)");
        }
        catch (ArgumentException wrong)
        {
            // A property that stands there twice.
            throw new TransferException($"is not a preset: {wrong.Message}");
        }
    }

    /// <summary>The options with some values replaced.</summary>
    public static TransferOptions With(TransferOptions options, JsonObject values)
    {
        try
        {
            return Validated(Merge(options, values).Deserialize<TransferOptions>(Format)!);
        }
        catch (JsonException wrong)
        {
            throw new TransferException($"has options that are none: {wrong.Message.Split(" Path:")[0]}");
        }
    }

    /// <summary>The options, if each value is one that a transfer can be made with.</summary>
    /// <exception cref="TransferException">It is not; the message goes after a file's name.</exception>
    public static TransferOptions Validated(TransferOptions options)
    {
        VggArchitecture architecture = Architecture(options.Architecture);
        CheckLayers("contentLayers", options.ContentLayers);
        CheckLayers("styleLayers", options.StyleLayers);
        Check("contentWeight", options.ContentWeight, 0, 1e15);
        Check("styleWeight", options.StyleWeight, 0, 1e15);
        Check("tvWeight", options.TvWeight, 0, 1e15);
        Check("styleLayerFactor", options.StyleLayerFactor, 1e-6, 1e6);
        Check("pixelRange", options.PixelRange, 1e-3, 1e6);
        Check("size", options.Size, 0, 32768);
        Check("coarsestSize", options.CoarsestSize, 0, 32768);
        Check("styleSize", options.StyleSize, 0, 32768);
        Check("styleSizeFactor", options.StyleSizeFactor, 0.01, 100);
        Check("learningRate", options.LearningRate, 1e-9, 1e9);
        Check("beta1", options.Beta1, 0, 0.999999);
        Check("beta2", options.Beta2, 0, 0.9999999);
        Check("epsilon", options.Epsilon, 0, 1);
        Check("history", options.History, 1, 1000);
        Check("averageDecay", options.AverageDecay, 0, 0.999999);
        Check("initNoise", options.InitNoise, 0, 1e6);
        Check("initNoiseShare", options.InitNoiseShare, 0, 1);
        Check("printEvery", options.PrintEvery, 0, 1_000_000);
        if (options.Iterations.Count == 0) throw new TransferException("has no iterations, expected one number for each scale");
        foreach (int count in options.Iterations) Check("iterations", count, 1, 1_000_000);
        if (options.Pooling == Pooling.None) throw new TransferException("has pooling none, expected average, max or l2");
        if (options is { ContentWeight: > 0, ContentLayers.Count: 0 }) throw new TransferException("has a content weight but no contentLayers");
        if (options is { StyleWeight: > 0, StyleLayers.Count: 0 }) throw new TransferException("has a style weight but no styleLayers");
        return options;

        void CheckLayers(string name, IReadOnlyList<LayerWeight> layers)
        {
            foreach (LayerWeight layer in layers)
            {
                if (architecture.Layers.All(known => known.Name != layer.Layer))
                    throw new TransferException($"has the layer '{layer.Layer}' in {name}; {architecture.Name} has {string.Join(", ", architecture.Layers.Select(known => known.Name))}");
                Check($"{name}, {layer.Layer}", layer.Weight, 0, 1e15);
            }

            if (layers.DistinctBy(layer => layer.Layer).Count() != layers.Count) throw new TransferException($"has a layer twice in {name}");
        }

        static void Check(string name, double value, double least, double most)
        {
            // Compared the other way round, not-a-number would pass.
            if (!(value >= least && value <= most)) throw new TransferException(FormattableString.Invariant($"has {name} {value}, expected {least} to {most}"));
        }
    }

    /// <summary>The architecture of that name.</summary>
    public static VggArchitecture Architecture(string name) =>
        new[] { VggArchitecture.Vgg19, VggArchitecture.Vgg16 }.FirstOrDefault(known => known.Name == name)
        ?? throw new TransferException($"has the architecture '{name}', expected VGG-19 or VGG-16");

    private static JsonObject Merge(TransferOptions options, JsonObject values)
    {
        JsonObject merged = JsonSerializer.SerializeToNode(options, Format)!.AsObject();
        foreach ((string name, JsonNode? value) in values) merged[name] = value?.DeepClone();
        return merged;
    }
}
