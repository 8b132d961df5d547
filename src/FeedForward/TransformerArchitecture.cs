using NativeStyle.Autodiff;
using NativeStyle.Kernels.Operators.Expand;

namespace NativeStyle.FeedForward;

/// <summary>A parameter of the network.</summary>
/// <param name="Name">Its name in PyTorch's fast_neural_style, e.g. res1.conv1.conv2d.weight.</param>
/// <param name="Shape">(K, K, in, out) for a filter, (out) for a bias and for a norm's scale and shift.</param>
internal sealed record TransformerParameter(string Name, Shape Shape)
{
    /// <summary>Whether it is a convolution's filter.</summary>
    public bool IsFilter => Shape.Rank == 4;
}

/// <summary>
/// One convolution of the network with what surrounds it: the map is expanded, convolved, normalised, rectified, and a
/// residual block's input is added. The last convolution is not normalised.
/// </summary>
/// <param name="Name">The convolution's name, e.g. res1.conv1.</param>
/// <param name="Norm">The name of its instance norm, or null if there is none.</param>
/// <param name="Before">The upsampling and padding of what it reads.</param>
/// <param name="InChannels">How many channels it reads.</param>
/// <param name="OutChannels">How many filters it has.</param>
/// <param name="Kernel">Rows and columns of a filter.</param>
/// <param name="Stride">The distance between neighbouring windows.</param>
/// <param name="Relu">Whether negative numbers become zero after the norm.</param>
/// <param name="AddsBlockInput">
/// Whether it ends a residual block. What the previous stage's convolution reads, without its padding, is then added to
/// the norm.
/// </param>
internal sealed record TransformerStage(
    string Name, string? Norm, Expansion Before, int InChannels, int OutChannels, int Kernel, int Stride = 1,
    bool Relu = true, bool AddsBlockInput = false)
{
    /// <summary>The name of the convolution's filter.</summary>
    public string Filter => $"{Name}.conv2d.weight";

    /// <summary>The name of the convolution's bias.</summary>
    public string Bias => $"{Name}.conv2d.bias";

    /// <summary>The name of the factor of each normalised channel, or null.</summary>
    public string? Scale => Norm is null ? null : $"{Norm}.weight";

    /// <summary>The name of the term of each normalised channel, or null.</summary>
    public string? Shift => Norm is null ? null : $"{Norm}.bias";

    /// <summary>Rows or columns of what the stage makes of a map with <paramref name="length"/> of them.</summary>
    public int OutLength(int length) => ((Before.Expanded(length) - Kernel) / Stride) + 1;

    /// <summary>Its parameters in the order of PyTorch's files.</summary>
    public IEnumerable<TransformerParameter> Parameters
    {
        get
        {
            var perChannel = new Shape(OutChannels);
            yield return new TransformerParameter(Filter, new Shape(Kernel, Kernel, InChannels, OutChannels));
            yield return new TransformerParameter(Bias, perChannel);
            if (Norm is null) yield break;
            yield return new TransformerParameter(Scale!, perChannel);
            yield return new TransformerParameter(Shift!, perChannel);
        }
    }
}

/// <summary>
/// The network that draws a picture in a trained style in one pass (Johnson, Alahi and Fei-Fei 2016, "Perceptual losses
/// for real-time style transfer and super-resolution"). It has the changes that became usual: instance norm (Ulyanov,
/// Vedaldi and Lempitsky 2016), reflection padding, and nearest upsampling before a convolution in place of a
/// transposed one (Odena, Dumoulin and Olah 2016, "Deconvolution and checkerboard artifacts"). It is the network of
/// PyTorch's example fast_neural_style, and its parameters have their names there.
/// </summary>
/// <param name="Conv1">Channels at the picture's size.</param>
/// <param name="Conv2">Channels at half the size.</param>
/// <param name="Conv3">Channels at a quarter of the size, where the residual blocks are.</param>
/// <param name="Blocks">The number of residual blocks.</param>
internal sealed record TransformerArchitecture(int Conv1, int Conv2, int Conv3, int Blocks)
{
    /// <summary>
    /// Rows, and columns, of the smallest picture that the network can draw. Padding mirrors four pixels of it, and one
    /// of a quarter of it.
    /// </summary>
    public const int MinSize = 5;

    /// <summary>The network as published.</summary>
    public static TransformerArchitecture Full { get; } = new(32, 64, 128, 5);

    /// <summary>The published network with a share of its channels.</summary>
    /// <param name="width">The share, 1 for all of them.</param>
    public static TransformerArchitecture OfWidth(double width)
    {
        int Scaled(int channels) => Math.Max(1, (int)Math.Round(width * channels));
        return Full with { Conv1 = Scaled(32), Conv2 = Scaled(64), Conv3 = Scaled(128) };
    }

    /// <summary>The convolutions in their order.</summary>
    public IReadOnlyList<TransformerStage> Stages =>
    [
        new("conv1", "in1", new Expansion(1, 4), 3, Conv1, 9),
        new("conv2", "in2", new Expansion(1, 1), Conv1, Conv2, 3, Stride: 2),
        new("conv3", "in3", new Expansion(1, 1), Conv2, Conv3, 3, Stride: 2),
        .. Enumerable.Range(1, Blocks).SelectMany(Block),
        new("deconv1", "in4", new Expansion(2, 1), Conv3, Conv2, 3),
        new("deconv2", "in5", new Expansion(2, 1), Conv2, Conv1, 3),
        new("deconv3", null, new Expansion(1, 4), Conv1, 3, 9, Relu: false),
    ];

    /// <summary>All parameters in the order of PyTorch's files.</summary>
    public IEnumerable<TransformerParameter> Parameters => Stages.SelectMany(stage => stage.Parameters);

    public override string ToString() => $"{Conv1}, {Conv2}, {Conv3} channels and {Blocks} residual blocks";

    private TransformerStage[] Block(int n) =>
    [
        new($"res{n}.conv1", $"res{n}.in1", new Expansion(1, 1), Conv3, Conv3, 3),
        new($"res{n}.conv2", $"res{n}.in2", new Expansion(1, 1), Conv3, Conv3, 3, Relu: false, AddsBlockInput: true),
    ];
}
