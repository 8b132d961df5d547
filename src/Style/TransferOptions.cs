using NativeStyle.Kernels;
using NativeStyle.Vgg;

namespace NativeStyle.Style;

/// <summary>A layer and its share of a loss.</summary>
public sealed record LayerWeight(string Layer, double Weight);

/// <summary>What the sum of squared differences of a loss is multiplied with. N is the number of its elements.</summary>
public enum LossScale
{
    /// <summary>1 / N: the mean.</summary>
    Mean,

    /// <summary>1 / (4 N), for Gram matrices 1 / (4 C²): the coursera assignment and Gatys et al.'s eq. 4.</summary>
    QuarterMean,

    /// <summary>1 / ‖target‖²: a relative error, which compares across layers, sizes and networks.</summary>
    RelativeToTarget,
}

/// <summary>What a Gram matrix Fᵀ F is multiplied with. H, W, C are the feature map's sizes.</summary>
public enum GramScale
{
    /// <summary>1 / (H W): the mean over pixels, which does not depend on the picture's size.</summary>
    PerPixel,

    /// <summary>1 / (H W C), as jcjohnson's neural-style.</summary>
    PerElement,
}

/// <summary>What the sum of squared neighbour differences is multiplied with.</summary>
public enum VariationScale
{
    /// <summary>1 / 2, as jcjohnson's neural-style (whose gradient is the sum of differences).</summary>
    HalfSum,

    /// <summary>1 / (3 H W).</summary>
    Mean,
}

/// <summary>How large the style picture is seen.</summary>
public enum StyleSizing
{
    /// <summary>Its longest side as long as the result's, its own shape.</summary>
    LongestSide,

    /// <summary>Height and width of the result, whatever its shape.</summary>
    ContentSize,
}

/// <summary>Where the result starts.</summary>
public enum InitKind
{
    /// <summary>The content picture.</summary>
    Content,

    /// <summary>Normal noise around mid-grey.</summary>
    Noise,

    /// <summary>Uniform noise mixed with the content, around the mean pixel, as the coursera assignment.</summary>
    Blend,

    /// <summary>A picture given by the user.</summary>
    Picture,
}

/// <summary>
/// Everything that decides what a transfer computes, as data: a preset is one of these, and each option of the
/// command line replaces one of its values.
/// </summary>
public sealed record TransferOptions
{
    public required string Name { get; init; }

    /// <summary>What it is for, in a line.</summary>
    public required string Description { get; init; }

    /// <summary>Where its values come from.</summary>
    public required string Source { get; init; }

    public required IReadOnlyList<LayerWeight> ContentLayers { get; init; }

    public required IReadOnlyList<LayerWeight> StyleLayers { get; init; }

    public required double ContentWeight { get; init; }

    public required double StyleWeight { get; init; }

    public required double TvWeight { get; init; }

    public required LossScale ContentScale { get; init; }

    public required LossScale StyleScale { get; init; }

    public required GramScale GramScale { get; init; }

    public required VariationScale TvScale { get; init; }

    public required Pooling Pooling { get; init; }

    public required PoolEdge PoolEdge { get; init; }

    /// <summary>What the first layer sees outside the picture.</summary>
    public required Padding InputPadding { get; init; }

    /// <summary>The value of white in the optimised picture, 1 or 255: the unit of learning rate, noise and TV.</summary>
    public required float PixelRange { get; init; }

    /// <summary>Longest side of the result in pixels.</summary>
    public required int Size { get; init; }

    public required StyleSizing StyleSizing { get; init; }

    /// <summary>Longest side of the first scale of coarse to fine; 0 for the full size from the start.</summary>
    public required int CoarsestSize { get; init; }

    /// <summary>Iterations at each scale; the last number stands for all further ones.</summary>
    public required IReadOnlyList<int> Iterations { get; init; }

    /// <summary>Adam's step in units of <see cref="PixelRange"/>.</summary>
    public required float LearningRate { get; init; }

    public float Beta1 { get; init; } = 0.9f;

    public float Beta2 { get; init; } = 0.999f;

    /// <summary>Whether pixels are kept within black and white after each step.</summary>
    public required bool Clamp { get; init; }

    /// <summary>Decay of the moving average of the iterates that is the result; 0 for the last iterate itself.</summary>
    public required float AverageDecay { get; init; }

    public required InitKind Init { get; init; }

    /// <summary>Standard deviation (noise) or half width (blend) of the initial noise, in units of 0..255.</summary>
    public float InitNoise { get; init; } = 20f;

    /// <summary>The share of noise in a blend; the rest is content.</summary>
    public float InitNoiseShare { get; init; } = 0.6f;

    /// <summary>Whether the content picture first gets the mean and covariance of the style's colours.</summary>
    public bool MatchStyleColors { get; init; }

    /// <summary>Whether the table of layers is printed before the run.</summary>
    public bool ShowLayers { get; init; }

    /// <summary>Iterations between printed losses; 0 leaves it to the display.</summary>
    public int PrintEvery { get; init; }

    public int Seed { get; init; } = 1;

    /// <summary>How the network computes feature maps.</summary>
    public VggOptions Network => new(Pooling, PoolEdge, InputPadding);

    /// <summary>Names of all layers that a loss reads, without repeats.</summary>
    public IReadOnlyList<string> Layers => [.. ContentLayers.Concat(StyleLayers).Select(layer => layer.Layer).Distinct()];
}
