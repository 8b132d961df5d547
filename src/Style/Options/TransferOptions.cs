using NativeStyle.Autodiff;
using NativeStyle.Kernels.Operators.Adam;
using NativeStyle.Kernels.Operators.Conv3x3;
using NativeStyle.Kernels.Operators.Pool2x2;
using NativeStyle.Vgg;

namespace NativeStyle.Style.Options;

/// <summary>A layer and its share of a loss.</summary>
public sealed record LayerWeight(string Layer, double Weight);

/// <summary>
/// Everything that decides what a transfer computes, as data: a preset is one of these, each option of the command line
/// replaces one of its values, and its JSON is what presets in files, checkpoints and pictures hold.
/// </summary>
/// <remarks>What each value may be, and what it is called, says <see cref="OptionTable"/>.</remarks>
public sealed record TransferOptions
{
    /// <summary>Only JSON makes options anew, where the table says which values it must have.</summary>
    internal TransferOptions()
    {
    }

    public string Name { get; init; } = "";

    /// <summary>What it is for, in a line.</summary>
    public string Description { get; init; } = "";

    /// <summary>Where its values come from.</summary>
    public string Source { get; init; } = "";

    /// <summary>The network it was made for: VGG-19 or VGG-16. A weights file decides for itself.</summary>
    public string Architecture { get; init; } = "VGG-19";

    public IReadOnlyList<LayerWeight> ContentLayers { get; init; } = [];

    public IReadOnlyList<LayerWeight> StyleLayers { get; init; } = [];

    /// <summary>
    /// Each style layer's weight is multiplied with this to the power of its place; the sum of weights stays.
    /// </summary>
    public double StyleLayerFactor { get; init; } = 1;

    public double ContentWeight { get; init; }

    public double StyleWeight { get; init; }

    public double TvWeight { get; init; }

    public LossScale ContentLossScale { get; init; }

    public StyleLoss StyleLoss { get; init; } = StyleLoss.Gram;

    public LossScale StyleLossScale { get; init; }

    public GramScale GramScale { get; init; }

    public StyleBlend StyleBlend { get; init; } = StyleBlend.Targets;

    public VariationKind TvKind { get; init; } = VariationKind.Squared;

    public VariationScale TvScale { get; init; }

    /// <summary>Whether each loss's gradient on its feature map gets the 1-norm of its weight.</summary>
    public bool NormalizeGradients { get; init; }

    public Pooling Pooling { get; init; }

    public PoolEdge PoolEdge { get; init; }

    /// <summary>Whether poolings other than max keep max pooling's magnitudes.</summary>
    public bool PoolRescale { get; init; }

    /// <summary>What the first layer sees outside the picture.</summary>
    public Padding InputPadding { get; init; }

    /// <summary>What the network is given of a pixel.</summary>
    public InputTransform Input { get; init; } = InputTransform.Network;

    /// <summary>
    /// How much white is above black in the optimised picture, e.g. 1 or 255: the unit of learning rate, noise and TV.
    /// </summary>
    public float PixelRange { get; init; }

    /// <summary>Longest side of the result in pixels; 0 for that of the content picture.</summary>
    public int Size { get; init; }

    public PictureCrop Crop { get; init; } = PictureCrop.None;

    public StyleSizing StyleSizing { get; init; }

    /// <summary>How much larger than <see cref="StyleSizing"/> says the style is seen.</summary>
    public double StyleSizeFactor { get; init; } = 1;

    /// <summary>Longest side of the styles in pixels at every scale; 0 to follow the result's.</summary>
    public int StyleSize { get; init; }

    /// <summary>
    /// Longest side of the first scale of coarse to fine, or more; 0 for the full size from the start.
    /// </summary>
    public int CoarsestSize { get; init; }

    /// <summary>Iterations at each scale; the last number stands for all further ones.</summary>
    public IReadOnlyList<int> Iterations { get; init; } = [];

    public OptimizerKind Optimizer { get; init; } = OptimizerKind.Adam;

    /// <summary>Adam's step in units of <see cref="PixelRange"/>; L-BFGS's factor of a fixed step.</summary>
    public float LearningRate { get; init; }

    public float Beta1 { get; init; } = 0.9f;

    public float Beta2 { get; init; } = 0.999f;

    public float Epsilon { get; init; } = 1e-8f;

    /// <summary>Pairs that L-BFGS remembers.</summary>
    public int History { get; init; } = 10;

    /// <summary>How far L-BFGS goes along its direction.</summary>
    public StepRule StepRule { get; init; } = StepRule.StrongWolfe;

    /// <summary>Whether pixels are kept within black and white.</summary>
    public bool Clamp { get; init; }

    /// <summary>
    /// Decay of the moving average of the iterates that is the result; 0 for the last iterate itself.
    /// </summary>
    public float AverageDecay { get; init; }

    public InitKind Init { get; init; }

    /// <summary>
    /// Standard deviation (normal noise) or half width (blend) of the initial noise, in units of 0..255.
    /// </summary>
    public float InitNoise { get; init; } = 20f;

    /// <summary>The share of noise in a blend; the rest is content.</summary>
    public float InitNoiseShare { get; init; } = 0.6f;

    public ColorMode Colors { get; init; } = ColorMode.Style;

    /// <summary>Whether the table of layers is printed before the run.</summary>
    public bool ShowLayers { get; init; }

    /// <summary>Iterations between printed losses; 0 leaves it to the display.</summary>
    public int PrintEvery { get; init; }

    /// <summary>Of noise and of random weights.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>How the network computes feature maps.</summary>
    public VggOptions Network => new(Pooling, PoolEdge, InputPadding, PoolRescale, Input);

    /// <summary>What follows the gradient, with its settings.</summary>
    public OptimizerMethod Method => Optimizer == OptimizerKind.Adam
        ? new AdamMethod(new AdamSettings(LearningRate, Beta1, Beta2, Epsilon))
        : new LbfgsMethod(new LbfgsSettings(History, StepRule, LearningRate));

    /// <summary>Names of all layers that a loss reads, without repeats.</summary>
    public IReadOnlyList<string> Layers => [.. ContentTerms.Concat(StyleTerms).Select(layer => layer.Layer).Distinct()];

    /// <summary>The content layers that count.</summary>
    public IEnumerable<LayerWeight> ContentTerms =>
        ContentWeight > 0 ? ContentLayers.Where(layer => layer.Weight > 0) : [];

    /// <summary>The style layers that count, <see cref="StyleLayerFactor"/> applied.</summary>
    public IEnumerable<LayerWeight> StyleTerms
    {
        get
        {
            if (StyleWeight <= 0) return [];
            double[] weights = [.. StyleLayers.Select((layer, i) => layer.Weight * Math.Pow(StyleLayerFactor, i))];
            double scale = weights.Sum() > 0 ? StyleLayers.Sum(layer => layer.Weight) / weights.Sum() : 0;
            return StyleLayers.Select((layer, i) => layer with { Weight = weights[i] * scale })
                .Where(layer => layer.Weight > 0);
        }
    }
}
