using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Operators.Conv3x3;
using NativeStyle.Kernels.Operators.Gram;
using NativeStyle.Kernels.Operators.Pool2x2;
using NativeStyle.Vgg;

namespace NativeStyle.Style.Tiling;

/// <summary>A way through the layers of a segment.</summary>
internal enum Pass
{
    /// <summary>Nothing is cut: forward and backward on one tape.</summary>
    Whole,

    /// <summary>Forward, nothing recorded.</summary>
    Visit,

    /// <summary>The same, and behind the last loss the gates stay.</summary>
    Record,

    /// <summary>Forward and backward of a tile.</summary>
    Backward,

    /// <summary>Forward as far as losses read, and backward, behind the last loss by the gates that stayed.</summary>
    BackwardOfKept,
}

/// <summary>
/// The memory of a tile's pass, block by block: what <see cref="TiledNetwork"/>, or <see cref="Objective.Evaluate"/> for a
/// whole picture, takes and gives back, in its order.
/// </summary>
/// <param name="regions">Regions that styles have of their own.</param>
internal sealed class PassMemory(ComputeDevice device, TransferOptions options, int regions)
{
    /// <summary>The most bytes at a time of the largest tile, if blocks leave no gaps.</summary>
    public long Highest(SegmentPlan plan, IReadOnlyCollection<string> layers, Pass pass)
    {
        long bytes = 0, highest = 0;
        Run(plan, null, layers, pass, (block, kept) => highest = Math.Max(highest, bytes += Counted(block, kept)), (block, kept) => bytes -= Counted(block, kept));
        return highest;

        // Gates that stay longer than the pass are counted by others; where they go they make room.
        long Counted(long block, bool kept) => kept && pass == Pass.Record ? 0 : block;
    }

    /// <summary>Goes through a pass.</summary>
    /// <param name="tile">Null for the largest.</param>
    /// <param name="take">Called for each block that is taken, with its size and whether it is kept among others.</param>
    /// <param name="give">Called for each block that is given back.</param>
    public void Run(SegmentPlan plan, Tile? tile, IReadOnlyCollection<string> layers, Pass pass, Action<long, bool> take, Action<long, bool> give)
    {
        Segment segment = plan.Segment;
        (int Height, int Width)[] windows = tile is null ? segment.LargestWindow(plan.Cells)
            : [.. Enumerable.Range(0, segment.LastLevel + 1).Select(level => (tile.Computed(level).Height, tile.Computed(level).Width))];
        bool crops = plan.Cells != segment.Cells;
        int head = segment.Head.OfType<ConvolutionStep>().Count(), end = pass == Pass.BackwardOfKept ? head : segment.Layers.Count;
        Step[] steps = [.. segment.Layers.Select((layer, i) => StepOf(layer, i))];
        long x = Bytes(windows[0], segment.Layers[0].InChannels);
        // What the network sees of the pixels, beside the pixels themselves: those of a whole picture are the parameter.
        if (segment.ReadsPixels && pass != Pass.Whole) Take(x);
        Take(x);
        if (segment.ReadsPixels && pass != Pass.Whole) Give(x);
        // Whether x stays for backward; and what the layers behind the last loss began with.
        bool stays = false;
        long begin = 0;
        for (int i = 0; i < end; i++)
        {
            Step step = steps[i];
            if (pass == Pass.Record && i == head) (begin, stays) = (x, true);
            Take(step.Output);
            if (Records(i)) take(step.Gates, true);
            Briefly([.. Conv3x3Op.Workspace(device, step.Shape, backward: false)]);
            if (!stays) Give(x);
            (x, stays) = (step.Output, step.Stays);
            if (step.Wanted) Visit(step);
            if (!step.PoolsAfter) continue;
            Take(step.Pooled);
            if (!stays) Give(x);
            (x, stays) = (step.Pooled, false);
        }

        if (segment.HasOutput && crops) Briefly(x);
        if (!stays) Give(x);
        Give(begin);
        if (pass is Pass.Visit or Pass.Record) return;
        // From the gradient of what comes behind, if anything does.
        long gradient = segment.HasOutput ? x : 0;
        if (pass == Pass.BackwardOfKept && gradient > 0) gradient = steps[^1].PoolsAfter ? steps[^1].Pooled : steps[^1].Output;
        // First that of the tile's part, then from it that of all that the tile computes.
        long part = crops ? Math.Min(gradient, sizeof(float) * segment.Layers[^1].OutChannels * (tile?.Own(segment.LastLevel).Pixels ?? (long)plan.Cells.Height * plan.Cells.Width)) : 0;
        Take(part);
        Take(gradient);
        Give(part);
        for (int i = segment.Layers.Count - 1; i >= 0; i--)
        {
            Step step = steps[i];
            if (gradient != step.Output || step.PoolsAfter)
            {
                Take(step.Output);
                Give(gradient);
                gradient = step.Output;
            }

            // The gradient of what masks made of the map; that of the map itself has come from behind already.
            if (pass == Pass.Whole && step.Copies > 0) Briefly(step.Own);
            else if (pass != Pass.Whole && step.Wanted) Give(step.OwnGradient);
            long dx = sizeof(float) * step.Shape.InLength;
            Take(dx);
            Briefly([.. Conv3x3Op.Workspace(device, step.Shape, backward: true)]);
            Give(gradient);
            give(step.Gates, true);
            if (step.Stays) Give(step.Output);
            for (int copy = 0; pass == Pass.Whole && step.Wanted && copy < step.Copies; copy++) Give(step.Own);
            gradient = dx;
        }

        Give(gradient);

        bool Records(int i) => pass switch
        {
            Pass.Whole or Pass.Backward => true,
            Pass.Record => i >= head,
            Pass.BackwardOfKept => i < head,
            _ => false,
        };

        void Take(long bytes) => take(bytes, false);

        void Give(long bytes) => give(bytes, false);

        void Briefly(params long[] blocks)
        {
            foreach (long block in blocks) Take(block);
            foreach (long block in blocks) Give(block);
        }

        // What losses make of a map. Of a whole picture it stays for their backward; of a tile only the gradient does.
        void Visit(Step step)
        {
            int channels = step.Shape.OutChannels;
            long gram = sizeof(float) * (long)channels * channels;
            // Of a tile the second pass only goes backward from its sums.
            if (pass is Pass.Whole or Pass.Visit or Pass.Record) gram += GramOp.WorkspaceBytes(device, (int)(step.Own / (sizeof(float) * channels)), channels);
            if (pass == Pass.Whole)
            {
                for (int copy = 0; copy < step.Copies; copy++) Take(step.Own);
                Briefly(gram);
                return;
            }

            int copies = Math.Max(step.ComparesContent ? 1 : 0, step.Copies) * (pass is Pass.Visit or Pass.Record ? 1 : 2);
            if (crops) Take(step.Own);
            if (pass is not (Pass.Visit or Pass.Record)) Take(step.OwnGradient);
            for (int copy = 0; copy < copies; copy++) Take(step.Own);
            Briefly(gram);
            for (int copy = 0; copy < copies; copy++) Give(step.Own);
            if (crops) Give(step.Own);
        }

        Step StepOf(VggLayer layer, int i)
        {
            bool ends = i + 1 < segment.Layers.Count ? segment.Layers[i + 1].Block != layer.Block : segment.HasOutput;
            bool wanted = layers.Contains(layer.Name), fused = ends && !wanted && options.Pooling != Pooling.L2;
            int level = segment.Level(layer), shift = segment.LastLevel - level;
            ((int height, int width), (int mapHeight, int mapWidth)) = (windows[level], segment.SizeAt(level));
            var shape = new Conv3x3Shape(
                height, width, layer.InChannels, layer.OutChannels, layer.ReadsPixels ? options.InputPadding : Padding.Zero, true,
                fused ? options.Pooling : Pooling.None, options.PoolEdge);
            bool styled = options.StyleTerms.Any(term => term.Layer == layer.Name);
            int perRegion = options.StyleLoss == StyleLoss.Wasserstein ? 2 : 1, masked = pass == Pass.Whole ? regions : Math.Min(1, regions);
            return new Step
            {
                Shape = shape,
                Output = sizeof(float) * shape.OutLength,
                Gates = sizeof(uint) * shape.GateLength,
                Own = sizeof(float) * layer.OutChannels * (tile?.Own(level).Pixels ?? (long)Math.Min(mapHeight, plan.Cells.Height << shift) * Math.Min(mapWidth, plan.Cells.Width << shift)),
                Wanted = wanted,
                PoolsAfter = ends && !fused,
                Pooled = ends ? Bytes(windows[level + 1], layer.OutChannels) : 0,
                Stays = Records(i) && ((wanted && pass == Pass.Whole) || (ends && !fused && options.Pooling != Pooling.Average)),
                Copies = (styled ? masked * perRegion : 0) + (wanted && options.NormalizeGradients ? 1 : 0),
                ComparesContent = options.ContentTerms.Any(term => term.Layer == layer.Name),
            };
        }
    }

    private static long Bytes((int Height, int Width) size, int channels) => sizeof(float) * (long)size.Height * size.Width * channels;

    /// <summary>A layer of a pass; sizes in bytes.</summary>
    private sealed record Step
    {
        public required Conv3x3Shape Shape { get; init; }

        /// <summary>Its map, pooled where pooling is part of the convolution.</summary>
        public required long Output { get; init; }

        public required long Gates { get; init; }

        /// <summary>What of the map belongs to the tile.</summary>
        public required long Own { get; init; }

        /// <summary>The gradient of that: a page more, so that it is told from the map where the blocks are placed.</summary>
        public long OwnGradient => Own + 4096;

        /// <summary>Whether losses read it.</summary>
        public required bool Wanted { get; init; }

        /// <summary>Whether a pooling of its own follows.</summary>
        public required bool PoolsAfter { get; init; }

        public required long Pooled { get; init; }

        /// <summary>Whether the map stays for backward.</summary>
        public required bool Stays { get; init; }

        /// <summary>Copies of it that masks and normalised gradients make.</summary>
        public required int Copies { get; init; }

        public required bool ComparesContent { get; init; }
    }
}
