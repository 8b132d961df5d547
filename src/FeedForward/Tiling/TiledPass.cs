using NativeStyle.Autodiff;
using NativeStyle.Autodiff.Operators;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;
using NativeStyle.Kernels.Operators.Expand;
using NativeStyle.Kernels.Operators.InstanceNorm;
using NativeStyle.Style.Tiling;

namespace NativeStyle.FeedForward.Tiling;

/// <summary>
/// The network's pass over a picture that does not fit into memory as a whole. A norm needs sums over all positions of
/// a convolution's output before anything can read it, so each convolution goes over all tiles before the next begins.
/// It writes its output as it is, and takes the moments of each tile. The next convolution reads windows of it,
/// normalises them by the moments of the whole map, and expands them. The result is that of
/// <see cref="TransformerNet.Run"/> up to rounding.
/// </summary>
/// <param name="device">The device of the network.</param>
/// <param name="net">The network.</param>
/// <param name="height">Rows of the picture.</param>
/// <param name="width">Columns of the picture.</param>
/// <param name="side">Rows and columns of a tile at the picture's size. Smaller maps have smaller tiles.</param>
/// <param name="onDisk">Whether maps are in scratch files.</param>
internal sealed class TiledPass(
    ComputeDevice device, TransformerNet net, int height, int width, int side, bool onDisk)
{
    private int _done;
    private int _total;

    /// <summary>Called after each tile with the number of tiles so far, and of all.</summary>
    public Action<int, int>? AtTile { get; init; }

    public CancellationToken Cancellation { get; init; }

    /// <summary>Draws a picture.</summary>
    /// <param name="picture">RGB 0..255. It is disposed as soon as it is no longer needed.</param>
    /// <param name="draw">Receives windows of the drawing: RGB, around 0..255 and not clamped.</param>
    /// <exception cref="OperationCanceledException">The work was cancelled.</exception>
    public void Run(MapStore picture, Action<Window, Tensor> draw)
    {
        IReadOnlyList<TransformerStage> stages = net.Architecture.Stages;
        _total = CountTiles(stages);
        // What the next convolution reads, and what the end of its block will add.
        var x = new NormalizedMap(picture);
        NormalizedMap? blockInput = null;
        try
        {
            for (int i = 0; i < stages.Count - 1; i++)
            {
                NormalizedMap y = Convolve(stages[i], x);
                if (stages[i + 1].AddsBlockInput) blockInput = x;
                else x.Dispose();
                x = y;
                if (!stages[i].AddsBlockInput) continue;
                x = Add(y, blockInput!);
                blockInput!.Dispose();
                blockInput = null;
            }

            foreach (Window tile in Tiles(height, width))
            {
                using var tape = new Tape(device);
                draw(tile, Convolve(tape, stages[^1], x, tile));
                Step();
            }
        }
        finally
        {
            x.Dispose();
            blockInput?.Dispose();
        }
    }

    /// <summary>Convolves a map tile by tile, and takes the moments of the result.</summary>
    private NormalizedMap Convolve(TransformerStage stage, NormalizedMap from)
    {
        MapStore map = MapStore.Create(
            device, stage.OutLength(from.Map.Height), stage.OutLength(from.Map.Width), stage.OutChannels, onDisk);
        try
        {
            ChannelMoments? moments = null;
            foreach (Window tile in Tiles(map.Height, map.Width))
            {
                using var tape = new Tape(device);
                Tensor part = Convolve(tape, stage, from, tile);
                map.Write(tile, part);
                ChannelMoments own = part.ChannelMoments();
                moments = moments?.With(own) ?? own;
                Step();
            }

            float[] factors = moments!.Factors(net[stage.Scale!].ToArray(), net[stage.Shift!].ToArray());
            var onDevice = new Tensor(device, new Shape(4, stage.OutChannels), factors);
            return new NormalizedMap(map, onDevice, stage.Relu);
        }
        catch
        {
            map.Dispose();
            throw;
        }
    }

    /// <summary>A window of a convolution's output.</summary>
    private Tensor Convolve(Tape tape, TransformerStage stage, NormalizedMap from, Window window)
    {
        ExpansionAxis rows = Axis(from.Map.Height, window.Top, window.Height);
        ExpansionAxis columns = Axis(from.Map.Width, window.Left, window.Width);
        Tensor x = from.Read(tape, rows, columns);
        Tensor y = tape.Convolution(x, net[stage.Filter], net[stage.Bias], stage.Stride);
        x.Release();
        return y;

        ExpansionAxis Axis(int length, int first, int count) => ExpansionAxis.Part(
            length, stage.Before, first * stage.Stride, ((count - 1) * stage.Stride) + stage.Kernel);
    }

    /// <summary>Adds a residual block's input to its normalised output, tile by tile in the output's memory.</summary>
    private NormalizedMap Add(NormalizedMap output, NormalizedMap input)
    {
        MapStore map = output.Map;
        foreach (Window tile in Tiles(map.Height, map.Width))
        {
            using var tape = new Tape(device);
            var rows = ExpansionAxis.Part(map.Height, Expansion.None, tile.Top, tile.Height);
            var columns = ExpansionAxis.Part(map.Width, Expansion.None, tile.Left, tile.Width);
            map.Write(tile, output.Read(tape, rows, columns, input.Read(tape, rows, columns)));
            Step();
        }

        return output.Plain();
    }

    /// <summary>
    /// Cuts a map into tiles, row by row. A map of a quarter of the picture's rows has tiles of a quarter of the rows.
    /// Tiles at the right and at the bottom are smaller.
    /// </summary>
    private IEnumerable<Window> Tiles(int mapHeight, int mapWidth)
    {
        int scale = (int)Math.Round((double)Math.Max(height, width) / Math.Max(mapHeight, mapWidth));
        int each = Math.Max(1, side / Math.Max(1, scale));
        foreach (int top in Starts(mapHeight, each))
        foreach (int left in Starts(mapWidth, each))
            yield return new Window(top, left, Math.Min(each, mapHeight - top), Math.Min(each, mapWidth - left));
    }

    /// <summary>
    /// The first rows of tiles. In a rehearsal, one tile stands for all in the middle, which take the same memory.
    /// </summary>
    private IEnumerable<int> Starts(int length, int each)
    {
        for (int start = 0; start < length; start += each)
        {
            bool isInner = start > each && start + each < length;
            if (!(isInner && device.IsRehearsal)) yield return start;
        }
    }

    private int CountTiles(IReadOnlyList<TransformerStage> stages)
    {
        (int rows, int columns, int count) = (height, width, 0);
        foreach (TransformerStage stage in stages.SkipLast(1))
        {
            (rows, columns) = (stage.OutLength(rows), stage.OutLength(columns));
            count += Tiles(rows, columns).Count() * (stage.AddsBlockInput ? 2 : 1);
        }

        return count + Tiles(height, width).Count();
    }

    private void Step()
    {
        Cancellation.ThrowIfCancellationRequested();
        AtTile?.Invoke(++_done, _total);
    }
}
