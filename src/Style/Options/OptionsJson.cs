using System.Collections;
using System.Reflection;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using NativeStyle.Vgg;

namespace NativeStyle.Style.Options;

/// <summary>Reads and writes options as JSON, for preset files, checkpoints and pictures.</summary>
internal static class OptionsJson
{
    /// <summary>The property that names a preset. Its values replace those that a file lacks.</summary>
    private const string Base = "base";

    private static readonly JsonDocumentOptions s_lenient = new()
    {
        CommentHandling = JsonCommentHandling.Skip,
        AllowDuplicateProperties = false,
    };

    private static readonly JsonSerializerOptions s_strict = new() { AllowDuplicateProperties = false };

    /// <summary>
    /// The format: camelCase names, options by their table, no unknown names, and null only where the type says so.
    /// </summary>
    public static JsonSerializerOptions Format { get; } = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        WriteIndented = true,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        Converters = { new TableConverter() },
        TypeInfoResolver = new DefaultJsonTypeInfoResolver { Modifiers = { RefuseNullItems } },
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public static string Write(TransferOptions options) => JsonSerializer.Serialize(options, Format);

    /// <summary>
    /// Reads options from JSON, which may have comments. It has all options, or those that differ from the preset that
    /// "base" names.
    /// </summary>
    /// <param name="json">The text of a JSON object.</param>
    /// <param name="presets">Finds the preset of "base".</param>
    /// <exception cref="TransferException">
    /// The JSON is wrong, or a value is out of range. The message is to follow a file's name.
    /// </exception>
    public static TransferOptions Read(string json, Func<string, TransferOptions?> presets)
    {
        try
        {
            if (JsonNode.Parse(json, documentOptions: s_lenient) is not JsonObject values)
                throw new TransferException("is not a JSON object of options");
            if (values[Base] is not { } name) return Validated(values.Deserialize<TransferOptions>(Format)!);
            TransferOptions preset = (name.GetValueKind() == JsonValueKind.String
                ? presets(name.GetValue<string>()) : null)
                ?? throw new TransferException(
                    $"has the base {name.ToJsonString()}, expected one of {string.Join(", ", Presets.Names)}");
            values.Remove(Base);
            return Validated(Replace(preset, values));
        }
        catch (Exception wrong) when (IsWrongJson(wrong))
        {
            throw new TransferException($"is not a preset: {wrong.Message.Split(" Path:")[0]}");
        }
    }

    /// <summary>Replaces some values of options.</summary>
    /// <exception cref="TransferException">A value is not allowed. The message is to follow a file's name.</exception>
    public static TransferOptions With(TransferOptions options, JsonObject values)
    {
        try
        {
            return Validated(Replace(options, values));
        }
        catch (Exception wrong) when (IsWrongJson(wrong))
        {
            throw new TransferException($"has options that are none: {wrong.Message}");
        }
    }

    /// <summary>
    /// Whether an exception of reading JSON says that the JSON is wrong. Nodes are parsed when they are asked for: a
    /// name that occurs twice is then a wrong argument, and half of a surrogate pair a wrong operation.
    /// </summary>
    public static bool IsWrongJson(Exception wrong) =>
        wrong is JsonException or ArgumentException or InvalidOperationException;

    /// <summary>Checks that a transfer can use each value, and returns the options.</summary>
    /// <exception cref="TransferException">A value is wrong. The message is to follow a file's name.</exception>
    public static TransferOptions Validated(TransferOptions options)
    {
        foreach (TransferOption option in OptionTable.All) option.Check(options);
        CheckLayers(OptionTable.ContentLayers, options.ContentLayers, options.ContentWeight);
        CheckLayers(OptionTable.StyleLayers, options.StyleLayers, options.StyleWeight);
        return options;

        void CheckLayers(TransferOption option, IReadOnlyList<LayerWeight> layers, double weight)
        {
            if (LayerList.WhyNotIn(Architecture(options.Architecture), layers) is { } why)
                throw new TransferException($"has in {option.Name} {why}");
            if (weight > 0 && layers.Count == 0)
                throw new TransferException($"has a weight but no layers in {option.Name}");
        }
    }

    /// <summary>Finds an architecture by its name.</summary>
    public static VggArchitecture Architecture(string name) =>
        new[] { VggArchitecture.Vgg19, VggArchitecture.Vgg16 }.FirstOrDefault(own => own.Name == name)
        ?? throw new TransferException($"has the architecture '{name}', expected {OptionWords.Architecture.Expected}");

    /// <summary>Replaces values of options by their names.</summary>
    /// <exception cref="JsonException">There is no such option, or its value is of another kind.</exception>
    private static TransferOptions Replace(TransferOptions options, JsonObject values)
    {
        foreach ((string name, JsonNode? value) in values)
        {
            TransferOption option = OptionTable.All.FirstOrDefault(each => each.Name == name)
                ?? throw new JsonException($"there is no option '{name}'");
            options = option.Read(options, JsonSerializer.SerializeToElement(value));
        }

        return options;
    }

    /// <summary>
    /// Makes null an error in a list or dictionary whose items must not be null. The serialiser itself checks only
    /// properties.
    /// </summary>
    private static void RefuseNullItems(JsonTypeInfo type)
    {
        var nullability = new NullabilityInfoContext();
        JsonPropertyInfo[] lists = [.. type.Properties.Where(property =>
            property.Get is not null
            && property.AttributeProvider is PropertyInfo { CanWrite: true, PropertyType.IsGenericType: true } own
            && typeof(IEnumerable).IsAssignableFrom(own.PropertyType)
            && nullability.Create(own).GenericTypeArguments[^1].ReadState == NullabilityState.NotNull)];
        if (lists.Length == 0) return;
        type.OnDeserialized = read =>
        {
            foreach (JsonPropertyInfo property in lists)
            {
                object? list = property.Get!(read);
                IEnumerable? items = list is IDictionary named ? named.Values : list as IEnumerable;
                if (items?.Cast<object?>().Contains(null) == true)
                    throw new JsonException($"a null is among its {property.Name}");
            }
        };
    }

    /// <summary>Reads and writes options within other JSON, with the table's names and in its order.</summary>
    private sealed class TableConverter : JsonConverter<TransferOptions>
    {
        public override TransferOptions Read(
            ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            try
            {
                JsonObject values = JsonSerializer.Deserialize<JsonObject>(ref reader, s_strict)
                    ?? throw new JsonException("options are no object");
                string[] missing = [.. OptionTable.All
                    .Where(option => option.Required && !values.ContainsKey(option.Name))
                    .Select(option => option.Name)];
                return missing.Length == 0 ? Replace(new TransferOptions(), values)
                    : throw new JsonException($"it lacks {string.Join(", ", missing)}");
            }
            catch (Exception wrong) when (IsWrongJson(wrong) && wrong is not JsonException)
            {
                throw new JsonException(wrong.Message, wrong);
            }
        }

        public override void Write(Utf8JsonWriter writer, TransferOptions value, JsonSerializerOptions options)
        {
            writer.WriteStartObject();
            foreach (TransferOption option in OptionTable.All) option.Write(writer, value);
            writer.WriteEndObject();
        }
    }
}
