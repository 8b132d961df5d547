using System.Diagnostics;
using NativeStyle.Autodiff;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;
using NativeStyle.Kernels.Operators.Conv3x3;
using NativeStyle.Kernels.Operators.Pool2x2;
using NativeStyle.Kernels.Operators.Vectors;
using NativeStyle.Vgg;

namespace NativeStyle.Style.Tiling;

/// <summary>
/// What plans take, in bytes and seconds, before anything runs. Memory is counted by going through a pass as the tape would:
/// what is allocated when, and what is given back. Time is counted in operations, at the pace that one convolution has on this
/// device.
/// </summary>
/// <param name="regions">Regions that styles have of their own.</param>
/// <param name="averages">Whether the average of the iterates is kept, as transfers do.</param>
/// <param name="pictures">Bytes of the pictures that are kept as their files have them.</param>
internal sealed class TileCosts(ComputeDevice device, VggArchitecture architecture, TransferOptions options, int regions = 0, bool averages = true, long pictures = 0)
{
    /// <summary>The program itself, its code, and the threads' scratch.</summary>
    public const long ProgramBytes = 90L << 20;

    /// <summary>Copies of a target picture on the host while it goes through the network.</summary>
    private const int TargetPictures = 3;

    /// <summary>Bytes a second to and from scratch files, on an ordinary disk.</summary>
    private const double DiskPace = 2e8;

    /// <summary>Bytes a second of loops that only move memory.</summary>
    private const double CopyPace = 1e10;

    /// <summary>How many times longer an operation takes in the first layer, whose three channels fill no vectors, and in Gram matrices.</summary>
    private const double FirstLayerFactor = 6, GramFactor = 2.5;

    /// <summary>Operations that making a kernel's transformed form is worth, for each pair of channels: once a pass and tile.</summary>
    private const double KernelTransform = 7500;

    private readonly PassMemory _passes = new(device, options, regions);
    private readonly Lazy<double> _measuredPace = new(() => MeasurePace(device));

    /// <summary>
    /// Seconds of an operation by which plans are chosen: constants, so that the same limit always means the same tiles, and
    /// the same bytes.
    /// </summary>
    private readonly double _nominalPace = device.HasFastGroups ? 1 / 5e12 : 1 / 7e11;

    public VggArchitecture Architecture => architecture;

    public TransferOptions Options => options;

    /// <summary>Whether maps on the device are memory of this process.</summary>
    private bool OnHost => device.UsesHostMemory;

    /// <summary>Vectors as long as the picture that an iteration has: pixels, gradient, what the optimiser remembers, and the average.</summary>
    private int PictureVectors => (options.Optimizer == OptimizerKind.Adam ? 4 : 7 + (2 * options.History)) + (averages ? 1 : 0);

    /// <summary>What stays whatever the plan: the program, weights, the picture's vectors, targets, masks.</summary>
    public long FixedBytes(int height, int width, bool targetsOnDisk, bool iterates) =>
        HostBytes(height, width, iterates) + Standing(height, width, targetsOnDisk, iterates).Sum(block => block.Bytes);

    /// <summary>Bytes beside the device's: the program, the pictures of the run, and of a target copies of its picture.</summary>
    private long HostBytes(int height, int width, bool iterates) =>
        OnHost ? ProgramBytes + pictures + (iterates ? 0 : TargetPictures * Bytes((height, width), 3)) : 0;

    /// <summary>Blocks on the device that stay for all iterations, and whether they are made in the middle of one.</summary>
    private IEnumerable<(long Bytes, bool Kept)> Standing(int height, int width, bool targetsOnDisk, bool iterates)
    {
                bool transposes = Conv3x3Weights.KeepsTransposed(device);
        foreach (VggLayer layer in new VggPlan(architecture, options.Network, options.Layers).Layers)
        {
            long kernel = 9L * layer.InChannels * layer.OutChannels * sizeof(float);
            yield return (kernel, false);
            if (transposes) yield return (kernel, true);
        }

        foreach (LayerWeight layer in options.StyleTerms)
        {
            (int rows, int columns) = VggArchitecture.SizeAt(architecture.Find(layer.Layer)!, height, width, options.PoolEdge);
            for (int region = 0; region < regions; region++) yield return (sizeof(float) * (long)rows * columns, false);
        }

        if (!iterates) yield break;
        if (!targetsOnDisk) yield return (TargetBytes(height, width), false);
        for (int vector = 0; vector < PictureVectors; vector++) yield return (Bytes((height, width), 3), false);
    }

    /// <summary>The maps that content is compared with.</summary>
    public long TargetBytes(int height, int width) => options.ContentTerms.Select(layer => architecture.Find(layer.Layer)!).Sum(layer =>
        Bytes(VggArchitecture.SizeAt(layer, height, width, options.PoolEdge), layer.OutChannels));

    /// <summary>The map between a segment and the next.</summary>
    public static long OutputBytes(Segment segment) => Bytes(segment.Cells, segment.Layers[^1].OutChannels);

    /// <summary>The maps between segments, and their gradients, that stand in memory while a segment is worked on.</summary>
    /// <param name="disk">A bit for each that is on disk.</param>
    public static long MapBytes(IReadOnlyList<Segment> segments, int s, int disk, bool iterates)
    {
        long before = Enumerable.Range(0, s).Sum(InMemory), own = InMemory(s);
        if (!iterates) return (s > 0 ? InMemory(s - 1) : 0) + own;
        // The gradient of the map behind, and of the one before, which is being filled.
        return before + own + (s > 0 ? InMemory(s - 1) : 0);

        long InMemory(int i) => i >= segments.Count - 1 || (disk >> i & 1) != 0 ? 0 : OutputBytes(segments[i]);
    }

    /// <summary>Whether a tile's largest map is one that the device can hold in one buffer and kernels can count in 32 bits.</summary>
    public bool Countable(SegmentPlan plan)
    {
        (int Height, int Width)[] windows = plan.Segment.LargestWindow(plan.Cells);
        return plan.Segment.Layers.All(layer => Countable(Bytes(windows[plan.Segment.Level(layer)], layer.OutChannels)));
    }

    /// <summary>The same of one map.</summary>
    public bool Countable(long bytes) => bytes / sizeof(float) <= int.MaxValue && bytes <= device.LargestBufferBytes;

    /// <summary>Bytes of a plan at its highest, all in all: everything that stays, and then its passes one tile after the other.</summary>
    public long Peak(TilePlan plan, IReadOnlyCollection<string> layers, bool iterates)
    {
        var memory = new MemoryRehearsal(device);
        foreach ((long block, bool kept) in Standing(plan.Height, plan.Width, plan.TargetsOnDisk, iterates)) memory.Take(block, kept);
        SegmentPlan[] segments = [.. plan.Segments];
        long[] outputs = [.. segments.Select((segment, s) => s == segments.Length - 1 || segment.OutputOnDisk ? 0 : OutputBytes(segment.Segment))];
        for (int s = 0; s < segments.Length; s++)
        {
            memory.Take(outputs[s]);
            Run(s, plan.IsWhole && iterates ? Pass.Whole : iterates && segments[s].KeepsGates ? Pass.Record : Pass.Visit);
            if (!iterates && s > 0) memory.Give(outputs[s - 1]);
        }

        for (int s = segments.Length - 1; iterates && !plan.IsWhole && s >= 0; s--)
        {
            if (s > 0) memory.Take(outputs[s - 1]);
            Run(s, segments[s].KeepsGates ? Pass.BackwardOfKept : Pass.Backward);
            // The gradient of the map behind, and the map before: its gradient stays for the next segment.
            memory.Give(outputs[s]);
            if (s > 0) memory.Give(outputs[s - 1]);
        }

        return memory.PeakBytes + HostBytes(plan.Height, plan.Width, iterates);

        void Run(int s, Pass pass)
        {
            foreach (Tile tile in segments[s].Tiles) _passes.Run(segments[s], tile, layers, pass, memory.Take, memory.Give);
        }
    }

    /// <summary>Bytes in scratch files.</summary>
    public long ScratchBytes(TilePlan plan) => (plan.TargetsOnDisk ? TargetBytes(plan.Height, plan.Width) : 0)
        + (2 * plan.Segments.Where(segment => segment.OutputOnDisk).Sum(segment => OutputBytes(segment.Segment)));

    /// <summary>Whether there are layers behind a segment's last loss, and backward needs only their gates: L2 pooling needs maps.</summary>
    public static bool GatesSuffice(Segment segment) =>
        segment.Tail.Count > 0 && !segment.Tail.OfType<PoolingStep>().Any();

    /// <summary>Bytes of the tile under way, and of what all tiles keep for the second pass.</summary>
    public (long Peak, long Standing) OfTiles(SegmentPlan plan, IReadOnlyCollection<string> layers, bool iterates)
    {
        if (!iterates) return (_passes.Highest(plan, layers, Pass.Visit), 0);
        if (!plan.KeepsGates) return (Math.Max(_passes.Highest(plan, layers, Pass.Visit), _passes.Highest(plan, layers, Pass.Backward)), 0);
        return (Math.Max(_passes.Highest(plan, layers, Pass.Record), _passes.Highest(plan, layers, Pass.BackwardOfKept)), GateBytes(plan, layers));
    }

    private static long GateBytes(SegmentPlan plan, IReadOnlyCollection<string> layers) => plan.Segment.Layers.Skip(plan.Segment.Head.OfType<ConvolutionStep>().Count()).Sum(layer =>
        plan.Segment.PixelsOfWindows(plan.Cells, plan.Segment.Level(layer)) * sizeof(uint) * ((layer.OutChannels + 31) / 32));

    /// <summary>Seconds of an iteration, or of a pass over a target, in one segment, as plans are compared.</summary>
    public double Seconds(SegmentPlan plan, IReadOnlyCollection<string> layers, bool iterates) => Seconds(plan, layers, iterates, _nominalPace);

    private static double Seconds(SegmentPlan plan, IReadOnlyCollection<string> layers, bool iterates, double pace)
    {
        Segment segment = plan.Segment;
        (int height, int width) = segment.Cells;
        double tiles = Math.Ceiling((double)height / plan.Cells.Height) * Math.Ceiling((double)width / plan.Cells.Width);
        bool whole = tiles == 1 && segment.ReadsPixels && !segment.HasOutput;
        int head = segment.Head.OfType<ConvolutionStep>().Count();
        double operations = 0, bytes = 0;
        for (int i = 0; i < segment.Layers.Count; i++)
        {
            VggLayer layer = segment.Layers[i];
            int level = segment.Level(layer);
            double pixels = segment.PixelsOfWindows(plan.Cells, level), pairs = (double)layer.InChannels * layer.OutChannels;
            double pass = (18 * pairs * pixels * (layer.ReadsPixels ? FirstLayerFactor : 1)) + (tiles * pairs * KernelTransform);
            bool again = !whole && (!plan.KeepsGates || i < head);
            operations += pass * (!iterates ? 1 : again ? 3 : 2);
            if (!layers.Contains(layer.Name)) continue;
            double gram = (double)layer.OutChannels * layer.OutChannels * segment.SizeAt(level).Height * segment.SizeAt(level).Width * GramFactor;
            operations += gram * (iterates ? 3 : 1);
            bytes += whole ? 0 : sizeof(float) * pixels * layer.OutChannels * (iterates ? 7 : 2);
        }

        return (operations * pace) + (bytes / CopyPace);
    }

    /// <summary>Seconds of an iteration, or of a pass over a target, all in all.</summary>
    /// <param name="measured">At the pace of this device instead of that by which plans are compared.</param>
    public double Seconds(TilePlan plan, IReadOnlyCollection<string> layers, bool iterates, bool measured) =>
        plan.Segments.Sum(segment => Seconds(segment, layers, iterates, measured ? _measuredPace.Value : _nominalPace) + (segment.OutputOnDisk ? OutputDiskSeconds(segment.Segment, iterates) : 0))
        + (iterates && plan.TargetsOnDisk ? TargetDiskSeconds(plan.Height, plan.Width) : 0);

    /// <summary>Seconds for a map between segments that is on disk: it is written once and read in each pass; its gradient is cleared, added to, and read.</summary>
    public static double OutputDiskSeconds(Segment segment, bool iterates) => OutputBytes(segment) * (iterates ? 7 : 2) / DiskPace;

    /// <summary>Seconds for content targets that are on disk: each pass reads them.</summary>
    public double TargetDiskSeconds(int height, int width) => 2 * TargetBytes(height, width) / DiskPace;

    private static long Bytes((int Height, int Width) size, int channels) => sizeof(float) * (long)size.Height * size.Width * channels;

    /// <summary>Seconds that an operation takes in a convolution of many channels.</summary>
    private static double MeasurePace(ComputeDevice device)
    {
        const int Side = 64, Channels = 128;
        using var weights = new Conv3x3Weights(device, new float[9 * Channels * Channels], new float[Channels]);
        using var x = new Tensor(device, new Shape(Side, Side, Channels));
        using var y = new Tensor(device, x.Shape);
        VectorOps.Fill(device, x.Data, 1f);
        var shape = new Conv3x3Shape(Side, Side, Channels, Channels, Relu: true);
        double best = double.PositiveInfinity;
        for (int i = 0; i < 6; i++)
        {
            device.Synchronize();
            long start = Stopwatch.GetTimestamp();
            Conv3x3Op.Forward(device, x.Data, weights, y.Data, default, shape);
            device.Synchronize();
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        return best / (18.0 * Side * Side * Channels * Channels);
    }
}
