using NativeStyle.Imaging;

namespace NativeStyle.Style;

/// <summary>What a transfer carries from iteration to iteration and from scale to scale, on the host.</summary>
internal sealed class RunState(IReadOnlyList<ScaleStep> plan, float[] pixels)
{
    private int _height = plan[0].Height;
    private int _width = plan[0].Width;

    /// <summary>The last iterate whose losses were finite, in units of the pixel range.</summary>
    public float[] Pixels { get; private set; } = pixels;

    /// <summary>The averaged iterates up to it.</summary>
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

    public Picture Result(TransferOptions options) => ToPicture(Average, _height, _width, options.PixelRange);

    public static Picture ToPicture(float[] pixels, int height, int width, float range) =>
        new(height, width, Array.ConvertAll(pixels, value => Math.Clamp(value / range, 0f, 1f)));
}
