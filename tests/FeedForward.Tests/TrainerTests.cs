using NativeStyle.Autodiff;
using NativeStyle.FeedForward.Training;
using NativeStyle.Kernels.Devices;
using NativeStyle.Style;
using NativeStyle.Style.Options;
using NativeStyle.Vgg;
using NativeStyle.Vgg.Weights;

namespace NativeStyle.FeedForward.Tests;

public class TrainerTests
{
    private static readonly TransformerArchitecture s_small = new(4, 5, 6, 1);

    private static readonly TrainingOptions s_options = new()
    {
        Iterations = 5, Batch = 2, Crop = 32, StyleSize = 40, StabilityWeight = 30, LearningRate = 1e-2,
    };

    /// <summary>
    /// Each loss is its formula: the maps come from the loss network, and everything after them is computed here in
    /// double precision.
    /// </summary>
    [Fact]
    public void TheLossesAreTheirFormulas()
    {
        TrainingOptions options = s_options with
        {
            ContentLayers = [new("conv2_2", 2), new("conv1_2", 0.5)],
            StyleLayers = [new("conv1_1", 3), new("conv2_2", 0.7)],
            ContentWeight = 1.3, StyleWeight = 7, TvWeight = 11, StabilityWeight = 13,
        };
        using ComputeDevice device = TestDevice.Open("cpu");
        using VggNetwork vgg = Vgg(device, options);
        (float[] x, float[] y, float[] quiet, float[] style) = (Noise(1), Noise(2), Noise(3), Noise(4));
        using Tensor styleTensor = Pixels(device, style), result = Pixels(device, y), steady = Pixels(device, quiet);
        using Tensor picture = Pixels(device, x);
        using var loss = new PerceptualLoss(device, vgg, options, styleTensor, [x, quiet]);
        using var tape = new Tape(device);
        Dictionary<string, Tensor> content = loss.ContentOf(picture);
        TrainingLosses losses = loss.Of(tape, result, content, steady, share: 0.25);
        foreach (Tensor map in content.Values) map.Dispose();

        double expected = 0;
        foreach (LayerWeight layer in options.ContentLayers)
        {
            double[] of(float[] pixels) => Map(pixels, layer.Layer).Map;
            double magnitude = (MeanSquare(of(x)) + MeanSquare(of(quiet))) / 2;
            double error = MeanSquare([.. of(y).Zip(of(x), (a, b) => a - b)]);
            expected += layer.Weight * error / magnitude;
        }

        AssertNear(0.25 * 1.3 * expected, losses.Content);
        expected = 0;
        foreach (LayerWeight layer in options.StyleLayers)
        {
            double[] gram = Gram(Map(y, layer.Layer)), target = Gram(Map(style, layer.Layer));
            double error = gram.Zip(target, (a, b) => (a - b) * (a - b)).Sum();
            expected += layer.Weight * error / target.Sum(value => value * value);
        }

        AssertNear(0.25 * 7 * expected, losses.Style);
        double steps = 0;
        for (int i = 0; i < y.Length; i++)
        {
            (int row, int column) = (i / 3 / 32, i / 3 % 32);
            if (column < 31) steps += Math.Pow((y[i + 3] - y[i]) / 255.0, 2);
            if (row < 31) steps += Math.Pow((y[i + 96] - y[i]) / 255.0, 2);
        }

        AssertNear(0.25 * 11 * steps / y.Length, losses.Variation);
        double change = y.Zip(quiet, (a, b) => Math.Pow((a - b) / 255.0, 2)).Average();
        AssertNear(0.25 * 13 * change, losses.Stability);
        double sum = new[] { losses.Content, losses.Style, losses.Variation, losses.Stability }
            .Sum(term => (double)term.ToArray()[0]);
        AssertNear(sum, losses.Total);
    }

    /// <summary>The losses of pieces that were not trained on fall.</summary>
    [Fact]
    public void TrainingLowersTheLossesOfOtherPictures()
    {
        TrainingOptions options = s_options with { Iterations = 80, StabilityWeight = 0, LearningRate = 5e-3 };
        using var run = new Run(options);
        double before = Loss(0);
        Assert.Equal(TrainingEnd.Completed, run.Trainer.Run(Piece, default));
        Assert.Equal(80, run.Trainer.Reports.Count);
        double after = Loss(0);
        Assert.True(after < 0.6 * before, $"{before} became {after}");

        double Loss(long number)
        {
            using Tensor pixels = Pixels(run.Device, Piece(-1 - number));
            Dictionary<string, Tensor> content = run.Loss.ContentOf(pixels);
            using var tape = new Tape(run.Device);
            double loss = run.Loss.Of(tape, run.Network.Run(tape, pixels), content, null, 1).Total.ToArray()[0];
            foreach (Tensor map in content.Values) map.Dispose();
            return loss;
        }
    }

    [Fact]
    public void AResumedTrainingReachesTheSameBytesOnTheCpu() =>
        AResumedTrainingReachesTheSameBytes("cpu", s_options, 1, 2, 3, 4);

    [SkippableFact, Trait("Device", "OpenCl")]
    public void AResumedTrainingReachesTheSameBytesOnOpenCl() =>
        AResumedTrainingReachesTheSameBytes("opencl", s_options with { Iterations = 2, Batch = 1 }, 1);

    /// <summary>
    /// A training that goes on from a file after any step reaches the bytes of one that was not stopped.
    /// </summary>
    private static void AResumedTrainingReachesTheSameBytes(
        string deviceName, TrainingOptions options, params int[] stops)
    {
        using var folder = new TemporaryFolder();
        using ComputeDevice device = TestDevice.Open(deviceName);
        string file = folder.File("run.ckpt");
        using var whole = new Run(options, device);
        whole.Trainer.Run(Piece, default);
        byte[] expected = Bytes(whole.Network);
        foreach (int stop in stops)
        {
            using (var first = new Run(options, device))
            {
                while (first.Trainer.Iteration < stop) first.Trainer.Step(Batch(first.Trainer.Iteration, options));
                Checkpoint(first.Trainer.State()).Write(file);
            }

            TrainingCheckpoint read = TrainingCheckpoint.Read(file);
            Assert.Equal(stop, read.State.Iteration);
            Assert.Equal(JsonOf(s_options), JsonOf(read.Job.Options));
            // It starts from other weights, which the checkpoint replaces.
            using var second = new Run(options, device, TransformerWeights.Random(s_small, 99));
            second.Trainer.Restore(read.State);
            second.Trainer.Run(Piece, default);
            Assert.Equal(expected, Bytes(second.Network));
            Assert.Equal(
                whole.Trainer.Reports.Select(report => report.Loss),
                second.Trainer.Reports.Select(report => report.Loss));
        }
    }

    [Fact]
    public void DamagedCheckpointsAreRefused()
    {
        using var folder = new TemporaryFolder();
        string file = folder.File("run.ckpt");
        using var run = new Run(s_options);
        run.Trainer.Step(Batch(0));
        Checkpoint(run.Trainer.State()).Write(file);
        byte[] whole = File.ReadAllBytes(file);
        var mutator = new Mutator(new Random(7), []);
        for (int round = 0; round < Damage.Rounds(300); round++)
        {
            byte[] damaged = mutator.Damaged(whole, whole);
            if (damaged.AsSpan().SequenceEqual(whole)) continue;
            File.WriteAllBytes(file, damaged);
            var refused = Assert.Throws<InvalidDataException>(() => TrainingCheckpoint.Read(file));
            Assert.StartsWith(file, refused.Message, StringComparison.Ordinal);
        }
    }

    /// <summary>A step whose losses are not finite, and one that is cancelled, leave the network as it was.</summary>
    [Fact]
    public void AStepThatFailsChangesNothing()
    {
        using var run = new Run(s_options);
        run.Trainer.Step(Batch(0));
        byte[] before = Bytes(run.Network);
        float[] wrong = Piece(3);
        wrong[100] = float.NaN;
        Assert.Null(run.Trainer.Step([Piece(2), wrong]));
        Assert.Equal(TrainingEnd.NonFiniteLoss, run.Trainer.Run(_ => wrong, default));
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        Assert.Equal(TrainingEnd.Cancelled, run.Trainer.Run(Piece, cancelled.Token));
        Assert.Equal(before, Bytes(run.Network));
        Assert.Equal(1, run.Trainer.Iteration);
        Assert.NotNull(run.Trainer.Step(Batch(1)));
        using var undisturbed = new Run(s_options);
        undisturbed.Trainer.Step(Batch(0));
        undisturbed.Trainer.Step(Batch(1));
        Assert.Equal(Bytes(undisturbed.Network), Bytes(run.Network));
    }

    /// <summary>The rate begins at the given one and ends at a hundredth of it, and half-way it is the mean.</summary>
    [Fact]
    public void TheLearningRateFallsAlongHalfACosine()
    {
        var options = new TrainingOptions { Iterations = 101, LearningRate = 2 };
        Assert.Equal(2, options.RateOf(1), 6);
        Assert.Equal(1.01, options.RateOf(51), 6);
        Assert.Equal(0.02, options.RateOf(101), 6);
        Assert.All(Enumerable.Range(1, 100), step => Assert.True(options.RateOf(step + 1) < options.RateOf(step)));
    }

    /// <summary>The rehearsal foretells the blocks of a real training.</summary>
    [Fact]
    public void MemoryIsForetold()
    {
        TrainingOptions options = s_options with { Crop = 96, StyleSize = 160, StabilityWeight = 1 };
        using ComputeDevice device = TestDevice.Open("cpu");
        VggWeights weights = WeightsFile.Load(CompactNetwork.Name, options.Layers);
        long foretold = TrainingMemory.DevicePeak(device, weights.Architecture, s_small, options, 120, 160);
        using VggNetwork vgg = new(device, weights, new VggOptions());
        float[] piece = Piece(1, 96);
        using (var style = new Tensor(device, new Shape(120, 160, 3), new float[120 * 160 * 3]))
        using (var network = new TransformerNet(device, TransformerWeights.Random(s_small, 1), trainable: true))
        using (var loss = new PerceptualLoss(device, vgg, options, style, [piece]))
        using (var trainer = new Trainer(device, network, loss, options))
        {
            for (int i = 0; i < 3; i++) trainer.Step([piece, piece]);
        }

        double ratio = device.MemoryBytes.Peak / (double)foretold;
        Assert.InRange(ratio, 0.98, 1.01);
    }

    private static VggNetwork Vgg(ComputeDevice device, TrainingOptions options) =>
        new(device, WeightsFile.Load(CompactNetwork.Name, options.Layers), new VggOptions());

    private static TrainingCheckpoint Checkpoint(TrainingState state) => new(
        new TrainingJob(
            "style.png", "photos", "compact", s_options, null, true, new Dictionary<string, string> { ["style"] = "1" }),
        "/folder", "cpu", 10, s_small, state);

    private static string JsonOf(TrainingOptions options) =>
        System.Text.Json.JsonSerializer.Serialize(options, OptionsJson.Format);

    private static float[][] Batch(int step, TrainingOptions? options = null)
    {
        int batch = (options ?? s_options).Batch;
        return [.. Enumerable.Range(0, batch).Select(i => Piece((step * batch) + i))];
    }

    /// <summary>A picture of waves and noise, other ones for other numbers.</summary>
    private static float[] Piece(long number) => Piece(number, 32);

    private static float[] Piece(long number, int side)
    {
        var random = new Random((int)number);
        double frequency = 0.1 + random.NextDouble();
        return [.. Enumerable.Range(0, 3 * side * side).Select(
            i => (float)(127 + (90 * Math.Sin(frequency * (i / 3 % side))) + (30 * random.NextDouble())))];
    }

    private static float[] Noise(int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, 3 * 32 * 32).Select(_ => 255 * random.NextSingle())];
    }

    private static Tensor Pixels(ComputeDevice device, float[] pixels) => new(device, new Shape(32, 32, 3), pixels);

    private static (double[] Map, int Channels) Map(float[] pixels, string layer)
    {
        using ComputeDevice device = TestDevice.Open("cpu");
        using VggNetwork own = Vgg(device, s_options with { StyleLayers = [new(layer, 1)], ContentLayers = [] });
        using var tape = new Tape(device);
        using Tensor input = Pixels(device, pixels);
        Tensor map = own.Features(tape, input, 255f, [layer]).Single().Map;
        return (Array.ConvertAll(map.ToArray(), value => (double)value), map.Shape[2]);
    }

    private static double[] Gram((double[] Map, int Channels) map)
    {
        int channels = map.Channels, pixels = map.Map.Length / channels;
        double[] gram = new double[channels * channels];
        for (int p = 0; p < pixels; p++)
        for (int i = 0; i < gram.Length; i++)
        {
            gram[i] += map.Map[(p * channels) + (i / channels)] * map.Map[(p * channels) + (i % channels)] / pixels;
        }

        return gram;
    }

    private static double MeanSquare(double[] values) => values.Average(value => value * value);

    private static void AssertNear(double expected, Tensor actual) =>
        Assert.InRange(actual.ToArray()[0] / expected, 1 - 1e-4, 1 + 1e-4);

    private static byte[] Bytes(TransformerNet network)
    {
        var stream = new MemoryStream();
        ModelFile.Write(stream, network.ToWeights(), new Dictionary<string, string>());
        return stream.ToArray();
    }

    /// <summary>A trainer with everything that it needs.</summary>
    private sealed class Run : IDisposable
    {
        private readonly VggNetwork _vgg;
        private readonly ComputeDevice? _own;

        public Run(TrainingOptions options, ComputeDevice? device = null, TransformerWeights? start = null)
        {
            Device = device ?? (_own = TestDevice.Open("cpu"));
            _vgg = Vgg(Device, options);
            Network = new TransformerNet(
                Device, start ?? TransformerWeights.Random(s_small, options.Seed), trainable: true);
            using Tensor style = Pixels(Device, Piece(77));
            Loss = new PerceptualLoss(Device, _vgg, options, style, [Piece(0), Piece(1)]);
            Trainer = new Trainer(Device, Network, Loss, options);
        }

        public ComputeDevice Device { get; }

        public TransformerNet Network { get; }

        public PerceptualLoss Loss { get; }

        public Trainer Trainer { get; }

        public void Dispose()
        {
            Trainer.Dispose();
            Loss.Dispose();
            Network.Dispose();
            _vgg.Dispose();
            _own?.Dispose();
        }
    }
}
