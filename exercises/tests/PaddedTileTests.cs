using ILGPU;
using ILGPU.Runtime;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;

namespace NativeStyle.Exercises.Tests;

public class PaddedTileTests
{
    private const int Banks = 32;

    [Fact]
    public void LanesNeverMeetInABankAndTheKernelTransposes()
    {
        int[] all = [.. Enumerable.Range(0, PaddedTile.Side)];
        Assert.InRange(PaddedTile.Length, PaddedTile.Side * PaddedTile.Side, (PaddedTile.Side * PaddedTile.Side) + 32);
        int[] places = [.. all.SelectMany(row => all.Select(column => PaddedTile.Place(row, column)))];
        Assert.All(places, place => Assert.InRange(place, 0, PaddedTile.Length - 1));
        Assert.Equal(places.Length, places.Distinct().Count());
        foreach (int row in all)
        {
            Assert.Equal(1, MostInABank(all.Select(lane => PaddedTile.Place(row, lane))));
            Assert.Equal(1, MostInABank(all.Select(lane => PaddedTile.Place(lane, row))));
        }

        using KernelDevice device = KernelDevice.OnCpu();
        float[] values = [.. Enumerable.Range(0, PaddedTile.Side * PaddedTile.Side).Select(i => (float)i)];
        using DeviceBuffer<float> from = device.Allocate<float>(values), to = device.Allocate<float>(values.Length);
        var config = new KernelConfig(new Index3D(1, 1, 1), new Index3D(PaddedTile.Side, 4, 1));
        device.LaunchGrouped(PaddedTile.TransposeKernel, config, from.View, to.View);
        Assert.Equal(all.SelectMany(row => all.Select(column => (float)((column * 32) + row))), to.GetAsArray());
    }

    private static int MostInABank(IEnumerable<int> addresses) =>
        addresses.GroupBy(address => address % Banks).Max(bank => bank.Count());
}
