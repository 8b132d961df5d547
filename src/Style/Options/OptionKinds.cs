namespace NativeStyle.Style.Options;

/// <summary>
/// What the sum of squared differences of a loss is multiplied with. N is the number of its elements.
/// </summary>
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

    /// <summary>
    /// The Wasserstein-2 distance of mean and covariance, per channel; the style's loss scale does not enter.
    /// </summary>
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

    /// <summary>
    /// Squares, with diagonals: two thirds across and down, a sixth along each diagonal, as crowsonkb's
    /// style-transfer-pytorch.
    /// </summary>
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

    /// <summary>
    /// The same, and the content first gets the style's mean and covariance, so that the way there is short.
    /// </summary>
    MatchContent,

    /// <summary>The result's luminance with the content's chroma.</summary>
    Luminance,

    /// <summary>
    /// The styles first get the content's mean and covariance (Gatys et al. 2016, "Preserving color in neural artistic
    /// style transfer").
    /// </summary>
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
