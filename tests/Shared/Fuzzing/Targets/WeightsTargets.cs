using System.Runtime.InteropServices;
using NativeStyle.Vgg.Weights;

namespace NativeStyle.Tests;

/// <summary>The readers of VGG's weights.</summary>
internal static class WeightsTargets
{
    public static IReadOnlyList<FuzzTarget> All { get; } =
    [
        Weights("mat", "vgg_*.mat") with { Shape = new MatShape(), Words = ["layers", "meta", "weights", "conv1_1"] },
        Weights("npz", "vgg_*.npz") with
        {
            Shape = new ZipShape(),
            Words =
            [
                "'descr': '<f4'", "'>f2'", "'fortran_order': True", "'shape': (3, 3, 3, 4), ", "conv1_1_W.npy",
                "PK\u0001\u0002",
            ],
        },
        Weights("npy", "*.npy") with { Words = PickleWords.All },
        Weights("h5", "keras*.h5", "refused_*.h5") with
        {
            Words = ["\u0089HDF\r\n\u001a\n", "OHDR", "OCHK", "TREE", "SNOD", "HEAP", "FRHP", "FHDB", "BTHD", "GCOL"],
            MostBytes = 16 << 20,
        },
        Weights("pth", "torchvision*.pth", "gatys*.pth") with { Shape = new ZipShape(), Words = PickleWords.All },
        Weights("safetensors", "*.safetensors") with { Shape = new SafeTensorsShape() },
    ];

    private static FuzzTarget Weights(string name, params string[] patterns) =>
        new(name, () => FuzzTarget.Fixtures("", patterns), Load)
        {
            Extension = $".{name}", Refuses = refusal => refusal is InvalidDataException or MissingLayerException,
        };

    /// <summary>Reads the table of layers, and what the first of them needs.</summary>
    private static int Load(string path)
    {
        var digest = new HashCode();
        WeightsContents contents = WeightsFile.Describe(path);
        foreach (WeightsEntry entry in contents.Entries) digest.Add(entry.Layer);
        Finding.Require(contents.Mean is null or { Length: 3 }, "the mean has not three numbers");
        VggWeights weights = WeightsFile.Load(path, ["conv1_1"]);
        foreach ((string name, LayerWeights layer) in weights.Layers)
        {
            digest.Add(name);
            digest.AddBytes(MemoryMarshal.AsBytes(layer.Filter.AsSpan()));
            digest.AddBytes(MemoryMarshal.AsBytes(layer.Bias.AsSpan()));
            bool fits = layer.Filter.Length % (9 * layer.Bias.Length) == 0;
            Finding.Require(fits, $"{name} has {layer.Filter.Length} weights and {layer.Bias.Length} biases");
        }

        Finding.Require(weights.Layers.ContainsKey("conv1_1"), "conv1_1 was not loaded");
        return digest.ToHashCode();
    }
}
