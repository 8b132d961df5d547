using NativeStyle.Autodiff;
using NativeStyle.Autodiff.Operators;
using NativeStyle.Imaging;
using NativeStyle.Kernels.Devices;
using NativeStyle.Style.Options;
using NativeStyle.Vgg;

namespace NativeStyle.Style.Study;

/// <summary>The Gram matrices of one layer, for the channels that matter most to the style.</summary>
/// <param name="Channels">The channels, in the order of rows and columns.</param>
/// <param name="Style">The target, row by row. The other two matrices have the same layout.</param>
internal sealed record GramComparison(string Layer, int[] Channels, float[] Style, float[] Start, float[] Result);

/// <summary>What one loss term does to the pixels of the result.</summary>
/// <param name="Name">"content conv4_2", "style conv1_1", "tv".</param>
/// <param name="Value">The weighted loss.</param>
/// <param name="Gradient">dL/d(pixels), (height, width, 3).</param>
internal sealed record TermGradient(string Name, double Value, float[] Gradient);

/// <summary>One pixel, from its last change back to the losses.</summary>
/// <param name="Start">RGB at the start of the run, in units of the pixel range like the other values.</param>
/// <param name="Result">RGB of the last iterate.</param>
/// <param name="Gradient">dL/d(pixel), the sum of all terms.</param>
/// <param name="MeanGradient">Adam's m̂, or null under L-BFGS.</param>
/// <param name="RootSquare">Adam's √v̂.</param>
/// <param name="LastStep">-α m̂ / (√v̂ + ε): how far the last step moved the pixel.</param>
/// <param name="Held">
/// The channels that clamping holds at a bound of the pixel range: a step against their gradient would leave the range.
/// It is null if the run does not clamp its pixels.
/// </param>
/// <param name="Channel">
/// The channel with the strongest pull, of those that are not held if there are any. It was moved to test the gradient.
/// </param>
/// <param name="Nudge">How far it was moved.</param>
/// <param name="Predicted">The change of the loss that the gradient predicts.</param>
/// <param name="Measured">The change of the loss that was measured.</param>
internal sealed record PixelStory(
    int Row, int Column, float[] Start, float[] Result, float[] Gradient, float[]? MeanGradient, float[]? RootSquare,
    float[]? LastStep, bool[]? Held, int Channel, double Nudge, double Predicted, double Measured);

/// <summary>A transfer as it ran, with the losses, gradients and tape of its last iterate.</summary>
internal sealed record TransferExplanation(
    TransferResult Result, IReadOnlyList<(int Iteration, Picture Picture)> Pictures,
    IReadOnlyList<GramComparison> Grams, IReadOnlyList<TermGradient> Terms, IReadOnlyList<TapeNode> Tape,
    PixelStory Pixel, int Height, int Width)
{
    /// <summary>How many channels of a Gram matrix are kept at most.</summary>
    private const int MostChannels = 32;

    /// <summary>Runs a transfer and examines it.</summary>
    /// <param name="snapshots">How many pictures are kept on the way, evenly spread.</param>
    /// <param name="pixel">
    /// Row and column at the last scale; null for the pixel that the losses pull most strongly, without the
    /// channels that clamping holds where they are.
    /// </param>
    public static TransferExplanation Create(
        ComputeDevice device, VggNetwork network, TransferOptions options, TransferInputs inputs,
        IReadOnlyList<ScaleStep> plan, int snapshots, (int Row, int Column)? pixel, Action<IterationReport> progress,
        CancellationToken cancellation)
    {
        int total = plan.Sum(step => step.Iterations);
        ScaleStep last = plan[^1];
        HashSet<int> iterations =
            [.. Enumerable.Range(1, snapshots).Select(i => Math.Max(1, (int)((long)total * i / snapshots)))];
        List<(int, Picture)> pictures = [];
        RunState? state = null;
        var transfer = new StyleTransfer(device, network, options)
        {
            ByLayer = true,
            Progress = (report, picture) =>
            {
                if (iterations.Contains(report.Iteration)) pictures.Add((report.Iteration, picture()));
                progress(report);
            },
            Checkpoint = (total, run => state = run),
            KeepsLastState = true,
        };
        TransferInputs prepared = transfer.Prepared(inputs);
        float[] start = InitialPicture.Create(options, prepared, network.ZeroPixel, plan[0].Height, plan[0].Width);
        pictures.Insert(0, (0, RunState.ToPicture(start, plan[0].Height, plan[0].Width, options.PixelRange)));
        TransferResult result = transfer.Run(inputs, plan, cancellation);
        start = Resampler.Resize(start, plan[0].Height, plan[0].Width, 3, last.Height, last.Width);
        // There is no last state if the optimiser found nothing lower, and the user may have cancelled at a coarser
        // scale. Then the picture itself is examined.
        if ((state?.Height, state?.Width) != (last.Height, last.Width)) state = null;
        float[] iterate = state?.Pixels ?? Array.ConvertAll(
            Resampler.Resize(result.Picture, last.Height, last.Width).Pixels, value => value * options.PixelRange);
        using Objective objective = transfer.ObjectiveAt(prepared, last, CancellationToken.None);
        (List<TermGradient> terms, IReadOnlyList<TapeNode> tape) = MeasureTerms(device, objective, iterate, last);
        (int row, int column) = pixel ?? MostPulled(terms, options, iterate, last.Width);
        List<GramComparison> grams =
            MeasureGrams(device, network, options, transfer, prepared, start, iterate, last);
        PixelStory story =
            Story(device, objective, options, start, iterate, terms, state?.Optimizer, row, column, last);
        return new TransferExplanation(result, pictures, grams, terms, tape, story, last.Height, last.Width);
    }

    /// <summary>
    /// Computes each term's gradient on the pixels, in a pass of its own, and the tape of all terms together.
    /// </summary>
    private static (List<TermGradient>, IReadOnlyList<TapeNode>) MeasureTerms(
        ComputeDevice device, Objective objective, float[] iterate, ScaleStep at)
    {
        List<TermGradient> terms = [];
        IReadOnlyList<TapeNode> nodes = [];
        // Pass 0 computes all terms; each later pass goes back from one term.
        for (int pass = 0; pass == 0 || pass <= terms.Count; pass++)
        {
            var shape = new Shape(at.Height, at.Width, 3);
            using Tensor pixels = new Tensor(device, shape, iterate, requiresGradient: true).Retain();
            using var tape = new Tape(device);
            if (pass == 0) tape.Observe();
            LossTensors losses = objective.Evaluate(tape, pixels);
            (string Name, Tensor Loss)[] all = [
                .. losses.Terms.Select(term => ($"{(term.IsContent ? "content" : "style")} {term.Layer}", term.Value)),
                .. losses.Variation.RequiresGradient ? new[] { ("tv", losses.Variation) } : []];
            if (pass == 0)
            {
                terms.AddRange(all.Select(term => new TermGradient(term.Name, term.Loss.ToArray()[0], [])));
                tape.Backward(losses.Total);
                nodes = tape.Observed;
                continue;
            }

            tape.Backward(all[pass - 1].Loss);
            terms[pass - 1] = terms[pass - 1] with { Gradient = pixels.GradientToArray() };
        }

        return (terms, nodes);
    }

    private static List<GramComparison> MeasureGrams(
        ComputeDevice device, VggNetwork network, TransferOptions options, StyleTransfer transfer,
        TransferInputs prepared, float[] start, float[] iterate, ScaleStep at)
    {
        string[] layers = [.. options.StyleTerms.Select(layer => layer.Layer)];
        if (prepared.Styles.Count == 0 || layers.Length == 0) return [];
        PictureSource sized = transfer.SizedAt(prepared.Styles[0], at).Picture;
        Picture style = sized.At(sized.Height, sized.Width);
        float[] stylePixels = Array.ConvertAll(style.Pixels, value => value * options.PixelRange);
        Dictionary<string, (float[] Gram, int Channels)> ofStyle = Of(style.Height, style.Width, stylePixels);
        Dictionary<string, (float[] Gram, int Channels)> ofStart = Of(at.Height, at.Width, start);
        Dictionary<string, (float[] Gram, int Channels)> ofResult = Of(at.Height, at.Width, iterate);
        return [.. layers.Select(layer =>
        {
            (float[] gram, int channels) = ofStyle[layer];
            int[] strongest = [.. Enumerable.Range(0, channels)
                .OrderByDescending(c => gram[(c * channels) + c])
                .Take(MostChannels)
                .Order()];
            float[] Submatrix(float[] whole) =>
                [.. strongest.SelectMany(i => strongest.Select(j => whole[(i * channels) + j]))];
            return new GramComparison(
                layer, strongest, Submatrix(gram), Submatrix(ofStart[layer].Gram), Submatrix(ofResult[layer].Gram));
        })];

        Dictionary<string, (float[], int)> Of(int height, int width, float[] pixels)
        {
            Dictionary<string, (float[], int)> grams = [];
            using var tape = new Tape(device);
            using var image = new Tensor(device, new Shape(height, width, 3), pixels);
            foreach ((string layer, Tensor map) in network.Features(tape, image, options.PixelRange, layers))
            {
                // The scale is per pixel, whatever the options say, because pictures of different sizes are compared.
                Tensor gram = tape.Gram(map, 1f / (map.Shape[0] * map.Shape[1]));
                grams[layer] = (gram.ToArray(), map.Shape[2]);
            }

            return grams;
        }
    }

    private static PixelStory Story(
        ComputeDevice device, Objective objective, TransferOptions options, float[] start, float[] iterate,
        List<TermGradient> terms,
        OptimizerState? optimizer, int row, int column, ScaleStep at)
    {
        int place = ((row * at.Width) + column) * 3;
        float[] Rgb(float[] values) => values[place..(place + 3)];
        float[] gradient = new float[3];
        foreach (TermGradient term in terms)
            for (int c = 0; c < 3; c++) gradient[c] += term.Gradient[place + c];
        float[]? mean = null, root = null, step = null;
        if (optimizer is not null && options.Method is AdamMethod adam)
            (mean, root, step) = adam.Parts(optimizer, place..(place + 3));

        // The nudge is large enough for single precision to see the loss change, and small enough for the gradient to
        // predict the change.
        bool[] held = [.. Enumerable.Range(0, 3).Select(c => IsHeld(options, iterate[place + c], gradient[c]))];
        int channel = Enumerable.Range(0, 3).MaxBy(c => (!held[c], Math.Abs(gradient[c])));
        double level = options.PixelRange / 255, loss = terms.Sum(term => term.Value);
        double nudge = Math.Clamp(2e-5 * loss / Math.Max(Math.Abs(gradient[channel]), 1e-30), level / 4, 8 * level);
        double measured = (Loss(nudge) - Loss(-nudge)) / 2;
        return new PixelStory(
            row, column, Rgb(start), Rgb(iterate), gradient, mean, root, step, options.Clamp ? held : null, channel,
            nudge, gradient[channel] * nudge, measured);

        double Loss(double by)
        {
            float[] moved = [.. iterate];
            moved[place + channel] += (float)by;
            using var pixels = new Tensor(device, new Shape(at.Height, at.Width, 3), moved);
            using var tape = new Tape(device);
            LossTensors losses = objective.Evaluate(tape, pixels);
            // The sum is made here, in double. Single precision would lose the change in the total.
            return losses.Terms.Sum(term => (double)term.Value.ToArray()[0]) + losses.Variation.ToArray()[0];
        }
    }

    /// <summary>Whether a step against the gradient would end where the clamp puts the element back.</summary>
    private static bool IsHeld(TransferOptions options, float value, float gradient) =>
        options.Clamp && ((value <= 0 && gradient > 0) || (value >= options.PixelRange && gradient < 0));

    private static (int Row, int Column) MostPulled(
        List<TermGradient> terms, TransferOptions options, float[] iterate, int width)
    {
        float[] sum = new float[terms[0].Gradient.Length];
        foreach (TermGradient term in terms)
            for (int i = 0; i < sum.Length; i++) sum[i] += term.Gradient[i];
        double Pull(int p) => Enumerable.Range(3 * p, 3)
            .Where(i => !IsHeld(options, iterate[i], sum[i])).Sum(i => Math.Abs(sum[i]));
        int best = Enumerable.Range(0, sum.Length / 3).MaxBy(Pull);
        return (best / width, best % width);
    }
}
