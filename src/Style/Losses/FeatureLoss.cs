using NativeStyle.Autodiff;
using NativeStyle.Autodiff.Operators;
using NativeStyle.Kernels.Memory;
using NativeStyle.Style.Options;
using NativeStyle.Vgg;

namespace NativeStyle.Style.Losses;

/// <summary>One layer's loss with its weight, as it enters the sum.</summary>
internal readonly record struct LossTerm(string Layer, bool IsContent, Tensor Value);

/// <summary>
/// A loss that reads the map F of one layer. It is a function of sums over the positions of F: squared errors, Gram
/// matrices, means. That is why a picture can go through the network in tiles:
/// <code>
///   S = Σ over windows of Sums(window),   L = Terms(S),   dL/d(window) = dL/dS · dS/d(window)
/// </code>
/// </summary>
/// <param name="layer">The layer.</param>
/// <param name="weight">The weight of all its terms together, for normalised gradients.</param>
internal abstract class FeatureLoss(VggLayer layer, double weight) : IDisposable
{
    public VggLayer Layer => layer;

    /// <summary>The 1-norm of the gradient that it gives the map, if gradients are normalised.</summary>
    public float Weight => (float)weight;

    /// <summary>What a window of the map adds to the sums. Every position of the map lies in one window.</summary>
    /// <param name="map">(height, width, channels) of the window.</param>
    /// <param name="window">Where the window lies in the whole map.</param>
    public abstract Tensor[] Sums(Tape tape, Tensor map, Window window);

    /// <summary>The weighted losses, from the sums over the whole map.</summary>
    public abstract IEnumerable<LossTerm> Terms(Tape tape, Tensor[] sums);

    /// <summary>Adds dL/d(map) to a window.</summary>
    /// <param name="map">(height, width, channels) of the window, with gradient.</param>
    /// <param name="window">Where the window lies in the whole map.</param>
    /// <param name="sums">The sums over the whole map, with their gradients.</param>
    /// <param name="norm">The 1-norm of the whole map's gradient; null if gradients are not normalised.</param>
    public void Backward(Tensor map, Window window, Tensor[] sums, Tensor? norm)
    {
        using var tape = new Tape(map.Device, sums);
        Sums(tape, norm is null ? map : tape.NormalizeGradient(map, Weight, norm), window);
        tape.Backward();
    }

    public abstract void Dispose();
}

/// <summary>Factors of sums of squared differences.</summary>
internal static class LossScales
{
    /// <summary>The factor of a sum of squared differences from a target.</summary>
    /// <param name="elements">How many elements the target has.</param>
    /// <param name="squares">The sum of the target's squares.</param>
    public static double Factor(this LossScale scale, long elements, double squares) => scale switch
    {
        LossScale.HalfSum => 0.5,
        LossScale.Mean => 1.0 / elements,
        LossScale.HalfMean => 0.5 / elements,
        LossScale.QuarterMean => 0.25 / elements,
        // A target of zeros (a flat black picture) has no relative error; any scale would do.
        _ => 1.0 / Math.Max(1e-12, squares),
    };
}
