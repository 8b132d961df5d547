using NativeStyle.Autodiff;
using NativeStyle.FeedForward.Tiling;
using NativeStyle.Imaging;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;
using NativeStyle.Style;
using NativeStyle.Style.Options;
using NativeStyle.Style.Tiling;

namespace NativeStyle.FeedForward;

/// <summary>
/// Draws pictures of any size with a trained style, within a limit of memory. Pictures go through the network whole if
/// they fit, and in tiles otherwise, which gives the same drawing up to rounding.
/// </summary>
/// <example>
/// <code>
/// using var stylizer = new Stylizer(device, Models.Find("starry-night")!);
/// PictureFile.Write("art.png", stylizer.Draw(PictureFile.Open("photo.jpg")));
/// </code>
/// </example>
public sealed class Stylizer : IDisposable
{
    private const float Range = 255;

    /// <summary>Sides of tiles that are tried, the largest first.</summary>
    private static readonly int[] s_sides = [4096, 2048, 1024, 768, 512, 384, 256, 192, 128, 64];

    private readonly ComputeDevice _device;
    private readonly TransformerWeights _weights;
    private readonly TransformerNet _net;
    private readonly MemoryBudget _budget;
    private readonly DrawingOptions _options;
    private readonly Dictionary<(int, int, long), DrawingPlan> _plans = [];

    /// <summary>Rows and columns that a picture must have at least.</summary>
    public const int MinSize = TransformerArchitecture.MinSize;

    /// <param name="device">Where the network runs.</param>
    /// <param name="model">The trained style: one of <see cref="Models"/>, or from a <see cref="ModelFile"/>.</param>
    /// <param name="options">What becomes of drawings; null for the drawing as it is.</param>
    /// <param name="memory">
    /// Bytes that a drawing may take, see <see cref="DrawingPlan.PeakBytes"/>; null for a share of what is free.
    /// </param>
    public Stylizer(ComputeDevice device, StyleModel model, DrawingOptions? options = null, long? memory = null)
        : this(device, model.Weights, MemoryBudget.Of(device, memory), options)
    {
    }

    /// <param name="device">Where the network runs.</param>
    /// <param name="weights">The trained style.</param>
    /// <param name="budget">The memory that it may take, see <see cref="DrawingPlan.PeakBytes"/>.</param>
    /// <param name="options">What becomes of drawings.</param>
    internal Stylizer(
        ComputeDevice device, TransformerWeights weights, MemoryBudget budget, DrawingOptions? options = null)
    {
        (_device, _weights, _budget, _options) = (device, weights, budget, options ?? new DrawingOptions());
        _net = new TransformerNet(device, weights);
    }

    /// <summary>Called after each tile with the number of tiles so far, and of all.</summary>
    public Action<int, int>? AtTile { get; set; }

    /// <summary>Draws a picture at its own size.</summary>
    /// <param name="picture">At least <see cref="MinSize"/> rows and columns.</param>
    /// <param name="cancellation">Ends the work after a tile.</param>
    /// <exception cref="InsufficientMemoryException">It does not fit into the limit, even in tiles.</exception>
    /// <exception cref="OperationCanceledException">The work was cancelled.</exception>
    public Picture Draw(PictureSource picture, CancellationToken cancellation = default)
    {
        if (_options.Strength == 0) return picture.At(picture.Height, picture.Width);
        DrawingPlan plan = Plan(picture);
        if (!plan.Fits)
        {
            throw new InsufficientMemoryException(
                $"{plan.Width} x {plan.Height} pixels need {plan.PeakBytes >> 20} MiB of memory even in tiles, and "
                + $"may take {plan.LimitBytes >> 20} MiB");
        }

        Picture drawing = new(picture.Height, picture.Width);
        Run(_device, _net, plan, picture, Receive(drawing), cancellation);
        return Mixed(Colored(drawing, picture), picture);
    }

    /// <summary>Plans how a picture goes through the network.</summary>
    public DrawingPlan Plan(PictureSource picture)
    {
        (int height, int width, long host) = (picture.Height, picture.Width, HostBytes(picture));
        if (!_plans.TryGetValue((height, width, host), out DrawingPlan? plan))
            _plans[(height, width, host)] = plan = Search(height, width, host);
        return plan;
    }

    /// <summary>Gives the memory back.</summary>
    public void Dispose() => _net.Dispose();

    /// <summary>Finds the fastest way that fits.</summary>
    private DrawingPlan Search(int height, int width, long host)
    {
        long scratch = ScratchBytes(height, width);
        DrawingPlan plan = Rehearsed(tile: null, onDisk: false);
        if (plan.Fits) return plan;
        foreach (bool onDisk in new[] { false, true })
        {
            // If the smallest tiles do not fit, no others do.
            plan = Rehearsed(s_sides[^1], onDisk);
            if (!plan.Fits) continue;
            return s_sides.Where(side => side < Math.Max(height, width) || side == s_sides[^1])
                .Select(side => Rehearsed(side, onDisk)).First(each => each.Fits);
        }

        return plan;

        DrawingPlan Rehearsed(int? tile, bool onDisk)
        {
            long limit = tile is null ? _budget.Whole : _budget.Tiled;
            var attempt = new DrawingPlan(height, width, tile, onDisk, 0, onDisk ? scratch : 0, limit, Fits: false);
            long peak = CanIndex(attempt) ? Rehearse(attempt) : long.MaxValue;
            peak = peak > long.MaxValue - host ? peak : peak + host;
            return attempt with { PeakBytes = peak, Fits = peak <= limit };
        }
    }

    /// <summary>The peak of the device's memory, which the real pass takes on a rehearsal of the device.</summary>
    private long Rehearse(DrawingPlan plan)
    {
        using ComputeDevice rehearsal = _device.Rehearsal();
        try
        {
            using var net = new TransformerNet(rehearsal, _weights);
            Run(rehearsal, net, plan, new BlankPicture(plan.Height, plan.Width), (_, _) => { }, default);
            return rehearsal.MemoryBytes.Peak + rehearsal.ScratchBytes;
        }
        catch (BufferTooLargeException)
        {
            return long.MaxValue;
        }
    }

    /// <summary>Kernels count elements in 31 bits.</summary>
    private bool CanIndex(DrawingPlan plan)
    {
        if (plan.OnDisk) return true;
        (long height, long width) = (plan.Height, plan.Width);
        foreach (TransformerStage stage in _net.Architecture.Stages)
        {
            (long rows, long columns) = (stage.Before.Expanded((int)height), stage.Before.Expanded((int)width));
            if (plan.Tile is null && rows * columns * stage.InChannels > int.MaxValue) return false;
            (height, width) = (stage.OutLength((int)height), stage.OutLength((int)width));
            if (height * width * stage.OutChannels > int.MaxValue) return false;
        }

        return true;
    }

    private void Run(
        ComputeDevice device, TransformerNet net, DrawingPlan plan, PictureSource picture,
        Action<Window, Tensor> draw, CancellationToken cancellation)
    {
        if (plan.Tile is { } side)
        {
            MapStore map = plan.OnDisk
                ? OnDisk(device, picture) : MapStore.Of(device, picture, plan.Height, plan.Width, Range);
            var pass = new TiledPass(device, net, plan.Height, plan.Width, side, plan.OnDisk)
            {
                AtTile = device.IsRehearsal ? null : AtTile, Cancellation = cancellation,
            };
            pass.Run(map, draw);
            return;
        }

        using var tape = new Tape(device);
        Tensor pixels = tape.Constant(new Shape(plan.Height, plan.Width, 3));
        using (MapStore map = MapStore.Of(device, picture, plan.Height, plan.Width, Range)) map.Read(map.Whole, pixels);
        Tensor drawing = net.Run(tape, pixels);
        draw(new Window(0, 0, plan.Height, plan.Width), drawing);
    }

    /// <summary>A picture as a map in a scratch file, which is written row by row.</summary>
    private static MapStore OnDisk(ComputeDevice device, PictureSource picture)
    {
        MapStore map = MapStore.Create(device, picture.Height, picture.Width, 3, onDisk: true);
        using var row = new Tensor(device, new Shape(1, picture.Width, 3));
        float[] values = new float[3 * picture.Width];
        if (device.IsRehearsal) return map;
        picture.ForEachRow((y, pixels) =>
        {
            for (int i = 0; i < values.Length; i++) values[i] = Range * pixels[i];
            row.WriteRows(0, values);
            map.Write(new Window(y, 0, 1, picture.Width), row);
        });
        return map;
    }

    /// <summary>Copies windows of the drawing into a picture.</summary>
    private static Action<Window, Tensor> Receive(Picture drawing) => (window, tensor) =>
    {
        int length = 3 * window.Width;
        float[] row = new float[length];
        for (int y = 0; y < window.Height; y++)
        {
            tensor.ReadRows(y, row);
            Span<float> target = drawing.Pixels.AsSpan((((window.Top + y) * drawing.Width) + window.Left) * 3, length);
            for (int i = 0; i < length; i++) target[i] = Math.Clamp(row[i] / Range, 0f, 1f);
        }
    };

    private Picture Colored(Picture drawing, PictureSource picture) => _options.Colors switch
    {
        ColorMode.Luminance => ColorTransfer.WithChromaOf(drawing, Floats(picture)),
        ColorMode.Covariance => Floats(ColorTransfer.MatchStatistics(drawing, picture)),
        ColorMode.Histogram => ColorTransfer.MatchHistogram(drawing, Floats(picture)),
        _ => drawing,
    };

    /// <summary>Mixes the picture into its drawing.</summary>
    private Picture Mixed(Picture drawing, PictureSource picture)
    {
        float strength = (float)_options.Strength;
        if (strength == 1) return drawing;
        picture.ForEachRow((y, row) =>
        {
            Span<float> target = drawing.Pixels.AsSpan(y * row.Length, row.Length);
            for (int i = 0; i < row.Length; i++) target[i] = row[i] + (strength * (target[i] - row[i]));
        });
        return drawing;
    }

    private static Picture Floats(PictureSource picture) => picture.At(picture.Height, picture.Width);

    /// <summary>
    /// Bytes of the program and of the pictures in floats: the picture, the drawing, and what changes its colours.
    /// </summary>
    private long HostBytes(PictureSource picture)
    {
        if (!_device.UsesHostMemory) return 0;
        long floats = 3L * sizeof(float) * picture.Height * picture.Width;
        double pictures = _options.Colors switch
        {
            ColorMode.Style => 2,
            // Two luminances; two channels and the order of pixels, with keys.
            ColorMode.Luminance => 3 + (2.0 / 3),
            ColorMode.Histogram => 5,
            _ => 3,
        };
        return MemoryPlanner.ProgramBytes + picture.HeldBytes + (long)(pictures * floats);
    }

    /// <summary>The most bytes of maps at a time.</summary>
    private long ScratchBytes(int height, int width)
    {
        long input = 3L * height * width, blockInput = 0, most = 0;
        IReadOnlyList<TransformerStage> stages = _net.Architecture.Stages;
        for (int i = 0; i < stages.Count - 1; i++)
        {
            (height, width) = (stages[i].OutLength(height), stages[i].OutLength(width));
            long output = (long)height * width * stages[i].OutChannels;
            most = Math.Max(most, input + output + blockInput);
            blockInput = stages[i + 1].AddsBlockInput ? input : 0;
            input = output;
        }

        return sizeof(float) * most;
    }
}
