using NativeStyle.Autodiff;
using NativeStyle.Imaging;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Operators.Crop;
using NativeStyle.Style.Tiling;
using NativeStyle.Vgg;

namespace NativeStyle.Style;

/// <summary>The losses of one picture, as scalars on the tape.</summary>
internal readonly record struct Losses(Tensor Total, Tensor Content, Tensor Style, Tensor Variation, IReadOnlyList<LossTerm> Terms)
{
    /// <summary>The numbers.</summary>
    /// <param name="byLayer">Whether to read each layer's loss.</param>
    public LossValues Values(bool byLayer)
    {
        return new LossValues(
            Value(Total), Value(Content), Value(Style), Value(Variation),
            byLayer ? [.. Terms.Select(term => new LayerLoss(term.Layer, term.IsContent, Value(term.Value)))] : null);

        static double Value(Tensor scalar) => scalar.ToArray()[0];
    }
}

/// <summary>
/// What is minimised (Gatys, Ecker and Bethge 2016, eq. 7, with a total variation term): L = α L_content + β L_style + γ L_TV,
/// each a sum of the losses in Losses/. The targets are computed once, here. Pictures that are too large for the memory go
/// through the network tile by tile.
/// </summary>
internal sealed class Objective : IDisposable
{
    private readonly ComputeDevice _device;
    private readonly VggNetwork _network;
    private readonly TransferOptions _options;
    private readonly TilePlan _plan;
    private readonly Action<int, int>? _atTile;
    private readonly List<FeatureLoss> _losses = [];
    private readonly VariationLoss? _variation;
    private readonly Guidance _guidance;

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
        (_guidance, _variation) = (new Guidance(device), VariationLoss.Of(options, height, width));
        planner ??= TilePlanner.Unlimited(network.Architecture, options);
        _plan = planner.Iteration(height, width);
        var pass = new TargetPass(device, network, options, planner, atTile);
        LayerWeight[] contentTerms = [.. options.ContentTerms];
        try
        {
            if (contentTerms.Length > 0)
            {
                _losses.AddRange(ContentLoss.Measure(
                    pass, content ?? throw new TransferException("a content loss needs a content picture"), (height, width), contentTerms,
                    options.ContentWeight, options.ContentLossScale, _plan.TargetsOnDisk));
            }

            if (options.StyleTerms.Any())
                foreach (FeatureLoss loss in new StyleTargets(pass, options, _guidance).Losses(styles, (height, width))) _losses.Add(loss);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The losses of a picture, whose gradient is then in it, unless they are not finite.</summary>
    /// <param name="pixels">(height, width, 3) in units of the pixel range, with gradient.</param>
    /// <param name="byLayer">Whether to read each layer's loss.</param>
    public LossValues ValueAndGradient(Tensor pixels, bool byLayer = false)
    {
        pixels.ClearGradient();
        if (!_plan.IsWhole)
        {
            using var tiles = new TiledNetwork(_device, _network, _options.PixelRange, _plan) { AtTile = _atTile };
            using var evaluation = new TiledEvaluation(tiles, _losses, (head, terms) => Sum(head, terms, pixels), _options.NormalizeGradients);
            return evaluation.ValueAndGradient(pixels, byLayer);
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
            foreach (FeatureLoss loss in _losses.Where(loss => loss.Layer.Name == layer))
            {
                Tensor x = _options.NormalizeGradients ? tape.NormalizeGradient(map, loss.Weight) : map;
                terms.AddRange(loss.Terms(tape, loss.Sums(tape, x, whole)));
            }
        }

        return Sum(tape, terms, pixels);
    }

    public void Dispose()
    {
        _guidance.Dispose();
        foreach (FeatureLoss loss in _losses) loss.Dispose();
    }

    private Losses Sum(Tape tape, IReadOnlyList<LossTerm> terms, Tensor pixels)
    {
        Tensor variation = _variation?.Of(tape, pixels) ?? tape.Sum([]);
        Tensor content = tape.Sum([.. terms.Where(term => term.IsContent).Select(term => term.Value)]);
        Tensor style = tape.Sum([.. terms.Where(term => !term.IsContent).Select(term => term.Value)]);
        return new Losses(tape.Sum([content, style, variation]), content, style, variation, terms);
    }
}
