using System.Diagnostics;
using NativeStyle.Autodiff;
using NativeStyle.Kernels;
using NativeStyle.Vgg;

namespace NativeStyle.Style.Tiling;

/// <summary>
/// What plans take, in bytes and seconds, before anything runs. Memory is counted by going through a pass as the tape would:
/// what is allocated when, and what is given back. Time is counted in operations, at the pace that one convolution has on this
/// device.
/// </summary>
/// <param name="regions">Regions that styles have of their own.</param>
internal sealed class TileCosts(Accelerator accelerator, VggArchitecture architecture, TransferOptions options, int regions = 0)
{
    /// <summary>The program itself, its code, and the threads' scratch.</summary>
    private const long ProgramBytes = 130L << 20;

    /// <summary>Bytes a second to and from scratch files, where they are too large for the system to keep in memory: a disk of today.</summary>
    private const double DiskPace = 4e8;

    /// <summary>Bytes a second of loops that only move memory.</summary>
    private const double CopyPace = 1e10;

    /// <summary>How many times longer an operation takes in the first layer, whose three channels fill no vectors, and in Gram matrices.</summary>
    private const double FirstLayerFactor = 6, GramFactor = 2.5;

    /// <summary>Operations that making a kernel's transformed form is worth, for each pair of channels: once a pass and tile.</summary>
    private const double KernelTransform = 7500;

    private readonly Lazy<double> _secondsPerOperation = new(() => MeasurePace(accelerator));

    public VggArchitecture Architecture => architecture;

    public TransferOptions Options => options;

    /// <summary>Whether maps on the device are memory of this process.</summary>
    private bool OnHost => accelerator is CpuAccelerator;

    /// <summary>Vectors as long as the picture that an iteration has: pixels, gradient, average, and what the optimiser remembers.</summary>
    public int PictureVectors(int history) => options.Optimizer == OptimizerKind.Adam ? 5 : 8 + (2 * history);

    /// <summary>What stays whatever the plan: the program, weights, the picture's vectors, targets, masks.</summary>
    public long FixedBytes(int height, int width, bool targetsOnDisk, bool iterates)
    {
        int depth = architecture.Layers.Select((layer, i) => options.Layers.Contains(layer.Name) ? i + 1 : 0).Max();
        // The CPU also keeps the kernels as the backward pass reads them.
        long copies = accelerator is CpuAccelerator { Path: CpuPath.Vectorized } ? 2 : 1;
        long weights = architecture.Layers.Take(depth).Sum(layer => 9L * layer.InChannels * layer.OutChannels * sizeof(float)) * copies;
        long pictures = iterates ? PictureVectors(options.History) : OnHost ? 3 : 0;
        long masks = 0;
        foreach (LayerWeight layer in options.StyleTerms)
        {
            (int rows, int columns) = VggArchitecture.SizeAt(architecture.Find(layer.Layer)!, height, width, options.PoolEdge);
            masks += sizeof(float) * (long)rows * columns * regions;
        }

        return (OnHost ? ProgramBytes : 0) + weights + (pictures * Bytes((height, width), 3)) + (targetsOnDisk || !iterates ? 0 : TargetBytes(height, width)) + masks;
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
        long largest = plan.Segment.Layers.Max(layer => (long)windows[plan.Segment.Level(layer)].Height * windows[plan.Segment.Level(layer)].Width * layer.OutChannels);
        return largest <= int.MaxValue && largest * sizeof(float) <= accelerator.LargestBufferBytes;
    }

    /// <summary>Bytes of a plan at its highest, all in all.</summary>
    public long Peak(TilePlan plan, IReadOnlyCollection<string> layers, bool iterates)
    {
        long peak = 0, kept = 0;
        Segment[] segments = [.. plan.Segments.Select(segment => segment.Segment)];
        int disk = plan.Segments.Select((segment, i) => segment.OutputOnDisk ? 1 << i : 0).Sum();
        for (int s = 0; s < segments.Length; s++)
        {
            (long tile, long standing) = plan.IsWhole ? (Simulate(plan.Segments[s], layers, iterates ? Pass.Whole : Pass.Visit), 0) : OfTiles(plan.Segments[s], layers, iterates);
            kept += standing;
            peak = Math.Max(peak, tile + kept + MapBytes(segments, s, disk, iterates));
        }

        return peak + FixedBytes(plan.Height, plan.Width, plan.TargetsOnDisk, iterates);
    }

    /// <summary>Bytes in scratch files.</summary>
    public long ScratchBytes(TilePlan plan) => (plan.TargetsOnDisk ? TargetBytes(plan.Height, plan.Width) : 0)
        + (2 * plan.Segments.Where(segment => segment.OutputOnDisk).Sum(segment => OutputBytes(segment.Segment)));

    /// <summary>Bytes of the tile under way, and of what all tiles keep for the second pass.</summary>
    public (long Peak, long Standing) OfTiles(SegmentPlan plan, IReadOnlyCollection<string> layers, bool iterates)
    {
        if (!iterates) return (Simulate(plan, layers, Pass.Visit), 0);
        if (!plan.KeepsGates) return (Math.Max(Simulate(plan, layers, Pass.Visit), Simulate(plan, layers, Pass.Backward)), 0);
        long[] rows = plan.Segment.SumOfWindows(true, plan.Cells.Height), columns = plan.Segment.SumOfWindows(false, plan.Cells.Width);
        long standing = plan.Segment.Layers.Sum(layer =>
            rows[plan.Segment.Level(layer)] * columns[plan.Segment.Level(layer)] * sizeof(uint) * ((layer.OutChannels + 31) / 32));
        return (Math.Max(Simulate(plan, layers, Pass.Visit), Simulate(plan, layers, Pass.BackwardOfKept)), standing);
    }

    /// <summary>Seconds of an iteration, or of a pass over a target, in one segment.</summary>
    public double Seconds(SegmentPlan plan, IReadOnlyCollection<string> layers, bool iterates)
    {
        Segment segment = plan.Segment;
        long[] rows = segment.SumOfWindows(true, plan.Cells.Height), columns = segment.SumOfWindows(false, plan.Cells.Width);
        (int height, int width) = segment.Cells;
        double tiles = Math.Ceiling((double)height / plan.Cells.Height) * Math.Ceiling((double)width / plan.Cells.Width);
        bool whole = tiles == 1 && segment.Stretch.First == 0 && !segment.Stretch.PoolAtEnd;
        int lastLoss = segment.Layers.Select((layer, i) => layers.Contains(layer.Name) ? i : -1).Max();
        double operations = 0, bytes = 0;
        for (int i = 0; i < segment.Layers.Count; i++)
        {
            VggLayer layer = segment.Layers[i];
            int level = segment.Level(layer);
            double pixels = (double)rows[level] * columns[level], pairs = (double)layer.InChannels * layer.OutChannels;
            double pass = (18 * pairs * pixels * (layer.InChannels == 3 ? FirstLayerFactor : 1)) + (tiles * pairs * KernelTransform);
            bool again = !whole && (!plan.KeepsGates || i <= lastLoss);
            operations += pass * (!iterates ? 1 : again ? 3 : 2);
            if (!layers.Contains(layer.Name)) continue;
            double gram = (double)layer.OutChannels * layer.OutChannels * segment.SizeAt(level).Height * segment.SizeAt(level).Width * GramFactor;
            operations += gram * (!iterates ? 1 : whole ? 3 : 4);
            bytes += whole ? 0 : sizeof(float) * pixels * layer.OutChannels * (iterates ? 7 : 2);
        }

        return (operations * _secondsPerOperation.Value) + (bytes / CopyPace);
    }

    /// <summary>Seconds for so many bytes to or from scratch files.</summary>
    public static double DiskSeconds(long bytes) => bytes / DiskPace;

    private static long Bytes((int Height, int Width) size, int channels) => sizeof(float) * (long)size.Height * size.Width * channels;

    /// <summary>One tile's pass, allocation by allocation; see <see cref="TiledNetwork"/> and <see cref="Objective.Evaluate"/>.</summary>
    private long Simulate(SegmentPlan plan, IReadOnlyCollection<string> layers, Pass pass)
    {
        Segment segment = plan.Segment;
        (int Height, int Width)[] window = segment.LargestWindow(plan.Cells);
        var memory = new Account();
        int last = segment.Layers.Count;
        if (pass == Pass.BackwardOfKept) last = segment.Layers.Select((layer, i) => layers.Contains(layer.Name) ? i + 1 : 0).Max();
        bool records = pass is Pass.Whole or Pass.Backward;
        List<(long Gates, long Part, long Saved)> kept = [];
        int firstChannels = segment.Layers[0].InChannels;
        long x = Bytes(window[0], firstChannels);
        // The pixels themselves are there anyway where nothing is cut; the network's input beside them is not.
        if (segment.Stretch.First == 0 && pass != Pass.Whole) memory.Peak(x);
        memory.Take(x);
        for (int i = 0; i < segment.Layers.Count; i++)
        {
            VggLayer layer = segment.Layers[i];
            Conv3x3Shape shape = Shape(i, window, layers);
            long gates = sizeof(uint) * shape.GateLength, own = Own(i), saved = 0, part = 0;
            bool wanted = layers.Contains(layer.Name);
            if (i < last)
            {
                long y = sizeof(float) * shape.OutLength;
                memory.Take(records ? gates : 0);
                memory.Take(y);
                memory.Peak(Conv3x3.WorkspaceBytes(accelerator, shape, backward: false));
                memory.Give(x);
                x = y;
                if (wanted && pass == Pass.Whole)
                {
                    // Kept for the Gram matrix's backward, and so are what masks make of it.
                    saved = (1 + Copies(layer)) * own;
                    memory.Take(saved - own);
                    memory.Peak(Statistics(layer));
                }
                else if (wanted)
                {
                    bool crops = plan.Cells != segment.Cells;
                    memory.Take(crops ? own : 0);
                    part = pass == Pass.Visit ? 0 : own;
                    memory.Peak(part + ((pass == Pass.Visit ? 1 : 2) * Math.Max(1, Copies(layer)) * own) + Statistics(layer));
                    memory.Take(part);
                    memory.Give(crops ? own : 0);
                }
            }

            bool pools = EndsBlock(i) && shape.Pooling == Pooling.None && i < last;
            if (pools)
            {
                long pooled = Bytes(window[segment.Level(layer) + 1], layer.OutChannels);
                memory.Take(pooled);
                if (records && options.Pooling != Pooling.Average) saved = Math.Max(saved, x);
                if (saved == 0) memory.Give(x);
                x = pooled;
            }
            else if (saved > 0 && i + 1 < last)
            {
                // The next layer gives nothing back.
                x = 0;
            }

            kept.Add((records ? gates : 0, part, saved));
        }

        if (segment.Stretch.PoolAtEnd) memory.Peak(x);
        if (pass == Pass.Visit) return memory.Highest;
        if (kept[^1].Saved == 0) memory.Give(x);
        long gradient = segment.Stretch.PoolAtEnd ? Bytes(window[^1], segment.Layers[^1].OutChannels) : 0;
        memory.Peak(2 * gradient);
        memory.Take(gradient);
        for (int i = segment.Layers.Count - 1; i >= 0; i--)
        {
            VggLayer layer = segment.Layers[i];
            Conv3x3Shape shape = Shape(i, window, layers);
            long y = sizeof(float) * shape.OutLength, dx = sizeof(float) * shape.InLength;
            if (gradient < y || (EndsBlock(i) && shape.Pooling == Pooling.None))
            {
                memory.Take(y);
                memory.Give(gradient);
                gradient = y;
            }

            if (pass == Pass.Whole && kept[i].Saved > 0) memory.Peak(Copies(layer) * Own(i));
            memory.Give(kept[i].Part);
            memory.Take(dx);
            memory.Peak(Conv3x3.WorkspaceBytes(accelerator, shape, backward: true));
            memory.Give(gradient + kept[i].Gates + kept[i].Saved);
            gradient = dx;
        }

        return memory.Highest;

        bool EndsBlock(int i) => i + 1 < segment.Layers.Count ? segment.Layers[i + 1].Block != segment.Layers[i].Block : segment.Stretch.PoolAtEnd;

        Conv3x3Shape Shape(int i, (int Height, int Width)[] sizes, IReadOnlyCollection<string> wanted)
        {
            VggLayer layer = segment.Layers[i];
            bool fused = EndsBlock(i) && !wanted.Contains(layer.Name) && options.Pooling != Pooling.L2;
            (int height, int width) = sizes[segment.Level(layer)];
            return new Conv3x3Shape(
                height, width, layer.InChannels, layer.OutChannels, layer.InChannels == 3 ? options.InputPadding : Padding.Zero, true,
                fused ? options.Pooling : Pooling.None, options.PoolEdge);
        }

        // What of a layer's map belongs to the tile.
        long Own(int i)
        {
            int level = segment.Level(segment.Layers[i]), shift = segment.LastLevel - level;
            (int height, int width) = segment.SizeAt(level);
            return Bytes((Math.Min(height, plan.Cells.Height << shift), Math.Min(width, plan.Cells.Width << shift)), segment.Layers[i].OutChannels);
        }

        // Copies of a map that style statistics of regions and normalised gradients make.
        int Copies(VggLayer layer) => !options.StyleTerms.Any(term => term.Layer == layer.Name) ? 0
            : ((pass == Pass.Whole ? regions : Math.Min(1, regions)) * (options.StyleLoss == StyleLoss.Wasserstein ? 2 : 1)) + (options.NormalizeGradients ? 1 : 0);

        // Partial Gram matrices of the threads.
        static long Statistics(VggLayer layer) => 17L * layer.OutChannels * layer.OutChannels * sizeof(float);
    }

    /// <summary>Seconds that an operation takes in a convolution of many channels.</summary>
    private static double MeasurePace(Accelerator accelerator)
    {
        const int Side = 64, Channels = 128;
        using var weights = new Conv3x3Weights(accelerator, new float[9 * Channels * Channels], new float[Channels]);
        using var x = new Tensor(accelerator, new Shape(Side, Side, Channels));
        using var y = new Tensor(accelerator, x.Shape);
        VectorOps.Fill(accelerator, x.Data, 1f);
        var shape = new Conv3x3Shape(Side, Side, Channels, Channels, Relu: true);
        double best = double.PositiveInfinity;
        for (int i = 0; i < 6; i++)
        {
            accelerator.Synchronize();
            long start = Stopwatch.GetTimestamp();
            Conv3x3.Forward(accelerator, x.Data, weights, y.Data, default, shape);
            accelerator.Synchronize();
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        return best / (18.0 * Side * Side * Channels * Channels);
    }

    private enum Pass
    {
        /// <summary>Nothing is cut: forward and backward on one tape.</summary>
        Whole,

        /// <summary>Forward, nothing recorded.</summary>
        Visit,

        /// <summary>Forward and backward of a tile.</summary>
        Backward,

        /// <summary>As far forward as losses read, and backward by the gates of the first pass.</summary>
        BackwardOfKept,
    }

    /// <summary>Bytes in use, and the most that ever were.</summary>
    private sealed class Account
    {
        private long _bytes;

        public long Highest { get; private set; }

        public void Take(long bytes)
        {
            _bytes += bytes;
            Peak(0);
        }

        public void Give(long bytes) => _bytes -= bytes;

        /// <summary>Taken and given back at once.</summary>
        public void Peak(long bytes) => Highest = Math.Max(Highest, _bytes + bytes);
    }
}
