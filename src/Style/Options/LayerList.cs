using System.Globalization;
using System.Text.Json;
using NativeStyle.Vgg;

namespace NativeStyle.Style.Options;

/// <summary>Layers with their weights, as text conv1_1:0.5,relu2_1:0.5. The default weight is 1.</summary>
internal sealed class LayerList(double most) : OptionType<IReadOnlyList<LayerWeight>>
{
    private readonly NumberRange<double> _weight = new(0, most);

    public override string HelpName => "A:W,B:W";

    public override string Expected => "layers with their weights";

    /// <summary>Parses layers. They keep the names from the text.</summary>
    public override IReadOnlyList<LayerWeight> Parse(string text) =>
        [.. text.Split(',', StringSplitOptions.TrimEntries).Select(ParseItem)];

    /// <summary>Replaces the layers' names with the architecture's own names.</summary>
    /// <exception cref="TransferException">
    /// The architecture has no such layer, or a layer occurs twice. The message is to follow the option's name.
    /// </exception>
    public static IReadOnlyList<LayerWeight> Resolve(IReadOnlyList<LayerWeight> layers, VggArchitecture architecture)
    {
        LayerWeight[] resolved =
            [.. layers.Select(layer => layer with { Layer = Find(layer.Layer, architecture).Name })];
        return Repeated(resolved) is { } name ? throw new TransferException($"has {name} twice") : resolved;
    }

    /// <summary>Finds a layer by any of its names.</summary>
    /// <inheritdoc cref="Resolve" path="/exception"/>
    public static VggLayer Find(string name, VggArchitecture architecture) =>
        architecture.Find(name)
            ?? throw new TransferException($"{name}: there is no layer '{name}'; {Names(architecture)}");

    public override string Text(IReadOnlyList<LayerWeight> value) => string.Join(
        ',', value.Select(layer => layer.Weight == 1 ? layer.Layer : $"{layer.Layer}:{_weight.Text(layer.Weight)}"));

    public override string? WhyNot(IReadOnlyList<LayerWeight> value)
    {
        foreach (LayerWeight layer in value)
            if (_weight.WhyNot(layer.Weight) is { } why) return $"{layer.Layer} {why}";
        return Repeated(value) is { } name ? $"with {name} twice" : null;
    }

    /// <summary>
    /// Describes the first layer that does not have one of the network's own names. Returns null if there is none.
    /// </summary>
    public static string? WhyNotIn(VggArchitecture architecture, IReadOnlyList<LayerWeight> layers) =>
        layers.FirstOrDefault(layer => architecture.Layers.All(own => own.Name != layer.Layer)) is { } unknown
        ? $"the layer '{unknown.Layer}'; {Names(architecture)}" : null;

    public override IReadOnlyList<LayerWeight> Read(JsonElement json) =>
        base.Read(json) is var layers && layers.All(layer => layer is not null) ? layers : throw new JsonException();

    private static string Names(VggArchitecture architecture) =>
        $"{architecture.Name} has {string.Join(", ", architecture.Layers.Select(layer => layer.Name))}";

    private static string? Repeated(IReadOnlyList<LayerWeight> layers) =>
        layers.GroupBy(layer => layer.Layer).FirstOrDefault(group => group.Count() > 1)?.Key;

    private static LayerWeight ParseItem(string item)
    {
        string[] parts = item.Split(':');
        if (parts.Length == 1) return new LayerWeight(item, 1);
        bool valid = parts.Length == 2
            & double.TryParse(parts[^1], NumberStyles.Float, CultureInfo.InvariantCulture, out double weight);
        return valid && weight >= 0 && double.IsFinite(weight) ? new LayerWeight(parts[0], weight)
            : throw new TransferException($"{item} is not LAYER or LAYER:WEIGHT with a weight of 0 or more");
    }
}
