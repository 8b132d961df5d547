using NativeStyle.Autodiff;
using NativeStyle.Imaging;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;
using NativeStyle.Style.Tiling;
using NativeStyle.Vgg;

namespace NativeStyle.Style.Losses;

/// <summary>Passes of target pictures through the network. They only go forward.</summary>
/// <param name="atTile">Called before each tile, with its number and the number of tiles in the pass.</param>
internal class TargetPass(ComputeDevice device, VggNetwork network, float pixelRange, Action<int, int>? atTile)
{
    public ComputeDevice Device => device;

    /// <summary>The layer called <paramref name="name"/>.</summary>
    public VggLayer Layer(string name) => network.Architecture.Find(name)!;

    /// <summary>Height and width of a layer's map for a picture of this size.</summary>
    public (int Height, int Width) SizeAt(VggLayer layer, int height, int width) =>
        VggArchitecture.SizeAt(layer, height, width, network.Options.PoolEdge);

    /// <summary>Shows the visitor, window by window, the maps that a plan taps.</summary>
    /// <param name="picture">A picture of any size. It goes through the network at the plan's size.</param>
    public virtual void Visit(PictureSource picture, TilePlan plan, MapVisitor visit)
    {
        // Collects the copies of earlier pictures, because plans count only one copy at a time.
        if (!device.IsRehearsal) HostMemory.Release(plan.Height, plan.Width);
        // On a GPU, the blocks of an earlier pass would stay beside the blocks of this one, which have other sizes.
        if (!device.UsesHostMemory) device.TrimPool();
        using var tiles = new TiledNetwork(device, network, pixelRange, plan) { AtTile = atTile };
        using MapStore pixels = MapStore.Of(device, picture, plan.Height, plan.Width, pixelRange);
        tiles.Forward(pixels, visit, backwardFollows: false);
    }
}

/// <summary>
/// Stands in for target passes when an iteration is rehearsed. Targets exist and take their memory, but nobody makes
/// their pass. Each map is shown as if it were a single position.
/// </summary>
internal sealed class SkippedTargetPass(ComputeDevice device, VggNetwork network)
    : TargetPass(device, network, 1f, null)
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
