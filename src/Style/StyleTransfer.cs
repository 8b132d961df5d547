using System.Diagnostics;
using NativeStyle.Autodiff;
using NativeStyle.Imaging;
using NativeStyle.Kernels;
using NativeStyle.Vgg;
using NativeStyle.Vgg.Weights;

namespace NativeStyle.Style;

/// <summary>What an iteration did. Losses are weighted, as they enter the sum, and those before its step.</summary>
/// <param name="Iteration">From 1, over all scales.</param>
/// <param name="Height">Rows of the picture at this scale.</param>
/// <param name="Width">Columns.</param>
/// <param name="Seconds">How long this iteration took.</param>
public sealed record IterationReport(
    int Iteration, int Height, int Width, double Loss, double Content, double Style, double Tv, double Seconds);

/// <summary>Why a transfer ended.</summary>
public enum TransferEnd
{
    /// <summary>All iterations were made.</summary>
    Completed,

    /// <summary>The user had enough.</summary>
    Cancelled,

    /// <summary>A loss was infinite or not a number; the picture is the last good one.</summary>
    NonFiniteLoss,
}

/// <summary>The picture and how it came about.</summary>
public sealed record TransferResult(Picture Picture, TransferEnd End, int IterationsMade);

/// <summary>
/// Neural style transfer by optimising the pixels (Gatys, Ecker and Bethge 2016): at each scale the objective's
/// targets are computed, then Adam follows the gradient that the tape carries back through VGG to the picture.
/// </summary>
/// <param name="accelerator">Where everything runs.</param>
/// <param name="network">Must have the layers of the options, and their <see cref="TransferOptions.Network"/>.</param>
/// <param name="options">What to compute.</param>
public sealed class StyleTransfer(Accelerator accelerator, VggNetwork network, TransferOptions options)
{
    /// <summary>Called after each iteration with its report and a function that gives the picture so far.</summary>
    public Action<IterationReport, Func<Picture>>? Progress { get; init; }

    /// <summary>Runs the plan.</summary>
    /// <param name="content">The content picture at any size.</param>
    /// <param name="style">The style picture at any size.</param>
    /// <param name="init">The picture to start from, for <see cref="InitKind.Picture"/>.</param>
    /// <param name="plan">Of <see cref="Schedule"/>.</param>
    /// <param name="cancellation">Ends the run after the iteration that is under way.</param>
    public TransferResult Run(
        Picture content, Picture style, Picture? init, IReadOnlyList<ScaleStep> plan, CancellationToken cancellation)
    {
        if (options.MatchStyleColors) content = ColorMatch.Apply(content, style);
        var run = new RunState(plan, InitialPixels(content, init, plan[0]));
        foreach (ScaleStep step in plan)
        {
            TransferEnd end = RunScale(run, content, style, step, cancellation);
            accelerator.TrimPool();
            if (end != TransferEnd.Completed) return new TransferResult(run.Result(options, end), end, run.Iteration);
        }

        return new TransferResult(run.Result(options, TransferEnd.Completed), TransferEnd.Completed, run.Iteration);
    }

    private TransferEnd RunScale(
        RunState run, Picture content, Picture style, ScaleStep step, CancellationToken cancellation)
    {
        (int height, int width) = (step.Height, step.Width);
        run.ResizeTo(height, width);
        using Objective objective = new(
            accelerator, network, options, Resampler.Resize(content, height, width), SizedStyle(style, height, width));
        using var pixels = new Tensor(accelerator, new Shape(height, width, 3), run.Pixels, requiresGradient: true);
        using MemoryBuffer<float> average = accelerator.Allocate<float>(run.Pixels);
        // The average at the last point whose losses were finite; it stays on the device until it is needed.
        using MemoryBuffer<float> good = accelerator.Allocate<float>(run.Pixels);
        bool anyGood = false;
        using var adam = new AdamOptimizer(
            pixels.Keep(), new AdamSettings(options.LearningRate, options.Beta1, options.Beta2));
        if (run.Moments is var (m, v)) adam.Restore(m, v, run.OptimizerSteps);
        for (int i = 1; i <= step.Iterations; i++)
        {
            if (cancellation.IsCancellationRequested)
            {
                average.CopyToCPU(run.Average);
                return TransferEnd.Cancelled;
            }

            long start = Stopwatch.GetTimestamp();
            IterationReport report;
            pixels.ClearGradient();
            using (var tape = new Tape(accelerator))
            {
                Losses losses = objective.Evaluate(tape, pixels);
                report = new IterationReport(
                    run.Iteration + 1, height, width, losses.Total.ToArray()[0], losses.Content.ToArray()[0],
                    losses.Style.ToArray()[0], losses.Variation.ToArray()[0], 0);
                if (!double.IsFinite(report.Loss))
                {
                    if (anyGood) run.KeepGood(good.GetAsArray());
                    return TransferEnd.NonFiniteLoss;
                }

                VectorOps.Copy(accelerator, good.View, average.View);
                anyGood = true;
                tape.Backward(losses.Total);
            }

            adam.Step();
            if (options.Clamp) PixelTransform.Clamp(accelerator, pixels.Data, 0f, options.PixelRange);
            // An exponential moving average without the bias towards its start (as in Adam): its first value is x itself.
            float decay = options.AverageDecay;
            VectorOps.Lerp(accelerator, average.View, pixels.Data, (1 - decay) / (1 - MathF.Pow(decay, i)));
            run.Iteration++;
            report = report with { Seconds = Stopwatch.GetElapsedTime(start).TotalSeconds };
            Progress?.Invoke(report, () => RunState.ToPicture(average.GetAsArray(), height, width, options.PixelRange));
        }

        accelerator.Read(pixels.Data, run.Pixels);
        average.CopyToCPU(run.Average);
        (run.Moments, run.OptimizerSteps) = (adam.Moments(), adam.StepCount);
        if (anyGood) run.KeepGood(good.GetAsArray());
        // The last step of a scale has no loss after it that would show that it went wrong.
        return run.Pixels.All(float.IsFinite) ? TransferEnd.Completed : TransferEnd.NonFiniteLoss;
    }

    private Picture SizedStyle(Picture style, int height, int width)
    {
        if (options.StyleSizing == StyleSizing.ContentSize) return Resampler.Resize(style, height, width);
        (int styleHeight, int styleWidth) = Resampler.FitInto(style.Height, style.Width, Math.Max(height, width));
        return Resampler.Resize(style, styleHeight, styleWidth);
    }

    /// <summary>The start, in units of the pixel range.</summary>
    private float[] InitialPixels(Picture content, Picture? init, ScaleStep first)
    {
        float unit = options.PixelRange / 255f;
        Picture start = Resampler.Resize(
            options.Init == InitKind.Picture ? init ?? throw new TransferException("no picture to start from") : content,
            first.Height, first.Width);
        float[] pixels = Array.ConvertAll(start.Pixels, value => value * options.PixelRange);
        var random = new NormalGenerator((ulong)(uint)options.Seed + (1UL << 40));
        if (options.Init == InitKind.Noise)
        {
            random.Fill(pixels, options.InitNoise * unit);
            for (int i = 0; i < pixels.Length; i++) pixels[i] = Math.Clamp(pixels[i] + (127.5f * unit), 0f, options.PixelRange);
        }
        else if (options.Init == InitKind.Blend)
        {
            // Mixed in the network's input, i.e. around the mean pixel.
            for (int i = 0; i < pixels.Length; i++)
            {
                float mean = VggWeights.CaffeMean[i % 3] * unit;
                float noise = (float)((2 * random.Uniform()) - 1) * options.InitNoise * unit;
                pixels[i] = mean + (options.InitNoiseShare * noise) + ((1 - options.InitNoiseShare) * (pixels[i] - mean));
            }
        }

        return pixels;
    }
}
