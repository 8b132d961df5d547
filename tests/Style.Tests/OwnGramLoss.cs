using NativeStyle.Autodiff;
using NativeStyle.Autodiff.Operators;

namespace NativeStyle.Style.Tests;

/// <summary>The Gram loss of Gatys et al. by the means that a user has: 1/2 Σ (G - A)², G = Fᵀ F / positions.</summary>
internal sealed class OwnGramLoss : CustomStyleLoss
{
    public override IReadOnlyList<Tensor> Statistics(Tape tape, Tensor map, long positions) =>
        [tape.Gram(map, 1f / positions)];

    public override Tensor Distance(
        Tape tape, IReadOnlyList<Tensor> result, IReadOnlyList<Tensor> style, float weight) =>
        tape.SquaredError(result[0], style[0], weight / 2);
}
