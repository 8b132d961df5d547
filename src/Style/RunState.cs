using NativeStyle.Autodiff;
using NativeStyle.Imaging;
using NativeStyle.Style.Options;

namespace NativeStyle.Style;

/// <summary>One layer's share of the loss.</summary>
public sealed record LayerLoss(string Layer, bool IsContent, double Value);

/// <summary>The losses at one point, weighted as they enter the sum.</summary>
/// <param name="Layers">Each layer's loss, if a caller asked for them.</param>
internal sealed record LossValues(
    double Total, double Content, double Style, double Tv, IReadOnlyList<LayerLoss>? Layers = null);

/// <summary>
/// What a transfer carries from iteration to iteration and from scale to scale. Together with the options and the
/// pictures it decides how the transfer continues. Vectors as long as the picture are read when they are asked for.
/// While a scale is under way they are read from the device, so that none is in memory twice.
/// </summary>
internal sealed class RunState
{
    private Func<float[]> _pixels;
    private Func<float[]> _average;

    /// <summary>The beginning of a run: iterate and average are both the start.</summary>
    internal RunState(int height, int width, float[] pixels)
        : this(height, width, () => pixels, () => pixels)
    {
    }

    /// <summary>A state whose vectors are read by functions.</summary>
    internal RunState(int height, int width, Func<float[]> pixels, Func<float[]> average) =>
        (Height, Width, _pixels, _average) = (height, width, pixels, average);

    /// <summary>The number of the plan's scale that is under way, from 0.</summary>
    public int Scale { get; internal set; }

    /// <summary>How many iterations this scale has made.</summary>
    public int IterationAtScale { get; internal set; }

    /// <summary>How many iterations all scales have made together.</summary>
    public int Iteration { get; internal set; }

    public int Height { get; private set; }

    public int Width { get; private set; }

    /// <summary>A report of each iteration, with the losses before its step.</summary>
    public List<IterationReport> Reports { get; } = [];

    /// <summary>The iterate, in units of the pixel range.</summary>
    internal float[] Pixels => _pixels();

    /// <summary>
    /// The average of the iterates whose losses are known to be finite: all but the current one. That one joins when
    /// its losses are known, or at the end of its scale.
    /// </summary>
    internal float[] Average => _average();

    /// <summary>
    /// What the optimiser remembers. At the beginning of a scale it is Adam's state from the scale before.
    /// </summary>
    internal OptimizerState? Optimizer { get; set; }

    /// <summary>The losses at the iterate, if the optimiser knows them already.</summary>
    internal LossValues? Losses { get; set; }

    /// <summary>The picture of the previous scale, until this scale's losses are known to be finite.</summary>
    internal (float[] Average, int Height, int Width)? Fallback { get; set; }

    /// <summary>Makes the vectors be read from another place from now on.</summary>
    internal void Follow(Func<float[]> pixels, Func<float[]> average) => (_pixels, _average) = (pixels, average);

    /// <summary>
    /// Goes on to the next scale. It starts from the average, which is smoother than the last iterate, and resizes the
    /// moments.
    /// </summary>
    internal void NextScale(TransferOptions options, int height, int width)
    {
        (Scale, IterationAtScale, Losses) = (Scale + 1, 0, null);
        float[] pixels = options.AverageDecay > 0 ? Average : Pixels;
        bool grows = (height, width) != (Height, Width);
        Optimizer = Optimizer is { } state ? options.Method.Carried(state, grows ? Resized : null) : null;
        if (grows)
        {
            pixels = Resized(pixels);
            if (options.Clamp) pixels = Array.ConvertAll(pixels, value => Math.Clamp(value, 0f, options.PixelRange));
        }

        float[] start = pixels;
        Follow(() => start, () => start);
        (Height, Width) = (height, width);

        float[] Resized(float[] values) => Resampler.Resize(values, Height, Width, 3, height, width);
    }

    /// <summary>
    /// The state from which a run goes on with other options. The optimiser begins anew, because what it remembers
    /// belongs to the losses before.
    /// </summary>
    internal RunState Redirected(TransferOptions before, TransferOptions after)
    {
        float unit = after.PixelRange / before.PixelRange;
        var state = new RunState(Height, Width, () => Scaled(Pixels), () => Scaled(Average))
        {
            Scale = Scale, IterationAtScale = IterationAtScale, Iteration = Iteration,
        };
        state.Reports.AddRange(Reports);
        return state;

        float[] Scaled(float[] values) => unit == 1 ? values : Array.ConvertAll(values, value => value * unit);
    }

    /// <summary>The state from which a run goes on from an earlier picture of its own.</summary>
    /// <param name="plan">The scales of the run.</param>
    /// <param name="iteration">The iterations after which the picture was reached.</param>
    /// <param name="picture">The picture, at any size.</param>
    /// <param name="range">White minus black.</param>
    internal RunState BackTo(IReadOnlyList<ScaleStep> plan, int iteration, Picture picture, float range)
    {
        IEnumerable<IterationReport> kept = Reports.Take(iteration);
        int scale = 0, atScale = 0;
        if (kept.LastOrDefault() is { } last)
        {
            scale = plan.ToList().FindIndex(step => (step.Height, step.Width) == (last.Height, last.Width));
            atScale = kept.Count(report => (report.Height, report.Width) == (last.Height, last.Width));
        }

        (int height, int width) = (plan[scale].Height, plan[scale].Width);
        float[] pixels = Array.ConvertAll(picture.At(height, width).Pixels, value => value * range);
        var state = new RunState(height, width, pixels)
        {
            Scale = scale, IterationAtScale = atScale, Iteration = kept.Count(),
        };
        state.Reports.AddRange(kept);
        return state;
    }

    internal static Picture ToPicture(float[] pixels, int height, int width, float range) =>
        new(height, width, Array.ConvertAll(pixels, value => Math.Clamp(value / range, 0f, 1f)));
}
