using NativeStyle.Autodiff;
using NativeStyle.Imaging;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Operators.Crop;
using NativeStyle.Kernels.Operators.Pool2x2;
using NativeStyle.Kernels.Operators.TotalVariation;
using NativeStyle.Kernels.Operators.Vectors;
using NativeStyle.Style.Tiling;
using NativeStyle.Vgg;

namespace NativeStyle.Style;

/// <summary>One layer's loss, weighted as it enters the sum.</summary>
internal readonly record struct LossTerm(string Layer, bool IsContent, Tensor Value);

/// <summary>The losses of one picture, as scalars on the tape.</summary>
internal readonly record struct Losses(Tensor Total, Tensor Content, Tensor Style, Tensor Variation, IReadOnlyList<LossTerm> Terms)
{
    /// <summary>The numbers.</summary>
    /// <param name="byLayer">Whether each layer's loss is wanted.</param>
    public LossValues Values(bool byLayer)
    {
        return new LossValues(
            Value(Total), Value(Content), Value(Style), Value(Variation),
            byLayer ? [.. Terms.Select(term => new LayerLoss(term.Layer, term.IsContent, Value(term.Value)))] : null);

        static double Value(Tensor scalar) => scalar.ToArray()[0];
    }
}

/// <summary>Sums over the positions of a map, of which only a window is given.</summary>
/// <param name="part">(height, width, channels) of the window.</param>
/// <param name="own">Where the window lies; each position of the map is in one of the windows.</param>
internal delegate Tensor[] PositionSums(Tape tape, Tensor part, Window own);

/// <summary>
/// What reads a layer's map: a content loss, or the style losses of a region. Every loss is a function of sums over the map's
/// positions (squared errors, Gram matrices, means), which is why a picture can go through the network in tiles.
/// </summary>
/// <param name="Layer">The layer.</param>
/// <param name="Weight">That of its losses, for normalised gradients.</param>
/// <param name="Sums">What is added up.</param>
/// <param name="Losses">The weighted losses, from the sums.</param>
internal sealed record LossBranch(string Layer, float Weight, PositionSums Sums, Func<Tape, Tensor[], IEnumerable<LossTerm>> Losses);

/// <summary>
/// What is minimised (Gatys, Ecker and Bethge 2016, eq. 7, with a total variation term): content weight times the
/// squared error of feature maps, plus style weight times the distance of feature statistics, plus TV. The targets are
/// computed once, here. Pictures that are too large for the memory go through the network tile by tile.
/// </summary>
internal sealed class Objective : IDisposable
{
    private readonly ComputeDevice _device;
    private readonly VggNetwork _network;
    private readonly TransferOptions _options;
    private readonly TilePlanner _planner;
    private readonly TilePlan _plan;
    private readonly Action<int, int>? _atTile;
    private readonly List<LossBranch> _branches = [];
    private readonly List<IDisposable> _targets = [];
    private readonly Dictionary<(Picture Region, int Height, int Width), DeviceMap> _guidance = [];

    /// <param name="height">Rows of the result.</param>
    /// <param name="content">At any size; null without a content loss.</param>
    /// <param name="styles">At the sizes at which their strokes shall be seen; regions at any size.</param>
    /// <param name="planner">Decides on tiles; null for none.</param>
    /// <param name="atTile">Called before each tile, with its number and how many a pass has, of a picture that goes in tiles.</param>
    public Objective(
        ComputeDevice device, VggNetwork network, TransferOptions options, int height, int width, PictureSource? content,
        IReadOnlyList<StyleInput> styles, TilePlanner? planner = null, Action<int, int>? atTile = null)
    {
        (_device, _network, _options, _atTile) = (device, network, options, atTile);
        _planner = planner ?? TilePlanner.Unlimited(network.Architecture, options);
        _plan = _planner.Iteration(height, width);
        LayerWeight[] contentLayers = [.. options.ContentTerms], styleLayers = [.. options.StyleTerms];
        try
        {
            if (contentLayers.Length > 0) AddContent(contentLayers, content ?? throw new TransferException("a content loss needs a content picture"));
            if (styleLayers.Length > 0) AddStyles(styleLayers, styles);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The losses of a picture, whose gradient is then in it, unless they are not finite.</summary>
    /// <param name="pixels">(height, width, 3) in units of the pixel range, with gradient.</param>
    /// <param name="byLayer">Whether each layer's loss is wanted.</param>
    public LossValues ValueAndGradient(Tensor pixels, bool byLayer = false)
    {
        pixels.ClearGradient();
        if (!_plan.IsWhole)
        {
            using var tiles = new TiledNetwork(_device, _network, _options.PixelRange, _plan, _options.Layers) { AtTile = _atTile };
            return TiledEvaluation.ValueAndGradient(tiles, _branches, (head, terms) => Sum(head, terms, pixels), pixels, _options.NormalizeGradients, byLayer);
        }

        using var tape = new Tape(_device);
        Losses losses = Evaluate(tape, pixels);
        LossValues values = losses.Values(byLayer);
        if (double.IsFinite(values.Total)) tape.Backward(losses.Total);
        return values;
    }

    /// <summary>The losses of a picture (height, width, 3) in units of the pixel range, on a tape: all of it at once, in no tiles.</summary>
    public Losses Evaluate(Tape tape, Tensor pixels)
    {
        List<LossTerm> terms = [];
        foreach ((string layer, Tensor map) in _network.Features(tape, pixels, _options.PixelRange, _options.Layers))
        {
            var whole = new Window(0, 0, map.Shape[0], map.Shape[1]);
            foreach (LossBranch branch in _branches.Where(branch => branch.Layer == layer))
            {
                Tensor x = _options.NormalizeGradients ? tape.NormalizeGradient(map, branch.Weight) : map;
                terms.AddRange(branch.Losses(tape, branch.Sums(tape, x, whole)));
            }
        }

        return Sum(tape, terms, pixels);
    }

    public void Dispose()
    {
        foreach (DeviceMap guidance in _guidance.Values) guidance.Dispose();
        foreach (IDisposable target in _targets) target.Dispose();
    }

    private Losses Sum(Tape tape, IReadOnlyList<LossTerm> terms, Tensor pixels)
    {
        Tensor variation = _options.TvWeight > 0 ? tape.TotalVariation(pixels, VariationWeights(pixels.Shape)) : tape.Sum([]);
        Tensor content = tape.Sum([.. terms.Where(term => term.IsContent).Select(term => term.Value)]);
        Tensor style = tape.Sum([.. terms.Where(term => !term.IsContent).Select(term => term.Value)]);
        return new Losses(tape.Sum([content, style, variation]), content, style, variation, terms);
    }

    private void AddContent(LayerWeight[] layers, PictureSource content)
    {
        TilePlan plan = _planner.Target(_plan.Height, _plan.Width, Names(layers));
        // Where they will stay, before what is only needed on the way: they outlive it.
        Dictionary<string, MapStore> maps = layers.ToDictionary(layer => layer.Layer, layer =>
        {
            VggLayer of = _network.Architecture.Find(layer.Layer)!;
            (int height, int width) = VggArchitecture.SizeAt(of, _plan.Height, _plan.Width, _options.PoolEdge);
            return Keep<MapStore>(_plan.TargetsOnDisk ? new ScratchMap(_device, height, width, of.OutChannels)
                : new DeviceMap(_device, height, width, of.OutChannels));
        });
        Dictionary<string, double> squares = layers.ToDictionary(layer => layer.Layer, _ => 0.0);
        // The picture is made in the call: a variable that the losses' lambdas share would keep it for as long as they live.
        Visit(content.At(_plan.Height, _plan.Width), plan, Names(layers), (layer, own, part) =>
        {
            maps[layer.Name].Write(own, part.Data);
            squares[layer.Name] += VectorOps.Dot(_device, part.Data, part.Data);
        });
        foreach (LayerWeight layer in layers)
        {
            MapStore map = maps[layer.Layer];
            double weight = _options.ContentWeight * layer.Weight;
            float scale = (float)(weight * Scale(_options.ContentLossScale, map.Length, squares[layer.Layer]));
            _branches.Add(new LossBranch(
                layer.Layer, (float)weight, (tape, part, own) => [tape.SquaredError(part, Target(tape, map, own), scale)],
                (_, sums) => [new LossTerm(layer.Layer, true, sums[0])]));
        }
    }

    /// <summary>The part of a content target that a window needs; it goes with the tape.</summary>
    private Tensor Target(Tape tape, MapStore map, Window own)
    {
        var shape = new Shape(own.Height, own.Width, map.Channels);
        if (map is DeviceMap whole && own == map.Whole) return new Tensor(_device, shape, whole.Data);
        Tensor part = tape.Constant(shape);
        map.Read(own, part.Data);
        return part;
    }

    /// <summary>
    /// Styles for the whole picture count by their shares of all; one with a region of its own counts by its weight there.
    /// </summary>
    private void AddStyles(LayerWeight[] layers, IReadOnlyList<StyleInput> styles)
    {
        double shares = styles.Where(style => style.Region is null).Sum(style => style.Weight);
        foreach (IGrouping<Picture?, StyleInput> region in styles.GroupBy(style => style.Region))
        {
            // Each style's statistics by layer: Gram matrix, or second moment and mean.
            List<(double Weight, Dictionary<string, Tensor[]> Layers)> measured =
                [.. region.Select(style => (style.Weight / (region.Key is null ? shares : 1), Measured(style, layers)))];
            double sum = measured.Sum(style => style.Weight);
            // Nothing of these styles counts; also 0 / 0, where all that is for everywhere has weight 0.
            if (!(sum > 0)) continue;
            foreach (LayerWeight layer in layers)
            {
                List<(double Weight, Tensor[] Values)> targets = [.. measured.Select(style => (style.Weight, style.Layers[layer.Layer]))];
                if (_options.StyleBlend == StyleBlend.Targets) targets = [(sum, Blended(targets, sum))];
                WeightedStyleLoss[] losses = [.. targets.Select(target => NewStyleLoss(target.Values, _options.StyleWeight * layer.Weight * target.Weight))];
                VggLayer of = _network.Architecture.Find(layer.Layer)!;
                _branches.Add(new LossBranch(
                    layer.Layer, (float)losses.Sum(loss => loss.Weight), (tape, part, own) => Statistics(tape, of, part, own, region.Key, (_plan.Height, _plan.Width)),
                    (tape, sums) => losses.Select(loss => new LossTerm(layer.Layer, false, loss.Of(tape, sums)))));
            }
        }
    }

    /// <summary>A style's statistics by layer.</summary>
    private Dictionary<string, Tensor[]> Measured(StyleInput style, LayerWeight[] layers)
    {
        (Picture picture, string[] names) = (style.Picture.At(style.Picture.Height, style.Picture.Width), Names(layers));
        Dictionary<string, RunningSums> sums = names.ToDictionary(name => name, _ => new RunningSums(_device));
        Visit(picture, _planner.Target(picture.Height, picture.Width, names), names, (layer, own, part) =>
        {
            using var tape = new Tape(_device);
            sums[layer.Name].Add(Statistics(tape, layer, part, own, style.Part, (picture.Height, picture.Width)));
        });
        return sums.ToDictionary(each => each.Key, each => each.Value.Totals.Select(Keep).ToArray());
    }

    /// <summary>The weighted mean of several styles' statistics.</summary>
    private Tensor[] Blended(List<(double Weight, Tensor[] Values)> styles, double sum)
    {
        Tensor[] blended = styles[0].Values;
        for (int i = 0; i < blended.Length; i++)
        {
            VectorOps.Scale(_device, blended[i].Data, (float)(styles[0].Weight / sum));
            foreach ((double weight, Tensor[] values) in styles.Skip(1))
            {
                VectorOps.Axpy(_device, blended[i].Data, values[i].Data, (float)(weight / sum));
                values[i].Dispose();
            }
        }

        return blended;
    }

    private WeightedStyleLoss NewStyleLoss(Tensor[] target, double weight)
    {
        if (_options.StyleLoss == StyleLoss.Wasserstein)
        {
            WassersteinTarget distribution = Keep(new WassersteinTarget(target[1], target[0]));
            foreach (Tensor statistic in target) statistic.Dispose();
            return new WeightedStyleLoss((float)weight, (tape, sums) => tape.WassersteinDistance(sums[1], sums[0], distribution, (float)weight));
        }

        double square = Math.Pow(VectorOps.Norm(_device, target[0].Data), 2);
        float scale = (float)(weight * Scale(_options.StyleLossScale, target[0].Shape.Length, square));
        return new WeightedStyleLoss((float)weight, (tape, sums) => tape.SquaredError(sums[0], target[0], scale));
    }

    /// <summary>
    /// What a part adds to the scaled Gram matrix of a map or of its region, and to the mean where the loss compares that too.
    /// </summary>
    /// <param name="picture">Height and width of the whole picture.</param>
    private Tensor[] Statistics(Tape tape, VggLayer layer, Tensor part, Window own, Picture? region, (int Height, int Width) picture)
    {
        (int height, int width) = VggArchitecture.SizeAt(layer, picture.Height, picture.Width, _options.PoolEdge);
        double pixels = (double)height * width;
        bool wantsMean = _options.StyleLoss == StyleLoss.Wasserstein;
        float scale = (float)(wantsMean ? 1 / pixels : _options.GramScale switch
        {
            GramScale.Sum => 1,
            GramScale.PerPixel => 1 / pixels,
            _ => 1 / (pixels * layer.OutChannels),
        });
        float share = (float)(1 / pixels);
        if (region is null) return wantsMean ? [tape.Gram(part, scale), tape.ChannelMean(part, share)] : [tape.Gram(part, scale)];
        Tensor guidance = tape.Constant(new Shape(own.Height, own.Width));
        Guidance(region, height, width).Read(own, guidance.Data);
        Tensor guided = tape.Guide(part, guidance);
        // With t² as the weights of pixels, the mean is that of t (t F).
        return wantsMean ? [tape.Gram(guided, scale), tape.ChannelMean(tape.Guide(guided, guidance), share)] : [tape.Gram(guided, scale)];
    }

    private DeviceMap Guidance(Picture region, int height, int width)
    {
        if (_guidance.TryGetValue((region, height, width), out DeviceMap? known)) return known;
        var map = new DeviceMap(_device, height, width, 1);
        _device.Write<float>(GuidanceMap(region, height, width), map.Data);
        return _guidance[(region, height, width)] = map;
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
            (float)(weight * across), (float)(weight * down), (float)(weight * diagonal),
            _options.TvKind == VariationKind.Absolute ? VariationNorm.Absolute : VariationNorm.Squared,
            _options.TvKind == VariationKind.SquaredInner ? VariationBorder.Inner : VariationBorder.All);
    }

    /// <summary>A target picture through the network, for what is made of its maps.</summary>
    private void Visit(Picture picture, TilePlan plan, IReadOnlyCollection<string> layers, PartVisitor visit)
    {
        using var tiles = new TiledNetwork(_device, _network, _options.PixelRange, plan, layers) { AtTile = _atTile };
        using var pixels = new PictureMap(_device, picture, _options.PixelRange);
        tiles.Forward(pixels, visit, backwardFollows: false);
    }

    private T Keep<T>(T target) where T : IDisposable
    {
        _targets.Add(target);
        return target;
    }

    private static string[] Names(LayerWeight[] layers) => [.. layers.Select(layer => layer.Layer)];

    /// <summary>What a sum of squared differences to a target of so many elements and this sum of squares is multiplied with.</summary>
    private static double Scale(LossScale scale, long elements, double squares) => scale switch
    {
        LossScale.HalfSum => 0.5,
        LossScale.Mean => 1.0 / elements,
        LossScale.HalfMean => 0.5 / elements,
        LossScale.QuarterMean => 0.25 / elements,
        // A target of zeros (a flat black picture) has no relative error; any scale would do.
        _ => 1.0 / Math.Max(1e-12, squares),
    };

    /// <summary>A style's loss on a region's statistics.</summary>
    private sealed record WeightedStyleLoss(float Weight, Func<Tape, Tensor[], Tensor> Of);
}
