using NativeStyle.Autodiff;
using NativeStyle.Autodiff.Operators;
using NativeStyle.Kernels.Operators.TotalVariation;
using NativeStyle.Style.Options;

namespace NativeStyle.Style.Losses;

/// <summary>
/// How much neighbouring pixels differ (Mahendran and Vedaldi 2015, with squares; others use magnitudes or diagonals).
/// <code>
///   L = w Σ s→ |x[i, j+1] - x[i, j]|^p + s↓ |x[i+1, j] - x[i, j]|^p + s↘ (the same along both diagonals)
/// </code>
/// p is 2 or 1, as <see cref="VariationKind"/> says. The factors s come from the kind and from
/// <see cref="VariationScale"/>.
/// </summary>
internal sealed class VariationLoss
{
    private readonly VariationWeights _weights;

    private VariationLoss(VariationWeights weights) => _weights = weights;

    /// <summary>The loss of a picture (height, width, 3), or null if its weight is zero.</summary>
    public static VariationLoss? Of(TransferOptions options, int height, int width)
    {
        if (!(options.TvWeight > 0)) return null;
        const int Channels = 3;
        (double straight, double diagonal) = options.TvKind == VariationKind.NinePoint ? (2.0 / 3, 1.0 / 6) : (1, 0);
        double elements = (double)height * width * Channels, padded = (height + 1.0) * (width + 1.0) * Channels;
        (double across, double down, double diagonals) = options.TvScale switch
        {
            VariationScale.HalfSum => (2.0, 2.0, 2.0),
            VariationScale.Mean => (elements, elements, padded),
            _ => (
                Math.Max(1, height * (width - 1.0) * Channels),
                Math.Max(1, (height - 1.0) * width * Channels),
                padded),
        };
        double weight = options.TvWeight;
        return new VariationLoss(new VariationWeights(
            (float)(weight * (straight / across)),
            (float)(weight * (straight / down)),
            (float)(weight * (diagonal / diagonals)),
            options.TvKind == VariationKind.Absolute ? VariationNorm.Absolute : VariationNorm.Squared,
            options.TvKind == VariationKind.SquaredInner ? VariationBorder.Inner : VariationBorder.All));
    }

    public Tensor Of(Tape tape, Tensor pixels) => tape.TotalVariation(pixels, _weights);
}
