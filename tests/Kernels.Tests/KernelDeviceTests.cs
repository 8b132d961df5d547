using ILGPU;
using ILGPU.Runtime;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;
using NativeStyle.Kernels.Operators.Vectors;

namespace NativeStyle.Kernels.Tests;

/// <summary>Tests devices that run kernels by ILGPU: memory, launches, and what they refuse.</summary>
public class KernelDeviceTests
{
    [Fact]
    public void OnTheCpu() => CheckMemory("cpu-kernels");

    [SkippableFact]
    [Trait("Device", "OpenCl")]
    public void OnOpenCl() => CheckMemory("opencl");

    [Fact]
    public void AGridThatNoDeviceTakesIsRefused()
    {
        using ComputeDevice device = TestDevice.Open("cpu-kernels");
        using DeviceBuffer<float> buffer = device.Allocate<float>(4);
        foreach (Index3D grid in new[] { new Index3D(1, 65_536, 1), new Index3D(1, 1, 65_536) })
        {
            Assert.Throws<ArgumentException>(() =>
                device.LaunchGrouped(NothingKernel, new KernelConfig(grid, new Index3D(1, 1, 1)), buffer.View));
        }

        DeviceException tooLarge = Assert.Throws<DeviceException>(
            () => device.LaunchGrouped(NothingKernel, new KernelConfig(1, 4096), buffer.View));
        Assert.Contains("4096 work items", tooLarge.Message, StringComparison.Ordinal);
    }

    [SkippableFact]
    [Trait("Device", "OpenCl")]
    public void TooMuchMemoryIsAnErrorThatSaysSo()
    {
        using ComputeDevice device = TestDevice.OpenCl();
        OutOfMemoryException error = Assert.ThrowsAny<OutOfMemoryException>(
            () => device.Allocate<long>((device.LargestBufferBytes / sizeof(long)) + 1024));
        Assert.Contains("MiB", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void GroupsShareMemoryAcrossBarriers()
    {
        using ComputeDevice device = TestDevice.Open("cpu-kernels");
        using DeviceBuffer<int> output = device.Allocate<int>(3 * 32);
        device.LaunchGrouped(ReverseKernel, new KernelConfig(3, 32), output.View);
        Assert.Equal(Enumerable.Range(0, 96).Select(i => (i / 32 * 1000) + 31 - (i % 32)), output.GetAsArray());
    }

    private static void CheckMemory(string name)
    {
        using ComputeDevice device = TestDevice.Open(name);
        var random = new Random(2);
        List<(DeviceBuffer<int> Buffer, int[] Values)> live = [];
        for (int step = 0; step < 200; step++)
        {
            int[] values = new int[random.Next(1, random.Next(4) == 0 ? 900_000 : 3_000)];
            Array.Fill(values, step);
            live.Add((device.Allocate<int>(values), values));
            if (live.Count < 12) continue;
            int at = random.Next(live.Count);
            Assert.Equal(live[at].Values, live[at].Buffer.GetAsArray());
            live[at].Buffer.Dispose();
            live.RemoveAt(at);
        }

        foreach ((DeviceBuffer<int> buffer, int[] values) in live)
        {
            Assert.Equal(values, buffer.GetAsArray());
            buffer.Dispose();
        }

        Assert.Equal(0, device.MemoryBytes.InUse);
        // A kernel writes a window, and nothing outside it.
        using (DeviceBuffer<float> buffer = device.Allocate<float>(new float[100]))
        {
            VectorOps.Fill(device, buffer.View.SubView(7, 20), 3f);
            Assert.Equal(Enumerable.Range(0, 100).Select(i => i is >= 7 and < 27 ? 3f : 0f), buffer.GetAsArray());
            VectorOps.Scale(device, buffer.View.SubView(0, 0), 3f);
        }

        device.TrimPool();
        Assert.Equal(0, device.MemoryBytes.Held);
    }

    private static void NothingKernel(ArrayView<float> buffer)
    {
        if (Grid.IdxX > 0) buffer[0] = 0f;
    }

    private static void ReverseKernel(ArrayView<int> output)
    {
        ArrayView<int> shared = SharedMemory.Allocate<int>(32);
        shared[Group.IdxX] = Group.IdxX;
        Group.Barrier();
        output[(Grid.IdxX * 32) + Group.IdxX] = (Grid.IdxX * 1000) + shared[31 - Group.IdxX];
    }
}
