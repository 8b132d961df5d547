using NativeStyle.Autodiff;
using NativeStyle.Kernels.Operators.Adam;
using NativeStyle.Kernels.Operators.Conv3x3;
using NativeStyle.Kernels.Operators.Pool2x2;
using NativeStyle.Vgg;

namespace NativeStyle.Style.Options;

/// <summary>A layer and its share of a loss.</summary>
public sealed record LayerWeight(string Layer, double Weight);

/// <summary>
/// Everything that decides what a transfer computes, as data. A preset is one instance, and each option of the command
/// line replaces one of its values. Preset files, checkpoints and pictures hold it as JSON.
/// </summary>
/// <remarks><see cref="OptionTable"/> has the name and the range of each value.</remarks>
public sealed record TransferOptions
{
    /// <summary>Only JSON creates new options. The table says which values it must have.</summary>
    internal TransferOptions()
    {
    }

    /// <summary>The preset's name.</summary>
    public string Name { get; init; } = "";

    /// <summary>The purpose, in one line.</summary>
    public string Description { get; init; } = "";

    /// <summary>The source of the values.</summary>
    public string Source { get; init; } = "";

    /// <summary>The network for which the options were made: VGG-19 or VGG-16. A weights file overrides it.</summary>
    public string Architecture { get; init; } = "VGG-19";

    /// <summary>The layers whose maps are to be those of the content.</summary>
    public IReadOnlyList<LayerWeight> ContentLayers { get; init; } = [];

    /// <summary>The layers whose statistics are to be those of the style.</summary>
    public IReadOnlyList<LayerWeight> StyleLayers { get; init; } = [];

    /// <summary>
    /// The base of a power that multiplies each style layer's weight. The exponent is the place of the layer, and the
    /// sum of weights stays the same.
    /// </summary>
    public double StyleLayerFactor { get; init; } = 1;

    /// <summary>α, the weight of all content losses together; 0 for none.</summary>
    public double ContentWeight { get; init; }

    /// <summary>β, the weight of all style losses together; 0 for none.</summary>
    public double StyleWeight { get; init; }

    /// <summary>γ, the weight of the total variation; 0 for none.</summary>
    public double TvWeight { get; init; }

    /// <summary>The factor of the squared differences of maps.</summary>
    public LossScale ContentLossScale { get; init; }

    /// <summary>What is compared of the maps: Gram matrices, or means and covariances.</summary>
    public StyleLoss StyleLoss { get; init; } = StyleLoss.Gram;

    /// <summary>A style loss of your own, which replaces the others; null for none. No file holds it.</summary>
    public CustomStyleLoss? CustomStyleLoss { get; init; }

    /// <summary>The factor of the squared differences of Gram matrices.</summary>
    public LossScale StyleLossScale { get; init; }

    /// <summary>The factor g of G = g Fᵀ F.</summary>
    public GramScale GramScale { get; init; }

    /// <summary>What is averaged if there are several styles.</summary>
    public StyleBlend StyleBlend { get; init; } = StyleBlend.Targets;

    /// <summary>The form of the total variation.</summary>
    public VariationKind TvKind { get; init; } = VariationKind.Squared;

    /// <summary>The factor of the total variation.</summary>
    public VariationScale TvScale { get; init; }

    /// <summary>Whether each loss's gradient on its feature map gets the 1-norm of its weight.</summary>
    public bool NormalizeGradients { get; init; }

    /// <summary>Average, max or L2.</summary>
    public Pooling Pooling { get; init; }

    /// <summary>What pooling does with odd sizes.</summary>
    public PoolEdge PoolEdge { get; init; }

    /// <summary>Whether other poolings are scaled to the magnitudes of max pooling.</summary>
    public bool PoolRescale { get; init; }

    /// <summary>The values that the first layer sees outside the picture.</summary>
    public Padding InputPadding { get; init; }

    /// <summary>The form in which pixels enter the network.</summary>
    public InputTransform Input { get; init; } = InputTransform.Network;

    /// <summary>
    /// White minus black in the optimised picture, e.g. 1 or 255. It is the unit of learning rate, noise and TV.
    /// </summary>
    public float PixelRange { get; init; }

    /// <summary>The longest side of the result in pixels, or 0 for that of the content picture.</summary>
    public int Size { get; init; }

    /// <summary>The part of the pictures that is used.</summary>
    public PictureCrop Crop { get; init; } = PictureCrop.None;

    /// <summary>The size at which the network sees a style picture.</summary>
    public StyleSizing StyleSizing { get; init; }

    /// <summary>The factor by which the style is larger than <see cref="StyleSizing"/> says.</summary>
    public double StyleSizeFactor { get; init; } = 1;

    /// <summary>The longest side of the styles in pixels at every scale, or 0 to follow the result's.</summary>
    public int StyleSize { get; init; }

    /// <summary>
    /// The least longest side of the first scale, from coarse to fine. 0 stands for the full size from the start.
    /// </summary>
    public int CoarsestSize { get; init; }

    /// <summary>The iterations at each scale. The last number stands for all further scales.</summary>
    public IReadOnlyList<int> Iterations { get; init; } = [];

    /// <summary>What moves the pixels.</summary>
    public OptimizerKind Optimizer { get; init; } = OptimizerKind.Adam;

    /// <summary>Adam's step in units of <see cref="PixelRange"/>, or the factor of L-BFGS's fixed steps.</summary>
    public float LearningRate { get; init; }

    /// <summary>The decay of Adam's first moment.</summary>
    public float Beta1 { get; init; } = 0.9f;

    /// <summary>The decay of Adam's second moment.</summary>
    public float Beta2 { get; init; } = 0.999f;

    /// <summary>What Adam adds to the root of the second moment.</summary>
    public float Epsilon { get; init; } = 1e-8f;

    /// <summary>The number of pairs that L-BFGS remembers.</summary>
    public int History { get; init; } = 10;

    /// <summary>The rule for the length of L-BFGS's steps.</summary>
    public StepRule StepRule { get; init; } = StepRule.StrongWolfe;

    /// <summary>Whether pixels are kept within black and white.</summary>
    public bool Clamp { get; init; }

    /// <summary>
    /// The decay of the moving average of the iterates, which is the result. With 0, the last iterate is the result.
    /// </summary>
    public float AverageDecay { get; init; }

    /// <summary>The picture that the run starts from.</summary>
    public InitKind Init { get; init; }

    /// <summary>
    /// The standard deviation (normal noise) or half width (blend) of the initial noise, in units of 0..255.
    /// </summary>
    public float InitNoise { get; init; } = 20f;

    /// <summary>The share of noise in a blend; the rest is content.</summary>
    public float InitNoiseShare { get; init; } = 0.6f;

    /// <summary>Where the colours of the result come from.</summary>
    public ColorMode Colors { get; init; } = ColorMode.Style;

    /// <summary>Whether the table of layers is printed before the run.</summary>
    public bool ShowLayers { get; init; }

    /// <summary>The iterations between printed losses. 0 leaves it to the display.</summary>
    public int PrintEvery { get; init; }

    /// <summary>The seed of noise and of random weights.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>How the network computes feature maps.</summary>
    public VggOptions Network => new(Pooling, PoolEdge, InputPadding, PoolRescale, Input);

    /// <summary>The optimiser with its settings.</summary>
    public OptimizerMethod Method => Optimizer == OptimizerKind.Adam
        ? new AdamMethod(new AdamSettings(LearningRate, Beta1, Beta2, Epsilon))
        : new LbfgsMethod(new LbfgsSettings(History, StepRule, LearningRate));

    /// <summary>The names of all layers that a loss reads, without repeats.</summary>
    public IReadOnlyList<string> Layers => [.. ContentTerms.Concat(StyleTerms).Select(layer => layer.Layer).Distinct()];

    /// <summary>The content layers with a positive weight.</summary>
    public IEnumerable<LayerWeight> ContentTerms =>
        ContentWeight > 0 ? ContentLayers.Where(layer => layer.Weight > 0) : [];

    /// <summary>The style layers with a positive weight, after <see cref="StyleLayerFactor"/> is applied.</summary>
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
