using NativeStyle.Autodiff;
using NativeStyle.Imaging;
using NativeStyle.Kernels.Devices;
using NativeStyle.Style.Options;
using NativeStyle.Style.Tiling;
using NativeStyle.Vgg;
using NativeStyle.Vgg.Weights;

namespace NativeStyle.Style;

/// <summary>What an iteration did. The losses are weighted as they enter the sum, and taken before the step.</summary>
/// <param name="Iteration">The number of the iteration over all scales, from 1.</param>
/// <param name="Height">Rows of the picture at this scale.</param>
/// <param name="Width">Columns of the picture at this scale.</param>
/// <param name="Seconds">How long this iteration took.</param>
/// <param name="Layers">Each layer's loss, if <see cref="StyleTransfer.ByLayer"/> asks for them.</param>
public sealed record IterationReport(
    int Iteration, int Height, int Width, double Loss, double Content, double Style, double Tv, double Seconds,
    IReadOnlyList<LayerLoss>? Layers = null, double Stability = 0);

/// <summary>Why a transfer ended.</summary>
public enum TransferEnd
{
    /// <summary>All iterations were made, or the optimiser found nothing lower.</summary>
    Completed,

    /// <summary>The user cancelled it.</summary>
    Cancelled,

    /// <summary>A loss was infinite or not a number; the picture is the last good one.</summary>
    NonFiniteLoss,

    /// <summary>The device, or the disk for scratch files, was full; the picture is the last one.</summary>
    OutOfMemory,

    /// <summary>The device failed; the picture is the last one that was copied from it.</summary>
    DeviceFailed,
}

/// <summary>The picture, and how it was made.</summary>
/// <param name="IterationsMade">The number of iterations over all scales.</param>
/// <param name="Reports">A report of each iteration.</param>
public sealed record TransferResult(
    Picture Picture, TransferEnd End, int IterationsMade, IReadOnlyList<IterationReport> Reports)
{
    /// <summary>What was full, after <see cref="TransferEnd.OutOfMemory"/>, or what failed; null otherwise.</summary>
    public Exception? Failure { get; init; }
}

/// <summary>
/// Neural style transfer by optimising the pixels (Gatys, Ecker and Bethge 2016). At each scale the objective's targets
/// are computed. Then Adam or L-BFGS follows the gradient, which the tape carries back through VGG to the picture.
/// </summary>
/// <example>
/// In three lines, with the network and the device that suit:
/// <code>
/// PictureSource content = PictureFile.Open("photo.jpg"), style = PictureFile.Open("painting.jpg");
/// TransferResult result = StyleTransfer.Run(content, style);
/// PictureFile.Write("art.png", result.Picture);
/// </code>
/// Many pictures with one network, which is loaded once:
/// <code>
/// TransferOptions options = Presets.DefaultCompact with { Size = 512 };
/// using ComputeDevice device = AutoDevice.OfThisMachine.Open();
/// using VggNetwork network = VggNetwork.Load(
///     device, () => WeightsFile.Load(CompactNetwork.Name, options.Layers), options.Network);
/// var transfer = new StyleTransfer(device, network, options);
/// foreach (PictureSource content in contents)
///     transfer.Run(new TransferInputs(content, [new StyleInput(style)]));
/// </code>
/// </example>
/// <param name="device">The device that computes everything.</param>
/// <param name="network">
/// Must have the layers that the options name, and be made with their <see cref="TransferOptions.Network"/>.
/// </param>
/// <param name="options">What to compute.</param>
public sealed class StyleTransfer(ComputeDevice device, VggNetwork network, TransferOptions options)
{
    /// <summary>What is computed.</summary>
    public TransferOptions Options => options;

    /// <summary>
    /// Called after each iteration, on the thread of the run, with its report and a function that returns the picture
    /// so far. The function may be called during the call only; it copies the picture from the device.
    /// </summary>
    public Action<IterationReport, Func<Picture>>? Progress { get; init; }

    /// <summary>
    /// Bytes of memory that a run may take, on a CPU with the whole program; null for nine tenths of what is free if
    /// pictures fit whole into that, else three quarters. Larger pictures go through the network in tiles, with the
    /// same result up to rounding.
    /// </summary>
    public long? MemoryLimit { get; init; }

    /// <summary>Whether reports hold each layer's loss.</summary>
    public bool ByLayer { get; init; }

    /// <summary>
    /// Called before each tile of a picture that goes in tiles, with the tile's number and the number of
    /// tiles in a pass.
    /// </summary>
    public Action<int, int>? AtTile { get; init; }

    /// <summary>
    /// Save is called after every so many iterations, and at cancellation, with a state that the run can continue from.
    /// </summary>
    internal (int Every, Action<RunState> Save)? Checkpoint { get; init; }

    /// <summary>
    /// Plans within the memory that the run may take; null for no limit. Pictures that would take more go through the
    /// network in tiles.
    /// </summary>
    internal MemoryPlanner? Memory { get; init; }

    /// <summary>Whether a caller needs the state after the last iteration.</summary>
    internal bool KeepsLastState { get; init; }

    /// <summary>Seconds between copies of the picture so far from a device with memory of its own.</summary>
    internal double SecondsBetweenCopies { get; init; } = 10;

    /// <summary>
    /// Paints a content picture in the style of another, with the built-in network on the best device of this machine.
    /// </summary>
    /// <param name="content">The picture to paint, at any size.</param>
    /// <param name="style">The picture whose style it gets, at any size.</param>
    /// <param name="options">
    /// What to compute; null for <see cref="Presets.DefaultCompact"/>, whose result has a longest side of 384 pixels.
    /// Their layers must be among those of the built-in network, conv1_1 to conv3_4.
    /// </param>
    /// <param name="progress">
    /// Receives a report of each iteration. How many there will be, <see cref="Schedule.Plan"/> tells.
    /// </param>
    /// <param name="cancellation">Ends the run early. The result is the picture so far.</param>
    /// <exception cref="TransferException">An option is out of its range.</exception>
    /// <exception cref="MissingLayerException">The built-in network lacks a layer of the options.</exception>
    /// <exception cref="InsufficientMemoryException">It does not fit into memory, even in tiles.</exception>
    /// <exception cref="ArgumentException">A picture is too small for a layer.</exception>
    public static TransferResult Run(
        PictureSource content, PictureSource style, TransferOptions? options = null,
        IProgress<IterationReport>? progress = null, CancellationToken cancellation = default)
    {
        options ??= Presets.DefaultCompact;
        using ComputeDevice device = AutoDevice.OfThisMachine.Open();
        using VggNetwork network = VggNetwork.Load(
            device, () => WeightsFile.Load(CompactNetwork.Name, options.Layers), options.Network);
        var transfer = new StyleTransfer(device, network, options)
        {
            Progress = progress is null ? null : (report, _) => progress.Report(report),
        };
        return transfer.Run(new TransferInputs(content, [new StyleInput(style)]), cancellation);
    }

    /// <summary>Runs the scales of the options, within <see cref="MemoryLimit"/>.</summary>
    /// <param name="inputs">The pictures. The result has the shape of the content, or else of the first style.</param>
    /// <param name="cancellation">
    /// Ends the run after the current iteration; if the picture goes in tiles, before the next tile. The result is the
    /// picture so far.
    /// </param>
    /// <exception cref="TransferException">An option is out of its range, or a picture that it needs is missing.
    /// </exception>
    /// <exception cref="InsufficientMemoryException">It does not fit into memory, even in tiles.</exception>
    /// <exception cref="ArgumentException">
    /// A picture is too small for a layer, or the network lacks a layer of the options.
    /// </exception>
    public TransferResult Run(TransferInputs inputs, CancellationToken cancellation = default)
    {
        OptionsJson.Validated(options);
        TransferInputs used = inputs.Cropped(options.Crop);
        if (used.Styles.Count == 0 && (used.Content is null || options.StyleTerms.Any()))
            throw new TransferException("there is no style picture, and the options have a style loss or no content");
        PictureSource first = used.Content ?? used.Styles[0].Picture;
        IReadOnlyList<ScaleStep> plan = Schedule.Plan(options, first.Height, first.Width);
        var memory = MemoryPlanner.For(
            device, network.Architecture, options, MemoryBudget.Of(device, MemoryLimit), inputs, plan);
        foreach (MemoryNeed need in memory.Needs(used, plan))
        {
            if (need.Bytes > memory.Limit)
            {
                throw new InsufficientMemoryException(
                    $"{need.What} needs {need.Bytes >> 20} MiB of memory even in tiles, and may take " +
                    $"{memory.Limit >> 20} MiB");
            }
        }

        return new StyleTransfer(device, network, memory.Options)
        {
            Progress = Progress, ByLayer = ByLayer, AtTile = AtTile, Memory = memory,
        }.Run(inputs, plan, cancellation);
    }

    /// <summary>Runs the plan.</summary>
    /// <param name="inputs">The pictures.</param>
    /// <param name="plan">A plan from <see cref="Schedule"/>.</param>
    /// <param name="cancellation">
    /// Ends the run after the current iteration; if the picture goes in tiles, before the next tile.
    /// </param>
    /// <param name="resume">
    /// The state of an earlier run with the same options, pictures and plan. The run continues from it
    /// to the same bytes.
    /// </param>
    internal TransferResult Run(
        TransferInputs inputs, IReadOnlyList<ScaleStep> plan, CancellationToken cancellation, RunState? resume = null)
    {
        // Planning and earlier transfers leave garbage that no plan counts.
        HostMemory.Release();
        PictureSource? colors = options.Colors == ColorMode.Luminance ? inputs.Cropped(options.Crop).Content : null;
        inputs = Prepared(inputs);
        ScaleStep first = plan[0];
        RunState run = resume ?? new RunState(
            first.Height,
            first.Width,
            InitialPicture.Create(options, inputs, network.ZeroPixel, first.Height, first.Width));
        TransferEnd end;
        Exception? cause = null;
        while (true)
        {
            try
            {
                end = RunScale(run, inputs, plan[run.Scale], run.Scale == plan.Count - 1, colors, cancellation);
                device.TrimPool();
                if (end != TransferEnd.Completed || run.Scale == plan.Count - 1) break;
                run.NextScale(options, plan[run.Scale + 1].Height, plan[run.Scale + 1].Width);
            }
            catch (Exception failure) when (run.Iteration > 0 && IsFull(failure))
            {
                (end, cause) = (TransferEnd.OutOfMemory, failure);
                break;
            }
            catch (DeviceException failure) when (run.Iteration > 0)
            {
                (end, cause) = (TransferEnd.DeviceFailed, failure);
                break;
            }
            catch (OperationCanceledException)
            {
                // This happens while the targets of a scale are computed; its iterations have not begun.
                end = TransferEnd.Cancelled;
                Checkpoint?.Save(run);
                break;
            }
        }

        bool fallsBack = end == TransferEnd.NonFiniteLoss && run.Fallback is not null;
        (float[] pixels, int height, int width) =
            fallsBack ? run.Fallback!.Value : (run.Average, run.Height, run.Width);
        Picture picture = Colored(RunState.ToPicture(pixels, height, width, options.PixelRange), colors);
        return new TransferResult(picture, end, run.Iteration, run.Reports) { Failure = cause };
    }

    /// <summary>The pictures as the losses see them: cropped, and with colours exchanged.</summary>
    internal TransferInputs Prepared(TransferInputs inputs) => inputs.Cropped(options.Crop).Colored(options.Colors);

    /// <summary>The objective at one scale.</summary>
    internal Objective ObjectiveAt(TransferInputs prepared, ScaleStep step, CancellationToken cancellation = default)
    {
        (int height, int width) = (step.Height, step.Width);
        StyleInput[] styles = [.. prepared.Styles.Select(style => SizedAt(style, step))];
        return new Objective(
            device, network, options, height, width, prepared.Content, styles, Memory?.Planner, AtTile);

        void AtTile(int tile, int tiles)
        {
            cancellation.ThrowIfCancellationRequested();
            this.AtTile?.Invoke(tile, tiles);
        }
    }

    /// <summary>The style at the size at which the network sees it at a scale.</summary>
    internal StyleInput SizedAt(StyleInput style, ScaleStep step)
    {
        (int height, int width) =
            Schedule.StyleSize(options, step.Height, step.Width, style.Picture.Height, style.Picture.Width);
        return style with { Picture = style.Picture.Resized(height, width) };
    }

    /// <summary>Whether a failure means that the memory, or the disk of the scratch files, is full.</summary>
    internal static bool IsFull(Exception failure) => failure is OutOfMemoryException or ScratchException;

    private TransferEnd RunScale(
        RunState run, TransferInputs inputs, ScaleStep step, bool isLast, PictureSource? colors,
        CancellationToken cancellation)
    {
        // The scale disposes it earlier, before it copies its results to the host.
        using Objective objective = ObjectiveAt(inputs, step, cancellation);
        // Gives back what only the targets needed.
        device.TrimPool();
        using var scale = new ScaleRun(this, device, objective, run, step, isLast)
        {
            Progress = Progress is null
                ? null
                : (report, picture) => Progress(report, () => Colored(picture(), colors)),
        };
        HostMemory.Release(step.Height, step.Width);
        return scale.Run(cancellation);
    }

    /// <summary>The result, with the content's colours if they are to be kept.</summary>
    private static Picture Colored(Picture picture, PictureSource? colors) =>
        colors is null ? picture : ColorTransfer.WithChromaOf(picture, colors.At(picture.Height, picture.Width));
}
