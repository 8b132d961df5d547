using NativeStyle.Autodiff;
using NativeStyle.Autodiff.Operators;
using NativeStyle.Kernels.Memory;
using NativeStyle.Style.Options;
using NativeStyle.Style.Tiling;

namespace NativeStyle.Style.Losses;

/// <summary>
/// The sums over a map's positions by which styles are compared. They are G = g Σ F Fᵀ and, for Wasserstein losses,
/// also the mean m = 1/(H W) Σ F. In a region each position counts by the square of its guidance t (Gatys et al. 2017,
/// "Controlling perceptual factors in neural style transfer", section 4.1): G = g Σ (t F) (t F)ᵀ and
/// m = 1/(H W) Σ t² F. With the mean goes a point c, near that of the style: F - c takes F's place in both sums. Their
/// covariance is the same, but does not cancel in float32.
/// </summary>
/// <param name="gramScale">g.</param>
/// <param name="share">1/(H W) if the mean is a statistic as well; null if it is not.</param>
/// <param name="guidance">t, (height, width, 1), of the whole map; null if every position counts fully.</param>
/// <param name="centre">c, (channels); null for zero.</param>
/// <param name="own">What the user compares instead; null for these sums.</param>
internal sealed class StyleStatistics(
    double gramScale, double? share, DeviceMap? guidance, Tensor? centre, Func<Tape, Tensor, Tensor[]>? own = null)
{
    /// <summary>The statistics that the style loss of the options needs.</summary>
    /// <param name="height">Rows of the whole map.</param>
    /// <param name="guidance">t, as above.</param>
    /// <param name="centre">c, as above, if the style loss is Wasserstein's.</param>
    public static StyleStatistics Of(
        TransferOptions options, int height, int width, int channels, DeviceMap? guidance, Tensor? centre)
    {
        double positions = (double)height * width;
        if (options.CustomStyleLoss is { } custom)
        {
            return new StyleStatistics(1, null, guidance, null, (tape, map) =>
                [.. custom.Statistics(tape, map, (long)positions)]);
        }

        if (options.StyleLoss == StyleLoss.Wasserstein)
            return new StyleStatistics(1 / positions, 1 / positions, guidance, centre);
        return new StyleStatistics(options.GramScale switch
        {
            GramScale.Sum => 1,
            GramScale.PerPixel => 1 / positions,
            _ => 1 / (positions * channels),
        }, null, guidance, null);
    }

    /// <summary>What a window adds: G, and m if it is a statistic.</summary>
    public Tensor[] Sums(Tape tape, Tensor map, Window window)
    {
        Tensor? t = guidance is null ? null : tape.Constant(new Shape(window.Height, window.Width, 1));
        if (t is not null) guidance!.Read(window, t);
        if (centre is not null) map = tape.Centre(map, centre);
        Tensor guidedMap = t is null ? map : tape.Guide(map, t);
        if (own is not null) return own(tape, guidedMap);
        Tensor gram = tape.Gram(guidedMap, (float)gramScale);
        if (share is not double mean) return [gram];
        return [gram, tape.ChannelMean(t is null ? map : tape.Guide(guidedMap, t), (float)mean)];
    }
}
