using NativeStyle.Kernels.Devices;
using NativeStyle.Style.Options;
using NativeStyle.Vgg;

namespace NativeStyle.Style.Tiling;

/// <summary>What a plan is for.</summary>
internal enum PassKind
{
    /// <summary>Iterations: forward and backward of the result.</summary>
    Iteration,

    /// <summary>Forward of a content picture, for targets.</summary>
    Content,

    /// <summary>Forward of a style picture, for targets.</summary>
    Style,
}

/// <summary>
/// What plans take of memory, before anything runs: the real passes run on a rehearsal of the device, which places blocks as
/// the device will place them and launches nothing.
/// </summary>
/// <param name="device">Where the run will be.</param>
/// <param name="regions">Regions that styles have of their own.</param>
/// <param name="pictures">Bytes of the pictures that are kept as their files have them.</param>
internal sealed class MemoryRehearsal(
    ComputeDevice device, VggArchitecture architecture, TransferOptions options, int regions = 0, long pictures = 0)
{
    /// <summary>The program itself, its code and the runtime's heap.</summary>
    public const long ProgramBytes = 90L << 20;

    public ComputeDevice Device => device;

    public VggArchitecture Architecture => architecture;

    public TransferOptions Options => options;

    /// <summary>A run that stands ready to make passes over pictures of one size.</summary>
    /// <param name="result">Of a target, the plan of the iterations: it says where content targets are.</param>
    public RehearsedRun Prepare(PassKind kind, TilePlan plan, TilePlan? result = null) => new(this, kind, plan, result, regions);

    /// <summary>Bytes of the device's blocks at the highest.</summary>
    public long DevicePeak(PassKind kind, TilePlan plan, TilePlan? result = null)
    {
        using RehearsedRun run = Prepare(kind, plan, result);
        run.MakePass();
        return run.DevicePeakBytes;
    }

    /// <summary>Bytes at the highest, all in all: of a CPU the whole program's, else the device's.</summary>
    public long Peak(PassKind kind, TilePlan plan, TilePlan? result = null)
    {
        using RehearsedRun run = Prepare(kind, plan, result);
        run.MakePass();
        return run.PeakBytes + HostBytes(kind, plan.Height, plan.Width);
    }

    /// <summary>The maps that content is compared with.</summary>
    public long ContentBytes(int height, int width) => options.ContentTerms.Select(term => architecture.Find(term.Layer)!).Sum(layer =>
    {
        (int rows, int columns) = VggArchitecture.SizeAt(layer, height, width, options.Network.PoolEdge);
        return sizeof(float) * (long)rows * columns * layer.OutChannels;
    });

    /// <summary>Bytes of a CPU's memory beside those of its device.</summary>
    public long HostBytes(PassKind kind, int height, int width)
    {
        if (!device.UsesHostMemory) return 0;
        // The picture on its way through the network, and where the result starts.
        long copies = kind == PassKind.Iteration ? 0 : 2 * 3L * sizeof(float) * height * width;
        return ProgramBytes + pictures + copies;
    }
}
