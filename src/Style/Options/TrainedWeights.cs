using NativeStyle.Vgg;

namespace NativeStyle.Style.Options;

/// <summary>What the default preset asks of trained weights.</summary>
/// <param name="Architecture">Their network, with the channels that it has.</param>
/// <param name="LayerNames">The layers that are there.</param>
public sealed record TrainedWeights(VggArchitecture Architecture, IReadOnlySet<string> LayerNames)
{
    /// <summary>Whether layers have fewer channels than VGG's.</summary>
    public bool Compressed => Architecture.Layers.Zip(OptionsJson.Architecture(Architecture.Name).Layers)
        .Any(pair => pair.First.OutChannels < pair.Second.OutChannels);

    /// <summary>Whether they have all of some layers.</summary>
    public bool Have(IEnumerable<string> layers) => layers.All(LayerNames.Contains);
}
