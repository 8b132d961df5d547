using NativeStyle.Vgg;

namespace NativeStyle.Style.Options;

/// <summary>The properties of trained weights that decide which default preset fits.</summary>
/// <param name="Architecture">The network, with its numbers of channels.</param>
/// <param name="LayerNames">The layers that the weights have.</param>
internal sealed record TrainedWeights(VggArchitecture Architecture, IReadOnlySet<string> LayerNames)
{
    /// <summary>Whether some layers have fewer channels than VGG's.</summary>
    public bool Compressed => Architecture.Layers.Zip(OptionsJson.Architecture(Architecture.Name).Layers)
        .Any(pair => pair.First.OutChannels < pair.Second.OutChannels);

    /// <summary>Checks whether the weights have all of these layers.</summary>
    public bool Have(IEnumerable<string> layers) => layers.All(LayerNames.Contains);
}
