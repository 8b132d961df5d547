namespace NativeStyle.Style.Options;

/// <summary>
/// Describes every value of <see cref="TransferOptions"/>, in the order of its JSON. These rows define the options of
/// the command line and their help, how JSON is read, checked and written, and the command that makes a picture again.
/// </summary>
internal static class OptionTable
{
    private const double MostWeight = 1e15;
    private static readonly LayerList s_layers = new(MostWeight);
    private static readonly NumberRange<double> s_weight = new(0, MostWeight);
    private static readonly Truth s_truth = new();
    private static readonly Line s_line = new();

    public static TransferOption<string> Architecture { get; } = new(
        "architecture", OptionWords.Architecture, o => o.Architecture, (o, v) => o with { Architecture = v },
        "The network for which the preset was made; a weights file overrides it");

    public static TransferOption<IReadOnlyList<LayerWeight>> ContentLayers { get; } = new(
        "contentLayers", s_layers, o => o.ContentLayers, (o, v) => o with { ContentLayers = v },
        "Layers of the content loss with weights, e.g. conv4_2 or relu4_2:0.7,relu5_2:0.3")
    { Group = OptionGroup.Losses, Required = true };

    public static TransferOption<IReadOnlyList<LayerWeight>> StyleLayers { get; } = new(
        "styleLayers", s_layers, o => o.StyleLayers, (o, v) => o with { StyleLayers = v },
        "Layers of the style loss with weights, e.g. conv1_1:0.5,conv2_1:0.5")
    { Group = OptionGroup.Losses, Required = true };

    public static TransferOption<double> ContentWeight { get; } = new(
        "contentWeight", s_weight, o => o.ContentWeight, (o, v) => o with { ContentWeight = v },
        "How much the scene counts")
    { Group = OptionGroup.Common, Required = true };

    public static TransferOption<double> StyleWeight { get; } = new(
        "styleWeight", s_weight, o => o.StyleWeight, (o, v) => o with { StyleWeight = v },
        "How much the style counts")
    { Group = OptionGroup.Common, Required = true };

    public static NumberRange<int> Side { get; } = new(0, 32768);

    public static TransferOption<int> Size { get; } = new(
        "size", Side, o => o.Size, (o, v) => o with { Size = v },
        "Longest side of the result in pixels; 0 for the content picture's own")
    { Group = OptionGroup.Common, Required = true };

    /// <summary>The range for the number of steps of a run or of one of its scales.</summary>
    public static NumberRange<int> Steps { get; } = new(1, 1_000_000);

    public static TransferOption<IReadOnlyList<int>> Iterations { get; } = new(
        "iterations", new ListOf<int>(Steps, "N|N,N"), o => o.Iterations, (o, v) => o with { Iterations = v },
        "Total steps, spread over the preset's scales; or a list with a number for each scale, the last for all " +
        "further scales")
    { Group = OptionGroup.Common, Required = true };

    public static TransferOption<InitKind> Init { get; } = new(
        "init", OptionWords.InitKind, o => o.Init, (o, v) => o with { Init = v },
        "Where to start: content, style, white, grey, uniform, normal, mean-normal, style-normal, blend, or a " +
        "picture's name")
    { Group = OptionGroup.Common, Required = true };

    public static TransferOption<int> Seed { get; } = new(
        "seed", new NumberRange<int>(int.MinValue, int.MaxValue), o => o.Seed, (o, v) => o with { Seed = v },
        "Seed of noise and of random weights")
    { Group = OptionGroup.Run };

    /// <summary>All rows, in the order of the JSON.</summary>
    public static IReadOnlyList<TransferOption> All { get; } =
    [
        new TransferOption<string>(
            "name", s_line, o => o.Name, (o, v) => o with { Name = v }, "What it is called") { Required = true },
        new TransferOption<string>(
            "description", s_line, o => o.Description, (o, v) => o with { Description = v }, "What it is for")
            { Required = true },
        new TransferOption<string>(
            "source", s_line, o => o.Source, (o, v) => o with { Source = v }, "Where its values come from")
            { Required = true },
        Architecture,
        ContentLayers,
        StyleLayers,
        new TransferOption<double>(
            "styleLayerFactor", new NumberRange<double>(1e-6, 1e6), o => o.StyleLayerFactor,
            (o, v) => o with { StyleLayerFactor = v },
            "Each style layer weighs this much more than the one before (anishathalye's exponent)")
            { Group = OptionGroup.Losses, Rare = true },
        ContentWeight,
        StyleWeight,
        new TransferOption<double>(
            "tvWeight", s_weight, o => o.TvWeight, (o, v) => o with { TvWeight = v },
            "How much smoothness counts (total variation)")
            { Group = OptionGroup.Common, Required = true },
        new TransferOption<LossScale>(
            "contentLossScale", OptionWords.LossScale, o => o.ContentLossScale,
            (o, v) => o with { ContentLossScale = v },
            "Factor of the content loss's sum of squares")
            { Group = OptionGroup.Losses, Rare = true, Required = true },
        new TransferOption<StyleLoss>(
            "styleLoss", OptionWords.StyleLoss, o => o.StyleLoss, (o, v) => o with { StyleLoss = v },
            "How to compare styles: gram matrices, or wasserstein (mean and covariance)")
            { Group = OptionGroup.Losses },
        new TransferOption<LossScale>(
            "styleLossScale", OptionWords.LossScale, o => o.StyleLossScale, (o, v) => o with { StyleLossScale = v },
            "Factor of the style loss's sum of squares")
            { Group = OptionGroup.Losses, Rare = true, Required = true },
        new TransferOption<GramScale>(
            "gramScale", OptionWords.GramScale, o => o.GramScale, (o, v) => o with { GramScale = v },
            "Factor of the Gram matrix")
            { Group = OptionGroup.Losses, Rare = true, Required = true },
        new TransferOption<StyleBlend>(
            "styleBlend", OptionWords.StyleBlend, o => o.StyleBlend, (o, v) => o with { StyleBlend = v },
            "For several styles: one loss with the mean of their targets, or the mean of their losses")
            { Group = OptionGroup.Losses, Rare = true },
        new TransferOption<VariationKind>(
            "tvKind", OptionWords.VariationKind, o => o.TvKind, (o, v) => o with { TvKind = v },
            "The terms of total variation")
            { Group = OptionGroup.Losses, Rare = true },
        new TransferOption<VariationScale>(
            "tvScale", OptionWords.VariationScale, o => o.TvScale, (o, v) => o with { TvScale = v },
            "Factor of total variation")
            { Group = OptionGroup.Losses, Rare = true, Required = true },
        new TransferOption<bool>(
            "normalizeGradients", s_truth, o => o.NormalizeGradients, (o, v) => o with { NormalizeGradients = v },
            "Give each loss's gradient the 1-norm of its weight (neural-style)")
            { Group = OptionGroup.Losses, Rare = true },
        new TransferOption<Kernels.Operators.Pool2x2.Pooling>(
            "pooling", OptionWords.Pooling, o => o.Pooling, (o, v) => o with { Pooling = v },
            "How feature maps are reduced")
            { Group = OptionGroup.InputAndNetwork, Required = true },
        new TransferOption<Kernels.Operators.Pool2x2.PoolEdge>(
            "poolEdge", OptionWords.PoolEdge, o => o.PoolEdge, (o, v) => o with { PoolEdge = v },
            "An odd last row or column: floor drops it, same keeps it")
            { Group = OptionGroup.InputAndNetwork, Rare = true, Required = true },
        new TransferOption<bool>(
            "poolRescale", s_truth, o => o.PoolRescale, (o, v) => o with { PoolRescale = v },
            "Keep max pooling's magnitudes: average pooling times 2, L2 times 0.78")
            { Group = OptionGroup.InputAndNetwork, Rare = true },
        new TransferOption<Kernels.Operators.Conv3x3.Padding>(
            "inputPadding", OptionWords.Padding, o => o.InputPadding, (o, v) => o with { InputPadding = v },
            "What the first layer sees outside the picture")
            { Group = OptionGroup.InputAndNetwork, Rare = true, Required = true },
        new TransferOption<Vgg.InputTransform>(
            "input", OptionWords.InputTransform, o => o.Input, (o, v) => o with { Input = v },
            "How pixels enter the network")
            { Group = OptionGroup.InputAndNetwork, Rare = true },
        new TransferOption<float>(
            "pixelRange", new NumberRange<float>(1e-3f, 1e6f), o => o.PixelRange, (o, v) => o with { PixelRange = v },
            "White minus black: the unit of the learning rate and of total variation")
            { Group = OptionGroup.InputAndNetwork, Rare = true, Required = true },
        Size,
        new TransferOption<PictureCrop>(
            "crop", OptionWords.PictureCrop, o => o.Crop, (o, v) => o with { Crop = v },
            "Use all of the pictures, or the square in their middle")
            { Group = OptionGroup.InputAndNetwork },
        new TransferOption<StyleSizing>(
            "styleSizing", OptionWords.StyleSizing, o => o.StyleSizing, (o, v) => o with { StyleSizing = v },
            "The size of the style picture")
            { Group = OptionGroup.InputAndNetwork, Rare = true, Required = true },
        new TransferOption<double>(
            "styleSizeFactor", new NumberRange<double>(0.01, 100), o => o.StyleSizeFactor,
            (o, v) => o with { StyleSizeFactor = v }, "How much larger than usual to make the style")
            { CommandLineName = "style-scale", Group = OptionGroup.Common },
        new TransferOption<int>(
            "styleSize", Side, o => o.StyleSize, (o, v) => o with { StyleSize = v },
            "Longest side of the style picture in pixels at every scale; 0 to follow the result")
            { Group = OptionGroup.InputAndNetwork },
        new TransferOption<int>(
            "coarsestSize", Side, o => o.CoarsestSize, (o, v) => o with { CoarsestSize = v },
            "Longest side of the first scale or more; scales grow by sqrt(2) to the size; 0 for one scale")
            { Group = OptionGroup.Optimiser, Required = true },
        Iterations,
        new TransferOption<OptimizerKind>(
            "optimizer", OptionWords.OptimizerKind, o => o.Optimizer, (o, v) => o with { Optimizer = v },
            "The optimiser: adam or lbfgs")
            { Group = OptionGroup.Optimiser },
        new TransferOption<float>(
            "learningRate", new NumberRange<float>(1e-9f, 1e9f), o => o.LearningRate,
            (o, v) => o with { LearningRate = v },
            "Adam's step in units of pixel-range, or the factor of L-BFGS's fixed steps")
            { Group = OptionGroup.Optimiser, Required = true },
        new TransferOption<float>(
            "beta1", new NumberRange<float>(0, 0.999999f), o => o.Beta1, (o, v) => o with { Beta1 = v },
            "Adam's decay of the mean gradient")
            { Group = OptionGroup.Optimiser, Rare = true },
        new TransferOption<float>(
            "beta2", new NumberRange<float>(0, 0.9999999f), o => o.Beta2, (o, v) => o with { Beta2 = v },
            "Adam's decay of the mean squared gradient")
            { Group = OptionGroup.Optimiser, Rare = true },
        new TransferOption<float>(
            "epsilon", new NumberRange<float>(0, 1), o => o.Epsilon, (o, v) => o with { Epsilon = v }, "Adam's epsilon")
            { Group = OptionGroup.Optimiser, Rare = true },
        new TransferOption<int>(
            "history", new NumberRange<int>(1, 1000), o => o.History, (o, v) => o with { History = v },
            "Steps that L-BFGS remembers")
            { Group = OptionGroup.Optimiser, Rare = true },
        new TransferOption<Autodiff.StepRule>(
            "stepRule", OptionWords.StepRule, o => o.StepRule, (o, v) => o with { StepRule = v },
            "The length of L-BFGS's steps")
            { Group = OptionGroup.Optimiser, Rare = true },
        new TransferOption<bool>(
            "clamp", s_truth, o => o.Clamp, (o, v) => o with { Clamp = v },
            "Keep pixels within black and white at each step")
            { Group = OptionGroup.Optimiser, Rare = true, Required = true },
        new TransferOption<float>(
            "averageDecay", new NumberRange<float>(0, 0.999999f), o => o.AverageDecay,
            (o, v) => o with { AverageDecay = v },
            "The result is a moving average of the iterates with this decay; 0 for the last iterate")
            { Group = OptionGroup.Optimiser, Rare = true, Required = true },
        Init,
        new TransferOption<float>(
            "initNoise", new NumberRange<float>(0, 1e6f), o => o.InitNoise, (o, v) => o with { InitNoise = v },
            "Standard deviation of normal noise, or half width of a blend's noise, in levels of 255")
            { Group = OptionGroup.InputAndNetwork, Rare = true },
        new TransferOption<float>(
            "initNoiseShare", new NumberRange<float>(0, 1), o => o.InitNoiseShare,
            (o, v) => o with { InitNoiseShare = v },
            "Share of noise in a blend")
            { Group = OptionGroup.InputAndNetwork, Rare = true },
        new TransferOption<ColorMode>(
            "colors", OptionWords.ColorMode, o => o.Colors, (o, v) => o with { Colors = v },
            "Colours: style; match-content (the content first gets the style's); luminance (the content's colours, " +
            "the result's light); covariance or histogram (the style first gets the content's)")
            { Group = OptionGroup.Common },
        new TransferOption<bool>(
            "showLayers", s_truth, o => o.ShowLayers, (o, v) => o with { ShowLayers = v },
            "First print the table of layers with their shapes")
            { Group = OptionGroup.Run, Rare = true },
        new TransferOption<int>(
            "printEvery", new NumberRange<int>(0, 1_000_000), o => o.PrintEvery, (o, v) => o with { PrintEvery = v },
            "Iterations between printed lines; 0 leaves it to the display")
            { Group = OptionGroup.Run, Rare = true },
        Seed,
    ];

    /// <summary>The rows with an option on the command line.</summary>
    public static IEnumerable<TransferOption> OnCommandLine => All.Where(option => option.Group is not null);
}
