using NativeStyle.Autodiff;
using NativeStyle.Autodiff.Operators;
using NativeStyle.Kernels.Memory;
using NativeStyle.Style.Options;
using NativeStyle.Vgg;

namespace NativeStyle.Style.Losses;

/// <summary>
/// How far the map's Gram matrix is from those of the styles (Gatys, Ecker and Bethge 2016, eq. 4 and 5).
/// <code>
///   L = Σ w s Σ (G - A)²        dL/dG = Σ 2 w s (G - A)        dL/dF = g F (dL/dG + dL/dGᵀ)
/// </code>
/// G = g Fᵀ F is the map's matrix and A a style's. The outer sum goes over the styles, each with its weight w. s is
/// the factor of <see cref="LossScale"/>.
/// </summary>
internal sealed class GramLoss : FeatureLoss
{
    private readonly StyleStatistics _statistics;
    private readonly (Tensor Gram, float Scale)[] _targets;

    /// <param name="statistics">The sums that are compared.</param>
    /// <param name="targets">
    /// The Gram matrices of the styles, each with its weight. The loss owns them from now on.
    /// </param>
    public GramLoss(
        VggLayer layer, StyleStatistics statistics, IReadOnlyList<(Tensor Gram, double Weight)> targets,
        LossScale scale)
        : base(layer, targets.Sum(target => (float)target.Weight))
    {
        _statistics = statistics;
        _targets = [.. targets.Select(target =>
        {
            double squares = Math.Pow(target.Gram.Norm(), 2);
            return (target.Gram, (float)(target.Weight * scale.Factor(target.Gram.Shape.Length, squares)));
        })];
    }

    public override Tensor[] Sums(Tape tape, Tensor map, Window window) => _statistics.Sums(tape, map, window);

    public override IEnumerable<LossTerm> Terms(Tape tape, Tensor[] sums) => _targets.Select(target =>
        new LossTerm(Layer.Name, IsContent: false, tape.SquaredError(sums[0], target.Gram, target.Scale)));

    public override void Dispose()
    {
        foreach ((Tensor gram, _) in _targets) gram.Dispose();
    }
}
