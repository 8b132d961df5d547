using NativeStyle.Imaging;
using NativeStyle.Kernels.Devices;
using NativeStyle.Style.Options;
using NativeStyle.Style.Tiling;
using NativeStyle.Vgg;
using NativeStyle.Vgg.Weights;

namespace NativeStyle.Style.Tests;

/// <summary>
/// Tests what decides about tiles and history if the user gives no limit. The device is one whose available bytes are
/// given.
/// </summary>
public sealed class MemoryBudgetTests
{
    private const int Height = 240, Width = 320;
    private const long MiB = 1L << 20;

    private static readonly TransferOptions s_adam = Presets.DefaultRandom with
    {
        ContentLayers = [new("conv2_1", 1)],
        StyleLayers = [new("conv1_1", 0.5), new("conv2_1", 0.5)],
        Optimizer = OptimizerKind.Adam,
        Size = Width,
        CoarsestSize = 0,
        Iterations = [40],
    };

    private static readonly TransferOptions s_lbfgs =
        s_adam with { Optimizer = OptimizerKind.Lbfgs, Clamp = false, History = 30 };

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void WhatFitsGoesWholeWhateverIsFree(bool lbfgs)
    {
        TransferOptions options = lbfgs ? s_lbfgs : s_adam;
        long peak = WholePeak(options);
        foreach (long available in new[] { peak * 10 / 9 + 1, peak * 5 / 4, 4 * peak, 1000 * peak })
        {
            MemoryPlanner planner = Plan(available, options);
            Assert.True(planner.IsWhole, $"{available} bytes for {peak}");
            Assert.Equal(options.History, planner.Options.History);
            Assert.True(planner.Planner.Iteration(Height, Width).IsWhole);
        }

        Assert.False(Plan(peak * 10 / 9 - 2, options).IsWhole);
    }

    /// <summary>What is printed as --memory gives the same tiles and the same history, wherever more is free.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void WhatDoesNotFitIsPlannedAsByTheLimitThatItTells(bool lbfgs)
    {
        TransferOptions options = lbfgs ? s_lbfgs : s_adam;
        long peak = WholePeak(options);
        MemoryPlanner planner = Plan(peak, options);
        // Tiles come before a shorter history.
        Assert.Equal((false, options.History), (planner.IsWhole, planner.Options.History));
        Assert.Equal(peak * 3 / 4 / (16 * MiB) * (16 * MiB), planner.Limit);
        Assert.True(planner.Planner.Iteration(Height, Width).Tiles > 1);
        Assert.Equal(Tiles(planner), Tiles(Plan(1L << 40, options, planner.Limit)));
    }

    [Fact]
    public void HistoryIsShortenedOnlyWhereTilesDoNotSuffice()
    {
        // What L-BFGS remembers, two pictures a step, takes more than everything else.
        long pairs = 30L * 2 * 3 * sizeof(float) * Height * Width;
        MemoryPlanner planner = Plan(pairs, s_lbfgs);
        Assert.False(planner.IsWhole);
        Assert.InRange(planner.Options.History, 1, 29);
        MemoryPlanner again = Plan(1L << 40, s_lbfgs, planner.Limit);
        Assert.Equal(planner.Options.History, again.Options.History);
        Assert.Equal(Tiles(planner), Tiles(again));
    }

    /// <summary>A large style is a part of the run: it goes in tiles where the result would go whole.</summary>
    [Fact]
    public void AStyleThatDoesNotFitMakesTheLimitMatter()
    {
        long peak = WholePeak(s_adam);
        Assert.True(Plan(4 * peak, s_adam).IsWhole);
        Assert.False(Plan(4 * peak, s_adam, styles: [(12 * Height, 12 * Width)]).IsWhole);
    }

    /// <summary>
    /// Each thread has scratch memory, so a number of threads belongs to a limit. Pictures and checkpoints tell both.
    /// </summary>
    [Fact]
    public void TilesOfALimitDependOnTheThreads()
    {
        string[] tiles = [.. new[] { 2, 2, 64 }.Select(threads =>
        {
            using var cpu = new CpuDevice(threads);
            return Tiles(
                MemoryPlanner.For(
                    cpu, VggArchitecture.Vgg19, s_adam, MemoryBudget.Limit(200 * MiB), 0, 2 * Height, 2 * Width),
                2 * Height, 2 * Width);
        })];
        Assert.Equal(tiles[0], tiles[1]);
        Assert.NotEqual(tiles[0], tiles[2]);
    }

    /// <summary>Runs a transfer where just enough memory is free, and where there is plenty.</summary>
    [Fact]
    public void TheSameOptionsGiveTheSameBytesWhateverIsFree()
    {
        TransferOptions options = s_lbfgs with { Iterations = [2], History = 20, Size = 24 };
        long peak = WholePeak(options, 18, 24);
        float[] plenty = Transfer(1L << 40), enough = Transfer(peak * 10 / 9 + 1);
        Assert.Equal(plenty, enough);

        float[] Transfer(long available)
        {
            using FaultyDevice device = Device(available);
            using var network = new VggNetwork(
                device, RandomWeights.Create(VggArchitecture.Vgg19, 1, "conv2_1"), options.Network);
            Picture content = new(18, 24), style = new(18, 24);
            for (int i = 0; i < content.Pixels.Length; i++)
                (content.Pixels[i], style.Pixels[i]) = (0.5f + (0.4f * MathF.Sin(i * 0.011f)), i / 9 % 2);
            return new StyleTransfer(device, network, options)
            {
                Memory = Plan(available, options, height: 18, width: 24),
            }.Run(new TransferInputs(content, [new StyleInput(style)]), Schedule.Plan(options, 18, 24), default)
                .Picture.Pixels;
        }
    }

    private static MemoryPlanner Plan(
        long available, TransferOptions options, long? limit = null, (int, int)[]? styles = null, int height = Height,
        int width = Width)
    {
        FaultyDevice device = Device(available);
        return MemoryPlanner.For(
            device, VggArchitecture.Vgg19, options, MemoryBudget.Of(device, limit), 0, height, width, styles);
    }

    /// <summary>The most bytes that a pass of a whole run takes, by the rehearsal of each.</summary>
    private static long WholePeak(TransferOptions options, int height = Height, int width = Width)
    {
        using FaultyDevice device = Device(0);
        var rehearsal = new MemoryRehearsal(device, VggArchitecture.Vgg19, options);
        var planner = new WholePlanner(VggArchitecture.Vgg19, options);
        TilePlan result = planner.Iteration(height, width);
        return new[]
        {
            rehearsal.Peak(PassKind.Iteration, result),
            rehearsal.Peak(PassKind.Content, planner.Content(result), result),
            rehearsal.Peak(PassKind.Style, planner.Style(height, width, result), result),
        }.Max();
    }

    /// <summary>Everything that decides how roundings fall.</summary>
    private static string Tiles(MemoryPlanner planner, int height = Height, int width = Width)
    {
        TilePlan plan = planner.Planner.Iteration(height, width);
        Assert.False(plan.IsWhole);
        return string.Join(", ", plan.Segments.Select(segment =>
            $"{segment.Segment.Name} {segment.Cells} {segment.SavesGates} {segment.OutputOnDisk}"));
    }

    /// <summary>A device that never fails.</summary>
    private static FaultyDevice Device(long available) =>
        new(int.MaxValue, new InvalidOperationException()) { Available = available };
}
