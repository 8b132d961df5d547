using ILGPU;
using ILGPU.Runtime;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Operators;
using NativeStyle.Kernels.Operators.Pool2x2;
using NativeStyle.Kernels.Translation;

namespace NativeStyle.Kernels.Ladder;

/// <summary>The steps of average pooling: the kernels, their launches, and what is expected of them.</summary>
internal static partial class PoolLadder
{
    /// <summary>The channels and the columns for which the addresses of a warp are written down.</summary>
    private const int SampleChannels = 64, SampleColumns = 512;

    public static KernelLadder Create() => new(
        "pool", "2x2 average pooling", IsBoundByMemory: true,
        [
            Step(1, "plain", Entry(PlainKernel), Accesses(lane => 2 * lane * SampleChannels, 1), null,
                (device, x, y, size) => device.Launch(
                    PlainKernel, y.Length, x, y, size.Rows / 2, size.Columns / 2, size.Channels)),
            Step(2, "coalesced", Entry(CoalescedKernel), Accesses(lane => lane, 1), 4,
                (device, x, y, size) => device.Launch(
                    CoalescedKernel, y.Length, x, y, size.Columns / 2, size.Channels)),
            Step(3, "independent loads", Entry(IndependentLoadsKernel), Accesses(lane => lane, 1), 1.5,
                (device, x, y, size) => device.Launch(
                    IndependentLoadsKernel, y.Length, x, y, size.Columns / 2, size.Channels)),
            Step(4, "16 bytes a load", Entry(QuadsKernel), Accesses(lane => OfQuad(lane), 4), 2,
                (device, x, y, size) => device.Launch(
                    QuadsKernel, y.Length / 4, Quads(x), Quads(y), size.Columns / 2, size.Channels)),
            Step(5, "two windows", Entry(PairsKernel), Accesses(lane => OfQuad(lane), 4), 1.2,
                (device, x, y, size) => device.Launch(
                    PairsKernel, y.Length / 8, Quads(x), Quads(y), size.Columns / 2, size.Channels)),
            Step(6, "shared memory", Entry(SharedTileKernel), Accesses(lane => OfQuad(lane), 4), 0.7,
                (device, x, y, size) => device.LaunchGrouped(
                    SharedTileKernel, new KernelConfig((int)(y.Length / 4 / Items), Items), Quads(x), Quads(y),
                    size.Columns / 2, size.Channels), before: 4),
        ],
        size => size.Length / 4,
        size => size.Length,
        size => 5.0 * size.Length,
        (device, x, y, size) => AveragePoolOp.Forward(
            device, x, y, new PoolShape(size.Rows, size.Columns, size.Channels, PoolEdge.Floor)));

    private static LadderStep Step(
        int number, string title, KernelEntry kernel, WarpAccess[] accesses, double? expectedGain,
        Action<ComputeDevice, ArrayView<float>, ArrayView<float>, LadderSize> run, int? before = null) =>
        new(number, title, before ?? (number - 1), kernel, 5, accesses, 1, expectedGain, run)
        {
            // With the sizes of the ladder, the output is whole groups then.
            ChannelMultiple = 8,
        };

    /// <summary>The four loads and the store of a warp.</summary>
    /// <param name="addressOf">The place of a work item's upper left pixel.</param>
    private static WarpAccess[] Accesses(Func<int, int> addressOf, int floats) =>
    [
        .. Enumerable.Range(0, 4).Select(k => WarpAccess.Global(
            lane => addressOf(lane) + (((k / 2 * SampleColumns) + (k % 2)) * SampleChannels), floats)),
        WarpAccess.Global(
            lane => (addressOf(lane) / (2 * SampleChannels) * SampleChannels) + (addressOf(lane) % SampleChannels),
            floats),
    ];

    /// <summary>The place of a quad: 16 work items have the 64 channels of a window.</summary>
    private static int OfQuad(int lane) => (lane / 16 * 2 * SampleChannels) + (lane % 16 * 4);

    private static ArrayView<Float4> Quads(ArrayView<float> view) => view.Cast<Float4>();

    private static KernelEntry Entry(Delegate kernel) => new(kernel.Method);
}
