using NativeStyle.Autodiff;
using NativeStyle.Autodiff.Operators;
using NativeStyle.Kernels.Memory;
using NativeStyle.Vgg;

namespace NativeStyle.Style.Losses;

/// <summary>
/// How far the distribution of the map's features is from those of styles, both taken as normal distributions: the squared
/// Wasserstein-2 distance (Olkin and Pukelsheim 1982; as style loss in crowsonkb's style-transfer-pytorch), by channel.
/// <code>
///   L = Σ w / n (‖m - m'‖² + tr(C' + C - 2 (C'^½ C C'^½)^½))        C = M - m mᵀ
/// </code>
/// m is the mean of the map's features and M their second moment about zero, m' and C' mean and covariance of a style's; n is
/// the number of channels, and the outer sum goes over styles with weight w each.
/// </summary>
internal sealed class WassersteinLoss : FeatureLoss
{
    private readonly StyleStatistics _statistics;
    private readonly (WassersteinTarget Distribution, float Weight)[] _targets;

    /// <param name="statistics">What is compared.</param>
    /// <param name="targets">Second moments and means of styles, each with its weight; they are given back here.</param>
    public WassersteinLoss(VggLayer layer, StyleStatistics statistics, IReadOnlyList<(Tensor Moment, Tensor Mean, double Weight)> targets)
        : base(layer, targets.Sum(target => target.Weight))
    {
        _statistics = statistics;
        _targets = [.. targets.Select(target => (new WassersteinTarget(target.Mean, target.Moment), (float)target.Weight))];
        foreach ((Tensor moment, Tensor mean, _) in targets)
        {
            moment.Dispose();
            mean.Dispose();
        }
    }

    public override Tensor[] Sums(Tape tape, Tensor map, Window window) => _statistics.Sums(tape, map, window);

    public override IEnumerable<LossTerm> Terms(Tape tape, Tensor[] sums) => _targets.Select(target =>
        new LossTerm(Layer.Name, IsContent: false, tape.WassersteinDistance(sums[1], sums[0], target.Distribution, target.Weight)));

    public override void Dispose()
    {
        foreach ((WassersteinTarget distribution, _) in _targets) distribution.Dispose();
    }
}
