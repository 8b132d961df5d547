using NativeStyle.Autodiff;
using NativeStyle.Autodiff.Operators;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;
using NativeStyle.Kernels.Operators.Expand;
using NativeStyle.Kernels.Operators.InstanceNorm;

namespace NativeStyle.GradientCheck.Tests;

/// <summary>
/// Normalisation and expansion by windows, statistics of large maps, not-a-number, and bad arguments. Their results on
/// whole maps are checked as cases.
/// </summary>
public class NormalizationTests
{
    private static readonly Expansion[] s_expansions =
    [
        Expansion.None, new(2, 1), new(1, 4), new(1, 5), new(2, 9), new(3, 2), new(3, 17),
    ];

    public static TheoryData<string> Devices => ["cpu", "cpu-256", "cpu-128", "cpu-kernels"];

    [Fact]
    public void AWindowNeedsTheRowsThatItIsMadeOf()
    {
        foreach (Expansion expansion in s_expansions)
        {
            const int Length = 6;
            int[] sources = SourcesOf(Length, expansion);
            Assert.Equal(sources.Length, expansion.Expanded(Length));
            for (int first = 0; first < sources.Length; first++)
            {
                for (int count = 1; count <= sources.Length - first; count++)
                {
                    ExpansionAxis axis = ExpansionAxis.Part(Length, expansion, first, count);
                    int[] needed = sources[first..(first + count)];
                    Assert.Equal((needed.Min(), needed.Max() + 1), axis.Sources);
                    Assert.Equal(needed.Min(), axis.Start);
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void AWindowOfAnExpandedMapHoldsItsPixels(string name)
    {
        const int Height = 6, Width = 7, Channels = 3;
        using ComputeDevice device = TestDevice.Open(name);
        var random = new Random(3);
        float[] values = [.. Enumerable.Range(0, Height * Width * Channels).Select(i => (float)i)];
        using var map = new Tensor(device, new Shape(Height, Width, Channels), values);
        foreach (Expansion expansion in s_expansions)
        {
            (int[] rowSources, int[] columnSources) = (SourcesOf(Height, expansion), SourcesOf(Width, expansion));
            for (int trial = 0; trial < 6; trial++)
            {
                ExpansionAxis rows = RandomPart(random, Height, expansion);
                ExpansionAxis columns = RandomPart(random, Width, expansion);
                using var tape = new Tape(device);
                float[] expected =
                [
                    .. from row in rowSources[rows.First..(rows.First + rows.Count)]
                       from column in columnSources[columns.First..(columns.First + columns.Count)]
                       from c in Enumerable.Range(0, Channels)
                       select values[(((row * Width) + column) * Channels) + c],
                ];
                Assert.Equal(expected, tape.ExpandWindow(Cut(map, rows, columns), rows, columns).ToArray());
            }
        }
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void WindowsNormalizedByTheMomentsOfTilesAreThoseOfTheWholeMap(string name)
    {
        const int Height = 11, Width = 9, Channels = 19;
        using ComputeDevice device = TestDevice.Open(name);
        var random = new Random(4);
        var shape = new Shape(Height, Width, Channels);
        using Tensor map = Random(device, random, shape, 3f), residual = Random(device, random, shape, 0f);
        using Tensor scale = Random(device, random, new Shape(Channels), 1f);
        using Tensor shift = Random(device, random, new Shape(Channels), 0f);
        ChannelMoments? moments = null;
        for (int row = 0; row < Height; row += 4)
        {
            using var tile = new Tensor(device, new Shape(Math.Min(4, Height - row), Width, Channels));
            map.Read(new Window(row, 0, tile.Shape[0], Width), tile);
            moments = moments is null ? tile.ChannelMoments() : moments.With(tile.ChannelMoments());
        }

        Assert.Equal(Height * Width, moments!.Pixels);
        float[] values = moments.Factors(scale.ToArray(), shift.ToArray());
        using var factors = new Tensor(device, new Shape(4, Channels), values);
        foreach (Expansion expansion in s_expansions)
        {
            foreach (bool relu in new[] { false, true })
            {
                using var tape = new Tape(device);
                Tensor whole = tape.InstanceNorm(map, scale, shift, relu, residual, expansion);
                ExpansionAxis rows = RandomPart(random, Height, expansion);
                ExpansionAxis columns = RandomPart(random, Width, expansion);
                using var expected = new Tensor(device, new Shape(rows.Count, columns.Count, Channels));
                whole.Read(new Window(rows.First, columns.First, rows.Count, columns.Count), expected);
                Tensor actual = tape.NormalizeWindow(
                    Cut(map, rows, columns), factors, relu, Cut(residual, rows, columns), rows, columns);
                // Values reach 5; statistics by tiles round differently.
                Assert.All(
                    expected.ToArray().Zip(actual.ToArray()),
                    pair => Assert.Equal(pair.First, pair.Second, 5e-6f));
            }
        }
    }

    /// <summary>The sizes need one, two and three rounds of combining pieces.</summary>
    [Theory]
    [InlineData("cpu", 7, 5, 3)]
    [InlineData("cpu", 211, 203, 7)]
    [InlineData("cpu", 2901, 2903, 1)]
    [InlineData("cpu-256", 120, 130, 33)]
    [InlineData("cpu-128", 400, 130, 16)]
    [InlineData("cpu-kernels", 211, 203, 7)]
    public void AMeanOfAHundredDeviationsCostsNoDigits(string name, int height, int width, int channels)
    {
        using ComputeDevice device = TestDevice.Open(name);
        var random = new Random(5);
        using Tensor map = Random(device, random, new Shape(height, width, channels), 60f);
        float[] values = map.ToArray();
        ChannelMoments moments = map.ChannelMoments();
        for (int c = 0; c < channels; c++)
        {
            double mean = 0, squares = 0;
            for (int i = c; i < values.Length; i += channels) mean += values[i];
            mean /= moments.Pixels;
            for (int i = c; i < values.Length; i += channels) squares += (values[i] - mean) * (values[i] - mean);
            // The mean rounded to a float, and a sum of a few thousand terms or sums.
            Assert.Equal(mean, moments.Mean[c], 60 * 1.2e-7);
            Assert.Equal(1, moments.SquaredDeviations[c] / squares, 5e-6);
        }
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void NotANumberPasses(string name)
    {
        using ComputeDevice device = TestDevice.Open(name);
        foreach (int channels in new[] { 2, 17, 32 })
        {
            float[] values = [.. Enumerable.Range(0, 9 * channels).Select(i => (float)Math.Sin(i))];
            values[(4 * channels) + 1] = float.NaN;
            using var map = new Tensor(device, new Shape(3, 3, channels), values, true);
            using var residual = new Tensor(device, new Shape(3, 3, channels), values);
            using var zero = new Tensor(device, new Shape(3, 3, channels), new float[values.Length]);
            using var ones = new Tensor(device, new Shape(channels), [.. Enumerable.Repeat(1f, channels)]);
            using var tape = new Tape(device);
            float[] normalized = tape.InstanceNorm(map, ones, ones, true, null, new Expansion(2, 1)).ToArray();
            Assert.All(normalized.Index(), item => Assert.Equal(item.Index % channels == 1, float.IsNaN(item.Item)));
            float[] sum = tape.InstanceNorm(zero, ones, ones, true, residual).ToArray();
            Assert.All(
                sum.Index(), item => Assert.Equal(item.Index == (4 * channels) + 1, float.IsNaN(item.Item)));
            Assert.Equal(64 / 16, tape.Expand(map, new Expansion(2)).ToArray().Count(float.IsNaN));
            Assert.Equal(1, tape.Clamp(map, -0.5f, 0.5f).ToArray().Count(float.IsNaN));
        }
    }

    [Fact]
    public void WhatDoesNotFitIsRefused()
    {
        using var cpu = new CpuDevice(1);
        using var map = new Tensor(cpu, new Shape(4, 5, 3), new float[60]);
        using var variable = new Tensor(cpu, new Shape(4, 5, 3), new float[60], true);
        using var row = new Tensor(cpu, new Shape(1, 5, 3), new float[15]);
        using var odd = new Tensor(cpu, new Shape(7, 8, 3), new float[168]);
        using var ones = new Tensor(cpu, new Shape(3), [1, 1, 1]);
        using var tape = new Tape(cpu);
        Assert.Throws<ArgumentException>(() => tape.Expand(map, new Expansion(1, 4)));
        Assert.Throws<ArgumentException>(() => tape.Expand(map, default));
        Assert.Throws<ArgumentException>(() => tape.InstanceNorm(map, ones, ones, true, null, new Expansion(2, 8)));
        Assert.Throws<ArgumentException>(() => tape.InstanceNorm(map, ones, ones, true, odd));
        Assert.Throws<ArgumentException>(() => tape.InstanceNorm(map, ones, ones, true, row));
        Assert.Throws<ArgumentException>(() => ExpansionAxis.Part(4, new Expansion(2, 1), 5, 6));
        ExpansionAxis rows = ExpansionAxis.Part(4, new Expansion(2, 1), 0, 5);
        ExpansionAxis columns = ExpansionAxis.Whole(5, new Expansion(2, 1));
        Assert.Throws<ArgumentException>(() => tape.ExpandWindow(row, rows, columns));
        Assert.Throws<InvalidOperationException>(() => tape.ExpandWindow(variable, rows, columns));
    }

    /// <summary>The row of the map that each row of the result comes from, as PyTorch pads.</summary>
    private static int[] SourcesOf(int length, Expansion expansion)
    {
        int[] upsampled = [.. Enumerable.Range(0, length).SelectMany(i => Enumerable.Repeat(i, expansion.Upsampling))];
        return
        [
            .. upsampled.Skip(1).Take(expansion.Padding).Reverse(), .. upsampled,
            .. upsampled.Reverse().Skip(1).Take(expansion.Padding),
        ];
    }

    private static ExpansionAxis RandomPart(Random random, int length, Expansion expansion)
    {
        int expanded = expansion.Expanded(length), count = random.Next(1, expanded + 1);
        return ExpansionAxis.Part(length, expansion, random.Next(expanded - count + 1), count);
    }

    /// <summary>The window of a map that windows of its result are made of.</summary>
    private static Tensor Cut(Tensor map, ExpansionAxis rows, ExpansionAxis columns)
    {
        ((int top, int bottom), (int left, int right)) = (rows.Sources, columns.Sources);
        var part = new Tensor(map.Device, new Shape(bottom - top, right - left, map.Shape[2]));
        map.Read(new Window(top, left, bottom - top, right - left), part);
        return part;
    }

    private static Tensor Random(ComputeDevice device, Random random, Shape shape, float mean) => new(
        device, shape, [.. Enumerable.Range(0, (int)shape.Length).Select(_ => mean + (2 * random.NextSingle()) - 1)]);
}
