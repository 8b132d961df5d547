using NativeStyle.Autodiff;
using NativeStyle.Imaging;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;
using NativeStyle.Style.Tiling;
using NativeStyle.Vgg;

namespace NativeStyle.Style.Losses;

/// <summary>Passes of target pictures through the network, forward only.</summary>
/// <param name="atTile">Called before each tile, with its number and how many the pass has.</param>
internal class TargetPass(ComputeDevice device, VggNetwork network, float pixelRange, Action<int, int>? atTile)
{
    public ComputeDevice Device => device;

    /// <summary>The layer of that name.</summary>
    public VggLayer Layer(string name) => network.Architecture.Find(name)!;

    /// <summary>Height and width of a layer's map of a picture.</summary>
    public (int Height, int Width) SizeAt(VggLayer layer, int height, int width) =>
        VggArchitecture.SizeAt(layer, height, width, network.Options.PoolEdge);

    /// <summary>Shows the maps that a plan taps to a visitor, window by window.</summary>
    /// <param name="picture">At any size; it goes through the network at the plan's.</param>
    public virtual void Visit(PictureSource picture, TilePlan plan, MapVisitor visit)
    {
        // Of the pictures before this one: one copy at a time is counted.
        if (!device.IsRehearsal) HostMemory.Release(plan.Height, plan.Width);
        using var tiles = new TiledNetwork(device, network, pixelRange, plan) { AtTile = atTile };
        using MapStore pixels = MapStore.Of(device, picture, plan.Height, plan.Width, pixelRange);
        tiles.Forward(pixels, visit, backwardFollows: false);
    }
}

/// <summary>
/// Stands in for target passes in the rehearsal of an iteration: targets are there and take their memory, but nobody makes their
/// pass. Each map is shown as if it were a single position.
/// </summary>
internal sealed class SkippedTargetPass(ComputeDevice device, VggNetwork network) : TargetPass(device, network, 1f, null)
{
    public override void Visit(PictureSource picture, TilePlan plan, MapVisitor visit)
    {
        foreach (VggLayer layer in plan.Network.Taps)
        {
            using var position = new Tensor(Device, new Shape(1, 1, layer.OutChannels));
            visit(layer, new Window(0, 0, 1, 1), position);
        }
    }
}
