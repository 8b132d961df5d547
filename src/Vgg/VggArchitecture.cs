using System.Globalization;
using NativeStyle.Kernels.Operators.Pool2x2;

namespace NativeStyle.Vgg;

/// <summary>A convolution of VGG with its ReLU.</summary>
/// <param name="Name">conv{block}_{n}, as in the paper's configuration table.</param>
/// <param name="InChannels">How many channels it reads.</param>
/// <param name="OutChannels">How many filters it has.</param>
/// <param name="Block">The block's number, from 1. A pooling lies between two blocks.</param>
public sealed record VggLayer(string Name, int InChannels, int OutChannels, int Block)
{
    /// <summary>Whether it reads the picture itself.</summary>
    public bool ReadsPixels => Name == "conv1_1";
}

/// <summary>
/// VGG-16 and VGG-19 up to their last convolution (Simonyan and Zisserman 2014, "Very deep convolutional networks for
/// large-scale image recognition", table 1, configurations D and E), as data. Layers have the paper's numbers of
/// channels or others; names, poolings and order are always the paper's.
/// </summary>
public sealed class VggArchitecture
{
    private VggArchitecture(string name, params int[] convolutionsPerBlock)
    {
        int[] widths = [64, 128, 256, 512, 512];
        IEnumerable<(string, int, int)> layers = widths.SelectMany((width, block) =>
            Enumerable.Range(1, convolutionsPerBlock[block]).Select(n => ($"conv{block + 1}_{n}", width, block + 1)));
        (Name, Layers) = (name, Chain(layers));
    }

    private VggArchitecture(string name, IReadOnlyList<VggLayer> layers) => (Name, Layers) = (name, layers);

    /// <summary>Configuration D of Simonyan and Zisserman 2014: 13 convolutions.</summary>
    public static VggArchitecture Vgg16 { get; } = new("VGG-16", 2, 2, 3, 3, 3);

    /// <summary>Configuration E of Simonyan and Zisserman 2014: 16 convolutions.</summary>
    public static VggArchitecture Vgg19 { get; } = new("VGG-19", 2, 2, 4, 4, 4);

    /// <summary>VGG-16 or VGG-19.</summary>
    public string Name { get; }

    /// <summary>The convolutions in their order.</summary>
    public IReadOnlyList<VggLayer> Layers { get; }

    /// <summary>The same network with other numbers of channels, or this network if nothing changes.</summary>
    /// <param name="channels">
    /// The number of filters by the layer's canonical name; layers that are not named keep theirs.
    /// </param>
    /// <exception cref="ArgumentException">
    /// A named layer does not belong to this network, or has less than one channel.
    /// </exception>
    public VggArchitecture WithChannels(IReadOnlyDictionary<string, int> channels)
    {
        foreach ((string name, int count) in channels)
        {
            if (count < 1 || Layers.All(layer => layer.Name != name))
                throw new ArgumentException($"{Name} has no layer {name} of {count} channels", nameof(channels));
        }

        int Channels(VggLayer layer) => channels.GetValueOrDefault(layer.Name, layer.OutChannels);
        return Layers.All(layer => Channels(layer) == layer.OutChannels) ? this
            : new VggArchitecture(Name, Chain(Layers.Select(layer => (layer.Name, Channels(layer), layer.Block))));
    }

    /// <summary>
    /// The convolution called <paramref name="name"/>, or null. Names are conv4_2 or relu4_2 (layers are read after
    /// ReLU), block4_conv2 as in Keras, and features.21 or its ReLU features.22 as in torchvision.
    /// </summary>
    public VggLayer? Find(string name)
    {
        if (name.StartsWith("features.", StringComparison.OrdinalIgnoreCase))
        {
            // Each convolution has two places, its own and its ReLU's; each pooling before it has one.
            if (!int.TryParse(name.AsSpan(9), NumberStyles.None, CultureInfo.InvariantCulture, out int place))
                return null;
            return Layers
                .Where((layer, i) => (2 * i) + layer.Block - 1 == place || (2 * i) + layer.Block == place)
                .FirstOrDefault();
        }

        string canonical = name.ToLowerInvariant();
        if (canonical.StartsWith("relu", StringComparison.Ordinal))
        {
            canonical = "conv" + canonical[4..];
        }
        else if (canonical.StartsWith("block", StringComparison.Ordinal))
        {
            canonical = canonical
                .Replace("_conv", "_", StringComparison.Ordinal)
                .Replace("block", "conv", StringComparison.Ordinal);
        }

        return Layers.FirstOrDefault(layer => layer.Name == canonical);
    }

    /// <summary>
    /// Height and width of a layer's feature map for a picture. They are halved once per block before the layer, and
    /// rounded as <paramref name="edge"/> says. They are zero if nothing is left.
    /// </summary>
    public static (int Height, int Width) SizeAt(VggLayer layer, int height, int width, PoolEdge edge)
    {
        for (int block = 1; block < layer.Block; block++)
        {
            var shape = new PoolShape(height, width, 1, edge);
            (height, width) = (shape.OutHeight, shape.OutWidth);
        }

        return (height, width);
    }

    /// <summary>Makes each layer read what the one before it writes. The first layer reads RGB.</summary>
    private static List<VggLayer> Chain(IEnumerable<(string Name, int Channels, int Block)> layers)
    {
        var chain = new List<VggLayer>();
        foreach ((string name, int channels, int block) in layers)
            chain.Add(new VggLayer(name, chain.Count == 0 ? 3 : chain[^1].OutChannels, channels, block));
        return chain;
    }
}
