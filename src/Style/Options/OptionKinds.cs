namespace NativeStyle.Style.Options;

/// <summary>The factor of the sum of squared differences in a loss. N is the number of elements.</summary>
public enum LossScale
{
    /// <summary>1 / 2: Gatys et al. 2016, eq. 1.</summary>
    HalfSum,

    /// <summary>1 / N: the mean.</summary>
    Mean,

    /// <summary>1 / (2 N).</summary>
    HalfMean,

    /// <summary>
    /// 1 / (4 N), which is 1 / (4 C²) for Gram matrices: the coursera assignment and Gatys et al.'s eq. 4.
    /// </summary>
    QuarterMean,

    /// <summary>1 / ‖target‖²: a relative error, comparable between layers, sizes and networks.</summary>
    RelativeToTarget,
}

/// <summary>The factor of a Gram matrix Fᵀ F. H, W and C are the sizes of the feature map.</summary>
public enum GramScale
{
    /// <summary>1: the sum over pixels.</summary>
    Sum,

    /// <summary>1 / (H W): the mean over pixels, which does not depend on the picture's size.</summary>
    PerPixel,

    /// <summary>1 / (H W C), as in jcjohnson's neural-style.</summary>
    PerElement,
}

/// <summary>The statistics by which styles are compared.</summary>
public enum StyleLoss
{
    /// <summary>The squared error of Gram matrices.</summary>
    Gram,

    /// <summary>
    /// The Wasserstein-2 distance of mean and covariance, per channel. The style's loss scale does not apply.
    /// </summary>
    Wasserstein,
}

/// <summary>The way in which several styles become one loss.</summary>
public enum StyleBlend
{
    /// <summary>One loss with the weighted mean of the styles' statistics as its target.</summary>
    Targets,

    /// <summary>
    /// The weighted sum of a loss for each style. With Gram matrices, its gradient is that of <see cref="Targets"/>,
    /// and its values differ from those by a constant.
    /// </summary>
    Losses,
}

/// <summary>The terms of total variation.</summary>
public enum VariationKind
{
    /// <summary>Squares of differences across and down.</summary>
    Squared,

    /// <summary>
    /// Like <see cref="Squared"/>, but without the last row and column, as in jcjohnson's neural-style.
    /// </summary>
    SquaredInner,

    /// <summary>Magnitudes of differences across and down.</summary>
    Absolute,

    /// <summary>
    /// Squares of differences, with two thirds across and down and a sixth along each diagonal, as in crowsonkb's
    /// style-transfer-pytorch.
    /// </summary>
    NinePoint,
}

/// <summary>The factor of the sum over neighbour differences.</summary>
public enum VariationScale
{
    /// <summary>1 / 2, as in jcjohnson's neural-style, whose gradient is the sum of differences.</summary>
    HalfSum,

    /// <summary>1 / (3 H W). The diagonals extend over the padded border and have 1 / (3 (H + 1) (W + 1)).</summary>
    Mean,

    /// <summary>1 / the number of differences, separately across and down, as in anishathalye's neural-style.</summary>
    MeanPerDirection,
}

/// <summary>The size of a style picture before <see cref="TransferOptions.StyleSizeFactor"/> applies.</summary>
public enum StyleSizing
{
    /// <summary>Makes the longest side as long as the result's, and keeps the shape.</summary>
    LongestSide,

    /// <summary>Does the same as <see cref="LongestSide"/>, but never enlarges the picture.</summary>
    LongestSideAtMost,

    /// <summary>Uses the height and width of the result, whatever the shape of the picture.</summary>
    ContentSize,

    /// <summary>Makes the picture as wide as the result, and keeps the shape.</summary>
    ContentWidth,
}

/// <summary>The part of the pictures that a transfer uses.</summary>
public enum PictureCrop
{
    /// <summary>The whole pictures.</summary>
    None,

    /// <summary>The square in the middle of content and styles.</summary>
    Square,
}

/// <summary>The source of the colours in the result.</summary>
public enum ColorMode
{
    /// <summary>The losses decide on the colours, which are mostly the style's.</summary>
    Style,

    /// <summary>
    /// The losses decide, and the content first gets the style's mean and covariance, which shortens the way.
    /// </summary>
    MatchContent,

    /// <summary>The result keeps its luminance and gets the content's chroma.</summary>
    Luminance,

    /// <summary>
    /// The styles first get the content's mean and covariance (Gatys et al. 2016, "Preserving color in neural artistic
    /// style transfer").
    /// </summary>
    Covariance,

    /// <summary>The styles first get the content's histograms, channel by channel (the same paper).</summary>
    Histogram,
}

/// <summary>The start of the optimisation.</summary>
public enum InitKind
{
    /// <summary>The content picture.</summary>
    Content,

    /// <summary>The first style picture, stretched to the result's size.</summary>
    Style,

    /// <summary>White.</summary>
    White,

    /// <summary>Mid-grey, with noise of one level of 255, so that pixels differ.</summary>
    Grey,

    /// <summary>Uniform noise from black to white.</summary>
    Uniform,

    /// <summary>Normal noise around mid-grey, within black and white.</summary>
    Normal,

    /// <summary>Normal noise around the network's mean pixel.</summary>
    MeanNormal,

    /// <summary>Normal noise with the mean and variance of the styles' channels, within black and white.</summary>
    StyleNormal,

    /// <summary>Uniform noise mixed with the content, around the mean pixel, as in the coursera assignment.</summary>
    Blend,

    /// <summary>A picture that the user names.</summary>
    Picture,
}

/// <summary>The method that follows the gradient.</summary>
public enum OptimizerKind
{
    /// <summary>Adam (Kingma and Ba 2015), see <see cref="Autodiff.AdamOptimizer"/>.</summary>
    Adam,

    /// <summary>Limited-memory BFGS (Liu and Nocedal 1989), see <see cref="Autodiff.LbfgsOptimizer"/>.</summary>
    Lbfgs,
}
