using NativeStyle.Vgg;

namespace NativeStyle.Style.Tests;

/// <summary>
/// VGG with fewer channels in blocks 4 and 5, where a reference in double precision would take most of the time. Its
/// layers, poolings and depths are VGG's, and a layer still has more channels than positions.
/// </summary>
internal static class NarrowNetwork
{
    public static VggArchitecture Of(VggArchitecture architecture) => architecture.WithChannels(
        architecture.Layers.Where(layer => layer.Block >= 4)
            .ToDictionary(layer => layer.Name, layer => layer.Block == 4 ? 96 : 72));
}
