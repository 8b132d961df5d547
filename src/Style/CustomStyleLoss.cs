using NativeStyle.Autodiff;
using NativeStyle.Style.Options;

namespace NativeStyle.Style;

/// <summary>
/// A style loss of your own, in place of <see cref="TransferOptions.StyleLoss"/>. It takes statistics of a layer's map,
/// which are sums over its positions, and tells how far those of the result are from those of a style:
/// <code>
///   S = Σ over windows of Statistics(window),   L = w Distance(S, S of the style)
/// </code>
/// Because statistics are sums, pictures of any size go through the network in tiles. The tape carries the gradient
/// back. Memory is planned by running both methods where there are no numbers, so what they compute, and in which shapes,
/// may not depend on numbers of the result.
/// </summary>
/// <example>
/// The mean of each channel is to be that of the style:
/// <code>
/// public sealed class MeanLoss : CustomStyleLoss
/// {
///     public override IReadOnlyList&lt;Tensor&gt; Statistics(Tape tape, Tensor map, long positions) =&gt;
///         [tape.ChannelMean(map, scale: 1f / positions)];
///
///     public override Tensor Distance(
///         Tape tape, IReadOnlyList&lt;Tensor&gt; result, IReadOnlyList&lt;Tensor&gt; style, float weight) =&gt;
///         tape.SquaredError(result[0], style[0], scale: weight / (style[0].Norm() * style[0].Norm()));
/// }
/// </code>
/// <c>Presets.DefaultCompact with { CustomStyleLoss = new MeanLoss() }</c> uses it.
/// </example>
public abstract class CustomStyleLoss
{
    /// <summary>What a map, or a window of it, adds to the statistics.</summary>
    /// <param name="tape">Where to compute it.</param>
    /// <param name="map">
    /// (height, width, channels), after ReLU. If the style counts in a region, each position is multiplied by its
    /// guidance (Gatys et al. 2017, section 4.1).
    /// </param>
    /// <param name="positions">Height times width of the whole map.</param>
    /// <returns>Sums over the positions. Their number and shapes depend on the channels alone.</returns>
    public abstract IReadOnlyList<Tensor> Statistics(Tape tape, Tensor map, long positions);

    /// <summary>How far the result is from a style.</summary>
    /// <param name="tape">Where to compute it.</param>
    /// <param name="result">The statistics of the result.</param>
    /// <param name="style">The statistics of the style, which are constants.</param>
    /// <param name="weight">A factor of the distance: the weights of the layer, the style and all style losses.</param>
    /// <returns>A scalar.</returns>
    public abstract Tensor Distance(
        Tape tape, IReadOnlyList<Tensor> result, IReadOnlyList<Tensor> style, float weight);
}
