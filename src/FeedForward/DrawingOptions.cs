using NativeStyle.Style.Options;

namespace NativeStyle.FeedForward;

/// <summary>What becomes of the network's drawing of a picture.</summary>
/// <param name="Strength">How much of the result is the drawing, 0 to 1; the rest is the picture.</param>
/// <param name="Colors">
/// <see cref="ColorMode.Style"/> keeps the drawing's colours. <see cref="ColorMode.Luminance"/>,
/// <see cref="ColorMode.Covariance"/> and <see cref="ColorMode.Histogram"/> give it the picture's.
/// </param>
public sealed record DrawingOptions(double Strength = 1, ColorMode Colors = ColorMode.Style)
{
    /// <summary>
    /// The sources of colours that need no style picture. The drawing keeps its own, or gets the picture's chroma, mean
    /// and covariance, or histograms.
    /// </summary>
    internal static Words<ColorMode> ColorWords { get; } = new(
        [.. new[] { ColorMode.Style, ColorMode.Luminance, ColorMode.Covariance, ColorMode.Histogram }
            .Select(mode => (mode, OptionWords.ColorMode[mode]))]);
}
