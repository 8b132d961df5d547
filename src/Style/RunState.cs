using NativeStyle.Imaging;
using NativeStyle.Kernels;

namespace NativeStyle.Style;

/// <summary>What a transfer carries from iteration to iteration and from scale to scale, on the host.</summary>
internal sealed class RunState(IReadOnlyList<ScaleStep> plan, float[] pixels)
{
    private int _height = plan[0].Height;
    private int _width = plan[0].Width;

    private (float[] Average, int Height, int Width)? _good;

    /// <summary>The iterate that the next scale starts from, in units of the pixel range.</summary>
    public float[] Pixels { get; private set; } = pixels;

    /// <summary>The averaged iterates: the result so far.</summary>
    public float[] Average { get; private set; } = [.. pixels];

    /// <summary>Adam's moments at the end of the last scale.</summary>
    public (float[] M, float[] V)? Moments { get; set; }

    public int OptimizerSteps { get; set; }

    /// <summary>Iterations made, over all scales.</summary>
    public int Iteration { get; set; }

    /// <summary>Takes pixels and moments to the size of the next scale.</summary>
    public void ResizeTo(int height, int width)
    {
        if ((height, width) == (_height, _width)) return;
        Pixels = Resized(Pixels);
        Average = [.. Pixels];
        // A second moment is never negative, but the resampling filter can make it so.
        if (Moments is var (m, v)) Moments = (Resized(m), Array.ConvertAll(Resized(v), value => Math.Max(0f, value)));
        (_height, _width) = (height, width);

        float[] Resized(float[] values) => Resampler.Resize(values, _height, _width, 3, height, width);
    }

    /// <summary>Remembers an average of this scale that is good, for the case that a later step goes wrong.</summary>
    public void KeepGood(float[] average) => _good = (average, _height, _width);

    /// <summary>The picture to end with: the result so far, or after a failure the last good one.</summary>
    public Picture Result(TransferOptions options, TransferEnd end) => end == TransferEnd.NonFiniteLoss && _good is var (good, height, width)
        ? ToPicture(good, height, width, options.PixelRange)
        : ToPicture(Average, _height, _width, options.PixelRange);

    public static Picture ToPicture(float[] pixels, int height, int width, float range) =>
        new(height, width, Array.ConvertAll(pixels, value => Math.Clamp(value / range, 0f, 1f)));
}
