using System.Globalization;
using NativeStyle.Vgg;

namespace NativeStyle.Compression;

/// <summary>Parses how many channels each layer keeps.</summary>
internal static class LayerWidths
{
    /// <summary>Multiples of this fill whole vectors on every device, and convolutions are fastest with them.</summary>
    private const int Preferred = 16;

    /// <summary>Returns the number of channels by layer.</summary>
    /// <param name="text">
    /// One number, or a comma-separated list with one number for each block or for each layer. A number up to 1 is a
    /// share of the layer's channels, rounded to a multiple of 16 if that is at least 16. A larger number is a number
    /// of channels.
    /// </param>
    /// <param name="layers">The layers from conv1_1 on.</param>
    /// <exception cref="FormatException">
    /// The list has another length, or a part is not a number or is too large. The message is meant to follow the
    /// option's name.
    /// </exception>
    public static IReadOnlyDictionary<string, int> Parse(string text, IReadOnlyList<VggLayer> layers)
    {
        string[] parts = text.Split(',', StringSplitOptions.TrimEntries);
        int blocks = layers[^1].Block;
        if (parts.Length != 1 && parts.Length != blocks && parts.Length != layers.Count)
        {
            throw new FormatException(
                $"{text} has {parts.Length} numbers, expected one, one for each of {blocks} blocks "
                + $"or one for each of {layers.Count} layers");
        }

        return layers.Select((layer, i) => (Layer: layer, Part: parts[PartOf(layer, i)]))
            .ToDictionary(each => each.Layer.Name, each => Channels(each.Part, each.Layer));

        int PartOf(VggLayer layer, int index) =>
            parts.Length == 1 ? 0 : parts.Length == layers.Count ? index : layer.Block - 1;
    }

    private static int Channels(string text, VggLayer layer)
    {
        const NumberStyles Style = NumberStyles.AllowDecimalPoint;
        bool number = double.TryParse(text, Style, CultureInfo.InvariantCulture, out double value);
        if (!number || !(value > 0) || value > layer.OutChannels || (value > 1 && value != Math.Floor(value)))
        {
            throw new FormatException(
                $"'{text}' is no width for {layer.Name}, expected a share up to 1, "
                + $"or a whole number of its {layer.OutChannels} channels");
        }

        if (value > 1) return (int)value;
        double channels = value * layer.OutChannels;
        int rounded = channels < Preferred
            ? (int)Math.Round(channels)
            : Preferred * (int)Math.Round(channels / Preferred);
        return Math.Clamp(rounded, 1, layer.OutChannels);
    }
}
