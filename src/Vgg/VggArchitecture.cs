using NativeStyle.Kernels.Operators.Pool2x2;

namespace NativeStyle.Vgg;

/// <summary>A convolution of VGG with its ReLU.</summary>
/// <param name="Name">conv{block}_{n}, as in the paper's configuration table.</param>
/// <param name="InChannels">Channels it reads.</param>
/// <param name="OutChannels">Its filters.</param>
/// <param name="Block">From 1; between blocks lies a pooling.</param>
public sealed record VggLayer(string Name, int InChannels, int OutChannels, int Block);

/// <summary>
/// VGG-16 and VGG-19 up to their last convolution (Simonyan and Zisserman 2014, "Very deep convolutional networks for
/// large-scale image recognition", table 1, configurations D and E), as data.
/// </summary>
public sealed class VggArchitecture
{
    private VggArchitecture(string name, params int[] convolutionsPerBlock)
    {
        Name = name;
        int[] widths = [64, 128, 256, 512, 512];
        var layers = new List<VggLayer>();
        for (int block = 0; block < widths.Length; block++)
        {
            for (int n = 1; n <= convolutionsPerBlock[block]; n++)
            {
                int inChannels = layers.Count == 0 ? 3 : layers[^1].OutChannels;
                layers.Add(new VggLayer($"conv{block + 1}_{n}", inChannels, widths[block], block + 1));
            }
        }

        Layers = layers;
    }

    public static VggArchitecture Vgg16 { get; } = new("VGG-16", 2, 2, 3, 3, 3);

    public static VggArchitecture Vgg19 { get; } = new("VGG-19", 2, 2, 4, 4, 4);

    public string Name { get; }

    /// <summary>The convolutions in their order.</summary>
    public IReadOnlyList<VggLayer> Layers { get; }

    /// <summary>
    /// The convolution called <paramref name="name"/>, or null: conv4_2 or relu4_2 (layers are read after ReLU),
    /// block4_conv2 as in Keras, features.21 or its ReLU features.22 as in torchvision.
    /// </summary>
    public VggLayer? Find(string name)
    {
        if (name.StartsWith("features.", StringComparison.OrdinalIgnoreCase))
        {
            // Two places for a convolution and its ReLU, one for each pooling before.
            return int.TryParse(name.AsSpan(9), System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out int place)
                ? Layers.Where((layer, i) => (2 * i) + layer.Block - 1 == place || (2 * i) + layer.Block == place).FirstOrDefault() : null;
        }

        string canonical = name.ToLowerInvariant();
        if (canonical.StartsWith("relu", StringComparison.Ordinal)) canonical = "conv" + canonical[4..];
        else if (canonical.StartsWith("block", StringComparison.Ordinal)) canonical = canonical.Replace("_conv", "_", StringComparison.Ordinal).Replace("block", "conv", StringComparison.Ordinal);
        return Layers.FirstOrDefault(layer => layer.Name == canonical);
    }

    /// <summary>
    /// Height and width of a layer's feature map for a picture: one halving per block before it, rounded as
    /// <paramref name="edge"/> says. Zero where nothing is left.
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
}
