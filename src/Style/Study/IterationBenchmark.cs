using NativeStyle.Autodiff;
using NativeStyle.Imaging;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Operators.Pool2x2;
using NativeStyle.Style.Options;
using NativeStyle.Style.Tiling;
using NativeStyle.Vgg;
using NativeStyle.Vgg.Weights;

namespace NativeStyle.Style.Study;

/// <summary>The times of one size.</summary>
/// <param name="SecondsPerIteration">The median of whole iterations: forward, losses, backward, Adam.</param>
/// <param name="SecondsForward">
/// The median of the network's forward pass alone, without gradient; null in tiles.
/// </param>
/// <param name="DirectGflop">
/// The operations of all convolutions by their definition, forward and backward to data, in 10⁹.
/// </param>
/// <param name="FirstIterationEnded">
/// When the first iteration ended, in UTC. The device has compiled its kernels by then.
/// </param>
internal sealed record BenchmarkResult(
    double SecondsPerIteration, double? SecondsForward, double DirectGflop, DateTime FirstIterationEnded);

/// <summary>The network of a benchmark, and the layers that its losses read.</summary>
internal sealed record BenchmarkNetwork(VggArchitecture Architecture, TransferOptions Options, Func<VggWeights> Load)
{
    /// <summary>Random VGG-19 to conv5_1: content on conv4_2, style on the first convolution of each block.</summary>
    public static BenchmarkNetwork Random { get; } = new(
        VggArchitecture.Vgg19,
        Presets.NeuralStyle with
        {
            Pooling = Pooling.Average,
            PixelRange = 255,
            TvWeight = 0,
            Optimizer = OptimizerKind.Adam,
            LearningRate = 10,
        },
        () => RandomWeights.Create(VggArchitecture.Vgg19, 1, "conv5_1"));

    /// <summary>
    /// A file's network on the same layers. If the file ends before conv5_1, style is on those of them that it has. If
    /// it lacks conv4_2, content is on its last layer.
    /// </summary>
    /// <exception cref="InvalidDataException">
    /// The file has no weights, is damaged, or lacks conv1_1.
    /// </exception>
    public static BenchmarkNetwork Of(string weights)
    {
        WeightsContents contents = WeightsFile.Describe(weights);
        VggLayer[] layers = [.. contents.Architecture.Layers
            .TakeWhile(layer => contents.Entries.Any(entry => entry.Layer == layer.Name))];
        TransferOptions options = Random.Options with
        {
            StyleLayers = [.. Random.Options.StyleLayers.Where(term => layers.Any(layer => layer.Name == term.Layer))],
        };
        if (layers.Length > 0 && !options.ContentLayers.All(term => layers.Any(layer => layer.Name == term.Layer)))
            options = options with { ContentLayers = [new LayerWeight(layers[^1].Name, 1)] };
        return new BenchmarkNetwork(contents.Architecture, options, () => WeightsFile.Load(weights, options.Layers));
    }
}

/// <summary>
/// One neural-style iteration as every program of its kind makes it: VGG with average pooling, a content loss, Gram
/// losses on the first convolution of each block, backward to the pixels, one Adam step. Pictures are random. The time
/// depends neither on them nor on the weights.
/// </summary>
internal sealed class IterationBenchmark : IDisposable
{
    private readonly ComputeDevice _device;
    private readonly BenchmarkNetwork _benchmarked;
    private readonly VggNetwork _network;
    private readonly Objective _objective;
    private readonly Iterate _iterate;
    private readonly (int Height, int Width) _size;
    private readonly bool _tiled;

    /// <param name="memory">The memory that it may take, from <see cref="Planner"/>; null for no limit.</param>
    public IterationBenchmark(
        ComputeDevice device, BenchmarkNetwork benchmarked, int height, int width, MemoryPlanner? memory = null)
    {
        (_device, _benchmarked, _size) = (device, benchmarked, (height, width));
        TransferOptions options = benchmarked.Options;
        _tiled = memory?.At(height, width).Tiles is not null;
        _network = VggNetwork.Load(device, benchmarked.Load, options.Network);
        var content = new Noise(height, width, 1);
        StyleInput[] styles = [new StyleInput(new Noise(height, width, 2))];
        _objective = new Objective(device, _network, options, height, width, content, styles, memory?.Planner);
        device.TrimPool();
        _iterate = new Iterate(device, options, height, width, iterations: int.MaxValue);
        content.ForEachRow((y, row) => _iterate.Pixels.WriteRows(y, row));
        _iterate.Pixels.Scale(options.PixelRange);
        HostMemory.Release(height, width);
    }

    /// <summary>Creates a planner for this iteration.</summary>
    /// <param name="limit">Bytes. If they do not suffice for the whole picture, it goes in tiles.</param>
    public static MemoryPlanner Planner(ComputeDevice device, BenchmarkNetwork benchmarked, long limit) =>
        new(device, benchmarked.Architecture, benchmarked.Options, limit);

    /// <summary>Measures, after one iteration that does not count.</summary>
    public BenchmarkResult Measure(int iterations)
    {
        Step();
        _device.Synchronize();
        DateTime first = DateTime.UtcNow;
        double iteration = RunTimes.Of(_device, iterations, Step).Median;
        double? forward = null;
        if (!_tiled)
        {
            Forward();
            forward = RunTimes.Of(_device, iterations, Forward).Median;
        }

        return new BenchmarkResult(iteration, forward, DirectGflop(), first);
    }

    /// <summary>Times the operators of some iterations one by one.</summary>
    public IReadOnlyCollection<ProfileEntry> Profile(int iterations)
    {
        Step();
        _device.Profiler = new Profiler();
        for (int i = 0; i < iterations; i++) Step();
        IReadOnlyCollection<ProfileEntry> entries = _device.Profiler.Entries;
        _device.Profiler = null;
        return entries;
    }

    public void Dispose()
    {
        _iterate.Dispose();
        _objective.Dispose();
        _network.Dispose();
    }

    private void Step() => _iterate.Optimizer.Step(() => _objective.ValueAndGradient(_iterate.Pixels).Total);

    private void Forward()
    {
        using var constant = new Tensor(_device, _iterate.Pixels.Shape, _iterate.Pixels.Data);
        using var tape = new Tape(_device);
        foreach (var _ in _network.Features(tape, constant, 255f, [Layers[^1].Name]))
        {
            // The pass runs while it is enumerated; its maps are not used.
        }
    }

    /// <summary>The layers of an iteration.</summary>
    private IReadOnlyList<VggLayer> Layers => _network.Plan(_benchmarked.Options.Layers).Layers;

    private double DirectGflop()
    {
        double flop = 0;
        foreach (VggLayer layer in Layers)
        {
            (int rows, int columns) = VggArchitecture.SizeAt(layer, _size.Height, _size.Width, PoolEdge.Floor);
            flop += 2.0 * 2 * 9 * layer.InChannels * layer.OutChannels * rows * columns;
        }

        return flop / 1e9;
    }

    /// <summary>Uniform noise that is made again whenever it is read.</summary>
    private sealed class Noise(int height, int width, int seed) : PictureSource
    {
        public override int Height => height;

        public override int Width => width;

        public override void ForEachRow(RowReader row)
        {
            var random = new Random(seed);
            float[] values = new float[3 * width];
            for (int y = 0; y < height; y++)
            {
                foreach (ref float value in values.AsSpan()) value = random.NextSingle();
                row(y, values);
            }
        }
    }
}
