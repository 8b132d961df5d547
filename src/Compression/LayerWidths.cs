using System.Globalization;
using NativeStyle.Vgg;

namespace NativeStyle.Compression;

/// <summary>How many channels layers keep, as people write it.</summary>
public static class LayerWidths
{
    /// <summary>Channels that fill whole vectors of every kind, which convolutions are fastest with.</summary>
    private const int Preferred = 16;

    /// <summary>Channels by layer.</summary>
    /// <param name="text">
    /// One number, or with commas one for each block or for each layer. Up to 1 it is a share of the layer's channels, rounded to
    /// a multiple of 16 where that is at least 16; above, a number of channels.
    /// </param>
    /// <param name="layers">From conv1_1 on.</param>
    /// <exception cref="FormatException">Another number of numbers, or one that is none or too large; the message goes after the option's name.</exception>
    public static IReadOnlyDictionary<string, int> Parse(string text, IReadOnlyList<VggLayer> layers)
    {
        string[] parts = text.Split(',', StringSplitOptions.TrimEntries);
        int blocks = layers[^1].Block;
        if (parts.Length != 1 && parts.Length != blocks && parts.Length != layers.Count)
            throw new FormatException($"{text} has {parts.Length} numbers, expected one, one for each of {blocks} blocks or one for each of {layers.Count} layers");
        return layers.Select((layer, i) => (layer, Part: parts[parts.Length == 1 ? 0 : parts.Length == layers.Count ? i : layer.Block - 1]))
            .ToDictionary(each => each.layer.Name, each => Channels(each.Part, each.layer));
    }

    private static int Channels(string text, VggLayer layer)
    {
        bool number = double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double value);
        if (!number || !(value > 0) || value > layer.OutChannels || (value > 1 && value != Math.Floor(value)))
            throw new FormatException($"'{text}' is no width for {layer.Name}, expected a share up to 1, or a whole number of its {layer.OutChannels} channels");
        if (value > 1) return (int)value;
        double channels = value * layer.OutChannels;
        int rounded = channels < Preferred ? (int)Math.Round(channels) : Preferred * (int)Math.Round(channels / Preferred);
        return Math.Clamp(rounded, 1, layer.OutChannels);
    }
}
