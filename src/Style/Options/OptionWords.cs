using NativeStyle.Autodiff;
using NativeStyle.Kernels.Operators.Conv3x3;
using NativeStyle.Kernels.Operators.Pool2x2;
using NativeStyle.Vgg;

namespace NativeStyle.Style.Options;

/// <summary>
/// The words for all enumerations in options, including those of the engine. Existing files have these words, so they
/// stay even if a member is renamed.
/// </summary>
internal static class OptionWords
{
    public static Words<string> Architecture { get; } = new(
        (VggArchitecture.Vgg19.Name, "VGG-19"), (VggArchitecture.Vgg16.Name, "VGG-16"));

    public static Words<LossScale> LossScale { get; } = new(
        (Options.LossScale.HalfSum, "half-sum"),
        (Options.LossScale.Mean, "mean"),
        (Options.LossScale.HalfMean, "half-mean"),
        (Options.LossScale.QuarterMean, "quarter-mean"),
        (Options.LossScale.RelativeToTarget, "relative-to-target"));

    public static Words<GramScale> GramScale { get; } = new(
        (Options.GramScale.Sum, "sum"), (Options.GramScale.PerPixel, "per-pixel"),
        (Options.GramScale.PerElement, "per-element"));

    public static Words<StyleLoss> StyleLoss { get; } = new(
        (Options.StyleLoss.Gram, "gram"), (Options.StyleLoss.Wasserstein, "wasserstein"));

    public static Words<StyleBlend> StyleBlend { get; } = new(
        (Options.StyleBlend.Targets, "targets"), (Options.StyleBlend.Losses, "losses"));

    public static Words<VariationKind> VariationKind { get; } = new(
        (Options.VariationKind.Squared, "squared"),
        (Options.VariationKind.SquaredInner, "squared-inner"),
        (Options.VariationKind.Absolute, "absolute"),
        (Options.VariationKind.NinePoint, "nine-point"));

    public static Words<VariationScale> VariationScale { get; } = new(
        (Options.VariationScale.HalfSum, "half-sum"),
        (Options.VariationScale.Mean, "mean"),
        (Options.VariationScale.MeanPerDirection, "mean-per-direction"));

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
        (Options.PictureCrop.None, "none"), (Options.PictureCrop.Square, "square"));

    public static Words<StyleSizing> StyleSizing { get; } = new(
        (Options.StyleSizing.LongestSide, "longest-side"),
        (Options.StyleSizing.LongestSideAtMost, "longest-side-at-most"),
        (Options.StyleSizing.ContentSize, "content-size"),
        (Options.StyleSizing.ContentWidth, "content-width"));

    public static Words<OptimizerKind> OptimizerKind { get; } = new(
        (Options.OptimizerKind.Adam, "adam"), (Options.OptimizerKind.Lbfgs, "lbfgs"));

    public static Words<StepRule> StepRule { get; } = new(
        (Autodiff.StepRule.StrongWolfe, "strong-wolfe"), (Autodiff.StepRule.Fixed, "fixed"));

    public static Words<InitKind> InitKind { get; } = new(
        (Options.InitKind.Content, "content"),
        (Options.InitKind.Style, "style"),
        (Options.InitKind.White, "white"),
        (Options.InitKind.Grey, "grey"),
        (Options.InitKind.Uniform, "uniform"),
        (Options.InitKind.Normal, "normal"),
        (Options.InitKind.MeanNormal, "mean-normal"),
        (Options.InitKind.StyleNormal, "style-normal"),
        (Options.InitKind.Blend, "blend"),
        (Options.InitKind.Picture, "picture"));

    public static Words<ColorMode> ColorMode { get; } = new(
        (Options.ColorMode.Style, "style"),
        (Options.ColorMode.MatchContent, "match-content"),
        (Options.ColorMode.Luminance, "luminance"),
        (Options.ColorMode.Covariance, "covariance"),
        (Options.ColorMode.Histogram, "histogram"));
}
