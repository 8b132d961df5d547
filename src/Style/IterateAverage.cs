using NativeStyle.Autodiff;
using NativeStyle.Kernels.Memory;

namespace NativeStyle.Style;

/// <summary>
/// The moving average of the iterates, which is a scale's result. It has no bias towards its start: the first average
/// is the first iterate itself (as in Adam; Kingma and Ba 2015, section 3).
/// <code>
///   mean = mean + (x - mean) (1 - β) / (1 - βᵗ)        t = 1, 2, ...
/// </code>
/// An iterate joins the average when its losses are known to be finite. The next step computes them.
/// </summary>
/// <param name="iterate">x.</param>
/// <param name="decay">β; 0 for the last iterate.</param>
internal sealed class IterateAverage(Tensor iterate, float decay) : IDisposable
{
    private readonly Tensor _mean = new(iterate.Device, iterate.Shape, lifetime: Lifetime.Run);

    /// <summary>Whether the present iterate has joined.</summary>
    public bool HasIterate { get; private set; }

    /// <summary>Continues from an average.</summary>
    /// <param name="mean">The average, in the layout of x.</param>
    /// <param name="hasIterate">Whether the average contains x already.</param>
    public void Restore(float[] mean, bool hasIterate)
    {
        _mean.CopyFrom(mean);
        HasIterate = hasIterate;
    }

    /// <summary>Says that a step has moved the iterate.</summary>
    public void Moved() => HasIterate = false;

    /// <summary>Lets the iterate join, if it has not.</summary>
    /// <param name="steps">t, the number of steps that led to the iterate.</param>
    public void Join(int steps)
    {
        if (!HasIterate) Move(_mean, steps);
        HasIterate = true;
    }

    /// <summary>The average of all iterates that have joined, on the host.</summary>
    public float[] ToArray() => _mean.ToArray();

    /// <summary>The average with the present iterate, even if its losses are not known yet.</summary>
    /// <inheritdoc cref="Join"/>
    public float[] WithIterate(int steps)
    {
        if (HasIterate) return ToArray();
        using var mean = new Tensor(_mean.Device, _mean.Shape);
        mean.CopyFrom(_mean);
        Move(mean, steps);
        return mean.ToArray();
    }

    public void Dispose() => _mean.Dispose();

    private void Move(Tensor mean, int steps) =>
        mean.MoveTowards(iterate, (1 - decay) / (1 - MathF.Pow(decay, steps)));
}
