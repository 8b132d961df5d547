using NativeStyle.Autodiff;
using NativeStyle.Imaging;
using NativeStyle.Kernels;
using NativeStyle.Vgg;

namespace NativeStyle.Style;

/// <summary>One layer's loss, weighted as it enters the sum.</summary>
internal readonly record struct LossTerm(string Layer, bool IsContent, Tensor Value);

/// <summary>The losses of one picture, as scalars on the tape.</summary>
internal readonly record struct Losses(Tensor Total, Tensor Content, Tensor Style, Tensor Variation, IReadOnlyList<LossTerm> Terms);

/// <summary>
/// What is minimised (Gatys, Ecker and Bethge 2016, eq. 7, with a total variation term): content weight times the
/// squared error of feature maps, plus style weight times the distance of feature statistics, plus TV. The targets are
/// computed once, here.
/// </summary>
internal sealed class Objective : IDisposable
{
    private readonly VggNetwork _network;
    private readonly TransferOptions _options;
    private readonly List<ContentTarget> _content = [];
    private readonly List<StyleTarget> _styles = [];
    private readonly Dictionary<(Picture Region, int Height, int Width), Tensor> _guidance = [];

    /// <param name="content">At the size of the result; null without a content loss.</param>
    /// <param name="styles">At the sizes at which their strokes shall be seen; regions at any size.</param>
    public Objective(
        Accelerator accelerator, VggNetwork network, TransferOptions options, Picture? content, IReadOnlyList<StyleInput> styles)
    {
        (_network, _options) = (network, options);
        LayerWeight[] contentLayers = [.. options.ContentTerms], styleLayers = [.. options.StyleTerms];
        if (contentLayers.Length > 0)
        {
            if (content is null) throw new TransferException("a content loss needs a content picture");
            foreach ((LayerWeight layer, Tensor[] target) in Targets(accelerator, content, contentLayers, (_, map) => [map]))
            {
                float scale = (float)(options.ContentWeight * layer.Weight * Scale(options.ContentLossScale, target[0]));
                _content.Add(new ContentTarget(layer.Layer, target[0], scale, (float)(options.ContentWeight * layer.Weight)));
            }
        }

        if (styleLayers.Length > 0) AddStyles(accelerator, styleLayers, styles);
    }

    /// <summary>The losses of a picture (height, width, 3) in units of the pixel range.</summary>
    public Losses Evaluate(Tape tape, Tensor pixels)
    {
        List<LossTerm> terms = [];
        foreach ((string layer, Tensor map) in _network.Features(tape, pixels, _options.PixelRange, _options.Layers))
        {
            foreach (ContentTarget target in _content.Where(target => target.Layer == layer))
                terms.Add(new LossTerm(layer, true, tape.SquaredError(Branch(tape, map, target.Weight), target.Map, target.Scale)));
            // Terms of one region share its statistics.
            foreach (IGrouping<Picture?, StyleTarget> region in _styles.Where(target => target.Layer == layer).GroupBy(target => target.Region))
            {
                (Tensor gram, Tensor? mean) = Statistics(tape, Branch(tape, map, region.Sum(target => target.Weight)), region.Key);
                foreach (StyleTarget target in region)
                {
                    Tensor loss = mean is null
                        ? tape.SquaredError(gram, target.Gram!, target.Scale) : tape.WassersteinDistance(mean, gram, target.Distribution!, target.Scale);
                    terms.Add(new LossTerm(layer, false, loss));
                }
            }
        }

        Tensor variation = _options.TvWeight > 0 ? tape.TotalVariation(pixels, VariationWeights(pixels.Shape)) : tape.Sum([]);
        Tensor content = tape.Sum([.. terms.Where(term => term.IsContent).Select(term => term.Value)]);
        Tensor style = tape.Sum([.. terms.Where(term => !term.IsContent).Select(term => term.Value)]);
        return new Losses(tape.Sum([content, style, variation]), content, style, variation, terms);
    }

    public void Dispose()
    {
        foreach (ContentTarget target in _content) target.Map.Dispose();
        foreach (Tensor guidance in _guidance.Values) guidance.Dispose();
        foreach (StyleTarget target in _styles)
        {
            target.Gram?.Dispose();
            target.Distribution?.Dispose();
        }
    }

    /// <summary>
    /// Styles for the whole picture count by their shares of all; one with a region of its own counts by its weight there.
    /// </summary>
    private void AddStyles(Accelerator accelerator, LayerWeight[] layers, IReadOnlyList<StyleInput> styles)
    {
        double shares = styles.Where(style => style.Region is null).Sum(style => style.Weight);
        foreach (IGrouping<Picture?, StyleInput> region in styles.GroupBy(style => style.Region))
        {
            // Each style's statistics by layer: (Gram, or second moment; mean or nothing).
            List<(double Weight, List<(LayerWeight Layer, Tensor[] Values)> Layers)> measured = [];
            foreach (StyleInput style in region)
            {
                measured.Add((style.Weight / (region.Key is null ? shares : 1), Targets(accelerator, style.Picture, layers, (tape, map) =>
                {
                    (Tensor gram, Tensor? mean) = Statistics(tape, map, style.Part);
                    return mean is null ? [gram] : [gram, mean];
                })));
            }

            double sum = measured.Sum(style => style.Weight);
            // Nothing of these styles counts; also 0 / 0, where all that is for everywhere has weight 0.
            if (!(sum > 0)) continue;
            for (int i = 0; i < layers.Length; i++)
            {
                if (_options.StyleBlend == StyleBlend.Losses)
                {
                    foreach ((double weight, var values) in measured) Add(values[i].Layer, weight, values[i].Values);
                    continue;
                }

                Tensor[] blended = measured[0].Layers[i].Values;
                for (int part = 0; part < blended.Length; part++)
                {
                    VectorOps.Scale(accelerator, blended[part].Data, (float)(measured[0].Weight / sum));
                    foreach ((double weight, var values) in measured.Skip(1))
                    {
                        VectorOps.Axpy(accelerator, blended[part].Data, values[i].Values[part].Data, (float)(weight / sum));
                        values[i].Values[part].Dispose();
                    }
                }

                Add(measured[0].Layers[i].Layer, sum, blended);
            }

            void Add(LayerWeight layer, double share, Tensor[] statistics)
            {
                double weight = _options.StyleWeight * layer.Weight * share;
                if (_options.StyleLoss == StyleLoss.Wasserstein)
                {
                    var target = new WassersteinTarget(statistics[1], statistics[0]);
                    foreach (Tensor statistic in statistics) statistic.Dispose();
                    _styles.Add(new StyleTarget(layer.Layer, region.Key, null, target, (float)weight, (float)weight));
                }
                else
                {
                    float scale = (float)(weight * Scale(_options.StyleLossScale, statistics[0]));
                    _styles.Add(new StyleTarget(layer.Layer, region.Key, statistics[0], null, scale, (float)weight));
                }
            }
        }
    }

    /// <summary>The scaled Gram matrix of a map or of its region, and its mean where the loss compares that too.</summary>
    private (Tensor Gram, Tensor? Mean) Statistics(Tape tape, Tensor map, Picture? region)
    {
        (int height, int width, int channels) = map.Shape;
        double pixels = (double)height * width;
        float scale = (float)(_options.StyleLoss == StyleLoss.Wasserstein ? 1 / pixels : _options.GramScale switch
        {
            GramScale.Sum => 1,
            GramScale.PerPixel => 1 / pixels,
            _ => 1 / (pixels * channels),
        });
        bool wantsMean = _options.StyleLoss == StyleLoss.Wasserstein;
        if (region is null) return (tape.Gram(map, scale), wantsMean ? tape.ChannelMean(map) : null);
        Tensor guidance = Guidance(tape.Accelerator, region, height, width);
        Tensor guided = tape.Guide(map, guidance);
        // With t² as the weights of pixels, the mean is that of t (t F).
        return (tape.Gram(guided, scale), wantsMean ? tape.ChannelMean(tape.Guide(guided, guidance)) : null);
    }

    private Tensor Guidance(Accelerator accelerator, Picture region, int height, int width)
    {
        if (_guidance.TryGetValue((region, height, width), out Tensor? known)) return known;
        return _guidance[(region, height, width)] = new Tensor(accelerator, new Shape(height, width), GuidanceMap(region, height, width));
    }

    /// <summary>
    /// A mask at a layer's size, scaled so that its mean square is 1: the Gram matrix of the guided map is then that of the
    /// region alone (Gatys et al. 2017, section 4.1, T² summing to one). A region that vanishes at this size counts nowhere.
    /// </summary>
    private static float[] GuidanceMap(Picture mask, int height, int width)
    {
        float[] luminance = ColorTransfer.Luminance(mask);
        float[] map = Resampler.Resize(luminance, mask.Height, mask.Width, 1, height, width);
        for (int i = 0; i < map.Length; i++) map[i] = Math.Clamp(map[i], 0f, 1f);
        double square = map.Sum(value => (double)value * value) / map.Length;
        if (square < 1e-8) return new float[map.Length];
        return Array.ConvertAll(map, value => (float)(value / Math.Sqrt(square)));
    }

    private Tensor Branch(Tape tape, Tensor map, float weight) =>
        _options.NormalizeGradients ? tape.NormalizeGradient(map, weight) : map;

    private VariationWeights VariationWeights(Shape picture)
    {
        (int height, int width, int channels) = picture;
        (double straight, double diagonal) = _options.TvKind == VariationKind.NinePoint ? (2.0 / 3, 1.0 / 6) : (1, 0);
        (double across, double down) = (straight, straight);
        switch (_options.TvScale)
        {
            case VariationScale.HalfSum:
                (across, down, diagonal) = (across / 2, down / 2, diagonal / 2);
                break;
            case VariationScale.Mean:
                (across, down) = (across / picture.Length, down / picture.Length);
                diagonal /= (height + 1.0) * (width + 1.0) * channels;
                break;
            default:
                (across, down) = (across / Math.Max(1, height * (width - 1.0) * channels), down / Math.Max(1, (height - 1.0) * width * channels));
                diagonal /= (height + 1.0) * (width + 1.0) * channels;
                break;
        }

        double weight = _options.TvWeight;
        return new VariationWeights(
            (float)(weight * across), (float)(weight * down), (float)(weight * diagonal), _options.TvKind == VariationKind.Absolute,
            _options.TvKind == VariationKind.SquaredInner);
    }

    /// <summary>
    /// What a target picture's maps are made into, by layer. The targets outlive the pass: they move to the device when its
    /// memory is free again, so that they do not lie in the middle of what the iterations need.
    /// </summary>
    private List<(LayerWeight Layer, Tensor[] Target)> Targets(
        Accelerator accelerator, Picture picture, IReadOnlyList<LayerWeight> layers, Func<Tape, Tensor, Tensor[]> make)
    {
        List<(LayerWeight Layer, (Shape Shape, float[] Values)[] Made)> made = [];
        float range = _options.PixelRange;
        using (var tape = new Tape(accelerator))
        {
            using var pixels = new Tensor(
                accelerator, new Shape(picture.Height, picture.Width, 3), Array.ConvertAll(picture.Pixels, value => value * range));
            foreach ((string name, Tensor map) in _network.Features(tape, pixels, range, [.. layers.Select(layer => layer.Layer)]))
            {
                Tensor[] targets = make(tape, map);
                made.Add((layers.Single(layer => layer.Layer == name), [.. targets.Select(target => (target.Shape, target.ToArray()))]));
            }
        }

        return [.. made.OrderBy(target => IndexOf(target.Layer)).Select(target =>
            (target.Layer, target.Made.Select(part => new Tensor(accelerator, part.Shape, part.Values)).ToArray()))];

        int IndexOf(LayerWeight layer) => layers.TakeWhile(known => known != layer).Count();
    }

    private static double Scale(LossScale scale, Tensor target) => scale switch
    {
        LossScale.HalfSum => 0.5,
        LossScale.Mean => 1.0 / target.Shape.Length,
        LossScale.HalfMean => 0.5 / target.Shape.Length,
        LossScale.QuarterMean => 0.25 / target.Shape.Length,
        // A target of zeros (a flat black picture) has no relative error; any scale would do.
        _ => 1.0 / Math.Max(1e-12, Math.Pow(VectorOps.Norm(target.Accelerator, target.Data), 2)),
    };

    private sealed record ContentTarget(string Layer, Tensor Map, float Scale, float Weight);

    private sealed record StyleTarget(
        string Layer, Picture? Region, Tensor? Gram, WassersteinTarget? Distribution, float Scale, float Weight);
}
