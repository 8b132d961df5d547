using NativeStyle.Autodiff;
using NativeStyle.Autodiff.Operators;
using NativeStyle.Kernels.Memory;
using NativeStyle.Vgg;

namespace NativeStyle.Style.Losses;

/// <summary>
/// How far the distribution of the map's features is from those of the styles. Both are taken as normal distributions.
/// The distance is the squared Wasserstein-2 distance (Olkin and Pukelsheim 1982; as style loss in crowsonkb's
/// style-transfer-pytorch), by channel.
/// <code>
///   L = Σ w / n (‖m - m'‖² + tr(C' + C - 2 (C'^½ C C'^½)^½))        C = M - m mᵀ
/// </code>
/// m is the mean of the map's features and M their second moment, both about a point near the first style's mean. m'
/// and C' are the mean and covariance of a style. n is the number of channels. The outer sum goes over the styles, each
/// with its weight w.
/// </summary>
internal sealed class WassersteinLoss : FeatureLoss
{
    private readonly StyleStatistics _statistics;
    private readonly Tensor _centre;
    private readonly List<(WassersteinTarget Distribution, float Weight)> _targets = [];

    /// <param name="statistics">The sums that are compared.</param>
    /// <param name="centre">The point that the sums are about. The loss owns it from now on.</param>
    /// <param name="targets">
    /// The second moments and means of the styles, each with its weight. The constructor disposes the tensors.
    /// </param>
    public WassersteinLoss(
        VggLayer layer, StyleStatistics statistics, Tensor centre,
        IReadOnlyList<(Tensor Moment, Tensor Mean, double Weight)> targets)
        : base(layer, targets.Sum(target => (float)target.Weight))
    {
        (_statistics, _centre) = (statistics, centre);
        try
        {
            foreach ((Tensor moment, Tensor mean, double weight) in targets)
                _targets.Add((new WassersteinTarget(mean, moment), (float)weight));
        }
        catch
        {
            Dispose();
            throw;
        }

        foreach ((Tensor moment, Tensor mean, _) in targets)
        {
            moment.Dispose();
            mean.Dispose();
        }
    }

    public override Tensor[] Sums(Tape tape, Tensor map, Window window) => _statistics.Sums(tape, map, window);

    public override IEnumerable<LossTerm> Terms(Tape tape, Tensor[] sums) => _targets.Select(target =>
    {
        Tensor distance = tape.WassersteinDistance(sums[1], sums[0], target.Distribution, target.Weight);
        return new LossTerm(Layer.Name, IsContent: false, distance);
    });

    public override void Dispose()
    {
        _centre.Dispose();
        foreach ((WassersteinTarget distribution, _) in _targets) distribution.Dispose();
    }
}
