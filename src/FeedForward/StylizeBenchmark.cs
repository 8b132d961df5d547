using NativeStyle.Autodiff;
using NativeStyle.Kernels.Devices;
using NativeStyle.Style.Study;

namespace NativeStyle.FeedForward;

/// <summary>
/// One pass of a style's network over a random picture, from pixels on the device to pixels on the device. Reading and
/// writing files does not count. The time depends neither on the picture nor on the weights.
/// </summary>
internal sealed class StylizeBenchmark : IDisposable
{
    private readonly ComputeDevice _device;
    private readonly TransformerNet _network;
    private readonly Tensor _pixels;

    /// <param name="height">Rows, at least <see cref="TransformerArchitecture.MinSize"/>.</param>
    /// <param name="width">Columns, as many.</param>
    public StylizeBenchmark(ComputeDevice device, TransformerWeights weights, int height, int width)
    {
        _device = device;
        var random = new Random(1);
        float[] levels = new float[3 * height * width];
        foreach (ref float level in levels.AsSpan()) level = 255f * random.NextSingle();
        _network = new TransformerNet(device, weights);
        _pixels = new Tensor(device, new Shape(height, width, 3), levels);
        foreach (TransformerStage stage in weights.Architecture.Stages)
        {
            (height, width) = (stage.OutLength(height), stage.OutLength(width));
            DirectGflop += 2e-9 * stage.Kernel * stage.Kernel * stage.InChannels * stage.OutChannels * height * width;
        }
    }

    /// <summary>The operations of all convolutions by their definition, in 10⁹.</summary>
    public double DirectGflop { get; }

    /// <summary>Measures, after one pass that does not count.</summary>
    public RunTimes Measure(int iterations)
    {
        Pass();
        return RunTimes.Of(_device, iterations, Pass);
    }

    /// <summary>Times the operators of some passes one by one.</summary>
    public IReadOnlyCollection<ProfileEntry> Profile(int iterations)
    {
        Pass();
        _device.Profiler = new Profiler();
        for (int i = 0; i < iterations; i++) Pass();
        IReadOnlyCollection<ProfileEntry> entries = _device.Profiler.Entries;
        _device.Profiler = null;
        return entries;
    }

    public void Dispose()
    {
        _pixels.Dispose();
        _network.Dispose();
    }

    private void Pass()
    {
        using var tape = new Tape(_device);
        _network.Run(tape, _pixels);
    }
}
