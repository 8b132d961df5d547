using NativeStyle.Imaging;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;
using NativeStyle.Kernels.Operators.Pool2x2;
using NativeStyle.Style;
using NativeStyle.Style.Options;
using NativeStyle.Style.Study;
using NativeStyle.Style.Tiling;
using NativeStyle.Tests;
using NativeStyle.Vgg;
using NativeStyle.Vgg.Weights;

namespace NativeStyle.Style.Tests;

/// <summary>
/// Tests that tiles partition maps, that plans keep limits, and that runs take the memory that plans foretell.
/// </summary>
public sealed class TilePlannerTests
{
    private const long MiB = 1L << 20;

    /// <summary>
    /// Every pixel of every level belongs to one tile. What a tile computes contains what it owns and what that sees.
    /// </summary>
    [Theory]
    [InlineData(PoolEdge.Floor)]
    [InlineData(PoolEdge.Same)]
    public void TilesPartitionEveryMap(PoolEdge edge)
    {
        var random = new Random(3);
        for (int round = 0; round < 40; round++)
        {
            (int height, int width) = (random.Next(16, 70), random.Next(16, 70));
            TilePlan plan = TilePlans.Random(
                random, new VggPlan(VggArchitecture.Vgg19, new VggOptions(PoolEdge: edge), ["conv5_1"]), height, width);
            foreach (SegmentPlan segment in plan.Segments)
            {
                for (int level = 0; level <= segment.Segment.LastLevel; level++)
                {
                    (int rows, int columns) = segment.Segment.SizeAt(level);
                    int[,] owners = new int[rows, columns];
                    foreach (Tile tile in segment.Tiles)
                    {
                        (Window own, Window computed) = (tile.Own(level), tile.Computed(level));
                        for (int y = own.Top; y < own.Bottom; y++)
                            for (int x = own.Left; x < own.Right; x++) owners[y, x]++;
                        Assert.True(
                            computed.Top <= own.Top && computed.Left <= own.Left && computed.Bottom >= own.Bottom
                                && computed.Right >= own.Right);
                        Assert.True(
                            computed.Top >= 0 && computed.Left >= 0 && computed.Bottom <= rows
                                && computed.Right <= columns);
                    }

                    Assert.All(owners.Cast<int>(), owner => Assert.Equal(1, owner));
                }
            }
        }
    }

    [Fact]
    public void PlansKeepTheLimitAndComputeMoreTheSmallerItIs()
    {
        using var cpu = new CpuDevice(2);
        TransferOptions options = Presets.NeuralStyle with { Optimizer = OptimizerKind.Adam };
        double seconds = 0;
        var rehearsal = new MemoryRehearsal(cpu, VggArchitecture.Vgg19, options);
        var times = new TileTimes(cpu);
        foreach (long limit in new[] { 6000, 2000, 1200, 800, 600 })
        {
            (TilePlan plan, long peak) =
                new TilePlanner(rehearsal, times, limit * MiB).At(PassKind.Iteration, 1500, 2000);
            Assert.InRange(peak, 1, limit * MiB);
            Assert.Equal(limit == 6000, plan.IsWhole);
            double takes = times.Of(plan, iterates: true, rehearsal.ContentBytes(1500, 2000), measured: false);
            Assert.True(takes > seconds, $"{limit} MiB: {takes} s, with more memory {seconds} s");
            seconds = takes;
        }

        var large = new MemoryPlanner(cpu, VggArchitecture.Vgg19, options, 6000 * MiB);
        Assert.True(large.At(1500, 2000) is { Fits: true, Tiles: null });
        var small = new MemoryPlanner(cpu, VggArchitecture.Vgg19, options, 600 * MiB);
        Assert.True(small.At(1500, 2000) is { Fits: true, Tiles: not null });
        Assert.False(new MemoryPlanner(cpu, VggArchitecture.Vgg19, options, 200 * MiB).At(1500, 2000).Fits);
    }

    [Fact]
    public void LbfgsRemembersWhatFits()
    {
        using var cpu = new CpuDevice(2);
        TransferOptions options = Presets.Gatys with { History = 20 };
        Assert.Equal(20, Within(4000).Options.History);
        MemoryPlanner small = Within(700);
        Assert.InRange(small.Options.History, 1, 19);
        Assert.True(small.At(1000, 1000).Fits);
        Assert.False(small.IsWhole);

        MemoryPlanner Within(int limit) => MemoryPlanner.For(
            cpu, VggArchitecture.Vgg19, options, MemoryBudget.Limit(limit * MiB), 0, 1000, 1000);
    }

    public static TheoryData<string, int> Runs => new()
    {
        { "whole", 0 }, { "tiles", 160 }, { "tiles", 135 }, { "max", 145 }, { "masked", 170 }, { "lbfgs", 180 },
        { "same", 150 },
    };

    /// <summary>The peak of the device's memory is, block by block, that of the rehearsals.</summary>
    [Theory]
    [MemberData(nameof(Runs))]
    public void WhatARunTakesIsWhatWasForetold(string kind, int limit)
    {
        using var cpu = new CpuDevice(2);
        (double estimate, double measured, _) = Measure(cpu, kind, limit == 0 ? 1L << 40 : limit * MiB, 300, 380);
        Assert.True(
            Math.Abs(estimate - measured) <= 0.01 * measured,
            $"{kind}: {estimate / MiB:f1} MiB foretold, {measured / MiB:f1} MiB taken");
    }

    /// <summary>
    /// A run takes the memory that was foretold with the scratch of its threads, however many they are. On a machine of
    /// few cores some may get no work, so that their scratch stays smaller.
    /// </summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(8)]
    public void TheScratchOfEachThreadIsForetold(int threads)
    {
        using var cpu = new CpuDevice(threads);
        (double blocks, _, double estimate) = Measure(cpu, "whole", 1L << 40, 300, 380);
        double measured = cpu.MemoryBytes.Peak + cpu.ScratchBytes;
        Assert.True(estimate > blocks, $"{estimate / MiB:f1} MiB foretold, of which {blocks / MiB:f1} in blocks");
        Assert.True(
            measured <= 1.01 * estimate && measured >= (threads == 1 ? 0.99 : 0.9) * estimate,
            $"{threads} threads: {estimate / MiB:f1} MiB foretold, {measured / MiB:f1} MiB taken");
    }

    [SkippableFact]
    [Trait("Device", "OpenCl")]
    public void SoItIsOnOpenCl()
    {
        using ComputeDevice device = TestDevice.OpenCl();
        (double estimate, double measured, _) = Measure(device, "opencl", 130 * MiB, 260, 300);
        Assert.True(
            Math.Abs(estimate - measured) <= 0.01 * measured,
            $"{estimate / MiB:f1} MiB foretold, {measured / MiB:f1} MiB taken");
    }

    /// <summary>
    /// The peak of the device's blocks as foretold, the real one, and the foretold one with the threads' scratch.
    /// </summary>
    private static (double Blocks, double Measured, double WithScratch) Measure(
        ComputeDevice device, string kind, long limit, int height, int width)
    {
        TransferOptions options = Presets.DefaultTrained with
        {
            CoarsestSize = 0,
            Iterations = [kind == "lbfgs" ? 5 : 1],
            Size = width,
            Colors = ColorMode.Style,
            Pooling = kind == "max" ? Pooling.Max : Pooling.Average,
            PoolEdge = kind == "same" ? PoolEdge.Same : PoolEdge.Floor,
            Optimizer = kind == "lbfgs" ? OptimizerKind.Lbfgs : OptimizerKind.Adam,
            Clamp = kind != "lbfgs",
            History = 3,
            StyleLoss = kind == "masked" ? StyleLoss.Wasserstein : StyleLoss.Gram,
            ContentLayers = [new LayerWeight("conv3_1", 1)],
            StyleLayers = [.. Presets.DefaultTrained.StyleLayers
                .Where(layer => string.CompareOrdinal(layer.Layer, "conv4") < 0)],
        };
        using var network = new VggNetwork(
            device, RandomWeights.Create(VggArchitecture.Vgg19, 1, options.Layers.Order().Last()), options.Network);
        bool masked = kind == "masked";
        var planner = new MemoryPlanner(
            device, VggArchitecture.Vgg19, options, limit, masked ? 1 : 0, everywhere: !masked);
        MemoryEstimate estimate = planner.At(height, width);
        Assert.True(kind == "whole" == estimate.Tiles is null, $"{estimate}");
        var random = new Random(1);
        Picture content = Noise(random, height, width), style = Noise(random, height / 2, width / 2);
        new StyleTransfer(device, network, options) { Memory = planner }.Run(
            new TransferInputs(content, [new StyleInput(style, 1, kind == "masked" ? style : null)]),
            Schedule.Plan(options, height, width),
            default);
        var rehearsal = new MemoryRehearsal(
            device, VggArchitecture.Vgg19, options, masked ? 1 : 0, everywhere: !masked);
        TilePlan result = planner.Planner.Iteration(height, width);
        (long Blocks, long WithScratch)[] foretold =
        [
            Peaks(PassKind.Iteration, result),
            Peaks(PassKind.Content, planner.Planner.Content(result)),
            Peaks(PassKind.Style, planner.Planner.Style(style.Height * width / style.Width, width, result)),
        ];
        return (
            foretold.Max(peaks => peaks.Blocks), device.MemoryBytes.Peak, foretold.Max(peaks => peaks.WithScratch));

        (long Blocks, long WithScratch) Peaks(PassKind kind, TilePlan plan)
        {
            using RehearsedRun run = rehearsal.Prepare(kind, plan, result);
            run.MakePass();
            return (run.DevicePeakBytes, run.PeakBytes);
        }
    }

    private static Picture Noise(Random random, int height, int width)
    {
        var picture = new Picture(height, width);
        for (int i = 0; i < picture.Pixels.Length; i++) picture.Pixels[i] = random.NextSingle();
        return picture;
    }
}
