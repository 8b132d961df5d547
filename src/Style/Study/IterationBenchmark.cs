using System.Diagnostics;
using NativeStyle.Autodiff;
using NativeStyle.Imaging;
using NativeStyle.Kernels;
using NativeStyle.Vgg;
using NativeStyle.Vgg.Weights;

namespace NativeStyle.Style;

/// <summary>Times of one size.</summary>
/// <param name="SecondsPerIteration">Median of whole iterations: forward, losses, backward, Adam.</param>
/// <param name="SecondsForward">Median of the network's forward pass alone, without gradient.</param>
/// <param name="DirectGflop">Operations of all convolutions by their definition, forward and backward to data, in 10⁹.</param>
public sealed record BenchmarkResult(double SecondsPerIteration, double SecondsForward, double DirectGflop);

/// <summary>
/// One neural-style iteration as every program of its kind makes it: VGG-19 to conv5_1 with average pooling, content loss
/// on conv4_2, Gram losses on the first convolution of each block, backward to the pixels, one Adam step. Weights and
/// pictures are random; the time does not depend on them.
/// </summary>
public sealed class IterationBenchmark : IDisposable
{
    private readonly Accelerator _accelerator;
    private readonly VggNetwork _network;
    private readonly Objective _objective;
    private readonly Tensor _pixels;
    private readonly AdamOptimizer _adam;
    private readonly (int Height, int Width) _size;

    public IterationBenchmark(Accelerator accelerator, int height, int width)
    {
        (_accelerator, _size) = (accelerator, (height, width));
        TransferOptions options = Presets.NeuralStyle with { Pooling = Pooling.Average, PixelRange = 255, TvWeight = 0 };
        _network = VggNetwork.Load(accelerator, () => RandomWeights.Create(VggArchitecture.Vgg19, 1, "conv5_1"), options.Network);
        var random = new Random(1);
        Picture content = Noise(), style = Noise();
        _objective = new Objective(accelerator, _network, options, height, width, content, [new StyleInput(style)]);
        _pixels = new Tensor(
            accelerator, new Shape(height, width, 3), Array.ConvertAll(content.Pixels, value => value * 255f), requiresGradient: true).Keep();
        _adam = new AdamOptimizer(_pixels, new AdamSettings(10f));

        Picture Noise()
        {
            float[] values = new float[height * width * 3];
            for (int i = 0; i < values.Length; i++) values[i] = random.NextSingle();
            return new Picture(height, width, values);
        }
    }

    /// <summary>Measures after one iteration that counts for nothing.</summary>
    public BenchmarkResult Measure(int iterations)
    {
        double iteration = Median(iterations, Iterate), forward = Median(iterations, Forward);
        return new BenchmarkResult(iteration, forward, DirectGflop(_size.Height, _size.Width));
    }

    /// <summary>The operators of some iterations, timed one by one.</summary>
    public IReadOnlyCollection<ProfileEntry> Profile(int iterations)
    {
        Iterate();
        _accelerator.Profiler = new Profiler();
        for (int i = 0; i < iterations; i++) Iterate();
        IReadOnlyCollection<ProfileEntry> entries = _accelerator.Profiler.Entries;
        _accelerator.Profiler = null;
        return entries;
    }

    public void Dispose()
    {
        _adam.Dispose();
        _pixels.Dispose();
        _objective.Dispose();
        _network.Dispose();
    }

    private void Iterate()
    {
        _objective.ValueAndGradient(_pixels);
        _adam.Step();
    }

    private void Forward()
    {
        using var constant = new Tensor(_accelerator, _pixels.Shape, _pixels.Data);
        using var tape = new Tape(_accelerator);
        foreach (var _ in _network.Features(tape, constant, 255f, ["conv5_1"]))
        {
            // Only the pass is wanted.
        }
    }

    private double Median(int iterations, Action run)
    {
        run();
        double[] seconds = new double[iterations];
        for (int i = 0; i < iterations; i++)
        {
            _accelerator.Synchronize();
            long start = Stopwatch.GetTimestamp();
            run();
            _accelerator.Synchronize();
            seconds[i] = Stopwatch.GetElapsedTime(start).TotalSeconds;
        }

        Array.Sort(seconds);
        return (seconds[(iterations - 1) / 2] + seconds[iterations / 2]) / 2;
    }

    private static double DirectGflop(int height, int width)
    {
        double flop = 0;
        foreach (VggLayer layer in VggArchitecture.Vgg19.Layers.TakeWhile(layer => layer.Name != "conv5_2"))
        {
            (int rows, int columns) = VggArchitecture.SizeAt(layer, height, width, PoolEdge.Floor);
            flop += 2.0 * 2 * 9 * layer.InChannels * layer.OutChannels * rows * columns;
        }

        return flop / 1e9;
    }
}
