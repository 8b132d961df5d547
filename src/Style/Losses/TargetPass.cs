using NativeStyle.Imaging;
using NativeStyle.Kernels.Devices;
using NativeStyle.Style.Tiling;
using NativeStyle.Vgg;

namespace NativeStyle.Style;

/// <summary>Passes of target pictures through the network, forward only, in tiles where the planner says so.</summary>
/// <param name="atTile">Called before each tile, with its number and how many the pass has.</param>
internal sealed class TargetPass(
    ComputeDevice device, VggNetwork network, TransferOptions options, TilePlanner planner, Action<int, int>? atTile)
{
    public ComputeDevice Device => device;

    /// <summary>The layer of that name.</summary>
    public VggLayer Layer(string name) => network.Architecture.Find(name)!;

    /// <summary>Height and width of a layer's map of a picture.</summary>
    public (int Height, int Width) SizeAt(VggLayer layer, (int Height, int Width) picture) =>
        VggArchitecture.SizeAt(layer, picture.Height, picture.Width, network.Options.PoolEdge);

    /// <summary>A map of zeros for a layer of a picture.</summary>
    public MapStore NewMap(string name, (int Height, int Width) picture, bool onDisk)
    {
        (int height, int width) = SizeAt(Layer(name), picture);
        return MapStore.Create(device, height, width, Layer(name).OutChannels, onDisk);
    }

    /// <summary>Shows the maps of a picture's layers to a visitor, window by window.</summary>
    /// <param name="picture">At any size; it goes through the network at <paramref name="size"/>.</param>
    public void Visit(PictureSource picture, (int Height, int Width) size, IReadOnlyCollection<string> layers, MapVisitor visit)
    {
        TilePlan plan = planner.Target(size.Height, size.Width, layers);
        using var tiles = new TiledNetwork(device, network, options.PixelRange, plan) { AtTile = atTile };
        using var pixels = new PictureMap(picture.At(size.Height, size.Width), options.PixelRange);
        tiles.Forward(pixels, visit, backwardFollows: false);
    }
}
