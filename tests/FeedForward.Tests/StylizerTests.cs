using NativeStyle.Autodiff;
using NativeStyle.FeedForward.Tiling;
using NativeStyle.Imaging;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;
using NativeStyle.Style.Options;
using NativeStyle.Style.Tiling;

namespace NativeStyle.FeedForward.Tests;

/// <summary>Tests pictures in tiles, plans of memory, and what becomes of drawings.</summary>
public class StylizerTests
{
    private static readonly TransformerWeights s_weights = Weights();

    /// <summary>
    /// Tiles of any size, in memory or on disk, give the drawing of the whole pass, which other tests compare with
    /// PyTorch's. Sides are no multiples of four, and tiles are smaller than the reach of a filter.
    /// </summary>
    [Theory]
    [InlineData("cpu", 37, 53, 16, false)]
    [InlineData("cpu", 64, 41, 12, true)]
    [InlineData("cpu", 90, 70, 64, true)]
    [InlineData("cpu", 9, 130, 4, false)]
    [InlineData("cpu-kernels", 21, 30, 16, false)]
    public void TilesDrawWhatTheWholeDraws(string deviceName, int height, int width, int side, bool onDisk)
    {
        using ComputeDevice device = TestDevice.Open(deviceName);
        using var net = new TransformerNet(device, s_weights);
        Picture picture = Noise(height, width);
        float[] expected;
        using (var tape = new Tape(device))
        {
            Tensor pixels = tape.Constant(new Shape(height, width, 3));
            using MapStore map = MapStore.Of(device, picture, height, width, 255);
            map.Read(map.Whole, pixels);
            expected = net.Run(tape, pixels).ToArray();
        }

        float[] tiled = new float[expected.Length];
        Array.Fill(tiled, float.NaN);
        (int done, int all) = (0, 0);
        var pass = new TiledPass(device, net, height, width, side, onDisk)
        {
            AtTile = (tile, tiles) => (done, all) = (tile, tiles),
        };
        long before = device.MemoryBytes.InUse;
        pass.Run(MapStore.Of(device, picture, height, width, 255), (window, drawn) =>
        {
            float[] values = drawn.ToArray();
            for (int y = 0; y < window.Height; y++)
            {
                int at = (((window.Top + y) * width) + window.Left) * 3;
                values.AsSpan(y * window.Width * 3, window.Width * 3).CopyTo(tiled.AsSpan(at));
            }
        });
        Assert.Equal(before, device.MemoryBytes.InUse);
        Assert.True(done == all && all > 14, $"{done} of {all} tiles");
        double worst = expected.Zip(tiled, (x, y) => (double)Math.Abs(x - y)).Max();
        Assert.True(worst < 2e-3, $"differs by {worst} levels");
    }

    /// <summary>
    /// Tests that the limit decides on the way, that the way keeps the limit, and gives the same drawing.
    /// </summary>
    [Fact]
    public void LessMemoryLeadsToTilesAndThenToTheDisk()
    {
        Picture picture = Noise(400, 300);
        (DrawingPlan whole, Picture expected) = Drawn(long.MaxValue);
        Assert.True(whole is { Tile: null, OnDisk: false, ScratchBytes: 0, Fits: true });
        (DrawingPlan tiled, Picture inMemory) = Drawn(whole.PeakBytes - 1);
        Assert.True(tiled is { Tile: > 0, OnDisk: false, Fits: true }, $"{tiled}");
        DrawingPlan least = tiled;
        Picture onDisk = inMemory;
        while (least is { OnDisk: false, Fits: true }) (least, onDisk) = Drawn(least.PeakBytes - 1);
        Assert.True(least is { Tile: > 0, OnDisk: true, ScratchBytes: > 0, Fits: true }, $"{least}");
        foreach (Picture other in new[] { inMemory, onDisk })
        {
            float worst = expected.Pixels.Zip(other.Pixels, (x, y) => Math.Abs(x - y)).Max();
            Assert.True(255 * worst < 2e-3, $"differs by {255 * worst} levels");
        }

        using var device = new CpuDevice(threads: 2);
        using var stylizer = new Stylizer(device, s_weights, MemoryBudget.Limit(1 << 20));
        Assert.False(stylizer.Plan(picture).Fits);
        Assert.Throws<InsufficientMemoryException>(() => stylizer.Draw(picture));

        (DrawingPlan, Picture) Drawn(long limit)
        {
            using var own = new CpuDevice(threads: 2);
            using var drawer = new Stylizer(own, s_weights, MemoryBudget.Limit(limit));
            DrawingPlan plan = drawer.Plan(picture);
            Picture drawing = drawer.Draw(picture);
            // The picture has its floats, and so has the drawing; the picture is in memory as it is.
            long host = MemoryPlanner.ProgramBytes + (3 * picture.HeldBytes);
            Assert.True(own.MemoryBytes.Peak + host <= plan.PeakBytes, $"{own.MemoryBytes} {plan}");
            Assert.True(plan.PeakBytes <= limit, $"{plan}");
            return (plan, drawing);
        }
    }

    [Fact]
    public void StrengthMixesThePictureIn()
    {
        Picture picture = Noise(24, 30), drawing = Draw(new DrawingOptions(1));
        Assert.Equal(picture.Pixels, Draw(new DrawingOptions(0)).Pixels);
        Picture mixed = Draw(new DrawingOptions(0.25));
        for (int i = 0; i < mixed.Pixels.Length; i++)
            Assert.Equal((0.75 * picture.Pixels[i]) + (0.25 * drawing.Pixels[i]), mixed.Pixels[i], 1e-6);

        Picture Draw(DrawingOptions options)
        {
            using var device = new CpuDevice(threads: 2);
            using var stylizer = new Stylizer(device, s_weights, MemoryBudget.Unlimited, options);
            return stylizer.Draw(picture);
        }
    }

    /// <summary>Tests each mode by what it promises: the chroma, the mean, or the values of the picture.</summary>
    [Fact]
    public void ColorsComeFromThePicture()
    {
        // Colours away from black and white, so that nothing is clamped much.
        Picture picture = Noise(40, 44);
        for (int i = 0; i < picture.Pixels.Length; i++) picture.Pixels[i] = 0.4f + (0.2f * picture.Pixels[i]);
        Picture histogram = Draw(ColorMode.Histogram), covariance = Draw(ColorMode.Covariance);
        for (int channel = 0; channel < 3; channel++)
        {
            float[] expected = Sorted(picture, channel), actual = Sorted(histogram, channel);
            double apart = expected.Zip(actual, (x, y) => (double)Math.Abs(x - y)).Average();
            Assert.True(apart < 2e-3, $"channel {channel}: {apart}");
            Assert.Equal(expected.Average(), Sorted(covariance, channel).Average(), 5e-3);
        }

        Picture luminance = Draw(ColorMode.Luminance);
        double worst = 0;
        for (int i = 0; i < picture.Pixels.Length; i += 3)
        {
            // Only clamped pixels lose their chroma.
            ReadOnlySpan<float> rgb = luminance.Pixels.AsSpan(i, 3);
            if (rgb.ContainsAny(0f, 1f)) continue;
            float red = picture.Pixels[i] - picture.Pixels[i + 1], blue = picture.Pixels[i + 2] - picture.Pixels[i + 1];
            worst = Math.Max(worst, Math.Abs(rgb[0] - rgb[1] - red) + Math.Abs(rgb[2] - rgb[1] - blue));
        }

        Assert.True(worst < 1e-5, $"{worst}");

        Picture Draw(ColorMode colors)
        {
            using var device = new CpuDevice(threads: 2);
            using var stylizer = new Stylizer(device, s_weights, MemoryBudget.Unlimited, new DrawingOptions(1, colors));
            return stylizer.Draw(picture);
        }
    }

    [Fact]
    public void CancellationEndsAtATile()
    {
        using var device = new CpuDevice(threads: 2);
        using var net = new TransformerNet(device, s_weights);
        using var source = new CancellationTokenSource();
        int last = 0;
        long before = device.MemoryBytes.InUse;
        var pass = new TiledPass(device, net, 64, 64, side: 16, onDisk: false)
        {
            Cancellation = source.Token, AtTile = (tile, _) =>
            {
                last = tile;
                if (tile == 40) source.Cancel();
            },
        };
        MapStore picture = MapStore.Of(device, Noise(64, 64), 64, 64, 255);
        Assert.Throws<OperationCanceledException>(() => pass.Run(picture, (_, _) => { }));
        Assert.Equal((40, before), (last, device.MemoryBytes.InUse));
    }

    /// <summary>Random weights, with a last filter and bias that give pixels from black to white.</summary>
    private static TransformerWeights Weights()
    {
        var random = TransformerWeights.Random(new TransformerArchitecture(4, 8, 8, 2), seed: 3);
        Dictionary<string, float[]> values = random.Architecture.Parameters.ToDictionary(
            parameter => parameter.Name, parameter => (float[])random[parameter.Name].Clone());
        TransformerStage last = random.Architecture.Stages[^1];
        values[last.Filter] = [.. values[last.Filter].Select(value => 0.4f * value)];
        values[last.Bias] = [110, 128, 140];
        return new TransformerWeights(random.Architecture, values);
    }

    private static float[] Sorted(Picture picture, int channel) =>
        [.. picture.Pixels.Where((_, i) => i % 3 == channel).Order()];

    private static Picture Noise(int height, int width)
    {
        var random = new Random(5);
        var picture = new Picture(height, width);
        for (int i = 0; i < picture.Pixels.Length; i++)
            picture.Pixels[i] = (0.5f * random.NextSingle()) + (0.25f * (1 + MathF.Sin(i * 0.013f)));
        return picture;
    }
}
