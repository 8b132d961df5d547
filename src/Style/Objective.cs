using NativeStyle.Autodiff;
using NativeStyle.Autodiff.Operators;
using NativeStyle.Imaging;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;
using NativeStyle.Style.Losses;
using NativeStyle.Style.Options;
using NativeStyle.Style.Tiling;
using NativeStyle.Vgg;

namespace NativeStyle.Style;

/// <summary>The losses of one picture, as scalars on the tape.</summary>
internal readonly record struct LossTensors(
    Tensor Total, Tensor Content, Tensor Style, Tensor Variation, IReadOnlyList<LossTerm> Terms)
{
    /// <summary>Reads the losses as numbers.</summary>
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
/// The function that is minimised (Gatys, Ecker and Bethge 2016, eq. 7, with a total variation term):
/// L = α L_content + β L_style + γ L_TV. Each is a sum of the losses in Losses/. The constructor computes the
/// targets. Pictures that are too large for the memory go through the network tile by tile.
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

    /// <summary>Creates an objective whose target pictures go through the same network on the same device.</summary>
    /// <param name="planner">Decides on tiles; null for no tiles.</param>
    /// <inheritdoc cref="Objective(VggNetwork, PassPlanner, TargetPass, int, int, PictureSource,
    /// IReadOnlyList{StyleInput}, Action{int, int})"/>
    public Objective(
        ComputeDevice device, VggNetwork network, TransferOptions options, int height, int width,
        PictureSource? content, IReadOnlyList<StyleInput> styles, PassPlanner? planner = null,
        Action<int, int>? atTile = null)
        : this(
            network,
            planner ?? new WholePlanner(network.Architecture, options),
            new TargetPass(device, network, options.PixelRange, atTile),
            height,
            width,
            content,
            styles,
            atTile)
    {
    }

    /// <param name="planner">Decides on tiles. Its options say what is computed.</param>
    /// <param name="pass">Runs target pictures through the network.</param>
    /// <param name="height">Rows of the result.</param>
    /// <param name="content">A picture of any size; null without a content loss.</param>
    /// <param name="styles">Pictures at the sizes at which their strokes are to be seen; regions at any size.</param>
    /// <param name="atTile">
    /// Called before each tile of a picture that goes in tiles, with the tile's number and the number of
    /// tiles in a pass.
    /// </param>
    public Objective(
        VggNetwork network, PassPlanner planner, TargetPass pass, int height, int width, PictureSource? content,
        IReadOnlyList<StyleInput> styles, Action<int, int>? atTile = null)
    {
        (_device, _network, _options, _atTile) = (pass.Device, network, planner.Options, atTile);
        (_guidance, _variation) = (new Guidance(_device), VariationLoss.Of(_options, height, width));
        _plan = planner.Iteration(height, width);
        try
        {
            if (_options.ContentTerms.Any())
            {
                if (content is null) throw new TransferException("a content loss needs a content picture");
                TilePlan plan = planner.Content(_plan);
                _losses.AddRange(ContentLoss.Measure(pass, _options, content, plan, _plan.TargetsOnDisk));
            }

            if (_options.StyleTerms.Any())
            {
                var targets = new StyleTargets(pass, planner, _guidance);
                _losses.AddRange(targets.Losses(styles, _plan));
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The losses that read maps.</summary>
    public IReadOnlyList<FeatureLoss> FeatureLosses => _losses;

    /// <summary>
    /// Computes the losses of a picture. Its gradient is then in <paramref name="pixels"/>, unless the losses are not
    /// finite.
    /// </summary>
    /// <param name="pixels">(height, width, 3) in units of the pixel range, with gradient.</param>
    /// <param name="byLayer">Whether to read each layer's loss.</param>
    public LossValues ValueAndGradient(Tensor pixels, bool byLayer = false)
    {
        pixels.ClearGradient();
        if (!_plan.IsWhole)
        {
            using var tiles = new TiledNetwork(_device, _network, _options.PixelRange, _plan) { AtTile = _atTile };
            using var evaluation = new TiledEvaluation(
                tiles, _losses, (head, terms) => Sum(head, terms, _variation?.Of(head, pixels)),
                _options.NormalizeGradients);
            pixels.NewGradient().Fill(0f);
            var gradient = new DeviceMap(pixels.GradientTensor);
            return evaluation.ValueAndGradient(_device, new DeviceMap(pixels), gradient, byLayer);
        }

        using var tape = new Tape(_device);
        LossTensors losses = Evaluate(tape, pixels);
        LossValues values = losses.Values(byLayer);
        if (double.IsFinite(values.Total)) tape.Backward(losses.Total);
        return values;
    }

    /// <summary>
    /// Computes on a tape the losses of a picture (height, width, 3) in units of the pixel range. The whole picture
    /// goes through the network at once, not in tiles.
    /// </summary>
    public LossTensors Evaluate(Tape tape, Tensor pixels)
    {
        List<LossTerm> terms = [];
        IEnumerable<(string Layer, Tensor Map)> features =
            _network.Features(tape, pixels, _options.PixelRange, _options.Layers);
        foreach ((string layer, Tensor map) in features)
        {
            var whole = new Window(0, 0, map.Shape[0], map.Shape[1]);
            foreach (FeatureLoss loss in _losses.Where(loss => loss.Layer.Name == layer))
            {
                Tensor x = _options.NormalizeGradients ? tape.NormalizeGradient(map, loss.Weight) : map;
                terms.AddRange(loss.Terms(tape, loss.Sums(tape, x, whole)));
            }
        }

        return Sum(tape, terms, _variation?.Of(tape, pixels));
    }

    public void Dispose()
    {
        _guidance.Dispose();
        foreach (FeatureLoss loss in _losses) loss.Dispose();
    }

    /// <summary>Adds terms up, each kind by itself and all together.</summary>
    /// <param name="variation">The total variation; null if there is none.</param>
    public static LossTensors Sum(Tape tape, IReadOnlyList<LossTerm> terms, Tensor? variation)
    {
        variation ??= tape.Sum([]);
        Tensor content = tape.Sum([.. terms.Where(term => term.IsContent).Select(term => term.Value)]);
        Tensor style = tape.Sum([.. terms.Where(term => !term.IsContent).Select(term => term.Value)]);
        return new LossTensors(tape.Sum([content, style, variation]), content, style, variation, terms);
    }
}
