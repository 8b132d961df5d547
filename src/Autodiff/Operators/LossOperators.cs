using ILGPU;
using NativeStyle.Kernels.Operators.SquaredError;
using NativeStyle.Kernels.Operators.TotalVariation;
using NativeStyle.Kernels.Operators.Vectors;

namespace NativeStyle.Autodiff.Operators;

/// <summary>Scalar losses on the tape. They stay after backward, so that they can be shown.</summary>
public static class LossOperators
{
    /// <summary>L = scale Σ (x - target)²; the target is a constant.</summary>
    public static Tensor SquaredError(this Tape tape, Tensor x, Tensor target, float scale)
    {
        x.SaveForBackward();
        return tape.Reduce(
            Shape.Scalar, x,
            loss => SquaredErrorOp.Forward(tape.Device, x.Data, target.Data, loss.Data, scale),
            loss =>
            {
                (ArrayView<float> dx, float beta) = x.Accumulate();
                SquaredErrorOp.Backward(tape.Device, x.Data, target.Data, loss.Gradient, dx, scale, beta);
            }).Retain();
    }

    /// <summary>L = a weighted sum of the squares or magnitudes of differences of neighbouring pixels.</summary>
    /// <param name="x">(height, width, channels).</param>
    public static Tensor TotalVariation(this Tape tape, Tensor x, VariationWeights weights)
    {
        (int height, int width, int channels) = x.Shape;
        Tensor loss = tape.Output(Shape.Scalar, x).Retain();
        TotalVariationOp.Forward(tape.Device, x.Data, loss.Data, height, width, channels, weights);
        x.SaveForBackward();
        return tape.Record(loss, () =>
        {
            (ArrayView<float> dx, float beta) = x.Accumulate();
            TotalVariationOp.Backward(
                tape.Device, x.Data, loss.Gradient, dx, height, width, channels, weights, beta);
        });
    }

    /// <summary>The sum of scalars.</summary>
    public static Tensor Sum(this Tape tape, IReadOnlyList<Tensor> terms)
    {
        Tensor sum = tape.Output(Shape.Scalar, terms).Retain();
        VectorOps.Fill(tape.Device, sum.Data, 0f);
        foreach (Tensor term in terms) VectorOps.Axpy(tape.Device, sum.Data, term.Data, 1f);
        return tape.Record(sum, () =>
        {
            foreach (Tensor term in terms)
            {
                if (!term.RequiresGradient) continue;
                (ArrayView<float> gradient, float beta) = term.Accumulate();
                if (beta == 0f) VectorOps.Fill(tape.Device, gradient, 0f);
                VectorOps.Axpy(tape.Device, gradient, sum.Gradient, 1f);
            }
        });
    }
}
