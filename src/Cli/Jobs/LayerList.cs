using System.Globalization;
using NativeStyle.Style;
using NativeStyle.Vgg;

namespace NativeStyle.Cli;

/// <summary>Lists of layers as the command line writes them: conv1_1:0.5,relu2_1:0.5.</summary>
internal static class LayerList
{
    /// <summary>The layers with their weights (1 where none is given) under their canonical names; null for null.</summary>
    public static IReadOnlyList<LayerWeight>? Parse(string option, string? text, VggArchitecture architecture)
    {
        if (text is null) return null;
        var layers = new List<LayerWeight>();
        foreach (string item in text.Split(',', StringSplitOptions.TrimEntries))
        {
            string[] parts = item.Split(':');
            VggLayer layer = architecture.Find(parts[0])
                ?? throw new UsageException(
                    $"{option}: there is no layer '{parts[0]}'; {architecture.Name} has {string.Join(", ", architecture.Layers.Select(l => l.Name))}");
            double weight = 1;
            bool valid = parts.Length <= 2 && (parts.Length == 1
                || (double.TryParse(parts[1], NumberStyles.Float, CultureInfo.InvariantCulture, out weight) && weight >= 0 && double.IsFinite(weight)));
            if (!valid) throw new UsageException($"{option}: '{item}' is not LAYER or LAYER:WEIGHT with a weight of 0 or more");
            if (layers.Any(known => known.Layer == layer.Name)) throw new UsageException($"{option}: {layer.Name} stands there twice");
            layers.Add(new LayerWeight(layer.Name, weight));
        }

        return layers;
    }
}
