using System.Diagnostics;
using ILGPU;
using NativeStyle.Autodiff;
using NativeStyle.Imaging;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;
using NativeStyle.Kernels.Operators.Adam;
using NativeStyle.Kernels.Operators.Vectors;
using NativeStyle.Style.Tiling;
using NativeStyle.Vgg;

namespace NativeStyle.Style;

/// <summary>What an iteration did. Losses are weighted, as they enter the sum, and those before its step.</summary>
/// <param name="Iteration">From 1, over all scales.</param>
/// <param name="Height">Rows of the picture at this scale.</param>
/// <param name="Width">Columns.</param>
/// <param name="Seconds">How long this iteration took.</param>
/// <param name="Layers">Each layer's loss, where <see cref="StyleTransfer.ByLayer"/> asks for them.</param>
public sealed record IterationReport(
    int Iteration, int Height, int Width, double Loss, double Content, double Style, double Tv, double Seconds,
    IReadOnlyList<LayerLoss>? Layers = null);

/// <summary>Why a transfer ended.</summary>
public enum TransferEnd
{
    /// <summary>All iterations were made, or the optimiser found nothing lower.</summary>
    Completed,

    /// <summary>The user had enough.</summary>
    Cancelled,

    /// <summary>A loss was infinite or not a number; the picture is the last good one.</summary>
    NonFiniteLoss,

    /// <summary>The device or the disk for scratch files had no more room; the picture is the last one.</summary>
    OutOfMemory,

    /// <summary>The device failed; the picture is the last one that was copied from it.</summary>
    DeviceFailed,
}

/// <summary>The picture and how it came about.</summary>
/// <param name="IterationsMade">Over all scales.</param>
/// <param name="Reports">Of each of them.</param>
public sealed record TransferResult(Picture Picture, TransferEnd End, int IterationsMade, IReadOnlyList<IterationReport> Reports)
{
    /// <summary>What was full, after <see cref="TransferEnd.OutOfMemory"/>, or what failed.</summary>
    public string? Reason { get; init; }
}

/// <summary>
/// Neural style transfer by optimising the pixels (Gatys, Ecker and Bethge 2016): at each scale the objective's
/// targets are computed, then Adam or L-BFGS follows the gradient that the tape carries back through VGG to the picture.
/// </summary>
/// <param name="device">Where everything runs.</param>
/// <param name="network">Must have the layers of the options, and their <see cref="TransferOptions.Network"/>.</param>
/// <param name="options">What to compute.</param>
public sealed class StyleTransfer(ComputeDevice device, VggNetwork network, TransferOptions options)
{
    /// <summary>Called after each iteration with its report and a function that gives the picture so far.</summary>
    public Action<IterationReport, Func<Picture>>? Progress { get; init; }

    /// <summary>Whether reports hold each layer's loss.</summary>
    public bool ByLayer { get; init; }

    /// <summary>Called after every so many iterations, and when cancelled, with a state that the run can be continued from.</summary>
    public (int Every, Action<RunState> Save)? Checkpoint { get; init; }

    /// <summary>What the run may take; null for no limit. Pictures that would take more go through the network in tiles.</summary>
    public MemoryPlanner? Memory { get; init; }

    /// <summary>Called before each tile, with its number and how many a pass has, of a picture that goes in tiles.</summary>
    public Action<int, int>? AtTile { get; init; }

    /// <summary>Whether the state after the last iteration is wanted.</summary>
    internal bool KeepsLastState { get; init; }

    /// <summary>Of the picture so far, from a device with memory of its own.</summary>
    internal double SecondsBetweenCopies { get; init; } = 10;

    /// <summary>Runs the plan.</summary>
    /// <param name="inputs">The pictures.</param>
    /// <param name="plan">Of <see cref="Schedule"/>.</param>
    /// <param name="cancellation">Ends the run after the iteration that is under way; in tiles, before the next tile.</param>
    /// <param name="resume">Where an earlier run with the same options, pictures and plan was; it continues to the same bytes.</param>
    public TransferResult Run(
        TransferInputs inputs, IReadOnlyList<ScaleStep> plan, CancellationToken cancellation, RunState? resume = null)
    {
        PictureSource? colors = options.Colors == ColorMode.Luminance ? inputs.Cropped(options.Crop).Content : null;
        inputs = Prepared(inputs);
        ScaleStep first = plan[0];
        RunState run = resume ?? new RunState(
            first.Height, first.Width, InitialPicture.Create(options, inputs, network.ZeroPixel, first.Height, first.Width));
        TransferEnd end;
        string? reason = null;
        while (true)
        {
            try
            {
                end = RunScale(run, inputs, plan[run.Scale], run.Scale == plan.Count - 1, Finished, cancellation);
                device.TrimPool();
                if (end != TransferEnd.Completed || run.Scale == plan.Count - 1) break;
                run.NextScale(options, plan[run.Scale + 1].Height, plan[run.Scale + 1].Width);
            }
            catch (Exception full) when (run.Iteration > 0 && IsFull(full))
            {
                (end, reason) = (TransferEnd.OutOfMemory, full.Message);
                break;
            }
            catch (DeviceException failed) when (run.Iteration > 0)
            {
                (end, reason) = (TransferEnd.DeviceFailed, failed.Message);
                break;
            }
            catch (OperationCanceledException)
            {
                // In the middle of a scale's targets: nothing of it has begun.
                end = TransferEnd.Cancelled;
                Checkpoint?.Save(run);
                break;
            }
        }

        (float[] pixels, int height, int width) = end == TransferEnd.NonFiniteLoss && run.Good is { } good ? good : (run.Average, run.Height, run.Width);
        return new TransferResult(Finished(RunState.ToPicture(pixels, height, width, options.PixelRange)), end, run.Iteration, run.Reports) { Reason = reason };

        Picture Finished(Picture picture) => colors is null ? picture : ColorTransfer.WithChromaOf(picture, colors.At(picture.Height, picture.Width));
    }

    /// <summary>The pictures as the losses see them, cropped and with colours exchanged.</summary>
    internal TransferInputs Prepared(TransferInputs inputs) => inputs.Cropped(options.Crop).Colored(options.Colors);

    /// <summary>The objective at one scale.</summary>
    internal Objective ObjectiveAt(TransferInputs prepared, ScaleStep step, CancellationToken cancellation = default)
    {
        (int height, int width) = (step.Height, step.Width);
        return new Objective(
            device, network, options, height, width, prepared.Content, [.. prepared.Styles.Select(style => SizedAt(style, step))], Memory?.Planner,
            (tile, tiles) =>
            {
                cancellation.ThrowIfCancellationRequested();
                AtTile?.Invoke(tile, tiles);
            });
    }

    /// <summary>A style at the size at which it is seen beside a scale.</summary>
    internal StyleInput SizedAt(StyleInput style, ScaleStep step)
    {
        (int height, int width) = Schedule.StyleSize(options, step.Height, step.Width, style.Picture.Height, style.Picture.Width);
        return style with { Picture = style.Picture.Resized(height, width) };
    }

    private TransferEnd RunScale(
        RunState run, TransferInputs inputs, ScaleStep step, bool last, Func<Picture, Picture> finished, CancellationToken cancellation)
    {
        (int height, int width) = (step.Height, step.Width);
        using Objective objective = ObjectiveAt(inputs, step, cancellation);
        // What only the targets needed.
        device.TrimPool();
        var shape = new Shape(height, width, 3);
        using Tensor pixels = new Tensor(device, shape, run.Pixels, requiresGradient: true).Keep();
        using DeviceBuffer<float> average = device.Allocate<float>(run.Average);
        using Optimizer optimizer = CreateOptimizer(pixels);
        if (run.Optimizer is { } state) optimizer.Restore(state);
        float[] start = run.Average;
        // From here on the device has the only copy.
        run.Follow(pixels.ToArray, average.GetAsArray);
        run.Optimizer = null;
        HostMemory.Release(height, width);
        bool joined = run.IterationAtScale == 0;
        TransferEnd end = TransferEnd.OutOfMemory;
        // A driver that gives a device up takes its memory along: what is saved then is the last copy.
        (float[] Average, int Iteration, long Taken) copy = (start, run.Iteration, Stopwatch.GetTimestamp());
        bool onDevice = true;
        try
        {
            try
            {
                end = Iterate();
                if (end == TransferEnd.Cancelled)
                {
                    run.Optimizer = optimizer.State();
                    Checkpoint?.Save(run);
                }

                if (end is TransferEnd.Completed or TransferEnd.Cancelled) end = JoinLast(end);
            }
            catch (Exception failed) when (IsFull(failed) || (failed is DeviceException && device.UsesHostMemory))
            {
                Leave(withState: false);
                throw;
            }

            Leave(withState: !last || KeepsLastState);
            return end;
        }
        catch (Exception failed) when (onDevice && (failed is DeviceException || IsFull(failed)))
        {
            float[] kept = copy.Average;
            run.Follow(() => kept, () => kept);
            run.Iteration = copy.Iteration;
            run.Reports.RemoveRange(copy.Iteration, run.Reports.Count - copy.Iteration);
            throw;
        }

        TransferEnd Iterate()
        {
            while (run.IterationAtScale < step.Iterations)
            {
                if (cancellation.IsCancellationRequested) return TransferEnd.Cancelled;
                long start = Stopwatch.GetTimestamp();
                LossValues? before = optimizer.KnowsCurrent ? run.Known : null;
                LossValues? after = null;
                if (before is not null) Join();
                StepOutcome outcome;
                try
                {
                    outcome = optimizer.Step(() =>
                    {
                        after = objective.ValueAndGradient(pixels, ByLayer);
                        if (before is null && double.IsFinite(after.Total)) Join();
                        before ??= after;
                        return after.Total;
                    });
                }
                catch (OperationCanceledException)
                {
                    // Between two tiles: the iteration has changed nothing.
                    return TransferEnd.Cancelled;
                }

                if (outcome == StepOutcome.NotFinite) return TransferEnd.NonFiniteLoss;
                run.Known = outcome == StepOutcome.Moved ? after : before;
                // Nothing lower to be found: this scale has ended.
                if (outcome == StepOutcome.Stuck) return TransferEnd.Completed;
                run.Iteration++;
                run.IterationAtScale++;
                joined = false;
                var report = new IterationReport(
                    run.Iteration, height, width, before!.Total, before.Content, before.Style, before.Tv, Stopwatch.GetElapsedTime(start).TotalSeconds, before.Layers);
                run.Reports.Add(report);
                Progress?.Invoke(report, () => finished(RunState.ToPicture(SoFar(), height, width, options.PixelRange)));
                if (!device.UsesHostMemory && (copy.Iteration == 0 || Stopwatch.GetElapsedTime(copy.Taken).TotalSeconds >= SecondsBetweenCopies))
                    copy = (SoFar(), run.Iteration, Stopwatch.GetTimestamp());
                if (Checkpoint is var (every, save) && run.Iteration % every == 0)
                {
                    run.Optimizer = optimizer.State();
                    save(run);
                }
            }

            return TransferEnd.Completed;
        }

        // The iterate becomes part of the average: its losses are finite.
        void Join()
        {
            if (!joined) Lerp(average.View);
            (joined, run.Good) = (true, null);
        }

        void Lerp(ArrayView<float> mean)
        {
            // An exponential moving average without the bias towards its start (as in Adam): its first value is x itself.
            float decay = options.AverageDecay;
            VectorOps.Lerp(device, mean, pixels.Data, (1 - decay) / (1 - MathF.Pow(decay, run.IterationAtScale)));
        }

        // The last step of a scale has no loss after it that would show that it went wrong.
        TransferEnd JoinLast(TransferEnd end)
        {
            if (joined) return end;
            if (!float.IsFinite(VectorOps.AbsoluteNorm(device, pixels.Data))) return TransferEnd.NonFiniteLoss;
            (float[], int, int)? good = last ? null : (average.GetAsArray(), height, width);
            Join();
            run.Good = good;
            return end;
        }

        // To the host, what is not needed any more first given back.
        void Leave(bool withState)
        {
            pixels.ClearGradient();
            run.Optimizer = withState && end == TransferEnd.Completed ? optimizer.State().OnHost() : null;
            optimizer.Dispose();
            float[] mean = average.GetAsArray(), iterate = withState ? pixels.ToArray() : mean;
            run.Follow(() => iterate, () => mean);
            onDevice = false;
        }

        // The average with the iterate in it, whose losses nobody knows yet.
        float[] SoFar()
        {
            if (joined) return average.GetAsArray();
            using DeviceBuffer<float> mean = device.Allocate<float>(average.Length);
            VectorOps.Copy(device, mean.View, average.View);
            Lerp(mean.View);
            return mean.GetAsArray();
        }
    }

    private Optimizer CreateOptimizer(Tensor pixels)
    {
        (float, float)? bounds = options.Clamp ? (0f, options.PixelRange) : null;
        return options.Optimizer == OptimizerKind.Adam
            ? new AdamOptimizer(pixels, new AdamSettings(options.LearningRate, options.Beta1, options.Beta2, options.Epsilon), bounds)
            : new LbfgsOptimizer(pixels, new LbfgsSettings(options.History, options.StepRule, options.LearningRate), bounds);
    }

    private static bool IsFull(Exception error) => error is OutOfMemoryException or ScratchException;
}
