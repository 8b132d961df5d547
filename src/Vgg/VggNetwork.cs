using System.Runtime.CompilerServices;
using NativeStyle.Autodiff;
using NativeStyle.Kernels;
using NativeStyle.Vgg.Weights;

namespace NativeStyle.Vgg;

/// <summary>How feature maps are computed from a picture.</summary>
/// <param name="Pooling">Average or max.</param>
/// <param name="PoolEdge">What pooling does with odd sizes.</param>
/// <param name="InputPadding">What the first convolution sees outside the picture.</param>
public sealed record VggOptions(
    Pooling Pooling = Pooling.Average, PoolEdge PoolEdge = PoolEdge.Floor, Padding InputPadding = Padding.Zero);

/// <summary>VGG on a device with frozen weights: from a picture to the feature maps after the ReLUs asked for.</summary>
public sealed class VggNetwork : IDisposable
{
    private readonly Dictionary<string, Conv3x3Layer> _layers = [];
    private readonly float[] _mean;
    private readonly VggOptions _options;

    /// <param name="accelerator">Where the weights and all feature maps live.</param>
    /// <param name="weights">At least the layers that will be asked for.</param>
    /// <param name="options">Pooling and padding.</param>
    public VggNetwork(Accelerator accelerator, VggWeights weights, VggOptions options)
    {
        (_options, _mean, Architecture, Source) = (options, weights.Mean, weights.Architecture, weights.Source);
        foreach ((string name, LayerWeights layer) in weights.Layers)
            _layers[name] = new Conv3x3Layer(accelerator, layer.Kernel, layer.Bias, frozen: true);
    }

    public VggArchitecture Architecture { get; }

    /// <summary>Where the weights come from, for people.</summary>
    public string Source { get; }

    /// <summary>
    /// A network of weights that are loaded here and not kept: beside the device's copy, the host's would stay until a
    /// next collection that a program which allocates nothing never sees.
    /// </summary>
    public static VggNetwork Load(Accelerator accelerator, Func<VggWeights> load, VggOptions options)
    {
        VggNetwork network = Build(accelerator, load, options);
        GC.Collect();
        return network;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static VggNetwork Build(Accelerator accelerator, Func<VggWeights> load, VggOptions options) => new(accelerator, load(), options);

    /// <summary>
    /// The feature maps of the named layers (conv4_2 stands for its output after ReLU), (height, width, channels) each,
    /// one by one in the network's order: each layer runs when its map is asked for, and none behind the last one.
    /// Losses recorded in between stand beside their layer on the tape, so that backward needs no gradient of a map
    /// before its turn. When the next map is asked for, the one before is given back unless a loss still needs it. A
    /// block's last convolution pools at once where nobody asks for its own map.
    /// </summary>
    /// <param name="tape">Records the pass where pixels have a gradient.</param>
    /// <param name="pixels">RGB, (height, width, 3), from 0 to <paramref name="pixelRange"/>.</param>
    /// <param name="pixelRange">The value of white: 1 or 255.</param>
    /// <param name="layers">Canonical names.</param>
    /// <exception cref="ArgumentException">A layer is not in the weights, or a map would be empty.</exception>
    public IEnumerable<(string Layer, Tensor Map)> Features(
        Tape tape, Tensor pixels, float pixelRange, IReadOnlyCollection<string> layers)
    {
        HashSet<string> missing = [.. layers];
        Tensor x = tape.Normalize(pixels, 255f / pixelRange, _mean);
        IReadOnlyList<VggLayer> all = Architecture.Layers;
        for (int i = 0; i < all.Count && missing.Count > 0; i++)
        {
            VggLayer layer = all[i];
            if (!_layers.TryGetValue(layer.Name, out Conv3x3Layer? weights))
                throw new ArgumentException($"the weights have no layer {layer.Name}", nameof(layers));
            Padding padding = layer.InChannels == 3 ? _options.InputPadding : Padding.Zero;
            bool wanted = missing.Contains(layer.Name), endsBlock = i + 1 < all.Count && all[i + 1].Block != layer.Block;
            bool poolAfter = endsBlock && missing.Count > (wanted ? 1 : 0);
            if (poolAfter && _options.PoolEdge == PoolEdge.Floor && Math.Min(x.Shape[0], x.Shape[1]) < 2)
                throw new ArgumentException($"a picture of {pixels.Shape} is too small for {all[i + 1].Name}");
            Pooling fused = poolAfter && !wanted ? _options.Pooling : Pooling.None;
            x = Next(x, tape.Conv3x3(x, weights, relu: true, padding, fused, _options.PoolEdge));
            if (wanted)
            {
                missing.Remove(layer.Name);
                yield return (layer.Name, x);
                if (poolAfter)
                {
                    x = Next(x, _options.Pooling == Pooling.Average
                        ? tape.AvgPool(x, _options.PoolEdge) : tape.MaxPool(x, _options.PoolEdge));
                }
            }
        }

        if (missing.Count > 0)
            throw new ArgumentException($"{Architecture.Name} has no {string.Join(", ", missing)}", nameof(layers));
    }

    public void Dispose()
    {
        foreach (Conv3x3Layer layer in _layers.Values) layer.Dispose();
        _layers.Clear();
    }

    private static Tensor Next(Tensor used, Tensor made)
    {
        used.Release();
        return made;
    }
}
