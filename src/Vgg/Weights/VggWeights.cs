using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace NativeStyle.Vgg.Weights;

/// <summary>One convolution's weights on the host.</summary>
/// <param name="Filter">(3, 3, in, out), row-major.</param>
/// <param name="Bias">(out).</param>
public sealed record LayerWeights(float[] Filter, float[] Bias);

/// <summary>The pixels that a weights file was trained on. The loaders convert all of them to RGB 0..255.</summary>
public enum WeightsConvention
{
    /// <summary>RGB 0..255 with the Caffe mean subtracted: the .mat files, vgg16_weights.npz.</summary>
    Rgb255,

    /// <summary>BGR 0..255 with the Caffe mean subtracted: Caffe, Keras, tensorflow-vgg.</summary>
    Bgr255,

    /// <summary>
    /// RGB 0..1 with torchvision's mean subtracted, then divided by torchvision's standard deviation.
    /// </summary>
    RgbUnit,
}

/// <summary>The names of conventions.</summary>
public static class WeightsConventions
{
    /// <summary>Returns the name that <c>--weights-convention</c> accepts.</summary>
    public static string NameOf(WeightsConvention convention) => convention switch
    {
        WeightsConvention.Rgb255 => "rgb-255",
        WeightsConvention.Bgr255 => "bgr-255",
        _ => "rgb-unit",
    };

    /// <summary>Returns the convention of a name, or null.</summary>
    public static WeightsConvention? Parse(string name)
    {
        foreach (WeightsConvention convention in Enum.GetValues<WeightsConvention>())
            if (NameOf(convention).Equals(name, StringComparison.OrdinalIgnoreCase)) return convention;
        return null;
    }
}

/// <summary>VGG's convolutions after loading, for an input of RGB 0..255 with <see cref="Mean"/> subtracted.</summary>
public sealed class VggWeights
{
    /// <summary>ImageNet's mean pixel that the Caffe models subtract, RGB 0..255.</summary>
    public static readonly float[] CaffeMean = [123.68f, 116.779f, 103.939f];

    /// <summary>The standard deviation that torchvision's networks divide by, RGB 0..1.</summary>
    public static readonly float[] TorchvisionDeviation = [0.229f, 0.224f, 0.225f];

    private static readonly float[] s_torchvisionMean = [0.485f, 0.456f, 0.406f];

    /// <param name="architecture">The network, with the channels that the layers have.</param>
    /// <param name="layers">By name; not every layer must be there.</param>
    /// <param name="mean">The pixel that is subtracted from pictures, RGB 0..255.</param>
    /// <param name="source">Where the weights come from, for people.</param>
    public VggWeights(
        VggArchitecture architecture, IReadOnlyDictionary<string, LayerWeights> layers, float[] mean, string source)
    {
        (Architecture, Layers, Mean, Source) = (architecture, layers, mean, source);
    }

    /// <summary>The network that the weights belong to.</summary>
    public VggArchitecture Architecture { get; }

    /// <summary>The layers by canonical name. A file may stop before the last layer.</summary>
    public IReadOnlyDictionary<string, LayerWeights> Layers { get; }

    /// <summary>The mean that is subtracted from the pixels, RGB 0..255.</summary>
    public float[] Mean { get; }

    /// <summary>A description of the weights' origin to show to users.</summary>
    public string Source { get; }

    /// <summary>
    /// Returns a checksum of architecture, mean and layers, which does not depend on the file they were read from.
    /// </summary>
    public string Digest()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes(Architecture.Name));
        hash.AppendData(MemoryMarshal.AsBytes(Mean.AsSpan()));
        foreach (VggLayer layer in Architecture.Layers)
        {
            if (!Layers.TryGetValue(layer.Name, out LayerWeights? weights)) continue;
            hash.AppendData(Encoding.UTF8.GetBytes(layer.Name));
            hash.AppendData(MemoryMarshal.AsBytes(weights.Filter.AsSpan()));
            hash.AppendData(MemoryMarshal.AsBytes(weights.Bias.AsSpan()));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>
    /// Converts weights of another convention to RGB 0..255. The first kernel's input channels are reordered or scaled,
    /// so that the same picture gives the same activations: W ((x/255 - μ)/σ) = (W / 255σ) (x - 255μ).
    /// </summary>
    /// <param name="fileMean">The mean that the file states, RGB 0..255, or null.</param>
    internal static VggWeights FromConvention(
        VggArchitecture architecture, Dictionary<string, LayerWeights> layers, WeightsConvention convention,
        float[]? fileMean, string source)
    {
        float[] mean = fileMean ?? CaffeMean;
        if (convention == WeightsConvention.RgbUnit) mean = [.. s_torchvisionMean.Select(value => 255f * value)];
        if (convention != WeightsConvention.Rgb255 && layers.TryGetValue("conv1_1", out LayerWeights? first))
        {
            int outChannels = first.Bias.Length;
            float[] kernel = new float[first.Filter.Length];
            for (int at = 0; at < kernel.Length; at++)
            {
                (int o, int channel, int tap) = (at % outChannels, at / outChannels % 3, at / outChannels / 3);
                int from = convention == WeightsConvention.Bgr255 ? 2 - channel : channel;
                bool unit = convention == WeightsConvention.RgbUnit;
                float scale = unit ? 1f / (255f * TorchvisionDeviation[channel]) : 1f;
                kernel[at] = scale * first.Filter[(((tap * 3) + from) * outChannels) + o];
            }

            layers["conv1_1"] = first with { Filter = kernel };
        }

        return new VggWeights(architecture, layers, mean, source);
    }
}
