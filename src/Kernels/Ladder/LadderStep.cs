using ILGPU;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Translation;

namespace NativeStyle.Kernels.Ladder;

/// <summary>The size of a ladder's map.</summary>
/// <param name="Rows">Rows of the map.</param>
/// <param name="Columns">Columns of the map.</param>
/// <param name="Channels">Channels of the map.</param>
internal readonly record struct LadderSize(int Rows, int Columns, int Channels)
{
    public int Pixels => Rows * Columns;

    public long Length => (long)Pixels * Channels;

    public override string ToString() => $"{Rows}x{Columns}, {Channels}";
}

/// <summary>A step of a ladder: a kernel, what is expected of it, and how it is launched.</summary>
/// <param name="Number">From 1 on.</param>
/// <param name="Title">The idea, in a few words.</param>
/// <param name="Before">The step that it changes; 0 for the first.</param>
/// <param name="Kernel">The kernel to read.</param>
/// <param name="BytesPerFlop">Bytes that its work items ask of global memory for each operation.</param>
/// <param name="Accesses">What a warp reads (and writes, if a loop has no end) in the innermost loop.</param>
/// <param name="MultiplyAdds">Multiply-adds of a warp in that loop, as instructions of 32 multiply-adds.</param>
/// <param name="ExpectedGain">
/// How many times faster than the step before it was expected to be on PoCL, before it was measured.
/// </param>
/// <param name="Run">Computes the output from the input.</param>
internal sealed record LadderStep(
    int Number,
    string Title,
    int Before,
    KernelEntry Kernel,
    double BytesPerFlop,
    IReadOnlyList<WarpAccess> Accesses,
    double MultiplyAdds,
    double? ExpectedGain,
    Action<ComputeDevice, ArrayView<float>, ArrayView<float>, LadderSize> Run)
{
    /// <summary>
    /// Whether the input is a row of pixels for each channel, instead of a row of channels for each pixel.
    /// </summary>
    public bool IsPlanar { get; init; }

    /// <summary>Whether it exchanges values in warps, which OpenCL does not.</summary>
    public bool NeedsWarps { get; init; }

    /// <summary>Instructions of 32 multiply-adds that a multiprocessor of an A100 starts in a cycle.</summary>
    public double Rate { get; init; } = 2;

    /// <summary>Passes of the load unit for each instruction of 32 multiply-adds.</summary>
    public double PassesPerMultiplyAdd => Accesses.Sum(access => access.Passes) / MultiplyAdds;

    /// <summary>
    /// The share of an A100's arithmetic that the load unit leaves, at one pass a cycle. Latency, barriers and too few
    /// groups come on top.
    /// </summary>
    public double ArithmeticShare => Math.Min(1, 1 / (Rate * PassesPerMultiplyAdd));

    /// <summary>The share of the bytes that global memory moves which somebody wanted.</summary>
    public double UsefulShare =>
        Accesses.Sum(access => access.UsefulBytes) / (32.0 * Accesses.Sum(access => access.Sectors));

    /// <summary>What the map's channels must be a multiple of.</summary>
    public int ChannelMultiple { get; init; } = 4;

    /// <summary>Why the step does not run on a device or with a map; null if it does.</summary>
    public string? WhyNot(ComputeDevice device, LadderSize size) =>
        Kernel.Grouped && !device.HasGroups ? "kernels of groups run on cpu-kernels and on GPUs"
        : NeedsWarps && !device.HasWarps ? "it needs warps of 32 lanes: CUDA or cpu-kernels"
        : size.Channels % ChannelMultiple != 0 ? $"its channels must be a multiple of {ChannelMultiple}"
        : null;
}

/// <summary>One operator in steps from plain to fast.</summary>
/// <param name="Name">The word that names it: gram or pool.</param>
/// <param name="Title">What it computes.</param>
/// <param name="IsBoundByMemory">Whether bytes limit it, and not operations.</param>
/// <param name="Steps">The steps, in order.</param>
/// <param name="OutputLength">Elements of the result.</param>
/// <param name="Flop">Operations of the definition.</param>
/// <param name="LeastBytes">Bytes to read and write if each is touched once.</param>
/// <param name="RunOperator">Computes the same by the operator that transfers use.</param>
internal sealed record KernelLadder(
    string Name,
    string Title,
    bool IsBoundByMemory,
    IReadOnlyList<LadderStep> Steps,
    Func<LadderSize, long> OutputLength,
    Func<LadderSize, double> Flop,
    Func<LadderSize, double> LeastBytes,
    Action<ComputeDevice, ArrayView<float>, ArrayView<float>, LadderSize> RunOperator)
{
    /// <summary>The Gram matrix: bound by arithmetic.</summary>
    public static KernelLadder Gram { get; } = GramLadder.Create();

    /// <summary>Average pooling: bound by memory.</summary>
    public static KernelLadder Pool { get; } = PoolLadder.Create();

    public static IReadOnlyList<KernelLadder> All { get; } = [Gram, Pool];

    /// <summary>
    /// A size that takes some milliseconds on a device of that kind, and exceeds its caches for pooling.
    /// </summary>
    public LadderSize SizeFor(DeviceListing device) => device switch
    {
        { Name: "cpu-kernels" } => IsBoundByMemory ? new(16, 16, 64) : new(8, 8, 64),
        { IsGpu: true } => IsBoundByMemory ? new(2048, 2048, 64) : new(256, 256, 512),
        _ => IsBoundByMemory ? new(512, 512, 64) : new(64, 64, 256),
    };

    /// <summary>The input in the layout that a step reads.</summary>
    /// <param name="map">The map, channels-last.</param>
    public static float[] InputOf(LadderStep step, float[] map, LadderSize size)
    {
        if (!step.IsPlanar) return map;
        float[] planes = new float[map.Length];
        for (int p = 0; p < size.Pixels; p++)
            for (int c = 0; c < size.Channels; c++) planes[(c * size.Pixels) + p] = map[(p * size.Channels) + c];
        return planes;
    }
}
