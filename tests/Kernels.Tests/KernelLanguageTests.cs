using ILGPU.Runtime;
using ILGPU;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;

namespace NativeStyle.Kernels.Tests;

/// <summary>The kernel language on the CPU device: indices, groups, shared and local memory, barriers, atomics.</summary>
public class KernelLanguageTests
{
    private const int GroupSize = 32;

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void ImplicitKernelsRunOncePerIndex(int threads)
    {
        using var cpu = new CpuDevice(threads);
        using DeviceBuffer<int> counts = Zeros(cpu, 3 * 5 * 7);
        cpu.Launch(Count3D, new Index3D(3, 5, 7), counts.View);
        Assert.All(counts.GetAsArray(), count => Assert.Equal(1, count));
        using DeviceBuffer<int> plane = Zeros(cpu, 6);
        cpu.Launch(Linear2D, new Index2D(3, 2), plane.View);
        // X varies fastest.
        Assert.Equal([0, 1, 2, 10, 11, 12], plane.GetAsArray());
    }

    [Fact]
    public void AnEmptyExtentRunsNothing()
    {
        using var cpu = new CpuDevice(2);
        using DeviceBuffer<int> counts = Zeros(cpu, 1);
        cpu.Launch(CountAtomically, (Index1D)0, counts.View);
        Assert.Equal(0, counts.GetAsArray()[0]);
    }

    [Fact]
    public void GroupedKernelsShareMemoryAcrossABarrier()
    {
        using var cpu = new CpuDevice(2);
        using DeviceBuffer<int> output = Zeros(cpu, 5 * GroupSize);
        cpu.LaunchGrouped(ReverseInGroup, new KernelConfig(5, GroupSize), output.View);
        int[] expected = [.. Enumerable.Range(0, 5 * GroupSize).Select(i => (i / GroupSize * 1000) + (GroupSize - 1 - (i % GroupSize)))];
        Assert.Equal(expected, output.GetAsArray());
    }

    [Fact]
    public void ManyBarriersKeepAGroupInStep()
    {
        using var cpu = new CpuDevice(2);
        using DeviceBuffer<int> output = Zeros(cpu, GroupSize);
        cpu.LaunchGrouped(PrefixSum, new KernelConfig(1, GroupSize), output.View);
        Assert.Equal(Enumerable.Range(1, GroupSize).Select(i => i * (i + 1) / 2), output.GetAsArray());
    }

    [Fact]
    public void SharedMemoryStartsAsNotANumberInEveryGroup()
    {
        using var cpu = new CpuDevice(1);
        using DeviceBuffer<int> seen = Zeros(cpu, 1);
        cpu.LaunchGrouped(CountUninitialised, new KernelConfig(4, 8), seen.View);
        Assert.Equal(4 * 8, seen.GetAsArray()[0]);
    }

    [Fact]
    public void ADivergentBarrierIsAnErrorThatSaysSo()
    {
        using var cpu = new CpuDevice(2);
        using DeviceBuffer<int> output = Zeros(cpu, 1);
        var error = Assert.Throws<InvalidOperationException>(() =>
            cpu.LaunchGrouped(HalfComesToTheBarrier, new KernelConfig(1, 8), output.View));
        Assert.Contains("divergent barrier", error.Message, StringComparison.Ordinal);
        Assert.Contains("4 of the group's 8", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AnExceptionInOneWorkItemEndsTheOthersAtTheirBarrier()
    {
        using var cpu = new CpuDevice(2);
        using DeviceBuffer<int> output = Zeros(cpu, 4);
        var error = Assert.Throws<InvalidOperationException>(() =>
            cpu.LaunchGrouped(OneItemFails, new KernelConfig(3, 8), output.View));
        Assert.Contains(nameof(OneItemFails), error.Message, StringComparison.Ordinal);
        Assert.IsType<IndexOutOfRangeException>(error.InnerException);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(4)]
    [InlineData(int.MaxValue)]
    public void AViewRefusesWrongIndices(int index)
    {
        using var cpu = new CpuDevice(2);
        using DeviceBuffer<int> buffer = Zeros(cpu, 4);
        Assert.Throws<IndexOutOfRangeException>(() => cpu.Launch(WriteAt, (Index1D)1, buffer.View, index));
        Assert.Throws<IndexOutOfRangeException>(() => buffer.View.SubView(1, 2)[2]);
        Assert.Throws<ArgumentOutOfRangeException>(() => buffer.View.SubView(1, 4));
    }

    [Fact]
    public void AtomicsLoseNothing()
    {
        using var cpu = new CpuDevice(4);
        using DeviceBuffer<int> cells = Zeros(cpu, 3);
        cpu.Launch(CountAtomically, (Index1D)10_000, cells.View.SubView(0, 1));
        cpu.Launch(Extremes, (Index1D)1000, cells.View.SubView(1, 2));
        Assert.Equal([10_000, 999, -999], cells.GetAsArray());
    }

    [Fact]
    public void LocalMemoryBelongsToAWorkItem()
    {
        using var cpu = new CpuDevice(3);
        using DeviceBuffer<int> output = Zeros(cpu, 500);
        cpu.Launch(SumOfLocal, (Index1D)500, output.View);
        Assert.Equal(Enumerable.Range(0, 500).Select(i => 16 * i), output.GetAsArray());
    }

    [Fact]
    public void GroupAndGridOutsideAGroupedKernelSayWhereTheyBelong()
    {
        var error = Assert.Throws<InvalidOperationException>(() => Group.IdxX);
        Assert.Contains("explicitly grouped kernel", error.Message, StringComparison.Ordinal);
    }

    private static DeviceBuffer<int> Zeros(ComputeDevice device, int length) => device.Allocate<int>(new int[length]);

    [Kernel]
    private static void Count3D(Index3D index, ArrayView<int> counts) =>
        Atomic.Add(ref counts[index.X + (3 * (index.Y + (5 * index.Z)))], 1);

    [Kernel]
    private static void Linear2D(Index2D index, ArrayView<int> output) => output[index.X + (3 * index.Y)] = index.X + (10 * index.Y);

    [Kernel]
    private static void CountAtomically(Index1D index, ArrayView<int> counts) => Atomic.Add(ref counts[0], 1);

    [Kernel]
    private static void Extremes(Index1D index, ArrayView<int> cells)
    {
        Atomic.Max(ref cells[0], index);
        Atomic.Min(ref cells[1], -index.X);
    }

    [Kernel]
    private static void WriteAt(Index1D index, ArrayView<int> buffer, int at) => buffer[at] = 1;

    [Kernel]
    private static void SumOfLocal(Index1D index, ArrayView<int> output)
    {
        ArrayView<int> local = LocalMemory.Allocate<int>(16);
        for (int i = 0; i < 16; i++) local[i] = index;
        int sum = 0;
        for (int i = 0; i < 16; i++) sum += local[i];
        output[index] = sum;
    }

    [Kernel]
    private static void ReverseInGroup(ArrayView<int> output)
    {
        ArrayView<int> shared = SharedMemory.Allocate<int>(GroupSize);
        shared[Group.IdxX] = Group.IdxX;
        Group.Barrier();
        output[Grid.GlobalIndex.X] = (Grid.IdxX * 1000) + shared[GroupSize - 1 - Group.IdxX];
    }

    [Kernel]
    private static void PrefixSum(ArrayView<int> output)
    {
        ArrayView<int> shared = SharedMemory.Allocate<int>(GroupSize);
        int lane = Group.IdxX;
        shared[lane] = lane + 1;
        for (int offset = 1; offset < GroupSize; offset *= 2)
        {
            Group.Barrier();
            int left = lane >= offset ? shared[lane - offset] : 0;
            Group.Barrier();
            shared[lane] += left;
        }

        output[lane] = shared[lane];
    }

    [Kernel]
    private static void CountUninitialised(ArrayView<int> seen)
    {
        ArrayView<float> shared = SharedMemory.Allocate<float>(8);
        if (float.IsNaN(shared[Group.IdxX])) Atomic.Add(ref seen[0], 1);
        shared[Group.IdxX] = 1f;
    }

    [Kernel]
    private static void HalfComesToTheBarrier(ArrayView<int> output)
    {
        if (Group.IdxX < 4) Group.Barrier();
        output[0] = 1;
    }

    [Kernel]
    private static void OneItemFails(ArrayView<int> output)
    {
        output[Group.IdxX == 5 ? 4 : 0] = 1;
        Group.Barrier();
    }
}
