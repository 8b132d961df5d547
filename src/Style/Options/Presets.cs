using NativeStyle.Autodiff;
using NativeStyle.Kernels.Operators.Conv3x3;
using NativeStyle.Kernels.Operators.Pool2x2;
using NativeStyle.Vgg;

namespace NativeStyle.Style;

/// <summary>The named sets of options: this program's defaults, and the systems that it reproduces.</summary>
public static class Presets
{
    /// <summary>The name that stands for the default that suits the weights.</summary>
    public const string Default = "default";

    private static readonly string[] s_firstOfBlocks = ["conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1"];

    /// <summary>
    /// The default without trained weights. Found by looking: random filters carry style in their first layers, up to
    /// conv3_1; deeper ones add noise and lose the scene, so content is read early too. Coarse scales first, a total
    /// variation term and averaged iterates keep the noise down that random filters do not see. The content first gets
    /// the style's colours: the filters alone leave patches of odd ones.
    /// </summary>
    public static TransferOptions DefaultRandom { get; } = new()
    {
        Name = "default-random",
        Description = "the best picture of this program without weights, from random filters",
        Source = "He, Wang and Hopcroft 2016; Ustyuzhaninov et al. 2016; tuned by looking",
        ContentLayers = [new("conv3_1", 1)],
        StyleLayers =
        [
            new("conv1_1", 0.1), new("conv1_2", 0.2), new("conv2_1", 0.25), new("conv2_2", 0.25), new("conv3_1", 0.2),
        ],
        ContentWeight = 0.02,
        StyleWeight = 100,
        TvWeight = 0.8,
        ContentLossScale = LossScale.RelativeToTarget,
        StyleLossScale = LossScale.RelativeToTarget,
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
        Colors = ColorMode.MatchContent,
    };

    /// <summary>
    /// The default with a trained network: the layers of Gatys et al., coarse to fine, averaged iterates and replicate
    /// padding as in crowsonkb's style-transfer-pytorch.
    /// </summary>
    public static TransferOptions DefaultTrained { get; } = DefaultRandom with
    {
        Name = "default-trained",
        Description = "the best picture of this program, with trained weights",
        Source = "Gatys, Ecker and Bethge 2016; schedule and padding of crowsonkb/style-transfer-pytorch",
        ContentLayers = [new("conv4_2", 1)],
        StyleLayers = Equal(s_firstOfBlocks, 0.2),
        ContentWeight = 5,
        StyleWeight = 100,
        TvWeight = 30,
        Colors = ColorMode.Style,
    };

    /// <summary>The default for trained weights that end with the third block.</summary>
    public static TransferOptions DefaultTrainedToBlock3 { get; } = DefaultTrained with
    {
        Name = "default-trained-to-block3",
        Description = "the best picture of this program, with trained weights up to conv3_4",
        ContentLayers = [new("conv3_2", 1)],
        StyleLayers = Equal(["conv1_1", "conv2_1", "conv3_1", "conv3_4"], 0.25),
    };

    /// <summary>
    /// The default for networks of fewer channels. The second block keeps the part of the scene that they do not see in the
    /// third. A shorter average loses less of the style's statistics, which such a network meets less exactly anyway.
    /// </summary>
    public static TransferOptions DefaultCompact { get; } = DefaultTrainedToBlock3 with
    {
        Name = "default-compact",
        Description = "the best picture of this program, with a compressed network",
        ContentLayers = [new("conv2_2", 0.3), new("conv3_2", 0.7)],
        AverageDecay = 0.9f,
    };

    /// <summary>
    /// The paper: L = α Σ ½ (F - P)² + β Σ w Σ (G - A)² / (4 N² M²), N channels, M pixels (eq. 1, 4, 5, 7), average pooling,
    /// from white noise by L-BFGS, the style at the content's size. The paper's α/β of 10⁻³ is for its own network, whose
    /// activations are normalised to a mean of 1; with the published weights 10⁻⁵ shows as much of the scene as its figures.
    /// </summary>
    public static TransferOptions Gatys { get; } = new()
    {
        Name = "gatys",
        Description = "Gatys et al. 2016: the paper's equations by L-BFGS, from noise",
        Source = "Gatys, Ecker and Bethge 2016, Image style transfer using convolutional neural networks",
        ContentLayers = [new("conv4_2", 1)],
        StyleLayers = Equal(s_firstOfBlocks, 0.2),
        ContentWeight = 1e-5,
        StyleWeight = 1,
        TvWeight = 0,
        ContentLossScale = LossScale.HalfSum,
        StyleLossScale = LossScale.QuarterMean,
        GramScale = GramScale.PerPixel,
        TvScale = VariationScale.Mean,
        Pooling = Pooling.Average,
        PoolEdge = PoolEdge.Floor,
        InputPadding = Padding.Zero,
        PixelRange = 255,
        Size = 512,
        StyleSizing = StyleSizing.ContentSize,
        CoarsestSize = 0,
        Iterations = [1000],
        Optimizer = OptimizerKind.Lbfgs,
        LearningRate = 1,
        Clamp = false,
        AverageDecay = 0,
        Init = InitKind.Normal,
        InitNoise = 64,
    };

    /// <summary>
    /// Pixels of 0..256 with the mean subtracted, Gram matrices divided by their map's number of elements, each loss a mean
    /// squared error with its weight in full, the total variation of all but the last row and column. Torch's L-BFGS makes
    /// steps of a fixed length, remembers a hundred and evaluates once for each. (The original's loss leaves total variation
    /// out; its gradient has it.)
    /// </summary>
    public static TransferOptions NeuralStyle { get; } = new()
    {
        Name = "neural-style",
        Description = "jcjohnson's neural-style with its defaults",
        Source = "https://github.com/jcjohnson/neural-style, neural_style.lua",
        ContentLayers = [new("conv4_2", 1)],
        // Each style layer counts fully: five shares of 1.
        StyleLayers = Equal(s_firstOfBlocks, 1),
        ContentWeight = 5,
        StyleWeight = 100,
        TvWeight = 1e-3,
        ContentLossScale = LossScale.Mean,
        StyleLossScale = LossScale.Mean,
        GramScale = GramScale.PerElement,
        TvKind = VariationKind.SquaredInner,
        TvScale = VariationScale.HalfSum,
        Pooling = Pooling.Max,
        PoolEdge = PoolEdge.Floor,
        InputPadding = Padding.Zero,
        Input = InputTransform.Times256,
        PixelRange = 256,
        Size = 512,
        StyleSizing = StyleSizing.LongestSide,
        CoarsestSize = 0,
        Iterations = [1000],
        Optimizer = OptimizerKind.Lbfgs,
        StepRule = StepRule.Fixed,
        History = 100,
        LearningRate = 1,
        Clamp = false,
        AverageDecay = 0,
        Init = InitKind.MeanNormal,
        InitNoise = 0.001f * 255 / 256,
        PrintEvery = 50,
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
        ContentLossScale = LossScale.QuarterMean,
        // sum (GS - GG)² / (4 C² (H W)²) with G = A Aᵀ is a quarter of the mean with G / (H W).
        StyleLossScale = LossScale.QuarterMean,
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

    /// <summary>
    /// VGG-16's first seven convolutions: content is the mean of ½ (c - g)² on the top-most, style the mean squared error of
    /// unscaled Gram matrices on all of them, a seventh each. (The guide's code looks for a layer's name in a list of
    /// numbers and so never pools; this preset pools, as its text says.)
    /// </summary>
    public static TransferOptions LightOnMath { get; } = Coursera with
    {
        Name = "light-on-math",
        Description = "Ganegedara's guide: VGG-16, the first seven convolutions, 224 x 224, alpha 1000, beta 0.001",
        Source = "T. Ganegedara, Light on Math Machine Learning: Intuitive Guide to Neural Style Transfer",
        Architecture = "VGG-16",
        ContentLayers = [new("conv3_3", 1)],
        StyleLayers = Equal(["conv1_1", "conv1_2", "conv2_1", "conv2_2", "conv3_1", "conv3_2", "conv3_3"], 1.0 / 7),
        ContentWeight = 1e3,
        StyleWeight = 1e-3,
        ContentLossScale = LossScale.HalfMean,
        StyleLossScale = LossScale.Mean,
        GramScale = GramScale.Sum,
        Size = 224,
        Crop = PictureCrop.Square,
        Iterations = [500],
        LearningRate = 5,
        Init = InitKind.Content,
        ShowLayers = false,
        PrintEvery = 50,
    };

    /// <summary>
    /// J = α ½ ‖aC - aG‖² + β Σ λ ‖GS - GG‖² / (2 nH nW nC)², which is the coursera assignment's style cost. The notes leave
    /// α, β, λ and the layers to the reader, and descend the gradient; here they are Gatys et al.'s layers, λ a fifth, an α
    /// that keeps the scene, and Adam.
    /// </summary>
    public static TransferOptions CostFunction { get; } = Coursera with
    {
        Name = "cost-function",
        Description = "the lecture's cost function J = alpha J_content + beta J_style, from white noise",
        Source = "deeplearning.ai, lecture notes: neural style transfer, cost function",
        ContentWeight = 1e-4,
        StyleWeight = 1,
        ContentLossScale = LossScale.HalfSum,
        Iterations = [500],
        LearningRate = 2,
        Init = InitKind.Uniform,
        ShowLayers = false,
    };

    /// <summary>
    /// Pixels normalised with mean 0.5 and standard deviation 0.5, so white is 2 above black; Gram matrices divided by the
    /// number of pixels, their mean squared error weighted less from layer to layer.
    /// </summary>
    public static TransferOptions Notebook { get; } = new()
    {
        Name = "notebook",
        Description = "the PyTorch notebook: torchvision's VGG-19, mean 0.5 and std 0.5, longest side 400",
        Source = "the PyTorch style transfer notebooks after Udacity's deep learning course",
        ContentLayers = [new("conv4_2", 1)],
        StyleLayers = [new("conv1_1", 1), new("conv2_1", 0.75), new("conv3_1", 0.2), new("conv4_1", 0.2), new("conv5_1", 0.2)],
        ContentWeight = 1,
        StyleWeight = 1e6,
        TvWeight = 0,
        ContentLossScale = LossScale.Mean,
        StyleLossScale = LossScale.Mean,
        GramScale = GramScale.PerPixel,
        TvScale = VariationScale.Mean,
        Pooling = Pooling.Max,
        PoolEdge = PoolEdge.Floor,
        InputPadding = Padding.Zero,
        Input = InputTransform.HalfUnit,
        PixelRange = 2,
        Size = 400,
        StyleSizing = StyleSizing.ContentSize,
        CoarsestSize = 0,
        Iterations = [2100],
        LearningRate = 0.003f,
        Clamp = false,
        AverageDecay = 0,
        Init = InitKind.Content,
        PrintEvery = 300,
    };

    public static TransferOptions RyanChanKh { get; } = Gatys with
    {
        Name = "ryanchankh",
        Description = "ryanchankh's style_transfer: the paper's equations, alpha 1e-6, beta 1, L-BFGS-B, from uniform noise",
        Source = "https://github.com/ryanchankh/style_transfer, main.py",
        ContentWeight = 1e-6,
        PoolEdge = PoolEdge.Same,
        Size = 0,
        Init = InitKind.Uniform,
    };

    /// <summary>
    /// Means of squared errors; Gram matrices divided by their map's number of elements; the mean square of differences
    /// across and of those down; the picture in 0..255 around the mean pixel, from normal noise.
    /// </summary>
    public static TransferOptions AnishAthalye { get; } = new()
    {
        Name = "anishathalye",
        Description = "anishathalye's neural-style with its defaults",
        Source = "https://github.com/anishathalye/neural-style, stylize.py and neural_style.py",
        ContentLayers = [new("conv4_2", 1), new("conv5_2", 0)],
        StyleLayers = Equal(s_firstOfBlocks, 0.2),
        ContentWeight = 5,
        StyleWeight = 500,
        TvWeight = 100,
        ContentLossScale = LossScale.Mean,
        StyleLossScale = LossScale.Mean,
        GramScale = GramScale.PerElement,
        StyleBlend = StyleBlend.Losses,
        TvScale = VariationScale.MeanPerDirection,
        Pooling = Pooling.Max,
        PoolEdge = PoolEdge.Same,
        InputPadding = Padding.Zero,
        PixelRange = 255,
        Size = 0,
        StyleSizing = StyleSizing.ContentWidth,
        CoarsestSize = 0,
        Iterations = [1000],
        LearningRate = 10,
        Clamp = false,
        AverageDecay = 0,
        Init = InitKind.MeanNormal,
        InitNoise = 0.256f,
    };

    /// <summary>
    /// Wasserstein-2 style loss on layers weighted 256, 64, 16, 4, 1; nine-point total variation; scales by sqrt(2) with
    /// Adam's moments carried over; the averaged iterate is the result and the start of the next scale.
    /// </summary>
    public static TransferOptions CrowsonKb { get; } = new()
    {
        Name = "crowsonkb",
        Description = "crowsonkb's style-transfer-pytorch with its defaults",
        Source = "https://github.com/crowsonkb/style-transfer-pytorch, style_transfer.py",
        ContentLayers = [new("conv4_2", 1)],
        StyleLayers = [.. s_firstOfBlocks.Zip([256, 64, 16, 4, 1], (layer, weight) => new LayerWeight(layer, weight / 341.0))],
        ContentWeight = 0.015,
        StyleWeight = 1,
        TvWeight = 2,
        ContentLossScale = LossScale.Mean,
        StyleLoss = StyleLoss.Wasserstein,
        StyleLossScale = LossScale.Mean,
        GramScale = GramScale.PerPixel,
        TvKind = VariationKind.NinePoint,
        TvScale = VariationScale.Mean,
        Pooling = Pooling.Max,
        PoolEdge = PoolEdge.Floor,
        PoolRescale = true,
        InputPadding = Padding.Replicate,
        PixelRange = 1,
        Size = 512,
        StyleSizing = StyleSizing.LongestSideAtMost,
        CoarsestSize = 128,
        Iterations = [1000, 500],
        LearningRate = 0.02f,
        Beta2 = 0.99f,
        Clamp = true,
        AverageDecay = 0.99f,
        Init = InitKind.Content,
    };

    /// <summary>All presets.</summary>
    public static IReadOnlyList<TransferOptions> All { get; } =
    [
        DefaultRandom, DefaultTrained, DefaultTrainedToBlock3, DefaultCompact, Coursera, LightOnMath, CostFunction, Notebook, RyanChanKh, Gatys,
        NeuralStyle, AnishAthalye, CrowsonKb,
    ];

    /// <summary>The names that <c>--preset</c> takes.</summary>
    public static IReadOnlyList<string> Names { get; } =
        [Default, .. All.Select(preset => preset.Name).Where(name => !name.StartsWith(Default, StringComparison.Ordinal))];

    /// <summary>The preset of that name, any of <see cref="All"/>; the default depends on what the weights are.</summary>
    /// <param name="name">One of <see cref="Names"/> or of <see cref="All"/>'s.</param>
    /// <param name="weights">The trained weights; null for random ones.</param>
    /// <returns>Null where there is no such preset.</returns>
    public static TransferOptions? Find(string name, TrainedWeights? weights = null)
    {
        if (!name.Equals(Default, StringComparison.OrdinalIgnoreCase))
            return All.FirstOrDefault(preset => preset.Name.Equals(name, StringComparison.OrdinalIgnoreCase));
        if (weights is null) return DefaultRandom;
        if (weights.Compressed) return DefaultCompact;
        return weights.Have(DefaultTrained.Layers) ? DefaultTrained : DefaultTrainedToBlock3;
    }

    private static LayerWeight[] Equal(string[] layers, double weight) =>
        [.. layers.Select(layer => new LayerWeight(layer, weight))];
}

/// <summary>What the default preset asks of trained weights.</summary>
/// <param name="Architecture">Their network, with the channels that it has.</param>
/// <param name="LayerNames">The layers that are there.</param>
public sealed record TrainedWeights(VggArchitecture Architecture, IReadOnlySet<string> LayerNames)
{
    /// <summary>Whether layers have fewer channels than VGG's.</summary>
    public bool Compressed =>
        Architecture.Layers.Zip(OptionsJson.Architecture(Architecture.Name).Layers).Any(pair => pair.First.OutChannels < pair.Second.OutChannels);

    /// <summary>Whether they have all of some layers.</summary>
    public bool Have(IEnumerable<string> layers) => layers.All(LayerNames.Contains);
}
