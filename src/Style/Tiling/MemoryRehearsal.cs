using NativeStyle.Kernels.Devices;
using NativeStyle.Style.Options;
using NativeStyle.Vgg;

namespace NativeStyle.Style.Tiling;

/// <summary>What a plan is for.</summary>
internal enum PassKind
{
    /// <summary>Iterations: the result goes forward and backward.</summary>
    Iteration,

    /// <summary>A content picture goes forward, for targets.</summary>
    Content,

    /// <summary>A style picture goes forward, for targets.</summary>
    Style,
}

/// <summary>
/// Says how much memory plans take, before anything runs. The real passes run on a rehearsal of the device. It places
/// blocks as the device will place them, and launches nothing.
/// </summary>
/// <param name="device">The device of the run.</param>
/// <param name="regions">How many regions the styles have of their own.</param>
/// <param name="pictures">Bytes of the pictures that are kept as their files have them.</param>
/// <param name="everywhere">Whether there is also a style for the whole picture.</param>
internal sealed class MemoryRehearsal(
    ComputeDevice device, VggArchitecture architecture, TransferOptions options, int regions = 0, long pictures = 0,
    bool everywhere = true)
{
    public ComputeDevice Device => device;

    public VggArchitecture Architecture => architecture;

    public TransferOptions Options => options;

    /// <summary>Prepares a run that can make passes over pictures of one size.</summary>
    /// <param name="result">For a target, the plan of the iterations, which says where content targets are.</param>
    public RehearsedRun Prepare(PassKind kind, TilePlan plan, TilePlan? result = null) =>
        new(this, kind, plan, result, regions, everywhere);

    /// <summary>The peak of the bytes in the device's blocks.</summary>
    public long DevicePeak(PassKind kind, TilePlan plan, TilePlan? result = null)
    {
        using RehearsedRun run = Prepare(kind, plan, result);
        run.MakePass();
        return run.DevicePeakBytes;
    }

    /// <summary>
    /// The peak in bytes, everything included: on a CPU of the whole program, otherwise of the device.
    /// </summary>
    public long Peak(PassKind kind, TilePlan plan, TilePlan? result = null)
    {
        using RehearsedRun run = Prepare(kind, plan, result);
        run.MakePass();
        return run.PeakBytes + HostBytes(kind, plan, result);
    }

    /// <summary>Bytes of all maps that content is compared with.</summary>
    public long ContentBytes(int height, int width) => ContentMaps(height, width).Sum();

    /// <summary>Bytes of each map that content is compared with.</summary>
    public IReadOnlyList<long> ContentMaps(int height, int width)
    {
        return [.. options.ContentTerms.Select(term => architecture.Find(term.Layer)!).Select(BytesOf)];

        long BytesOf(VggLayer layer)
        {
            (int rows, int columns) = VggArchitecture.SizeAt(layer, height, width, options.Network.PoolEdge);
            return sizeof(float) * (long)rows * columns * layer.OutChannels;
        }
    }

    /// <summary>Bytes that a CPU's program takes beside the memory of its device.</summary>
    /// <param name="plan">The plan of the passes.</param>
    /// <param name="result">For a target, the plan of the iterations.</param>
    public long HostBytes(PassKind kind, TilePlan plan, TilePlan? result)
    {
        if (!device.UsesHostMemory) return 0;
        long bytes = MemoryPlanner.ProgramBytes + pictures;
        if (kind == PassKind.Iteration) return bytes;
        // The target picture; then the start of the result, with what Adam carries over from the scale before.
        int carried = options is { Optimizer: OptimizerKind.Adam, CoarsestSize: > 0 } ? 2 : 0;
        return bytes + Picture(plan) + ((1 + carried) * Picture(result ?? plan));

        static long Picture(TilePlan of) => 3L * sizeof(float) * of.Height * of.Width;
    }
}
