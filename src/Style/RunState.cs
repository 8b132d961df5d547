using NativeStyle.Autodiff;
using NativeStyle.Imaging;

namespace NativeStyle.Style;

/// <summary>One layer's share of the loss.</summary>
public sealed record LayerLoss(string Layer, bool IsContent, double Value);

/// <summary>The losses at one point, weighted, as they enter the sum.</summary>
/// <param name="Layers">Each layer's, where somebody asked for them.</param>
public sealed record LossValues(double Total, double Content, double Style, double Tv, IReadOnlyList<LayerLoss>? Layers = null);

/// <summary>
/// What a transfer carries from iteration to iteration and from scale to scale, on the host: with the options and the
/// pictures, all that decides how it goes on.
/// </summary>
public sealed class RunState
{
    /// <summary>The beginning: iterate and average are the start.</summary>
    internal RunState(int height, int width, float[] pixels)
    {
        (Height, Width, Pixels, Average) = (height, width, pixels, [.. pixels]);
    }

    /// <summary>Which scale of the plan is under way, from 0.</summary>
    public int Scale { get; internal set; }

    /// <summary>Iterations made at this scale.</summary>
    public int IterationAtScale { get; internal set; }

    /// <summary>Iterations made, over all scales.</summary>
    public int Iteration { get; internal set; }

    public int Height { get; private set; }

    public int Width { get; private set; }

    /// <summary>Losses before each iteration's step.</summary>
    public List<IterationReport> Reports { get; } = [];

    /// <summary>The iterate, in units of the pixel range.</summary>
    internal float[] Pixels { get; set; }

    /// <summary>The averaged iterates: the result so far.</summary>
    internal float[] Average { get; set; }

    /// <summary>What the optimiser remembers; at the beginning of a scale, Adam's from the scale before.</summary>
    internal OptimizerState? Optimizer { get; set; }

    /// <summary>The losses at the iterate, where the optimiser knows them already.</summary>
    internal LossValues? Known { get; set; }

    /// <summary>The average at the last point whose losses were finite.</summary>
    internal (float[] Average, int Height, int Width)? Good { get; set; }

    /// <summary>
    /// Goes on to the next scale: from the average, which is smoother than the last iterate, and with moments of the new size.
    /// </summary>
    internal void NextScale(TransferOptions options, int height, int width)
    {
        (Scale, IterationAtScale, Known) = (Scale + 1, 0, null);
        if (options.AverageDecay > 0) Pixels = [.. Average];
        // L-BFGS's vectors belong to a function that this scale replaces by another.
        if (options.Optimizer != OptimizerKind.Adam) Optimizer = null;
        if ((height, width) != (Height, Width))
        {
            Pixels = Resized(Pixels);
            if (options.Clamp) Pixels = Array.ConvertAll(Pixels, value => Math.Clamp(value, 0f, options.PixelRange));
            // A second moment is never negative, but the resampling filter can make it so.
            if (Optimizer is { Vectors: [var m, var v] } moments)
                Optimizer = moments with { Vectors = [Resized(m), Array.ConvertAll(Resized(v), value => Math.Max(0f, value))] };
            (Height, Width) = (height, width);
        }

        Average = [.. Pixels];

        float[] Resized(float[] values) => Resampler.Resize(values, Height, Width, 3, height, width);
    }

    /// <summary>The picture to end with: the result so far, or after a failure the last good one.</summary>
    internal Picture Result(TransferOptions options, TransferEnd end) => end == TransferEnd.NonFiniteLoss && Good is var (good, height, width)
        ? ToPicture(good, height, width, options.PixelRange)
        : ToPicture(Average, Height, Width, options.PixelRange);

    internal static Picture ToPicture(float[] pixels, int height, int width, float range) =>
        new(height, width, Array.ConvertAll(pixels, value => Math.Clamp(value / range, 0f, 1f)));
}
