using System.Diagnostics;
using NativeStyle.Autodiff;
using NativeStyle.Imaging;
using NativeStyle.Kernels;
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
}

/// <summary>The picture and how it came about.</summary>
/// <param name="IterationsMade">Over all scales.</param>
/// <param name="Reports">Of each of them.</param>
public sealed record TransferResult(Picture Picture, TransferEnd End, int IterationsMade, IReadOnlyList<IterationReport> Reports);

/// <summary>
/// Neural style transfer by optimising the pixels (Gatys, Ecker and Bethge 2016): at each scale the objective's
/// targets are computed, then Adam or L-BFGS follows the gradient that the tape carries back through VGG to the picture.
/// </summary>
/// <param name="accelerator">Where everything runs.</param>
/// <param name="network">Must have the layers of the options, and their <see cref="TransferOptions.Network"/>.</param>
/// <param name="options">What to compute.</param>
public sealed class StyleTransfer(Accelerator accelerator, VggNetwork network, TransferOptions options)
{
    /// <summary>Called after each iteration with its report and a function that gives the picture so far.</summary>
    public Action<IterationReport, Func<Picture>>? Progress { get; init; }

    /// <summary>Whether reports hold each layer's loss.</summary>
    public bool ByLayer { get; init; }

    /// <summary>Called after every so many iterations, and when cancelled, with a state that the run can be continued from.</summary>
    public (int Every, Action<RunState> Save)? Checkpoint { get; init; }

    /// <summary>Runs the plan.</summary>
    /// <param name="inputs">The pictures.</param>
    /// <param name="plan">Of <see cref="Schedule"/>.</param>
    /// <param name="cancellation">Ends the run after the iteration that is under way.</param>
    /// <param name="resume">Where an earlier run with the same options, pictures and plan was; it continues to the same bytes.</param>
    public TransferResult Run(
        TransferInputs inputs, IReadOnlyList<ScaleStep> plan, CancellationToken cancellation, RunState? resume = null)
    {
        Picture? colors = options.Colors == ColorMode.Luminance ? inputs.Cropped(options.Crop).Content : null;
        inputs = Prepared(inputs);
        ScaleStep first = plan[0];
        RunState run = resume ?? new RunState(
            first.Height, first.Width, InitialPicture.Create(options, inputs, network.ZeroPixel, first.Height, first.Width));
        TransferEnd end;
        while (true)
        {
            end = RunScale(run, inputs, plan[run.Scale], Finished, cancellation);
            accelerator.TrimPool();
            if (end != TransferEnd.Completed || run.Scale == plan.Count - 1) break;
            run.NextScale(options, plan[run.Scale + 1].Height, plan[run.Scale + 1].Width);
        }

        return new TransferResult(Finished(run.Result(options, end)), end, run.Iteration, run.Reports);

        Picture Finished(Picture picture) => colors is null ? picture
            : ColorTransfer.WithChromaOf(picture, Resampler.Resize(colors, picture.Height, picture.Width));
    }

    /// <summary>The pictures as the losses see them, cropped and with colours exchanged.</summary>
    internal TransferInputs Prepared(TransferInputs inputs) => inputs.Cropped(options.Crop).Colored(options.Colors);

    /// <summary>The objective at one scale.</summary>
    internal Objective ObjectiveAt(TransferInputs prepared, ScaleStep step)
    {
        (int height, int width) = (step.Height, step.Width);
        Picture? content = prepared.Content is null ? null : Resampler.Resize(prepared.Content, height, width);
        return new Objective(accelerator, network, options, content, [.. prepared.Styles.Select(style => SizedAt(style, step))]);
    }

    /// <summary>A style at the size at which it is seen beside a scale.</summary>
    internal StyleInput SizedAt(StyleInput style, ScaleStep step)
    {
        (int height, int width) = Schedule.StyleSize(options, step.Height, step.Width, style.Picture.Height, style.Picture.Width);
        return style with { Picture = Resampler.Resize(style.Picture, height, width) };
    }

    private TransferEnd RunScale(
        RunState run, TransferInputs inputs, ScaleStep step, Func<Picture, Picture> finished, CancellationToken cancellation)
    {
        (int height, int width) = (step.Height, step.Width);
        using Objective objective = ObjectiveAt(inputs, step);
        using Tensor pixels = new Tensor(accelerator, new Shape(height, width, 3), run.Pixels, requiresGradient: true).Keep();
        using MemoryBuffer<float> average = accelerator.Allocate<float>(run.Average);
        // The average at the last point whose losses were finite; it stays on the device until it is needed.
        bool anyGood = run.IterationAtScale > 0 && run.Good is not null;
        using MemoryBuffer<float> good = accelerator.Allocate<float>(anyGood ? run.Good!.Value.Average : run.Average);
        using Optimizer optimizer = CreateOptimizer(pixels);
        if (run.Optimizer is { } state) optimizer.Restore(state);
        TransferEnd end = TransferEnd.Completed;
        while (run.IterationAtScale < step.Iterations)
        {
            if (cancellation.IsCancellationRequested)
            {
                end = TransferEnd.Cancelled;
                break;
            }

            long start = Stopwatch.GetTimestamp();
            LossValues? before = optimizer.KnowsCurrent ? run.Known : null;
            LossValues? last = null;
            if (before is not null) MarkGood();
            StepOutcome outcome = optimizer.Step(() =>
            {
                last = Evaluate(objective, pixels);
                if (before is null && double.IsFinite(last.Total)) MarkGood();
                before ??= last;
                return last.Total;
            });
            if (outcome == StepOutcome.NotFinite)
            {
                if (anyGood) run.Good = (good.GetAsArray(), height, width);
                return TransferEnd.NonFiniteLoss;
            }

            run.Known = outcome == StepOutcome.Moved ? last : before;
            // Nothing lower to be found: this scale has ended.
            if (outcome == StepOutcome.Stuck) break;
            run.Iteration++;
            run.IterationAtScale++;
            // An exponential moving average without the bias towards its start (as in Adam): its first value is x itself.
            float decay = options.AverageDecay;
            VectorOps.Lerp(accelerator, average.View, pixels.Data, (1 - decay) / (1 - MathF.Pow(decay, run.IterationAtScale)));
            var report = new IterationReport(
                run.Iteration, height, width, before!.Total, before.Content, before.Style, before.Tv, Stopwatch.GetElapsedTime(start).TotalSeconds, before.Layers);
            run.Reports.Add(report);
            Progress?.Invoke(report, () => finished(RunState.ToPicture(average.GetAsArray(), height, width, options.PixelRange)));
            if (Checkpoint is var (every, save) && run.Iteration % every == 0)
            {
                Capture();
                save(run);
            }
        }

        Capture();
        if (end == TransferEnd.Cancelled)
        {
            Checkpoint?.Save(run);
            return end;
        }

        // The last step of a scale has no loss after it that would show that it went wrong.
        return run.Pixels.All(float.IsFinite) ? TransferEnd.Completed : TransferEnd.NonFiniteLoss;

        void MarkGood()
        {
            VectorOps.Copy(accelerator, good.View, average.View);
            anyGood = true;
        }

        void Capture()
        {
            accelerator.Read(pixels.Data, run.Pixels);
            average.CopyToCPU(run.Average);
            if (anyGood) run.Good = (good.GetAsArray(), height, width);
            run.Optimizer = optimizer.State();
        }
    }

    private LossValues Evaluate(Objective objective, Tensor pixels)
    {
        pixels.ClearGradient();
        using var tape = new Tape(accelerator);
        Losses losses = objective.Evaluate(tape, pixels);
        var values = new LossValues(
            Value(losses.Total), Value(losses.Content), Value(losses.Style), Value(losses.Variation),
            ByLayer ? [.. losses.Terms.Select(term => new LayerLoss(term.Layer, term.IsContent, Value(term.Value)))] : null);
        if (double.IsFinite(values.Total)) tape.Backward(losses.Total);
        return values;

        static double Value(Tensor scalar) => scalar.ToArray()[0];
    }

    private Optimizer CreateOptimizer(Tensor pixels)
    {
        (float, float)? bounds = options.Clamp ? (0f, options.PixelRange) : null;
        return options.Optimizer == OptimizerKind.Adam
            ? new AdamOptimizer(pixels, new AdamSettings(options.LearningRate, options.Beta1, options.Beta2, options.Epsilon), bounds)
            : new LbfgsOptimizer(pixels, new LbfgsSettings(options.History, options.StepRule, options.LearningRate), bounds);
    }
}
