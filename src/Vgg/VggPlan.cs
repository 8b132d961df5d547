using NativeStyle.Kernels.Operators.Conv3x3;
using NativeStyle.Kernels.Operators.Pool2x2;

namespace NativeStyle.Vgg;

/// <summary>One step from the picture to the feature maps.</summary>
/// <param name="Layer">The convolution whose map the step makes, reads or pools.</param>
internal abstract record VggStep(VggLayer Layer);

/// <summary>A convolution with bias and ReLU.</summary>
/// <param name="Layer">The convolution.</param>
/// <param name="Padding">What it sees outside the map.</param>
/// <param name="Pooling">The pooling that is fused into it. The unpooled map is then never in memory.</param>
internal sealed record ConvolutionStep(VggLayer Layer, Padding Padding, Pooling Pooling) : VggStep(Layer);

/// <summary>Hands the map of a layer to the caller.</summary>
/// <param name="Layer">The layer whose map the caller reads.</param>
internal sealed record TapStep(VggLayer Layer) : VggStep(Layer);

/// <summary>
/// A pooling that is not fused, because a caller reads the unpooled map or because it is an L2 pooling.
/// </summary>
/// <param name="Layer">The convolution whose map is pooled.</param>
/// <param name="Pooling">Average, max or L2.</param>
internal sealed record PoolingStep(VggLayer Layer, Pooling Pooling) : VggStep(Layer);

/// <summary>
/// What VGG computes for some layers: the steps in their order, up to the last layer that is read. Only this list
/// decides what is fused and how deep the network runs. <see cref="VggNetwork"/> runs the list; tiles cut it after
/// poolings, see <see cref="CutsAfter"/>.
/// </summary>
internal sealed class VggPlan
{
    /// <param name="architecture">The network.</param>
    /// <param name="options">Pooling and padding.</param>
    /// <param name="taps">Canonical names of the layers whose maps are read.</param>
    /// <exception cref="ArgumentException">The network does not have all of these layers.</exception>
    public VggPlan(VggArchitecture architecture, VggOptions options, IReadOnlyCollection<string> taps)
    {
        IReadOnlyList<VggLayer> layers = architecture.Layers;
        string[] missing = [.. taps.Except(layers.Select(layer => layer.Name))];
        if (missing.Length > 0)
            throw new ArgumentException($"{architecture.Name} has no {string.Join(", ", missing)}", nameof(taps));
        (Architecture, Options) = (architecture, options);
        int depth = layers.Select((layer, i) => taps.Contains(layer.Name) ? i + 1 : 0).Max();
        Layers = [.. layers.Take(depth)];
        Taps = [.. Layers.Where(layer => taps.Contains(layer.Name))];
        List<VggStep> steps = [];
        for (int i = 0; i < depth; i++)
        {
            bool isTap = taps.Contains(layers[i].Name);
            bool pools = i + 1 < depth && layers[i + 1].Block != layers[i].Block;
            bool fuses = pools && !isTap && options.Pooling != Pooling.L2;
            Padding padding = layers[i].ReadsPixels ? options.InputPadding : Padding.Zero;
            steps.Add(new ConvolutionStep(layers[i], padding, fuses ? options.Pooling : Pooling.None));
            if (isTap) steps.Add(new TapStep(layers[i]));
            if (pools && !fuses) steps.Add(new PoolingStep(layers[i], options.Pooling));
        }

        Steps = steps;
    }

    public VggArchitecture Architecture { get; }

    /// <summary>Pooling and padding.</summary>
    public VggOptions Options { get; }

    /// <summary>The convolutions that run, in their order.</summary>
    public IReadOnlyList<VggLayer> Layers { get; }

    /// <summary>The layers whose maps are read, in the network's order.</summary>
    public IReadOnlyList<VggLayer> Taps { get; }

    public IReadOnlyList<VggStep> Steps { get; }

    /// <summary>Whether a step ends with a pooling. The network may be cut after it.</summary>
    public static bool CutsAfter(VggStep step) => step is PoolingStep or ConvolutionStep { Pooling: not Pooling.None };
}
