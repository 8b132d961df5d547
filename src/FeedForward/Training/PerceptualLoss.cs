using NativeStyle.Autodiff;
using NativeStyle.Autodiff.Operators;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Operators.TotalVariation;
using NativeStyle.Style.Options;
using NativeStyle.Vgg;

namespace NativeStyle.FeedForward.Training;

/// <summary>
/// The losses of a result y of the network for a picture x (Johnson, Alahi and Fei-Fei 2016, eq. 2 to 5), as scalars
/// on a tape.
/// <code>
///   L = α Σ a mean (F(y) - F(x))² / m + β Σ b Σ (G(y) - A)² / Σ A² + γ TV(y) + σ mean (y - y₀)²
/// </code>
/// The sums go over the content layers and the style layers with their weights a and b. F is a layer's map, G = Fᵀ F /
/// pixels its Gram matrix and A that of the style. m is the mean of F(x)² over some pictures, so that both losses are
/// shares, and their weights mean the same for every network, layer and style. TV is the mean squared difference of
/// neighbouring pixels of 0..1. The last term is there if the picture had noise added: y₀ is the result without noise.
/// </summary>
internal sealed class PerceptualLoss : IDisposable
{
    private const float Range = 255f;

    private readonly ComputeDevice _device;
    private readonly VggNetwork _network;
    private readonly TrainingOptions _options;
    private readonly Dictionary<string, Tensor> _grams = [];
    private readonly Dictionary<string, double> _meanSquares = [];

    /// <summary>Measures the style's Gram matrices and the magnitudes of content maps.</summary>
    /// <param name="network">The loss network.</param>
    /// <param name="style">RGB 0..255, (height, width, 3).</param>
    /// <param name="samples">Pieces as <see cref="TrainingPictures"/> draws them, for the magnitudes.</param>
    public PerceptualLoss(
        ComputeDevice device, VggNetwork network, TrainingOptions options, Tensor style,
        IEnumerable<float[]> samples)
    {
        (_device, _network, _options) = (device, network, options);
        try
        {
            string[] layers = [.. options.StyleLayers.Select(layer => layer.Layer)];
            using (var tape = new Tape(device))
            {
                foreach ((string layer, Tensor map) in network.Features(tape, style, Range, layers))
                    _grams[layer] = Kept(Gram(tape, map));
            }

            MeasureContent(samples);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The losses of a result.</summary>
    /// <param name="tape">The tape that recorded the result.</param>
    /// <param name="result">y, (height, width, 3).</param>
    /// <param name="content">The maps of <see cref="ContentOf"/> for x.</param>
    /// <param name="quiet">y₀, a constant; null without noise.</param>
    /// <param name="share">The factor of everything: 1 / batch.</param>
    public TrainingLosses Of(
        Tape tape, Tensor result, IReadOnlyDictionary<string, Tensor> content, Tensor? quiet, double share)
    {
        List<Tensor> contentTerms = [], styleTerms = [];
        foreach ((string layer, Tensor map) in _network.Features(tape, result, Range, _options.Layers))
        {
            if (content.TryGetValue(layer, out Tensor? target))
            {
                double weight = _options.ContentWeight * Weight(_options.ContentLayers, layer);
                double scale = share * weight / (map.Shape.Length * _meanSquares[layer]);
                contentTerms.Add(tape.SquaredError(map, target, (float)scale));
            }

            if (_grams.TryGetValue(layer, out Tensor? gram))
            {
                double weight = _options.StyleWeight * Weight(_options.StyleLayers, layer);
                double squares = Math.Max(1e-30, Math.Pow(gram.Norm(), 2));
                styleTerms.Add(tape.SquaredError(Gram(tape, map), gram, (float)(share * weight / squares)));
            }
        }

        double perElement = share / (result.Shape.Length * Range * Range);
        float tv = (float)(_options.TvWeight * perElement);
        Tensor variation = tape.TotalVariation(result, new VariationWeights(tv, tv));
        float stability = (float)(_options.StabilityWeight * perElement);
        Tensor change = quiet is null ? tape.Sum([]) : tape.SquaredError(result, quiet, stability);
        Tensor contents = tape.Sum(contentTerms), styles = tape.Sum(styleTerms);
        return new TrainingLosses(tape.Sum([contents, styles, variation, change]), contents, styles, variation, change);
    }

    /// <summary>Copies of the content layers' maps of a picture. The caller disposes them.</summary>
    /// <param name="pixels">x, RGB 0..255.</param>
    public Dictionary<string, Tensor> ContentOf(Tensor pixels)
    {
        using var tape = new Tape(_device);
        string[] layers = [.. _options.ContentLayers.Select(layer => layer.Layer)];
        Dictionary<string, Tensor> content = [];
        try
        {
            foreach ((string layer, Tensor map) in _network.Features(tape, pixels, Range, layers))
                content[layer] = Kept(map);
            return content;
        }
        catch
        {
            foreach (Tensor map in content.Values) map.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        foreach (Tensor gram in _grams.Values) gram.Dispose();
    }

    private static Tensor Gram(Tape tape, Tensor map) =>
        tape.Gram(map, (float)(1.0 / ((double)map.Shape[0] * map.Shape[1])));

    private static double Weight(IReadOnlyList<LayerWeight> layers, string name) =>
        layers.Where(layer => layer.Layer == name).Sum(layer => layer.Weight);

    private Tensor Kept(Tensor map)
    {
        var copy = new Tensor(_device, map.Shape);
        try
        {
            copy.CopyFrom(map);
            return copy;
        }
        catch
        {
            copy.Dispose();
            throw;
        }
    }

    private void MeasureContent(IEnumerable<float[]> samples)
    {
        int count = 0;
        foreach (float[] sample in samples)
        {
            int side = (int)Math.Sqrt(sample.Length / 3);
            using var pixels = new Tensor(_device, new Shape(side, side, 3), sample);
            Dictionary<string, Tensor> content = ContentOf(pixels);
            try
            {
                foreach ((string layer, Tensor map) in content)
                {
                    double mean = Math.Pow(map.Norm(), 2) / map.Shape.Length;
                    _meanSquares[layer] = _meanSquares.GetValueOrDefault(layer) + mean;
                }
            }
            finally
            {
                foreach (Tensor map in content.Values) map.Dispose();
            }

            count++;
        }

        // A dead layer has no magnitude; 1 keeps its loss at zero instead of not-a-number.
        foreach (string layer in _meanSquares.Keys.ToArray())
            _meanSquares[layer] = _meanSquares[layer] > 0 ? _meanSquares[layer] / count : 1;
    }
}

/// <summary>The losses of one picture, as scalars on the tape.</summary>
internal readonly record struct TrainingLosses(
    Tensor Total, Tensor Content, Tensor Style, Tensor Variation, Tensor Stability);
