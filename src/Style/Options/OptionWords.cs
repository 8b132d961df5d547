using NativeStyle.Autodiff;
using NativeStyle.Kernels.Operators.Conv3x3;
using NativeStyle.Kernels.Operators.Pool2x2;
using NativeStyle.Vgg;

namespace NativeStyle.Style;

/// <summary>
/// The words of all enumerations in options, those of the engine among them: files that were written before hold them,
/// whatever a member is called by now.
/// </summary>
public static class OptionWords
{
    public static Words<string> Architecture { get; } = new(
        (VggArchitecture.Vgg19.Name, "VGG-19"), (VggArchitecture.Vgg16.Name, "VGG-16"));

    public static Words<LossScale> LossScale { get; } = new(
        (Style.LossScale.HalfSum, "half-sum"),
        (Style.LossScale.Mean, "mean"),
        (Style.LossScale.HalfMean, "half-mean"),
        (Style.LossScale.QuarterMean, "quarter-mean"),
        (Style.LossScale.RelativeToTarget, "relative-to-target"));

    public static Words<GramScale> GramScale { get; } = new(
        (Style.GramScale.Sum, "sum"), (Style.GramScale.PerPixel, "per-pixel"),
        (Style.GramScale.PerElement, "per-element"));

    public static Words<StyleLoss> StyleLoss { get; } = new(
        (Style.StyleLoss.Gram, "gram"), (Style.StyleLoss.Wasserstein, "wasserstein"));

    public static Words<StyleBlend> StyleBlend { get; } = new(
        (Style.StyleBlend.Targets, "targets"), (Style.StyleBlend.Losses, "losses"));

    public static Words<VariationKind> VariationKind { get; } = new(
        (Style.VariationKind.Squared, "squared"),
        (Style.VariationKind.SquaredInner, "squared-inner"),
        (Style.VariationKind.Absolute, "absolute"),
        (Style.VariationKind.NinePoint, "nine-point"));

    public static Words<VariationScale> VariationScale { get; } = new(
        (Style.VariationScale.HalfSum, "half-sum"),
        (Style.VariationScale.Mean, "mean"),
        (Style.VariationScale.MeanPerDirection, "mean-per-direction"));

    public static Words<Pooling> Pooling { get; } = new(
        (Kernels.Operators.Pool2x2.Pooling.Average, "average"),
        (Kernels.Operators.Pool2x2.Pooling.Max, "max"),
        (Kernels.Operators.Pool2x2.Pooling.L2, "l2"));

    public static Words<PoolEdge> PoolEdge { get; } = new(
        (Kernels.Operators.Pool2x2.PoolEdge.Floor, "floor"), (Kernels.Operators.Pool2x2.PoolEdge.Same, "same"));

    public static Words<Padding> Padding { get; } = new(
        (Kernels.Operators.Conv3x3.Padding.Zero, "zero"), (Kernels.Operators.Conv3x3.Padding.Replicate, "replicate"));

    public static Words<InputTransform> InputTransform { get; } = new(
        (Vgg.InputTransform.Network, "network"),
        (Vgg.InputTransform.Times256, "times256"),
        (Vgg.InputTransform.HalfUnit, "half-unit"));

    public static Words<PictureCrop> PictureCrop { get; } = new(
        (Style.PictureCrop.None, "none"), (Style.PictureCrop.Square, "square"));

    public static Words<StyleSizing> StyleSizing { get; } = new(
        (Style.StyleSizing.LongestSide, "longest-side"),
        (Style.StyleSizing.LongestSideAtMost, "longest-side-at-most"),
        (Style.StyleSizing.ContentSize, "content-size"),
        (Style.StyleSizing.ContentWidth, "content-width"));

    public static Words<OptimizerKind> OptimizerKind { get; } = new(
        (Style.OptimizerKind.Adam, "adam"), (Style.OptimizerKind.Lbfgs, "lbfgs"));

    public static Words<StepRule> StepRule { get; } = new(
        (Autodiff.StepRule.StrongWolfe, "strong-wolfe"), (Autodiff.StepRule.Fixed, "fixed"));

    public static Words<InitKind> InitKind { get; } = new(
        (Style.InitKind.Content, "content"),
        (Style.InitKind.Style, "style"),
        (Style.InitKind.White, "white"),
        (Style.InitKind.Grey, "grey"),
        (Style.InitKind.Uniform, "uniform"),
        (Style.InitKind.Normal, "normal"),
        (Style.InitKind.MeanNormal, "mean-normal"),
        (Style.InitKind.StyleNormal, "style-normal"),
        (Style.InitKind.Blend, "blend"),
        (Style.InitKind.Picture, "picture"));

    public static Words<ColorMode> ColorMode { get; } = new(
        (Style.ColorMode.Style, "style"),
        (Style.ColorMode.MatchContent, "match-content"),
        (Style.ColorMode.Luminance, "luminance"),
        (Style.ColorMode.Covariance, "covariance"),
        (Style.ColorMode.Histogram, "histogram"));
}
