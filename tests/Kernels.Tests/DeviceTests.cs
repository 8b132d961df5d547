using System.Globalization;
using ILGPU;
using ILGPU.Runtime;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;
using NativeStyle.Kernels.Operators.Conv3x3;
using NativeStyle.Kernels.Operators.Gram;
using NativeStyle.Kernels.Operators.Pool2x2;
using NativeStyle.Kernels.Operators.Reduction;
using NativeStyle.Kernels.Operators.Relu;
using NativeStyle.Kernels.Operators.Vectors;

namespace NativeStyle.Kernels.Tests;

public class DeviceTests
{
    [Fact]
    public void FreedMemoryIsUsedAgain()
    {
        using var cpu = new CpuDevice(1);
        for (int round = 0; round < 100; round++)
        {
            using DeviceBuffer<float> a = cpu.Allocate<float>(1_000_000);
            using DeviceBuffer<float> b = cpu.Allocate<float>(50);
        }

        Assert.Equal(0, cpu.MemoryBytes.InUse);
        Assert.InRange(cpu.MemoryBytes.Held, 4_000_000, 4_100_000);
        cpu.TrimPool();
        Assert.Equal(0, cpu.MemoryBytes.Held);
    }

    /// <summary>
    /// Neighbours that are freed, in whatever order, make room for one buffer of their total size.
    /// </summary>
    [Fact]
    public void FreedNeighboursJoin()
    {
        using var cpu = new CpuDevice(1);
        int[] order = [0, 1, 2, 3, 4, 5, 6, 7];
        var random = new Random(3);
        for (int round = 0; round < 20; round++)
        {
            DeviceBuffer<float>[] eight = [.. order.Select(_ => cpu.Allocate<float>(1_000_000))];
            random.Shuffle(order);
            foreach (int i in order) eight[i].Dispose();
            cpu.Allocate<float>(8_000_000).Dispose();
        }

        Assert.InRange(cpu.MemoryBytes.Held, 32_000_000, 32_200_000);
    }

    /// <summary>
    /// Buffers in use never overlap, whatever is taken and freed: each keeps the number it was filled with.
    /// </summary>
    [Fact]
    public void BuffersInUseNeverOverlap()
    {
        using var cpu = new CpuDevice(1);
        var random = new Random(4);
        List<(DeviceBuffer<int> Buffer, int Mark)> live = [];
        for (int step = 0; step < 3000; step++)
        {
            if (live.Count < 20 || random.Next(2) == 0)
            {
                int length = random.Next(3) == 0 ? random.Next(400_000) : random.Next(2_000);
                DeviceBuffer<int> buffer = cpu.Allocate<int>(length);
                int[] marks = new int[buffer.Length];
                Array.Fill(marks, step);
                buffer.CopyFromCPU(marks);
                live.Add((buffer, step));
            }
            else
            {
                int at = random.Next(live.Count);
                Assert.All(
                    live[at].Buffer.GetAsArray().Where((_, i) => i % 97 == 0),
                    value => Assert.Equal(live[at].Mark, value));
                live[at].Buffer.Dispose();
                live.RemoveAt(at);
            }
        }

        foreach ((DeviceBuffer<int> buffer, int mark) in live)
        {
            Assert.DoesNotContain(buffer.GetAsArray(), value => value != mark);
            buffer.Dispose();
        }

        Assert.Equal(0, cpu.MemoryBytes.InUse);
    }

    [Fact]
    public void ABufferMayOutliveItsDevice()
    {
        DeviceBuffer<float> buffer;
        using (var cpu = new CpuDevice(1)) buffer = cpu.Allocate<float>(10);
        Assert.Equal(10, buffer.View.Length);
        buffer.Dispose();
    }

    [Fact]
    public void ADisposedBufferCannotBeUsed()
    {
        using var cpu = new CpuDevice(1);
        DeviceBuffer<float> buffer = cpu.Allocate<float>(4);
        buffer.Dispose();
        buffer.Dispose();
        Assert.Throws<ObjectDisposedException>(() => buffer.View);
    }

    [Fact]
    public void CopiesWantEqualLengths()
    {
        using var cpu = new CpuDevice(1);
        using DeviceBuffer<float> buffer = cpu.Allocate<float>(4);
        Assert.Throws<ArgumentException>(() => buffer.CopyFromCPU(new float[3]));
        Assert.Throws<ArgumentException>(() => buffer.CopyToCPU(new float[5]));
    }

    [Fact]
    public void OperatorsRefuseViewsOfWrongLength()
    {
        using var cpu = new CpuDevice(1);
        using DeviceBuffer<float> four = cpu.Allocate<float>(4), five = cpu.Allocate<float>(5);
        Assert.Throws<ArgumentException>(() => ReluOp.Forward(cpu, four.View, five.View));
        Assert.Throws<ArgumentException>(() => GramOp.Forward(cpu, four.View, five.View, 2, 2, 1));
        Assert.Throws<ArgumentException>(() =>
            AveragePoolOp.Forward(cpu, four.View, five.View, new PoolShape(2, 2, 1, PoolEdge.Floor)));
        Assert.Throws<ArgumentException>(() => new Conv3x3Weights(cpu, new float[17], new float[1]));
    }

    /// <summary>The bytes are the same for any number of threads: no sum depends on how the work was divided.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public void ResultsDoNotDependOnTheNumberOfThreads(int threads)
    {
        // Direct (24 channels do not fill AVX-512's vectors), Winograd by tiles, Winograd by channels.
        Conv3x3Shape[] shapes = [new(37, 29, 24, 40), new(37, 29, 32, 48), new(9, 7, 32, 96)];
        foreach (Conv3x3Shape shape in shapes)
            Assert.Equal(ConvolutionAndGram(3, shape), ConvolutionAndGram(threads, shape));
    }

    /// <summary>
    /// Workers whose scratch the system refused have none, whatever they had before, and ask again for the next part.
    /// </summary>
    [Theory]
    [InlineData(1, 0)]
    [InlineData(2, 0)]
    [InlineData(3, 5000)]
    public unsafe void AfterRefusedScratchTheNextPartsHaveTheirOwn(int threads, int before)
    {
        using var cpu = new CpuDevice(threads);
        if (before > 0) CheckScratch(before);
        long[] sizes = [long.MaxValue, (long.MaxValue / 4) + 1, long.MaxValue / 16, 1L << 58, 1L << 45];
        foreach (long absurd in sizes)
        {
            int parts = 0;
            Assert.Throws<OutOfMemoryException>(
                () => cpu.Parallel(8, absurd, (_, _) => Interlocked.Increment(ref parts)));
            Assert.Equal(0, parts);
            // Smaller than what was refused; then smaller, equal, and larger than what the workers have now.
            foreach (int floats in new[] { 4000, 1000, 4000, 70_000 }) CheckScratch(floats);
        }

        void CheckScratch(int floats)
        {
            int[] done = new int[8];
            cpu.Parallel(8, floats, (part, scratch) =>
            {
                var mine = new Span<float>(scratch, floats);
                mine.Fill(part);
                Thread.Yield();
                Assert.Equal(0, (long)scratch % 64);
                Assert.False(mine.ContainsAnyExcept((float)part), "two parts had the same scratch at once");
                Interlocked.Increment(ref done[part]);
            });
            Assert.All(done, times => Assert.Equal(1, times));
        }
    }

    /// <summary>
    /// A part that throws, whichever it is, and several at once: the loop ends with one of their exceptions, and the
    /// team goes on. A deadlock would end the test's deadline.
    /// </summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(7)]
    public async Task PartsThatThrowEndTheLoopAndNothingElse(int threads)
    {
        const int Parts = 24;
        using var cpu = new CpuDevice(threads);
        var random = new Random(threads);
        Task rounds = Task.Run(() =>
        {
            for (int round = 0; round < 2000; round++)
            {
                var throwing = Enumerable.Range(0, random.Next(1, 6)).Select(_ => random.Next(Parts)).ToHashSet();
                InvalidDataException error = Assert.Throws<InvalidDataException>(() => cpu.Parallel(Parts, part =>
                {
                    if (throwing.Contains(part)) throw new InvalidDataException($"{part}");
                }));
                Assert.Contains(int.Parse(error.Message, CultureInfo.InvariantCulture), throwing);
                int sum = 0;
                cpu.Parallel(Parts, part => Interlocked.Add(ref sum, part));
                Assert.Equal(Parts * (Parts - 1) / 2, sum);
            }
        });
        await rounds.WaitAsync(TimeSpan.FromMinutes(2));
    }

    /// <summary>Offsets and lengths whose sum overflows are outside of the memory, like all others.</summary>
    [Theory]
    [InlineData(long.MaxValue - 3, 100)]
    [InlineData(long.MaxValue, 1)]
    [InlineData(long.MaxValue, long.MaxValue)]
    [InlineData(100, long.MaxValue - 3)]
    [InlineData(1, long.MaxValue)]
    [InlineData(-1, 2)]
    [InlineData(-1, 1)]
    [InlineData(long.MinValue, 4)]
    [InlineData(long.MinValue, long.MaxValue)]
    [InlineData(0, -1)]
    [InlineData(2, -2)]
    [InlineData(3, long.MinValue)]
    [InlineData(1L << 62, 1L << 62)]
    [InlineData(0, 1L << 62)]
    [InlineData(5, 1)]
    [InlineData(0, 5)]
    public void NoViewLiesOutsideOfItsMemory(long offset, long length)
    {
        foreach (string name in new[] { "cpu", "cpu-kernels" })
        {
            using ComputeDevice device = TestDevice.Open(name);
            using DeviceBuffer<float> buffer = device.Allocate<float>([1f, 2f, 3f, 4f]);
            // ILGPU adds offset and length without a check for overflow, which lets this one pair through where the
            // offset alone is within the view. No call here has such a length, and Read and Write refuse the view.
            if ((offset, length) != (1, long.MaxValue))
            {
                AssertRefused(() => buffer.View.SubView(offset, length));
                AssertRefused(() => buffer.View.SubView(1, 3).SubView(offset, length));
            }

            AssertRefused(() => device.Read(buffer.View.SubView(offset, length), new float[4]));
            AssertRefused(() => device.Write<float>([9f, 9f, 9f, 9f], buffer.View.SubView(offset, length)));
            AssertRefused(() => device.Allocate<float>(long.MaxValue - Math.Abs(offset / 2)).Dispose());
            Assert.Equal([1f, 2f, 3f, 4f], buffer.GetAsArray());
        }

        static void AssertRefused(Action action)
        {
            Exception? error = Record.Exception(action);
            Assert.True(
                error is DeviceException or ArgumentException or OverflowException or OutOfMemoryException, $"{error}");
        }
    }

    [Fact]
    public void AFailingPartReachesTheCallerAndTheTeamGoesOn()
    {
        using var cpu = new CpuDevice(3);
        using DeviceBuffer<float> buffer = cpu.Allocate<float>(new float[1000]);
        for (int round = 0; round < 20; round++)
        {
            // ILGPU's own checks would end the process here.
            Assert.Throws<DeviceException>(() => cpu.Launch(VectorOps.FillKernel, 1001, buffer.View, 1f));
            cpu.Launch(VectorOps.FillKernel, 1000, buffer.View, (float)round);
            Assert.All(buffer.GetAsArray(), value => Assert.Equal(round, value));
        }
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(4)]
    [InlineData(int.MaxValue)]
    public void AViewRefusesWrongIndices(int index)
    {
        using var cpu = new CpuDevice(2);
        using DeviceBuffer<float> buffer = cpu.Allocate<float>(4);
        Assert.Throws<DeviceException>(() => buffer.View[index]);
        Assert.Throws<DeviceException>(() => buffer.View.SubView(1, 4));
    }

    [Fact]
    public void AnEmptyViewIsNoAddressAndNoError()
    {
        using var cpu = new CpuDevice(2);
        using DeviceBuffer<float> none = cpu.Allocate<float>(0), one = cpu.Allocate<float>(1);
        VectorOps.Fill(cpu, none.View, 1f);
        VectorOps.Copy(cpu, none.View, none.View);
        ReluOp.Forward(cpu, none.View, none.View);
        ReductionOp.Sum(cpu, none.View, one.View);
        Assert.Equal(0f, one.GetAsArray()[0]);
        Assert.Empty(none.GetAsArray());
    }

    [Fact]
    public void BuffersStartOnCacheLinesAndWindowsMayNot()
    {
        using var cpu = new CpuDevice(1);
        using DeviceBuffer<float> odd = cpu.Allocate<float>(3), buffer = cpu.Allocate<float>(100);
        Assert.True(buffer.View.StartsAt16Bytes);
        Assert.Equal(
            [false, false, false, true],
            new[] { 1, 2, 3, 4 }.Select(i => buffer.View.SubView(i, 8).StartsAt16Bytes));
    }

    [Fact]
    public void KernelsOfGroupsAreRefusedWhereThereAreNone()
    {
        using var cpu = new CpuDevice(1);
        using DeviceBuffer<float> partials = cpu.Allocate<float>(ReductionOp.Parts), sum = cpu.Allocate<float>(1);
        DeviceException error = Assert.Throws<DeviceException>(() =>
            cpu.LaunchGrouped(ReductionOp.TreeKernel, new KernelConfig(1, 64), partials.View, sum.View, 1f));
        Assert.Contains("TreeKernel", error.Message, StringComparison.Ordinal);
    }

    private static byte[] ConvolutionAndGram(int threads, Conv3x3Shape sizes)
    {
        using var cpu = new CpuDevice(threads);
        var random = new Random(5);
        Conv3x3Shape shape = sizes with { Relu = true };
        int channels = shape.OutChannels;
        using DeviceBuffer<float> x = cpu.Allocate<float>(Floats(random, shape.InLength));
        using DeviceBuffer<float> y = cpu.Allocate<float>(shape.OutLength);
        using DeviceBuffer<float> gram = cpu.Allocate<float>(channels * channels), sum = cpu.Allocate<float>(1);
        using DeviceBuffer<uint> gate = cpu.Allocate<uint>(shape.GateLength);
        using var weights = new Conv3x3Weights(cpu, Floats(random, shape.FilterLength), Floats(random, channels));
        Conv3x3Op.Forward(cpu, x.View, weights, y.View, gate.View, shape);
        GramOp.Forward(cpu, y.View, gram.View, (int)shape.Pixels, channels, 0.01f);
        Conv3x3Op.BackwardData(cpu, y.View, gate.View, weights, x.View, shape, 1f);
        ReductionOp.Sum(cpu, y.View, sum.View);
        float[] all = [.. y.GetAsArray(), .. gram.GetAsArray(), .. x.GetAsArray(), .. sum.GetAsArray()];
        return [.. all.SelectMany(BitConverter.GetBytes)];
    }

    private static float[] Floats(Random random, long length)
    {
        float[] values = new float[length];
        for (int i = 0; i < values.Length; i++) values[i] = random.NextSingle() - 0.5f;
        return values;
    }
}
