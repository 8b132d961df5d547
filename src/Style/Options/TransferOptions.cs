using System.Text.Json.Serialization;
using NativeStyle.Autodiff;
using NativeStyle.Kernels.Operators.Adam;
using NativeStyle.Kernels.Operators.Conv3x3;
using NativeStyle.Kernels.Operators.Pool2x2;
using NativeStyle.Vgg;

namespace NativeStyle.Style;

/// <summary>A layer and its share of a loss.</summary>
public sealed record LayerWeight(string Layer, double Weight);

/// <summary>What the sum of squared differences of a loss is multiplied with. N is the number of its elements.</summary>
public enum LossScale
{
    /// <summary>1 / 2: Gatys et al. 2016, eq. 1.</summary>
    HalfSum,

    /// <summary>1 / N: the mean.</summary>
    Mean,

    /// <summary>1 / (2 N).</summary>
    HalfMean,

    /// <summary>1 / (4 N), for Gram matrices 1 / (4 C²): the coursera assignment and Gatys et al.'s eq. 4.</summary>
    QuarterMean,

    /// <summary>1 / ‖target‖²: a relative error, which compares across layers, sizes and networks.</summary>
    RelativeToTarget,
}

/// <summary>What a Gram matrix Fᵀ F is multiplied with. H, W, C are the feature map's sizes.</summary>
public enum GramScale
{
    /// <summary>1: the sum over pixels.</summary>
    Sum,

    /// <summary>1 / (H W): the mean over pixels, which does not depend on the picture's size.</summary>
    PerPixel,

    /// <summary>1 / (H W C), as jcjohnson's neural-style.</summary>
    PerElement,
}

/// <summary>What style is compared by.</summary>
public enum StyleLoss
{
    /// <summary>The squared error of Gram matrices.</summary>
    Gram,

    /// <summary>The Wasserstein-2 distance of mean and covariance, per channel; the style's loss scale does not enter.</summary>
    Wasserstein,
}

/// <summary>How several styles become one loss.</summary>
public enum StyleBlend
{
    /// <summary>One loss with the weighted mean of the styles' statistics as its target.</summary>
    Targets,

    /// <summary>
    /// The weighted sum of a loss for each style. With Gram matrices its gradient is that of <see cref="Targets"/>; the
    /// values differ by a constant.
    /// </summary>
    Losses,
}

/// <summary>What total variation is made of.</summary>
public enum VariationKind
{
    /// <summary>Squares of differences across and down.</summary>
    Squared,

    /// <summary>As <see cref="Squared"/> without the last row and column, as jcjohnson's neural-style.</summary>
    SquaredInner,

    /// <summary>Magnitudes of differences across and down.</summary>
    Absolute,

    /// <summary>Squares, with diagonals: two thirds across and down, a sixth along each diagonal, as crowsonkb's style-transfer-pytorch.</summary>
    NinePoint,
}

/// <summary>What the sum over neighbour differences is multiplied with.</summary>
public enum VariationScale
{
    /// <summary>1 / 2, as jcjohnson's neural-style (whose gradient is the sum of differences).</summary>
    HalfSum,

    /// <summary>1 / (3 H W); the diagonals, over the padded border, 1 / (3 (H + 1) (W + 1)).</summary>
    Mean,

    /// <summary>1 / the number of differences, across and down each, as anishathalye's neural-style.</summary>
    MeanPerDirection,
}

/// <summary>How large a style picture is seen, before <see cref="TransferOptions.StyleSizeFactor"/>.</summary>
public enum StyleSizing
{
    /// <summary>Its longest side as long as the result's, its own shape.</summary>
    LongestSide,

    /// <summary>The same, but never larger than it is.</summary>
    LongestSideAtMost,

    /// <summary>Height and width of the result, whatever its shape.</summary>
    ContentSize,

    /// <summary>As wide as the result, its own shape.</summary>
    ContentWidth,
}

/// <summary>What part of the pictures is used.</summary>
public enum PictureCrop
{
    /// <summary>All.</summary>
    None,

    /// <summary>The square in the middle, of content and styles.</summary>
    Square,
}

/// <summary>Whose colours the result has.</summary>
public enum ColorMode
{
    /// <summary>What the losses make of them: the style's, by and large.</summary>
    Style,

    /// <summary>The same, and the content first gets the style's mean and covariance, so that the way there is short.</summary>
    MatchContent,

    /// <summary>The result's luminance with the content's chroma.</summary>
    Luminance,

    /// <summary>The styles first get the content's mean and covariance (Gatys et al. 2016, "Preserving color in neural artistic style transfer").</summary>
    Covariance,

    /// <summary>The styles first get the content's histograms, channel by channel (the same paper).</summary>
    Histogram,
}

/// <summary>Where the result starts.</summary>
public enum InitKind
{
    /// <summary>The content picture.</summary>
    Content,

    /// <summary>The first style picture, stretched to the result's size.</summary>
    Style,

    /// <summary>White.</summary>
    White,

    /// <summary>Mid-grey, with noise of one level of 255 that lets pixels differ.</summary>
    Grey,

    /// <summary>Uniform noise from black to white.</summary>
    Uniform,

    /// <summary>Normal noise around mid-grey, within black and white.</summary>
    Normal,

    /// <summary>Normal noise around the network's mean pixel.</summary>
    MeanNormal,

    /// <summary>Normal noise with the mean and variance of the styles' channels, within black and white.</summary>
    StyleNormal,

    /// <summary>Uniform noise mixed with the content, around the mean pixel, as the coursera assignment.</summary>
    Blend,

    /// <summary>A picture given by the user.</summary>
    Picture,
}

/// <summary>What follows the gradient.</summary>
public enum OptimizerKind
{
    /// <summary>Adam.</summary>
    Adam,

    /// <summary>L-BFGS.</summary>
    Lbfgs,
}

/// <summary>
/// Everything that decides what a transfer computes, as data: a preset is one of these, each option of the command line
/// replaces one of its values, and its JSON is what presets in files, checkpoints and pictures hold.
/// </summary>
public sealed record TransferOptions
{
    public required string Name { get; init; }

    /// <summary>What it is for, in a line.</summary>
    public required string Description { get; init; }

    /// <summary>Where its values come from.</summary>
    public required string Source { get; init; }

    /// <summary>The network it was made for: VGG-19 or VGG-16. A weights file decides for itself.</summary>
    public string Architecture { get; init; } = "VGG-19";

    public required IReadOnlyList<LayerWeight> ContentLayers { get; init; }

    public required IReadOnlyList<LayerWeight> StyleLayers { get; init; }

    /// <summary>Each style layer's weight is multiplied with this to the power of its place; the sum of weights stays.</summary>
    public double StyleLayerFactor { get; init; } = 1;

    public required double ContentWeight { get; init; }

    public required double StyleWeight { get; init; }

    public required double TvWeight { get; init; }

    public required LossScale ContentLossScale { get; init; }

    public StyleLoss StyleLoss { get; init; } = StyleLoss.Gram;

    public required LossScale StyleLossScale { get; init; }

    public required GramScale GramScale { get; init; }

    public StyleBlend StyleBlend { get; init; } = StyleBlend.Targets;

    public VariationKind TvKind { get; init; } = VariationKind.Squared;

    public required VariationScale TvScale { get; init; }

    /// <summary>Whether each loss's gradient on its feature map gets the 1-norm of its weight.</summary>
    public bool NormalizeGradients { get; init; }

    public required Pooling Pooling { get; init; }

    public required PoolEdge PoolEdge { get; init; }

    /// <summary>Whether poolings other than max keep max pooling's magnitudes.</summary>
    public bool PoolRescale { get; init; }

    /// <summary>What the first layer sees outside the picture.</summary>
    public required Padding InputPadding { get; init; }

    /// <summary>What the network is given of a pixel.</summary>
    public InputTransform Input { get; init; } = InputTransform.Network;

    /// <summary>How much white is above black in the optimised picture, e.g. 1 or 255: the unit of learning rate, noise and TV.</summary>
    public required float PixelRange { get; init; }

    /// <summary>Longest side of the result in pixels; 0 for that of the content picture.</summary>
    public required int Size { get; init; }

    public PictureCrop Crop { get; init; } = PictureCrop.None;

    public required StyleSizing StyleSizing { get; init; }

    /// <summary>How much larger than <see cref="StyleSizing"/> says the style is seen.</summary>
    public double StyleSizeFactor { get; init; } = 1;

    /// <summary>Longest side of the styles in pixels at every scale; 0 to follow the result's.</summary>
    public int StyleSize { get; init; }

    /// <summary>Longest side of the first scale of coarse to fine, or more; 0 for the full size from the start.</summary>
    public required int CoarsestSize { get; init; }

    /// <summary>Iterations at each scale; the last number stands for all further ones.</summary>
    public required IReadOnlyList<int> Iterations { get; init; }

    public OptimizerKind Optimizer { get; init; } = OptimizerKind.Adam;

    /// <summary>Adam's step in units of <see cref="PixelRange"/>; L-BFGS's factor of a fixed step.</summary>
    public required float LearningRate { get; init; }

    public float Beta1 { get; init; } = 0.9f;

    public float Beta2 { get; init; } = 0.999f;

    public float Epsilon { get; init; } = 1e-8f;

    /// <summary>Pairs that L-BFGS remembers.</summary>
    public int History { get; init; } = 10;

    /// <summary>How far L-BFGS goes along its direction.</summary>
    public StepRule StepRule { get; init; } = StepRule.StrongWolfe;

    /// <summary>Whether pixels are kept within black and white.</summary>
    public required bool Clamp { get; init; }

    /// <summary>Decay of the moving average of the iterates that is the result; 0 for the last iterate itself.</summary>
    public required float AverageDecay { get; init; }

    public required InitKind Init { get; init; }

    /// <summary>Standard deviation (normal noise) or half width (blend) of the initial noise, in units of 0..255.</summary>
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
    [JsonIgnore]
    public VggOptions Network => new(Pooling, PoolEdge, InputPadding, PoolRescale, Input);

    /// <summary>What follows the gradient, with its settings.</summary>
    [JsonIgnore]
    public OptimizerMethod Method => Optimizer == OptimizerKind.Adam
        ? new AdamMethod(new AdamSettings(LearningRate, Beta1, Beta2, Epsilon))
        : new LbfgsMethod(new LbfgsSettings(History, StepRule, LearningRate));

    /// <summary>Names of all layers that a loss reads, without repeats.</summary>
    [JsonIgnore]
    public IReadOnlyList<string> Layers => [.. ContentTerms.Concat(StyleTerms).Select(layer => layer.Layer).Distinct()];

    /// <summary>The content layers that count.</summary>
    [JsonIgnore]
    public IEnumerable<LayerWeight> ContentTerms =>
        ContentWeight > 0 ? ContentLayers.Where(layer => layer.Weight > 0) : [];

    /// <summary>The style layers that count, <see cref="StyleLayerFactor"/> applied.</summary>
    [JsonIgnore]
    public IEnumerable<LayerWeight> StyleTerms
    {
        get
        {
            if (StyleWeight <= 0) return [];
            double[] weights = [.. StyleLayers.Select((layer, i) => layer.Weight * Math.Pow(StyleLayerFactor, i))];
            double scale = weights.Sum() > 0 ? StyleLayers.Sum(layer => layer.Weight) / weights.Sum() : 0;
            return StyleLayers.Select((layer, i) => layer with { Weight = weights[i] * scale }).Where(layer => layer.Weight > 0);
        }
    }
}
