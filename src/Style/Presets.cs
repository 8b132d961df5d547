using NativeStyle.Kernels;
using NativeStyle.Vgg;

namespace NativeStyle.Style;

/// <summary>The named sets of options.</summary>
public static class Presets
{
    private static readonly string[] s_firstOfBlocks = ["conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1"];

    /// <summary>
    /// The default without trained weights. Found by looking: random filters carry style in their first layers, up to
    /// conv3_1; deeper ones add noise and lose the scene, so content is read early too. Coarse scales first, a total
    /// variation term and averaged iterates keep the noise down that random filters do not see. The content first gets
    /// the style's colours: the filters alone leave patches of odd ones.
    /// </summary>
    public static TransferOptions DefaultRandom { get; } = new()
    {
        Name = "default",
        Description = "the best picture of this program; without weights, from random filters",
        Source = "He, Wang and Hopcroft 2016; Ustyuzhaninov et al. 2016; tuned by looking",
        ContentLayers = [new("conv3_1", 1)],
        StyleLayers =
        [
            new("conv1_1", 0.1), new("conv1_2", 0.2), new("conv2_1", 0.25), new("conv2_2", 0.25), new("conv3_1", 0.2),
        ],
        ContentWeight = 0.02,
        StyleWeight = 100,
        TvWeight = 0.8,
        ContentScale = LossScale.RelativeToTarget,
        StyleScale = LossScale.RelativeToTarget,
        GramScale = GramScale.PerPixel,
        TvScale = VariationScale.Mean,
        Pooling = Pooling.Average,
        PoolEdge = PoolEdge.Same,
        InputPadding = Padding.Replicate,
        PixelRange = 1,
        Size = 384,
        StyleSizing = StyleSizing.LongestSide,
        CoarsestSize = 128,
        Iterations = [150, 80, 60],
        LearningRate = 0.02f,
        Beta2 = 0.99f,
        Clamp = true,
        AverageDecay = 0.99f,
        Init = InitKind.Content,
        MatchStyleColors = true,
    };

    /// <summary>
    /// The default with a trained network: the layers of Gatys et al., coarse to fine, averaged iterates and replicate
    /// padding as in crowsonkb's style-transfer-pytorch.
    /// </summary>
    public static TransferOptions DefaultTrained { get; } = DefaultRandom with
    {
        Description = "the best picture of this program, with trained weights",
        Source = "Gatys, Ecker and Bethge 2016; schedule and padding of crowsonkb/style-transfer-pytorch",
        ContentLayers = [new("conv4_2", 1)],
        StyleLayers = Equal(s_firstOfBlocks, 0.2),
        ContentWeight = 5,
        StyleWeight = 100,
        TvWeight = 30,
        MatchStyleColors = false,
    };

    /// <summary>The default for trained weights that end with the third block.</summary>
    public static TransferOptions DefaultTrainedToBlock3 { get; } = DefaultTrained with
    {
        Description = "the best picture of this program, with trained weights up to conv3_4",
        ContentLayers = [new("conv3_2", 1)],
        StyleLayers = Equal(["conv1_1", "conv2_1", "conv3_1", "conv3_4"], 0.25),
    };

    public static TransferOptions Gatys { get; } = new()
    {
        Name = "gatys",
        Description = "Gatys et al. 2016 with the settings that jcjohnson's neural-style made common, by Adam",
        Source = "Gatys, Ecker and Bethge 2016; jcjohnson/neural-style, its defaults with -optimizer adam",
        ContentLayers = [new("conv4_2", 1)],
        // Each style layer counts fully there: five shares of 1.
        StyleLayers = Equal(s_firstOfBlocks, 1),
        ContentWeight = 5,
        StyleWeight = 100,
        TvWeight = 1e-3,
        ContentScale = LossScale.Mean,
        StyleScale = LossScale.Mean,
        GramScale = GramScale.PerElement,
        TvScale = VariationScale.HalfSum,
        Pooling = Pooling.Max,
        PoolEdge = PoolEdge.Floor,
        InputPadding = Padding.Zero,
        PixelRange = 255,
        Size = 512,
        StyleSizing = StyleSizing.LongestSide,
        CoarsestSize = 0,
        Iterations = [1000],
        LearningRate = 10,
        Clamp = false,
        AverageDecay = 0,
        Init = InitKind.Content,
    };

    public static TransferOptions Coursera { get; } = new()
    {
        Name = "coursera",
        Description = "the deeplearning.ai assignment: average pooling, J = 10 J_content + 40 J_style, 300 x 400",
        Source = "deeplearning.ai, Convolutional Neural Networks, week 4: Art Generation with Neural Style Transfer",
        ContentLayers = [new("conv4_2", 1)],
        StyleLayers = Equal(s_firstOfBlocks, 0.2),
        ContentWeight = 10,
        StyleWeight = 40,
        TvWeight = 0,
        ContentScale = LossScale.QuarterMean,
        // sum (GS - GG)² / (4 C² (H W)²) with G = A Aᵀ is a quarter of the mean with G / (H W).
        StyleScale = LossScale.QuarterMean,
        GramScale = GramScale.PerPixel,
        TvScale = VariationScale.Mean,
        Pooling = Pooling.Average,
        PoolEdge = PoolEdge.Same,
        InputPadding = Padding.Zero,
        PixelRange = 255,
        Size = 400,
        StyleSizing = StyleSizing.ContentSize,
        CoarsestSize = 0,
        Iterations = [200],
        LearningRate = 2,
        Clamp = false,
        AverageDecay = 0,
        Init = InitKind.Blend,
        ShowLayers = true,
        PrintEvery = 20,
    };

    /// <summary>The names that <c>--preset</c> takes.</summary>
    public static IReadOnlyList<string> Names { get; } = ["default", "gatys", "coursera"];

    /// <summary>The preset of that name; the default depends on what the weights are.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="weightsHave">Whether the trained weights have all of some layers; null for random weights.</param>
    /// <exception cref="TransferException">No such preset.</exception>
    public static TransferOptions Find(string name, Func<IReadOnlyList<string>, bool>? weightsHave) =>
        name.ToLowerInvariant() switch
        {
            "default" when weightsHave is null => DefaultRandom,
            "default" => weightsHave(DefaultTrained.Layers) ? DefaultTrained : DefaultTrainedToBlock3,
            "gatys" => Gatys,
            "coursera" => Coursera,
            _ => throw new TransferException($"no preset is called '{name}'; there are {string.Join(", ", Names)}"),
        };

    private static LayerWeight[] Equal(string[] layers, double weight) =>
        [.. layers.Select(layer => new LayerWeight(layer, weight))];
}
