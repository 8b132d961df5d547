using System.Runtime.CompilerServices;
using NativeStyle.Autodiff;
using NativeStyle.Autodiff.Operators;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Operators.Conv3x3;
using NativeStyle.Kernels.Operators.Pool2x2;
using NativeStyle.Vgg.Weights;

namespace NativeStyle.Vgg;

/// <summary>What happens to pixels p of 0..1 before the first convolution.</summary>
public enum InputTransform
{
    /// <summary>
    /// 255 p minus the mean that the network was trained with. For weights of torchvision this is their
    /// (p - mean) / std.
    /// </summary>
    Network,

    /// <summary>256 p minus that mean, as in jcjohnson's neural-style.</summary>
    Times256,

    /// <summary>
    /// (p - 0.5) / 0.5 where torchvision's networks expect (p - mean) / std. Some notebooks normalise like that.
    /// </summary>
    HalfUnit,
}

/// <summary>How feature maps are computed from a picture.</summary>
/// <param name="Pooling">Average, max or L2.</param>
/// <param name="PoolEdge">What pooling does with odd sizes.</param>
/// <param name="InputPadding">What the first convolution sees outside the picture.</param>
/// <param name="PoolRescale">
/// Whether poolings other than max are rescaled, average by 2 and L2 by 0.78. That keeps the magnitudes that the
/// network was trained with (crowsonkb's style-transfer-pytorch).
/// </param>
/// <param name="Input">What happens to pixels first.</param>
public sealed record VggOptions(
    Pooling Pooling = Pooling.Average, PoolEdge PoolEdge = PoolEdge.Floor, Padding InputPadding = Padding.Zero,
    bool PoolRescale = false, InputTransform Input = InputTransform.Network)
{
    /// <summary>Height and width of a map after a pooling; 0 if nothing is left.</summary>
    internal (int Height, int Width) Pooled(int height, int width)
    {
        var shape = new PoolShape(height, width, 1, PoolEdge);
        return (shape.OutHeight, shape.OutWidth);
    }
}

/// <summary>VGG with frozen weights on a device. It turns a picture into the feature maps of chosen layers.</summary>
/// <example>
/// <code>
/// using VggNetwork network = VggNetwork.Load(
///     device, () =&gt; WeightsFile.Load(CompactNetwork.Name, ["conv3_1"]), new VggOptions());
/// foreach ((string layer, Tensor map) in network.Features(tape, pixels, 1f, ["conv1_1", "conv3_1"]))
///     Console.WriteLine($"{layer}: {map.Shape}");
/// </code>
/// </example>
public sealed class VggNetwork : IDisposable
{
    private readonly Dictionary<string, Conv3x3Layer> _layers = [];
    private readonly float[] _scale;
    private readonly float[] _mean;

    /// <param name="device">Where the weights and all feature maps live.</param>
    /// <param name="weights">Must have at least the layers that will be run.</param>
    /// <param name="options">Pooling and padding.</param>
    public VggNetwork(ComputeDevice device, VggWeights weights, VggOptions options)
    {
        (Options, Architecture, Source) = (options, weights.Architecture, weights.Source);
        (_scale, _mean) = options.Input switch
        {
            InputTransform.Network => ([255f, 255f, 255f], weights.Mean),
            InputTransform.Times256 => ([256f, 256f, 256f], weights.Mean),
            // The loaders have turned the first layer into one for 255 (p - mean). 255 std (p - 0.5) / 0.5 gives it
            // what torchvision's layer would have read.
            _ => (
                Array.ConvertAll(VggWeights.TorchvisionDeviation, std => 255f * 2f * std),
                Array.ConvertAll(VggWeights.TorchvisionDeviation, std => 255f * std)),
        };
        try
        {
            AddLayers(device, weights);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>A network without numbers that is as large as a real one, for rehearsals.</summary>
    private VggNetwork(ComputeDevice device, VggPlan plan)
    {
        (Options, Architecture, Source) = (plan.Options, plan.Architecture, "a rehearsal");
        (_scale, _mean) = ([1f, 1f, 1f], [0f, 0f, 0f]);
        foreach (VggLayer layer in plan.Layers)
            _layers[layer.Name] = new Conv3x3Layer(device, layer.InChannels, layer.OutChannels);
    }

    private void AddLayers(ComputeDevice device, VggWeights weights)
    {
        int block = 0;
        foreach (VggLayer layer in weights.Architecture.Layers)
        {
            if (!weights.Layers.TryGetValue(layer.Name, out LayerWeights? values)) continue;
            // w * (a x) = (a w) * x: a rescaled kernel after the pooling does what a rescaled pooling does, at no cost.
            float factor = block > 0 && layer.Block != block ? PoolFactor(Options) : 1f;
            block = layer.Block;
            float[] kernel = factor == 1f ? values.Filter : Array.ConvertAll(values.Filter, value => factor * value);
            _layers[layer.Name] = new Conv3x3Layer(device, kernel, values.Bias, frozen: true);
        }
    }

    /// <summary>The network, with the channels that the weights have.</summary>
    public VggArchitecture Architecture { get; }

    /// <summary>How the network computes feature maps.</summary>
    public VggOptions Options { get; }

    /// <summary>Where the weights come from, for people.</summary>
    public string Source { get; }

    /// <summary>
    /// The pixel, RGB 0..1, that the first convolution sees as zero. It is roughly the mean of the training pictures.
    /// </summary>
    public float[] ZeroPixel => [.. _mean.Zip(_scale, (mean, scale) => mean / scale)];

    /// <summary>
    /// Loads weights, makes a network of them, and drops the host's copy. That copy would otherwise stay beside the
    /// device's until the next collection, and a program that allocates nothing never has one.
    /// </summary>
    public static VggNetwork Load(ComputeDevice device, Func<VggWeights> load, VggOptions options)
    {
        VggNetwork network = Build(device, load, options);
        GC.Collect();
        return network;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static VggNetwork Build(ComputeDevice device, Func<VggWeights> load, VggOptions options) =>
        new(device, load(), options);

    /// <summary>
    /// The feature maps of the named layers (conv4_2 stands for its output after ReLU), (height, width, channels) each.
    /// They come one by one in the network's order. A layer runs when its map is enumerated, and no layer runs after
    /// the last named one.
    /// </summary>
    /// <param name="tape">Records the pass if pixels have a gradient.</param>
    /// <param name="pixels">RGB, (height, width, 3), from 0 to <paramref name="pixelRange"/>.</param>
    /// <param name="pixelRange">The value of white, e.g. 1 or 255.</param>
    /// <param name="layers">Canonical names.</param>
    /// <exception cref="ArgumentException">A layer is not in the weights, or a map would be empty.</exception>
    public IEnumerable<(string Layer, Tensor Map)> Features(
        Tape tape, Tensor pixels, float pixelRange, IReadOnlyCollection<string> layers)
    {
        if (layers.Count == 0) yield break;
        IReadOnlyList<VggStep> steps = Plan(layers).Steps;
        foreach ((VggStep step, Tensor map) in Run(tape, Input(tape, pixels, pixelRange), steps))
            if (step is TapStep) yield return (step.Layer.Name, map);
    }

    /// <summary>The layers of a plan on a rehearsal of a device. They take memory and hold no numbers.</summary>
    internal static VggNetwork Rehearse(ComputeDevice rehearsal, VggPlan plan) => rehearsal.IsRehearsal
        ? new VggNetwork(rehearsal, plan)
        : throw new ArgumentException($"{rehearsal.Name} is no rehearsal", nameof(rehearsal));

    /// <summary>The steps that lead to the maps of some layers.</summary>
    /// <exception cref="ArgumentException">The network does not have all of these layers.</exception>
    internal VggPlan Plan(IReadOnlyCollection<string> layers) => new(Architecture, Options, layers);

    /// <summary>Turns pixels into what the first layer reads.</summary>
    /// <param name="pixels">RGB, (height, width, 3), from 0 to <paramref name="pixelRange"/>.</param>
    public Tensor Input(Tape tape, Tensor pixels, float pixelRange) =>
        tape.Normalize(pixels, Array.ConvertAll(_scale, scale => scale / pixelRange), _mean);

    /// <summary>
    /// Runs some steps. A step runs when its map is enumerated. So losses that are recorded in between stand beside
    /// their layer on the tape, and backward needs no gradient of a map before its turn. When the next map is
    /// enumerated, the previous map is given back unless a loss still needs it.
    /// </summary>
    /// <param name="x">The map that the first step reads. It is given back when nobody needs it any more.</param>
    /// <returns>The map after each step. The map after a tap is the map before it.</returns>
    /// <exception cref="ArgumentException">A layer is not in the weights, or a map would be empty.</exception>
    internal IEnumerable<(VggStep Step, Tensor Map)> Run(Tape tape, Tensor x, IEnumerable<VggStep> steps)
    {
        foreach (VggStep step in steps)
        {
            Tensor map = step switch
            {
                ConvolutionStep convolution => Convolve(tape, x, convolution),
                PoolingStep pooling => Pool(tape, x, pooling.Pooling),
                _ => x,
            };
            if (map != x) x.Release();
            x = map;
            yield return (step, x);
        }
    }

    /// <summary>Gives the memory back.</summary>
    public void Dispose()
    {
        foreach (Conv3x3Layer layer in _layers.Values) layer.Dispose();
        _layers.Clear();
    }

    private static float PoolFactor(VggOptions options) => !options.PoolRescale ? 1f : options.Pooling switch
    {
        Pooling.Average => 2f,
        Pooling.L2 => 0.78f,
        _ => 1f,
    };

    private Tensor Convolve(Tape tape, Tensor x, ConvolutionStep step)
    {
        if (!_layers.TryGetValue(step.Layer.Name, out Conv3x3Layer? weights))
            throw new ArgumentException($"the weights have no layer {step.Layer.Name}", nameof(step));
        if (step.Pooling != Pooling.None) RequirePoolable(x);
        return tape.Conv3x3(x, weights, relu: true, step.Padding, step.Pooling, Options.PoolEdge);
    }

    private Tensor Pool(Tape tape, Tensor x, Pooling pooling)
    {
        RequirePoolable(x);
        return pooling switch
        {
            Pooling.Average => tape.AvgPool(x, Options.PoolEdge),
            Pooling.L2 => tape.L2Pool(x, Options.PoolEdge),
            _ => tape.MaxPool(x, Options.PoolEdge),
        };
    }

    /// <exception cref="ArgumentException">Nothing would be left of the map.</exception>
    private void RequirePoolable(Tensor map)
    {
        if (Options.PoolEdge == PoolEdge.Floor && Math.Min(map.Shape[0], map.Shape[1]) < 2)
        {
            throw new ArgumentException(
                $"the picture is too small: pooling leaves nothing of a map of {map.Shape[0]} x {map.Shape[1]}");
        }
    }
}
