using NativeStyle.Imaging;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Operators.Pool2x2;
using NativeStyle.Style.Options;
using NativeStyle.Vgg;
using NativeStyle.Vgg.Weights;

namespace NativeStyle.Style.Tests;

public class StyleTransferTests
{
    private static readonly TransferOptions s_small = Presets.DefaultRandom with
    {
        ContentLayers = [new("conv2_1", 1)],
        StyleLayers = [new("conv1_1", 0.5), new("conv2_1", 0.5)],
        Size = 36,
        CoarsestSize = 24,
        Iterations = [6, 5],
        Colors = ColorMode.Style,
    };

    /// <summary>Six iterations of plain kernels, which are slow.</summary>
    private static readonly TransferOptions s_tiny =
        s_small with { Size = 24, CoarsestSize = 16, Iterations = [3, 3] };

    /// <summary>The pictures of six iterations on a device that does not fail, and its launches.</summary>
    private static readonly Lazy<(List<Picture> Pictures, int Launches)> s_whole = new(() =>
    {
        List<Picture> pictures = [];
        var device = new FaultyDevice(int.MaxValue, new DeviceLostException("never"));
        Transfer(s_tiny, device: device, onReport: (_, picture) => pictures.Add(picture()));
        return (pictures, device.Launches);
    });

    [Fact]
    public void TheLossFallsAtEveryScale()
    {
        List<IterationReport> reports = [];
        TransferResult result = Transfer(s_small with { Iterations = [30, 30] }, reports);
        Assert.Equal(TransferEnd.Completed, result.End);
        Assert.Equal((27, 36), (result.Picture.Height, result.Picture.Width));
        Assert.Equal(Enumerable.Range(1, 60), reports.Select(report => report.Iteration));
        foreach (IGrouping<int, IterationReport> scale in reports.GroupBy(report => report.Width))
            Assert.True(
                scale.Last().Loss < 0.7 * scale.First().Loss,
                $"width {scale.Key}: {scale.First().Loss} to {scale.Last().Loss}");
        Assert.All(reports, report =>
            Assert.Equal(report.Loss, report.Content + report.Style + report.Tv, 1e-4 * report.Loss));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void TheSameOptionsGiveTheSameBytesOnAnyNumberOfThreads(int threads)
    {
        float[] first = Transfer(s_small with { Init = InitKind.Normal }, threads: 2).Picture.Pixels;
        float[] second = Transfer(s_small with { Init = InitKind.Normal }, threads: threads).Picture.Pixels;
        Assert.Equal(first, second);
        Assert.NotEqual(first, Transfer(s_small with { Init = InitKind.Normal, Seed = 2 }).Picture.Pixels);
    }

    [Fact]
    public void TheKernelsThemselvesPaintTheSamePicture()
    {
        float[] fast = Transfer(s_small).Picture.Pixels;
        float[] plain = Transfer(s_small, device: KernelDevice.OnCpu()).Picture.Pixels;
        // Adam divides by the gradient's size. If a gradient is nearly zero, rounding decides its direction.
        Assert.True(fast.Zip(plain, (a, b) => Math.Abs(a - b)).Average() < 2e-3);
    }

    /// <summary>
    /// A whole transfer on an OpenCL device: the CPU's picture, within rounding, and the same bytes each time.
    /// </summary>
    [SkippableTheory]
    [Trait("Device", "OpenCl")]
    [InlineData(Pooling.Average)]
    [InlineData(Pooling.Max)]
    public void AnOpenClDevicePaintsTheSamePicture(Pooling pooling)
    {
        TransferOptions options =
            s_small with { Pooling = pooling, StyleLayers = [new("conv1_2", 0.5), new("conv2_1", 0.5)] };
        List<IterationReport> onCpu = [], onDevice = [];
        float[] cpu = Transfer(options, onCpu).Picture.Pixels;
        float[] first = Transfer(options, onDevice, device: TestDevice.OpenCl()).Picture.Pixels;
        float[] second = Transfer(options, device: TestDevice.OpenCl()).Picture.Pixels;
        Assert.Equal(first, second);
        Assert.True(cpu.Zip(first, (a, b) => Math.Abs(a - b)).Average() < 2e-3);
        foreach ((IterationReport expected, IterationReport actual) in onCpu.Zip(onDevice))
            Assert.Equal(expected.Loss, actual.Loss, 2e-3 * expected.Loss);
    }

    /// <summary>
    /// A driver that gives the device up loses its memory, and a device that is full may not even be read. Then the
    /// last copy on the host is the picture.
    /// </summary>
    [Theory]
    [InlineData(TransferEnd.DeviceFailed)]
    [InlineData(TransferEnd.OutOfMemory)]
    public void ALostDeviceLeavesTheLastCopy(TransferEnd expected)
    {
        const string Words = "faulty: the driver gave the device up";
        Exception lost = expected == TransferEnd.OutOfMemory
            ? new InsufficientMemoryException(Words)
            : new DeviceLostException(Words);
        (List<Picture> pictures, int launches) = s_whole.Value;
        int compared = 0;
        foreach (int part in new[] { 4, 9 })
        {
            TransferResult result = Transfer(s_tiny, device: new FaultyDevice(launches * part / 10, lost));
            Assert.Equal(expected, result.End);
            Assert.Equal(result.IterationsMade, result.Reports.Count);
            Assert.Contains("gave the device up", result.Failure!.Message, StringComparison.Ordinal);
            Assert.InRange(result.IterationsMade, 1, 6);
            // Between two scales the picture is already larger.
            if (pictures[result.IterationsMade - 1].Width != result.Picture.Width) continue;
            Assert.Equal(pictures[result.IterationsMade - 1].Pixels, result.Picture.Pixels);
            compared++;
        }

        Assert.InRange(compared, 1, 2);
    }

    [Fact]
    public void ADeviceThatFailsAtOnceIsAnError() =>
        Assert.Throws<DeviceLostException>(
            () => Transfer(s_small, device: new FaultyDevice(0, new DeviceLostException("gone"))));

    [Fact]
    public void CancellingKeepsThePictureSoFar()
    {
        using var cancellation = new CancellationTokenSource();
        Picture? last = null;
        var reports = new List<IterationReport>();
        TransferResult result =
            Transfer(s_small, reports, cancellation: cancellation.Token, onReport: (report, picture) =>
        {
            if (report.Iteration != 8) return;
            last = picture();
            cancellation.Cancel();
        });
        Assert.Equal((TransferEnd.Cancelled, 8), (result.End, result.IterationsMade));
        Assert.Equal(last!.Pixels, result.Picture.Pixels);
    }

    /// <summary>
    /// A step throws the pixels out of float's range: in the middle of a scale, as the last of a scale that another
    /// follows, or as the very last. Each time the picture is the last whose loss was finite, here the start.
    /// </summary>
    [Theory]
    [InlineData(1e18f, 24, 6, 25)]
    [InlineData(1e18f, 24, 1, 25)]
    [InlineData(float.PositiveInfinity, 24, 1, 25)]
    [InlineData(float.PositiveInfinity, 0, 1, 36)]
    public void ALossThatIsNotFiniteKeepsTheLastGoodPicture(float step, int coarsest, int iterations, int width)
    {
        TransferResult result = Transfer(s_small with
        {
            Clamp = false,
            LearningRate = step,
            StyleLossScale = LossScale.Mean,
            CoarsestSize = coarsest,
            Iterations = [iterations, 5],
        });
        Assert.Equal((TransferEnd.NonFiniteLoss, 1, width), (result.End, result.IterationsMade, result.Picture.Width));
        AssertNear(Resampler.Resize(Content(48, 64), result.Picture.Height, width), result.Picture, 0.02);
    }

    [Fact]
    public void InitsStartWhereTheySay()
    {
        TransferOptions still = s_small with { LearningRate = 1e-9f, Iterations = [1], CoarsestSize = 0 };
        Picture content = Resampler.Resize(Content(48, 64), 27, 36);
        AssertNear(content, Transfer(still).Picture, 1e-5);
        Picture blend = Transfer(still with { Init = InitKind.Blend, InitNoise = 0, InitNoiseShare = 0.6f }).Picture;
        for (int i = 0; i < 30; i++)
        {
            double mean = VggWeights.CaffeMean[i % 3] / 255;
            Assert.Equal(mean + (0.4 * (content.Pixels[i] - mean)), blend.Pixels[i], 1e-4);
        }

        Picture noise = Transfer(still with { Init = InitKind.Normal, InitNoise = 20 }).Picture;
        double average = noise.Pixels.Average();
        double deviation = Math.Sqrt(noise.Pixels.Average(v => Math.Pow(v - average, 2)));
        Assert.Equal(0.5, average, 0.01);
        Assert.Equal(20 / 255.0, deviation, 0.005);
    }

    [Fact]
    public void MatchedColorsHaveTheMeanAndCovarianceOfTheStyle()
    {
        // The values are far from black and white, so that nothing is clamped. The covariances differ in size and
        // direction. The content's variances are large against the (1/255)² that the map adds to them; 1e-4 allows for
        // that.
        Picture content = new(40, 50), style = new(30, 20);
        var random = new Random(3);
        for (int i = 0; i < content.Pixels.Length; i += 3)
        {
            float common = random.NextSingle() - 0.5f;
            for (int c = 0; c < 3; c++)
                content.Pixels[i + c] = 0.5f + (0.4f * common * (c - 1)) + (0.4f * (random.NextSingle() - 0.5f));
        }

        for (int i = 0; i < style.Pixels.Length; i += 3)
        {
            float common = random.NextSingle() - 0.5f;
            for (int c = 0; c < 3; c++)
                style.Pixels[i + c] = 0.4f + (0.05f * c) + (0.2f * common) + (0.08f * (random.NextSingle() - 0.5f));
        }

        Picture matched = ColorTransfer.MatchStatistics(content, style).At(content.Height, content.Width);
        for (int a = 0; a < 3; a++)
        {
            Assert.Equal(Mean(style, a), Mean(matched, a), 1e-4);
            for (int b = 0; b < 3; b++) Assert.Equal(Covariance(style, a, b), Covariance(matched, a, b), 1e-4);
        }

        static double Mean(Picture picture, int channel) =>
            picture.Pixels.Where((_, i) => i % 3 == channel).Average(value => (double)value);

        static double Covariance(Picture picture, int a, int b)
        {
            (double meanA, double meanB) = (Mean(picture, a), Mean(picture, b));
            return Enumerable.Range(0, picture.Pixels.Length / 3)
                .Average(p => (picture.Pixels[(3 * p) + a] - meanA) * (picture.Pixels[(3 * p) + b] - meanB));
        }
    }

    [Fact]
    public void AFlatPictureTakesTheStylesMeanColor()
    {
        Picture flat = new(4, 4), style = new(4, 4);
        Array.Fill(flat.Pixels, 0.9f);
        for (int i = 0; i < style.Pixels.Length; i++) style.Pixels[i] = 0.1f * (1 + (i % 3));
        Picture matched = ColorTransfer.MatchStatistics(flat, style).At(4, 4);
        for (int c = 0; c < 3; c++) Assert.Equal(0.1f * (c + 1), matched.Pixels[c], 1e-3);
    }

    [Fact]
    public void PlansGrowByTheRootOfTwoAndEndAtTheSize()
    {
        TransferOptions options = Presets.DefaultRandom with { Size = 256 };
        Assert.Equal(
            [new ScaleStep(96, 128, 150), new ScaleStep(136, 181, 80), new ScaleStep(192, 256, 60)],
            Schedule.Plan(options, 600, 800));
        Assert.Equal(
            [128, 181, 256, 362, 512], Schedule.Plan(options with { Size = 512 }, 10, 10).Select(step => step.Width));
        // gen_scales of crowsonkb's program also goes from the size down.
        Assert.Equal([141, 200], Schedule.Plan(options with { Size = 200 }, 10, 10).Select(step => step.Width));
        Assert.Equal(
            [136, 192, 272, 384], Schedule.Plan(options with { Size = 384 }, 10, 10).Select(step => step.Width));
        Assert.Equal(
            [800], Schedule.Plan(options with { Size = 0, CoarsestSize = 0 }, 600, 800).Select(step => step.Width));
        Assert.Equal([100], Schedule.Plan(options with { Size = 100 }, 10, 10).Select(step => step.Width));
        Assert.Equal([new ScaleStep(300, 400, 200)], Schedule.Plan(Presets.Coursera, 600, 800));
        foreach (int total in new[] { 1, 7, 100, 1000 })
            Assert.Equal(
                total, Schedule.WithTotal(Schedule.Plan(options, 600, 800), total).Sum(step => step.Iterations));
    }

    [Fact]
    public void PresetsNameOnlyLayersThatExistAndTheDefaultFollowsTheWeights()
    {
        Assert.All(Presets.Names, name => OptionsJson.Validated(Presets.Find(name)!));
        string[] all = [.. VggArchitecture.Vgg19.Layers.Select(layer => layer.Name)];
        Assert.Contains("conv4_2", Presets.Find("default", new(VggArchitecture.Vgg19, all.ToHashSet()))!.Layers);
        Assert.DoesNotContain(
            "conv4_1", Presets.Find("default", new(VggArchitecture.Vgg19, all[..8].ToHashSet()))!.Layers);
        VggArchitecture compact = VggArchitecture.Vgg19.WithChannels(new Dictionary<string, int> { ["conv3_1"] = 100 });
        Assert.Equal("default-compact", Presets.Find("default", new(compact, all.ToHashSet()))!.Name);
        Assert.Null(Presets.Find("monet"));
    }

    private static TransferResult Transfer(
        TransferOptions options, List<IterationReport>? reports = null, int threads = 2,
        Action<IterationReport, Func<Picture>>? onReport = null, ComputeDevice? device = null,
        CancellationToken cancellation = default)
    {
        using ComputeDevice cpu = device ?? new CpuDevice(threads);
        Picture content = Content(48, 64), style = new(40, 40);
        for (int i = 0; i < style.Pixels.Length; i++)
            style.Pixels[i] = ((i / 3 % 40) + (i / 120)) % 8 < 4 ? 0.2f : 0.9f;
        using var network =
            new VggNetwork(cpu, RandomWeights.Create(VggArchitecture.Vgg19, 1, "conv2_1"), options.Network);
        var transfer = new StyleTransfer(cpu, network, options)
        {
            SecondsBetweenCopies = 0,
            Progress = (report, picture) =>
            {
                reports?.Add(report);
                onReport?.Invoke(report, picture);
            },
        };
        IReadOnlyList<ScaleStep> plan = Schedule.Plan(options, content.Height, content.Width);
        return transfer.Run(new TransferInputs(content, [new StyleInput(style)]), plan, cancellation);
    }

    private static Picture Content(int height, int width)
    {
        var picture = new Picture(height, width);
        for (int row = 0; row < height; row++)
        for (int column = 0; column < width; column++)
        for (int c = 0; c < 3; c++)
            picture[row, column, c] = 0.5f + (0.45f * MathF.Sin((6f * row / height) + (5f * column / width) + c));
        return picture;
    }

    private static void AssertNear(Picture expected, Picture actual, double most) =>
        Assert.True(expected.Pixels.Zip(actual.Pixels, (a, b) => Math.Abs(a - b)).Max() <= most);
}
