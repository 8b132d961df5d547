using NativeStyle.Style.Options;

namespace NativeStyle.FeedForward;

/// <summary>What becomes of the network's drawing of a picture.</summary>
/// <param name="Strength">How much of the result is the drawing, 0 to 1; the rest is the picture.</param>
/// <param name="Colors">One of <see cref="ColorWords"/>.</param>
public sealed record DrawingOptions(double Strength = 1, ColorMode Colors = ColorMode.Style)
{
    /// <summary>
    /// The sources of colours that need no style picture. The drawing keeps its own, or gets the picture's chroma, mean
    /// and covariance, or histograms.
    /// </summary>
    public static Words<ColorMode> ColorWords { get; } = new(
        [.. new[] { ColorMode.Style, ColorMode.Luminance, ColorMode.Covariance, ColorMode.Histogram }
            .Select(mode => (mode, OptionWords.ColorMode[mode]))]);
}
