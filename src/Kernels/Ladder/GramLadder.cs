using ILGPU;
using ILGPU.Runtime;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Operators;
using NativeStyle.Kernels.Operators.Gram;
using NativeStyle.Kernels.Operators.MatrixProduct;
using NativeStyle.Kernels.Translation;

namespace NativeStyle.Kernels.Ladder;

/// <summary>The steps of the Gram matrix: the kernels, their launches, and what is expected of them.</summary>
internal static partial class GramLadder
{

    /// <summary>The pixels of the planar map for which the addresses of a warp are written down.</summary>
    private const int SamplePixels = 4096;

    public static KernelLadder Create() => new(
        "gram", "the Gram matrix, G = s F\u1d40F", IsBoundByMemory: false,
        [
            new(1, "plain", 0, Entry(PlainKernel), 4,
                [Global(_ => 0), Global(lane => lane * SamplePixels)], 1, null,
                (device, f, g, size) => PerElement(device, PlainKernel, f, g, size)) { IsPlanar = true },
            new(2, "coalesced", 1, Entry(CoalescedKernel), 4,
                [Global(_ => 0), Global(lane => lane)], 1, 0.6,
                (device, f, g, size) => PerElement(device, CoalescedKernel, f, g, size)),
            new(3, "independent sums", 2, Entry(IndependentSumsKernel), 4,
                [Global(_ => 0), Global(lane => lane)], 1, 4,
                (device, f, g, size) => PerElement(device, IndependentSumsKernel, f, g, size)),
            new(4, "register block", 3, Entry(RegisterBlockKernel), 1,
                [Global(_ => 0, 4), Global(lane => 4 * lane, 4)], 16, 4,
                (device, f, g, size) => device.Launch(
                    RegisterBlockKernel, (long)size.Channels * size.Channels / 16, f, g, size.Pixels, size.Channels,
                    1f / size.Pixels)),
            new(5, "shared tile", 2, Entry(SharedTileKernel), 4.0 / Side,
                [Shared(lane => lane / Side * Slice), Shared(lane => lane % Side * Slice)], 1, 1,
                (device, f, g, size) => PerTile(device, SharedTileKernel, Side, f, g, size))
            {
                ChannelMultiple = Side,
            },
            new(6, "tile and registers", 5, Entry(TileAndRegistersKernel), 4.0 / Tile, InTile(Slice), 16, 8,
                (device, f, g, size) => PerTile(device, TileAndRegistersKernel, Tile, f, g, size))
            {
                ChannelMultiple = Tile,
            },
            new(7, "padding against bank conflicts", 6, Entry(PaddedKernel), 4.0 / Tile, InTile(Slice + 1), 16, 1,
                (device, f, g, size) => PerTile(device, PaddedKernel, Tile, f, g, size))
            {
                ChannelMultiple = Tile,
            },
            new(8, "double buffer", 7, Entry(DoubleBufferKernel), 4.0 / Tile, InTile(Slice + 1), 16, 1,
                (device, f, g, size) => PerTile(device, DoubleBufferKernel, Tile, f, g, size))
            {
                ChannelMultiple = Tile,
            },
            new(9, "the operator's tiles", 8, Entry(MatrixProductOp.SmallTileKernel), 4.0 / TileProduct.Small,
                [
                    Shared(lane => 4 * (lane / 8), 4), Shared(lane => 4 * (8 + (lane / 8)), 4),
                    Shared(lane => 4 * (lane % 8), 4), Shared(lane => 4 * (8 + (lane % 8)), 4),
                ],
                64, 2,
                (device, f, g, size) => GramOp.TiledForward(device, Arguments(f, g, size))),
            new(10, "tensor cores", 9, Entry(MatrixProductOp.TensorKernel),
                2.0 * (TensorProduct.Rows + TensorProduct.Columns) / (TensorProduct.Rows * TensorProduct.Columns),
                [
                    .. Enumerable.Range(0, 12).Select(
                        part => Shared(lane => 4 * QuadOf((8 * part) + (lane / 4), lane % 4), 4)),
                ],
                64 * 32 * TensorProduct.Slice / 32, null,
                (device, f, g, size) => GramOp.TiledForward(
                    device, Arguments(f, g, size),
                    device.HasTensorCores ? MatrixProductOp.RunTensor : MatrixProductOp.RunExchangedTensor))
            {
                NeedsWarps = true,
                Rate = 16,
            },
        ],
        size => (long)size.Channels * size.Channels,
        size => 2.0 * size.Pixels * size.Channels * size.Channels,
        size => 4.0 * size.Length,
        (device, f, g, size) => GramOp.Forward(device, f, g, size.Pixels, size.Channels, 1f / size.Pixels));

    private static GramOp.ForwardArguments Arguments(ArrayView<float> f, ArrayView<float> g, LadderSize size) =>
        new(f, g, size.Pixels, size.Channels, 1f / size.Pixels);

    private static void PerElement(
        ComputeDevice device, Action<Index1D, ArrayView<float>, ArrayView<float>, int, int, float> kernel,
        ArrayView<float> f, ArrayView<float> g, LadderSize size) =>
        device.Launch(kernel, g.Length, f, g, size.Pixels, size.Channels, 1f / size.Pixels);

    private static void PerTile(
        ComputeDevice device, Action<ArrayView<float>, ArrayView<float>, int, int, float> kernel, int tile,
        ArrayView<float> f, ArrayView<float> g, LadderSize size) =>
        device.LaunchGrouped(
            kernel,
            new KernelConfig(new Index3D(size.Channels / tile, size.Channels / tile, 1), new Index3D(Side, Side, 1)),
            f, g, size.Pixels, size.Channels, 1f / size.Pixels);

    /// <summary>What a warp of two rows of 16 work items reads for a pixel: four floats of each side.</summary>
    private static WarpAccess[] InTile(int row) =>
    [
        .. Enumerable.Range(0, 4).Select(part => Shared(lane => ((lane / Side) + (part * Side)) * row)),
        .. Enumerable.Range(0, 4).Select(part => Shared(lane => ((lane % Side) + (part * Side)) * row)),
    ];

    /// <summary>The place of a quad in <see cref="TensorProduct"/>'s shared memory.</summary>
    private static int QuadOf(int line, int t) => (line * 4) + (t ^ ((line >> 1) & 3));

    private static WarpAccess Global(Func<int, int> addressOf, int floats = 1) =>
        WarpAccess.Global(addressOf, floats);

    private static WarpAccess Shared(Func<int, int> addressOf, int floats = 1) =>
        WarpAccess.Shared(addressOf, floats);

    private static KernelEntry Entry(Delegate kernel) => new(kernel.Method);
}
