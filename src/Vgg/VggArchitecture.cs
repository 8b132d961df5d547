using NativeStyle.Kernels;

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

    /// <summary>The convolution called <paramref name="name"/>, or null. relu4_2 is another name of conv4_2: layers are read after ReLU.</summary>
    public VggLayer? Find(string name)
    {
        string canonical = name.StartsWith("relu", StringComparison.OrdinalIgnoreCase) ? "conv" + name[4..] : name;
        return Layers.FirstOrDefault(layer => layer.Name.Equals(canonical, StringComparison.OrdinalIgnoreCase));
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
