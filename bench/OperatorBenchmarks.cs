using BenchmarkDotNet.Attributes;
using ILGPU;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;
using NativeStyle.Kernels.Operators.Adam;
using NativeStyle.Kernels.Operators.Conv3x3;
using NativeStyle.Kernels.Operators.Convolution;
using NativeStyle.Kernels.Operators.Gram;
using NativeStyle.Kernels.Operators.Pool2x2;
using NativeStyle.Kernels.Operators.TotalVariation;
using NativeStyle.Kernels.Operators.Vectors;

namespace NativeStyle.Bench;

/// <summary>Provides the device for a vector width, and random buffers, for all benchmarks of operators.</summary>
public abstract class OperatorBenchmarks
{
    private readonly List<IDisposable> _buffers = [];
    private readonly Random _random = new(1);

    /// <summary>The vector width; 0 is the widest of the processor.</summary>
    [Params(128, 256, 0)]
    public int VectorBits { get; set; }

    protected CpuDevice Cpu { get; private set; } = null!;

    [GlobalSetup]
    public void Setup()
    {
        Cpu = new CpuDevice(vectorBits: VectorBits);
        Allocate();
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _buffers.ForEach(buffer => buffer.Dispose());
        _buffers.Clear();
        Cpu.Dispose();
    }

    protected abstract void Allocate();

    protected ArrayView<float> Floats(long length)
    {
        DeviceBuffer<float> buffer = Cpu.Allocate<float>(Values(length));
        _buffers.Add(buffer);
        return buffer.View;
    }

    protected ArrayView<uint> Words(long length)
    {
        DeviceBuffer<uint> buffer = Cpu.Allocate<uint>(length);
        _buffers.Add(buffer);
        return buffer.View;
    }

    protected Conv3x3Weights Weights(Conv3x3Shape shape)
    {
        var weights = new Conv3x3Weights(Cpu, Values(shape.FilterLength), Values(shape.OutChannels));
        _buffers.Add(weights);
        return weights;
    }

    private float[] Values(long length)
    {
        float[] values = new float[length];
        for (int i = 0; i < values.Length; i++) values[i] = _random.NextSingle() - 0.5f;
        return values;
    }
}

/// <summary>The convolutions of VGG-19 for a picture of 256 x 256, one of each kind.</summary>
public class ConvolutionBenchmarks : OperatorBenchmarks
{
    private ArrayView<float> _x, _y, _sums, _gradKernel;
    private ArrayView<uint> _gate;
    private Conv3x3Weights _weights = null!;
    private Conv3x3Shape _shape;

    [Params(
        "256, 3 -> 64", "256, 64 -> 64", "256, 64 -> 64, pooled", "128, 128 -> 128", "64, 256 -> 256", "32, 512 -> 512",
        "16, 512 -> 512")]
    public string Layer { get; set; } = "";

    protected override void Allocate()
    {
        string[] parts = Layer.Split([", ", " -> "], StringSplitOptions.None);
        int side = int.Parse(parts[0]);
        Pooling pooling = parts.Length > 3 ? Pooling.Average : Pooling.None;
        _shape = new Conv3x3Shape(
            side, side, int.Parse(parts[1]), int.Parse(parts[2]), Relu: true, Pooling: pooling);
        (_x, _y, _gate) = (Floats(_shape.InLength), Floats(_shape.OutLength), Words(_shape.GateLength));
        _weights = Weights(_shape);
        (_sums, _gradKernel) = (Floats(_shape.PreactivationLength), Floats(_shape.FilterLength));
        Forward();
    }

    [Benchmark]
    public void Forward() => Conv3x3Op.Forward(Cpu, _x, _weights, _y, _gate, _shape);

    [Benchmark]
    public void BackwardData() => Conv3x3Op.BackwardData(Cpu, _y, _gate, _weights, _x, _shape, 0f);

    /// <summary>Starts from the gradient of the sums, which is as large as the map before pooling.</summary>
    [Benchmark]
    public void BackwardWeights() =>
        Conv3x3Op.BackwardWeights(Cpu, _x, _sums, _gradKernel, _shape with { Pooling = Pooling.None }, 0f);
}

/// <summary>
/// The convolutions of feed-forward networks for a picture of 256 x 256 that are not 3x3 with stride 1: the side of the
/// output, channels, kernel and stride.
/// </summary>
public class StridedConvolutionBenchmarks : OperatorBenchmarks
{
    private ArrayView<float> _x, _w, _b, _y, _dx, _dw, _db;
    private ConvolutionShape _shape;

    [Params(
        "256, 3 -> 16, 9/1", "256, 3 -> 32, 9/1", "128, 16 -> 32, 3/2", "128, 32 -> 64, 3/2", "64, 64 -> 128, 3/2",
        "256, 16 -> 3, 9/1", "256, 32 -> 3, 9/1")]
    public string Layer { get; set; } = "";

    protected override void Allocate()
    {
        int[] sizes = [.. Layer.Split([", ", " -> ", "/"], StringSplitOptions.None).Select(int.Parse)];
        (int kernel, int stride) = (sizes[3], sizes[4]);
        int side = ((sizes[0] - 1) * stride) + kernel;
        _shape = new ConvolutionShape(side, side, sizes[1], sizes[2], kernel, stride);
        (_x, _dx) = (Floats(_shape.InLength), Floats(_shape.InLength));
        (_w, _dw) = (Floats(_shape.FilterLength), Floats(_shape.FilterLength));
        (_b, _db) = (Floats(_shape.OutChannels), Floats(_shape.OutChannels));
        _y = Floats(_shape.OutLength);
    }

    [Benchmark]
    public void Forward() => ConvolutionOp.Forward(Cpu, _x, _w, _b, _y, _shape);

    [Benchmark]
    public void BackwardData() => ConvolutionOp.BackwardData(Cpu, _y, _w, _dx, _shape, 0f);

    [Benchmark]
    public void BackwardWeights() => ConvolutionOp.BackwardWeights(Cpu, _x, _y, _dw, _shape, 0f);

    [Benchmark]
    public void BackwardBias() => ConvolutionOp.BackwardBias(Cpu, _y, _db, _shape, 0f);
}

/// <summary>The Gram matrices of VGG-19's style layers for a picture of 256 x 256.</summary>
public class GramBenchmarks : OperatorBenchmarks
{
    private ArrayView<float> _features, _gram, _gradient;
    private int _pixels, _channels;

    [Params("65536, 64", "16384, 128", "4096, 256", "1024, 512", "256, 512")]
    public string Layer { get; set; } = "";

    protected override void Allocate()
    {
        string[] parts = Layer.Split(", ");
        (_pixels, _channels) = (int.Parse(parts[0]), int.Parse(parts[1]));
        (_features, _gradient) = (Floats((long)_pixels * _channels), Floats((long)_pixels * _channels));
        _gram = Floats((long)_channels * _channels);
    }

    [Benchmark]
    public void Forward() => GramOp.Forward(Cpu, _features, _gram, _pixels, _channels, 1f);

    [Benchmark]
    public void Backward() => GramOp.Backward(Cpu, _features, _gram, _gradient, _pixels, _channels, 1f, 1f);
}

/// <summary>The operators that only move memory, on a feature map of a picture's size.</summary>
public class MemoryBenchmarks : OperatorBenchmarks
{
    private const int Side = 256, Samples = Side * Side * 3;
    private readonly PoolShape _pool = new(Side, Side, 64, PoolEdge.Floor);
    private ArrayView<float> _map, _pooled, _pixels, _gradient, _m, _v, _one;

    protected override void Allocate()
    {
        (_map, _pooled) = (Floats(_pool.InLength), Floats(_pool.OutLength));
        (_pixels, _gradient, _m, _v) = (Floats(Samples), Floats(Samples), Floats(Samples), Floats(Samples));
        VectorOps.Fill(Cpu, _v, 1f);
        _one = Floats(1);
    }

    [Benchmark]
    public void AveragePool() => AveragePoolOp.Forward(Cpu, _map, _pooled, _pool);

    [Benchmark]
    public void AveragePoolBackward() => AveragePoolOp.Backward(Cpu, _pooled, _map, _pool, 0f);

    [Benchmark]
    public void MaximumPool() => MaxPoolOp.Forward(Cpu, _map, _pooled, _pool);

    [Benchmark]
    public void AdamStep() => AdamOp.Step(Cpu, _pixels, _gradient, _m, _v, new AdamSettings(0.01f), 10);

    [Benchmark]
    public void TotalVariationLoss() =>
        TotalVariationOp.Forward(Cpu, _pixels, _one, Side, Side, 3, new VariationWeights(1f, 1f));
}
