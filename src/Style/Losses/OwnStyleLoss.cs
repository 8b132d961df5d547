using NativeStyle.Autodiff;
using NativeStyle.Kernels.Memory;
using NativeStyle.Vgg;

namespace NativeStyle.Style.Losses;

/// <summary>The user's own style loss of one layer: a <see cref="CustomStyleLoss"/> among the others.</summary>
/// <param name="statistics">The sums that are compared.</param>
/// <param name="loss">What compares them.</param>
/// <param name="targets">The styles' statistics, each with its weight. The loss owns them from now on.</param>
internal sealed class OwnStyleLoss(
    VggLayer layer, StyleStatistics statistics, CustomStyleLoss loss,
    IReadOnlyList<(Tensor[] Sums, double Weight)> targets)
    : FeatureLoss(layer, targets.Sum(target => (float)target.Weight))
{
    public override Tensor[] Sums(Tape tape, Tensor map, Window window) => statistics.Sums(tape, map, window);

    public override IEnumerable<LossTerm> Terms(Tape tape, Tensor[] sums) => targets.Select(target => new LossTerm(
        Layer.Name, IsContent: false, loss.Distance(tape, sums, target.Sums, (float)target.Weight)));

    public override void Dispose()
    {
        foreach (Tensor sum in targets.SelectMany(target => target.Sums)) sum.Dispose();
    }
}
