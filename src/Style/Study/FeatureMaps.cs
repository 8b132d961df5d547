using NativeStyle.Autodiff;
using NativeStyle.Imaging;
using NativeStyle.Kernels.Devices;
using NativeStyle.Vgg;

namespace NativeStyle.Style.Study;

/// <summary>A layer's activations on the host.</summary>
/// <param name="Layer">The layer's canonical name.</param>
/// <param name="Values">The activations after ReLU, (height, width, channels).</param>
internal sealed record FeatureMap(string Layer, float[] Values, int Height, int Width, int Channels)
{
    /// <summary>The mean square of each channel.</summary>
    public double[] Energies()
    {
        double[] energies = new double[Channels];
        for (int i = 0; i < Values.Length; i++) energies[i % Channels] += (double)Values[i] * Values[i];
        return Array.ConvertAll(energies, energy => energy / (Height * Width));
    }

    /// <summary>A channel as a grey picture, in which <paramref name="white"/> is white.</summary>
    public Picture Channel(int channel, float white)
    {
        var picture = new Picture(Height, Width);
        for (int i = 0; i < picture.Pixels.Length; i++)
            picture.Pixels[i] = white > 0 ? Math.Clamp(Values[((i / 3) * Channels) + channel] / white, 0f, 1f) : 0f;
        return picture;
    }
}

/// <summary>What a network sees in a picture.</summary>
internal static class FeatureMaps
{
    /// <summary>
    /// The share of activations that are clipped to white. Otherwise a few outliers would leave the rest in the dark.
    /// </summary>
    private const double Clipped = 1e-3;

    /// <summary>The maps of some layers, from the first to the last, one at a time.</summary>
    public static IEnumerable<FeatureMap> Of(
        ComputeDevice device, VggNetwork network, Picture picture, IReadOnlyCollection<string> layers)
    {
        using var tape = new Tape(device);
        using var pixels = new Tensor(device, new Shape(picture.Height, picture.Width, 3), picture.Pixels);
        foreach ((string layer, Tensor map) in network.Features(tape, pixels, 1f, layers))
        {
            (int height, int width, int channels) = map.Shape;
            yield return new FeatureMap(layer, map.ToArray(), height, width, channels);
        }
    }

    /// <summary>A layer's channels as one labelled picture. They are sorted by energy, and share one scale.</summary>
    /// <param name="most">How many channels are shown; 0 for all.</param>
    public static Picture Sheet(FeatureMap map, int most)
    {
        const int CellSide = 112;
        double[] energies = map.Energies();
        double total = Math.Max(energies.Sum(), 1e-30);
        int[] order = [.. Enumerable.Range(0, map.Channels)
            .OrderByDescending(channel => energies[channel])
            .ThenBy(channel => channel)];
        if (most > 0) order = [.. order.Take(most)];
        float[] sorted = [.. map.Values.Order()];
        float white = sorted[(int)((sorted.Length - 1) * (1 - Clipped))];
        if (white <= 0) white = sorted[^1];
        double scale = (double)CellSide / Math.Max(map.Height, map.Width);
        (int height, int width) = (Math.Max(1, (int)(map.Height * scale)), CellSide);
        if (map.Height > map.Width) (height, width) = (CellSide, Math.Max(40, (int)(map.Width * scale)));
        int columns = Math.Min(order.Length, 8);
        SheetCell[][] rows = [.. order.Select(Cell).Chunk(columns)];
        string size = FormattableString.Invariant($"{map.Height} x {map.Width} x {map.Channels}");
        string title = FormattableString.Invariant($"{map.Layer}: {size}, white = {white:g3}");
        return ContactSheet.Create(rows, height, width, title);

        SheetCell Cell(int channel)
        {
            string label = FormattableString.Invariant($"{channel}: {100 * energies[channel] / total:0.0}%");
            return new SheetCell(label, Enlarged(map.Channel(channel, white), height, width));
        }
    }

    /// <summary>Enlarges by whole pixels and does not smooth, so that a small map shows its true cells.</summary>
    private static Picture Enlarged(Picture picture, int height, int width)
    {
        if (picture.Height >= height || picture.Width >= width) return picture;
        var large = new Picture(height, width);
        for (int row = 0; row < height; row++)
        for (int column = 0; column < width; column++)
        for (int c = 0; c < 3; c++)
            large[row, column, c] = picture[row * picture.Height / height, column * picture.Width / width, c];
        return large;
    }
}
