using System.Globalization;
using System.Text.Json;
using NativeStyle.Autodiff;
using NativeStyle.Kernels.Operators.Conv3x3;
using NativeStyle.Kernels.Operators.Pool2x2;
using NativeStyle.Style;
using NativeStyle.Vgg;

namespace NativeStyle.Cli;

/// <summary>An option of the command line that replaces one value of a preset.</summary>
/// <param name="Name">With its dashes.</param>
/// <param name="HelpName">What its value is called in help.</param>
/// <param name="Description">In a line.</param>
/// <param name="Apply">The options with the value that a text stands for; layers are those of the architecture.</param>
/// <param name="Show">The text that stands for the options' value.</param>
internal sealed record Setting(
    string Name, string HelpName, string Description, Func<TransferOptions, string, VggArchitecture, TransferOptions> Apply,
    Func<TransferOptions, string> Show);

/// <summary>All settings, those that are wanted most first. Presets, checkpoints and pictures hold the same values as JSON.</summary>
internal static class Settings
{
    /// <summary>Sets the number of iterations in all where it has one number, see <see cref="JobArguments"/>.</summary>
    public const string Iterations = "--iterations";

    public const string Size = "--size";

    public const string Init = "--init";

    public static IReadOnlyList<Setting> All { get; } =
    [
        Whole(Size, "Longest side of the result in pixels; 0 for the content picture's own", 0, 32768, o => o.Size, (o, v) => o with { Size = v }),
        new(Iterations, "N|N,N", "Steps in all, spread over the preset's scales; or a list with a number for each scale, the last for all further ones",
            (o, text, _) => text.Contains(',', StringComparison.Ordinal)
                ? o with { Iterations = [.. text.Split(',').Select(part => ParseWhole(Iterations, part, 1, 1_000_000))] } : o,
            o => string.Join(',', o.Iterations)),
        Number("--content-weight", "How much the scene counts", 0, 1e15, o => o.ContentWeight, (o, v) => o with { ContentWeight = v }),
        Number("--style-weight", "How much the style counts", 0, 1e15, o => o.StyleWeight, (o, v) => o with { StyleWeight = v }),
        Number("--tv-weight", "How much smoothness counts (total variation)", 0, 1e15, o => o.TvWeight, (o, v) => o with { TvWeight = v }),
        Layers("--content-layers", "Layers of the content loss with weights, e.g. conv4_2 or relu4_2:0.7,relu5_2:0.3", o => o.ContentLayers, (o, v) => o with { ContentLayers = v }),
        Layers("--style-layers", "Layers of the style loss with weights, e.g. conv1_1:0.5,conv2_1:0.5", o => o.StyleLayers, (o, v) => o with { StyleLayers = v }),
        Number("--style-layer-factor", "Each style layer weighs this much more than the one before (anishathalye's exponent)", 1e-6, 1e6, o => o.StyleLayerFactor, (o, v) => o with { StyleLayerFactor = v }),
        Number("--style-scale", "How much larger than usual the style is seen", 0.01, 100, o => o.StyleSizeFactor, (o, v) => o with { StyleSizeFactor = v }),
        Whole("--style-size", "Longest side of the style picture in pixels at every scale; 0 to follow the result", 0, 32768, o => o.StyleSize, (o, v) => o with { StyleSize = v }),
        Word("--colors", "Whose colours: style; match-content (the content gets the style's first); luminance (the content's colours, the result's light); covariance or histogram (the style gets the content's first)",
            Enum.GetValues<ColorMode>(), o => o.Colors, (o, v) => o with { Colors = v }),
        new(Init, "KIND|FILE", $"Where to start: {string.Join(", ", Words(Enum.GetValues<InitKind>().Where(kind => kind != InitKind.Picture)))}, or a picture's name", ParseInit, o => WordOf(o.Init)),
        Number("--init-noise", "Of normal noise the standard deviation, of a blend's the half width, in levels of 255", 0, 1e6, o => o.InitNoise, (o, v) => o with { InitNoise = (float)v }),
        Number("--init-noise-share", "Share of noise in a blend", 0, 1, o => o.InitNoiseShare, (o, v) => o with { InitNoiseShare = (float)v }),
        Seed(),
        Word("--optimizer", "adam or lbfgs", Enum.GetValues<OptimizerKind>(), o => o.Optimizer, (o, v) => o with { Optimizer = v }),
        Number("--learning-rate", "Adam's step in units of --pixel-range; of L-BFGS's fixed steps the factor", 1e-9, 1e9, o => o.LearningRate, (o, v) => o with { LearningRate = (float)v }),
        Number("--beta1", "Adam's decay of the mean gradient", 0, 0.999999, o => o.Beta1, (o, v) => o with { Beta1 = (float)v }),
        Number("--beta2", "Adam's decay of the mean squared gradient", 0, 0.9999999, o => o.Beta2, (o, v) => o with { Beta2 = (float)v }),
        Number("--epsilon", "Adam's epsilon", 0, 1, o => o.Epsilon, (o, v) => o with { Epsilon = (float)v }),
        Whole("--history", "Steps that L-BFGS remembers", 1, 1000, o => o.History, (o, v) => o with { History = v }),
        Word("--step-rule", "How far L-BFGS goes", Enum.GetValues<StepRule>(), o => o.StepRule, (o, v) => o with { StepRule = v }),
        Flag("--clamp", "Keep pixels within black and white at each step", o => o.Clamp, (o, v) => o with { Clamp = v }),
        Number("--average-decay", "The result is a moving average of the iterates with this decay; 0 for the last iterate", 0, 0.999999, o => o.AverageDecay, (o, v) => o with { AverageDecay = (float)v }),
        Whole("--coarsest-size", "Coarse to fine: from the size down by sqrt(2) to no less than this; 0 for one scale", 0, 32768, o => o.CoarsestSize, (o, v) => o with { CoarsestSize = v }),
        Word("--pooling", "How feature maps are made smaller", [Pooling.Average, Pooling.Max, Pooling.L2], o => o.Pooling, (o, v) => o with { Pooling = v }),
        Word("--pool-edge", "An odd last row or column: floor drops it, same keeps it", Enum.GetValues<PoolEdge>(), o => o.PoolEdge, (o, v) => o with { PoolEdge = v }),
        Flag("--pool-rescale", "Keep max pooling's magnitudes: average pooling times 2, L2 times 0.78", o => o.PoolRescale, (o, v) => o with { PoolRescale = v }),
        Word("--input-padding", "What the first layer sees outside of the picture", Enum.GetValues<Padding>(), o => o.InputPadding, (o, v) => o with { InputPadding = v }),
        Word("--input", "What the network gets of a pixel", Enum.GetValues<InputTransform>(), o => o.Input, (o, v) => o with { Input = v }),
        Number("--pixel-range", "How much white is above black: the unit of --learning-rate and --tv-weight", 1e-3, 1e6, o => o.PixelRange, (o, v) => o with { PixelRange = (float)v }),
        Word("--style-loss", "What style is compared by: gram matrices, or wasserstein (mean and covariance)", Enum.GetValues<StyleLoss>(), o => o.StyleLoss, (o, v) => o with { StyleLoss = v }),
        Word("--style-blend", "Several styles: one loss with the mean of their targets, or the mean of their losses", Enum.GetValues<StyleBlend>(), o => o.StyleBlend, (o, v) => o with { StyleBlend = v }),
        Word("--content-loss-scale", "Factor of the content loss's sum of squares", Enum.GetValues<LossScale>(), o => o.ContentLossScale, (o, v) => o with { ContentLossScale = v }),
        Word("--style-loss-scale", "Factor of the style loss's sum of squares", Enum.GetValues<LossScale>(), o => o.StyleLossScale, (o, v) => o with { StyleLossScale = v }),
        Word("--gram-scale", "Factor of the Gram matrix", Enum.GetValues<GramScale>(), o => o.GramScale, (o, v) => o with { GramScale = v }),
        Word("--tv-kind", "Total variation of squares, of magnitudes, or with the nine-point stencil", Enum.GetValues<VariationKind>(), o => o.TvKind, (o, v) => o with { TvKind = v }),
        Word("--tv-scale", "Factor of total variation", Enum.GetValues<VariationScale>(), o => o.TvScale, (o, v) => o with { TvScale = v }),
        Flag("--normalize-gradients", "Give each loss's gradient the 1-norm of its weight (neural-style)", o => o.NormalizeGradients, (o, v) => o with { NormalizeGradients = v }),
        Word("--style-sizing", "How large the style is seen", Enum.GetValues<StyleSizing>(), o => o.StyleSizing, (o, v) => o with { StyleSizing = v }),
        Word("--crop", "Use all of the pictures, or the square in their middle", Enum.GetValues<PictureCrop>(), o => o.Crop, (o, v) => o with { Crop = v }),
        Flag("--show-layers", "Print the table of layers with shapes first", o => o.ShowLayers, (o, v) => o with { ShowLayers = v }),
        Whole("--print-every", "A line for every so many iterations; 0 leaves it to the display", 0, 1_000_000, o => o.PrintEvery, (o, v) => o with { PrintEvery = v }),
    ];

    /// <summary>A value of an enumeration as the command line and JSON write it: relative-to-target.</summary>
    public static string WordOf<T>(T value) where T : struct, Enum => JsonNamingPolicy.KebabCaseLower.ConvertName(value.ToString());

    /// <summary>A whole number within a range.</summary>
    /// <exception cref="UsageException">It is none.</exception>
    public static int ParseWhole(string option, string text, int least, int most)
    {
        if (!int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int value))
            throw new UsageException($"{option} {text} is no whole number, expected {least} to {most}");
        return value >= least && value <= most ? value : throw OutOfRange(option, text, least, most);
    }

    /// <summary>A number within a range.</summary>
    /// <exception cref="UsageException">It is none.</exception>
    public static double ParseNumber(string option, string text, double least, double most)
    {
        if (!double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value))
            throw new UsageException(FormattableString.Invariant($"{option} {text} is no number, expected {least} to {most}"));
        // Compared the other way round, not-a-number would pass.
        return value >= least && value <= most ? value : throw OutOfRange(option, text, least, most);
    }

    private static UsageException OutOfRange(string option, string text, double least, double most) =>
        new(FormattableString.Invariant($"{option} {text} is out of range, expected {least} to {most}"));

    private static IEnumerable<string> Words<T>(IEnumerable<T> values) where T : struct, Enum => values.Select(WordOf);

    private static Setting Whole(
        string name, string description, int least, int most, Func<TransferOptions, int> get, Func<TransferOptions, int, TransferOptions> set) =>
        new(name, "N", description, (o, text, _) => set(o, ParseWhole(name, text, least, most)), o => get(o).ToString(CultureInfo.InvariantCulture));

    private static Setting Number(
        string name, string description, double least, double most, Func<TransferOptions, double> get, Func<TransferOptions, double, TransferOptions> set) =>
        new(name, "X", description, (o, text, _) => set(o, ParseNumber(name, text, least, most)), o => Shortest(get(o)));

    private static Setting Flag(string name, string description, Func<TransferOptions, bool> get, Func<TransferOptions, bool, TransferOptions> set) =>
        new(name, "true|false", description, (o, text, _) => text.ToLowerInvariant() switch
        {
            "true" => set(o, true),
            "false" => set(o, false),
            _ => throw new UsageException($"{name} {text} is unknown, expected true or false"),
        }, o => get(o) ? "true" : "false");

    private static Setting Word<T>(
        string name, string description, IReadOnlyList<T> values, Func<TransferOptions, T> get, Func<TransferOptions, T, TransferOptions> set)
        where T : struct, Enum
    {
        string words = string.Join(", ", Words(values));
        return new Setting(name, "WORD", values.All(value => description.Contains(WordOf(value), StringComparison.Ordinal)) ? description : $"{description}: {words}", (o, text, _) =>
        {
            foreach (T value in values)
                if (WordOf(value).Equals(text, StringComparison.OrdinalIgnoreCase)) return set(o, value);
            throw new UsageException($"{name} {text} is unknown, expected one of {words}");
        }, o => WordOf(get(o)));
    }

    private static Setting Layers(
        string name, string description, Func<TransferOptions, IReadOnlyList<LayerWeight>> get,
        Func<TransferOptions, IReadOnlyList<LayerWeight>, TransferOptions> set) =>
        new(name, "A:W,B:W", description, (o, text, architecture) => set(o, LayerList.Parse(name, text, architecture)!),
            o => string.Join(',', get(o).Select(layer => layer.Weight == 1 ? layer.Layer : $"{layer.Layer}:{Shortest(layer.Weight)}")));

    private static Setting Seed() => new(
        "--seed", "N", "Seed of noise and of random weights",
        (o, text, _) => o with { Seed = ParseWhole("--seed", text, int.MinValue, int.MaxValue) }, o => o.Seed.ToString(CultureInfo.InvariantCulture));

    private static TransferOptions ParseInit(TransferOptions options, string text, VggArchitecture architecture)
    {
        foreach (InitKind kind in Enum.GetValues<InitKind>())
            if (kind != InitKind.Picture && WordOf(kind).Equals(text, StringComparison.OrdinalIgnoreCase)) return options with { Init = kind };
        if (File.Exists(text)) return options with { Init = InitKind.Picture };
        throw new UsageException(
            $"{Init} {text} is neither a picture that exists nor one of {string.Join(", ", Words(Enum.GetValues<InitKind>().Where(kind => kind != InitKind.Picture)))}");
    }

    /// <summary>Single-precision values in their own shortest form: 0.02, not 0.0199999995529652.</summary>
    private static string Shortest(double value) =>
        (double)(float)value == value && float.IsFinite((float)value)
        ? ((float)value).ToString(CultureInfo.InvariantCulture) : value.ToString(CultureInfo.InvariantCulture);
}
