using NativeStyle.Kernels;

namespace NativeStyle.Autodiff;

/// <summary>
/// Minimises a function of one tensor. What an optimiser remembers is on the device. <see cref="State"/> copies it to
/// the host, so that a run can be stopped and continued with the same numbers.
/// </summary>
public abstract class Optimizer(Tensor parameter) : IDisposable
{
    /// <summary>The tensor that is optimised.</summary>
    protected Tensor Parameter { get; } = parameter;

    /// <summary>How many steps have been made.</summary>
    public int StepCount { get; protected set; }

    /// <summary>
    /// Whether value and gradient at the parameter are known from the last step. Then the next step does not begin with
    /// an evaluation there.
    /// </summary>
    public virtual bool KnowsCurrent => false;

    /// <summary>Makes one step.</summary>
    /// <param name="evaluate">
    /// Computes the function at the parameter as it is and leaves the gradient in it. If it throws, the parameter is
    /// put back.
    /// </param>
    public abstract StepOutcome Step(Func<double> evaluate);

    /// <summary>
    /// Everything that the next step depends on, except the parameter. Each vector is copied to the host when it is
    /// read. That is allowed as long as the optimiser exists and makes no step.
    /// </summary>
    public abstract OptimizerState State();

    /// <summary>Continues from the point at which <paramref name="state"/> was taken.</summary>
    public abstract void Restore(OptimizerState state);

    /// <summary>Gives the device's memory back.</summary>
    public abstract void Dispose();
}

/// <summary>How a step ended.</summary>
public enum StepOutcome
{
    /// <summary>The parameter moved.</summary>
    Moved,

    /// <summary>No step lowered the function. The parameter is as before, and further steps are in vain.</summary>
    Stuck,

    /// <summary>The function's value was infinite or not a number. The parameter is as before.</summary>
    NotFinite,
}

/// <summary>What an optimiser remembers.</summary>
/// <param name="StepCount">How many steps have been made.</param>
/// <param name="Vectors">Each is as long as the parameter; only the optimiser knows what they mean.</param>
/// <param name="Scalars">The numbers that go with them.</param>
public sealed record OptimizerState(int StepCount, IReadOnlyList<float[]> Vectors, IReadOnlyList<double> Scalars)
{
    /// <summary>The same state with every vector copied to the host.</summary>
    public OptimizerState OnHost() => this with { Vectors = [.. Vectors] };
}

/// <summary>Vectors that are copied again each time that they are read.</summary>
internal sealed class LazyVectors(IReadOnlyList<Func<float[]>> vectors) : IReadOnlyList<float[]>
{
    public int Count => vectors.Count;

    public float[] this[int index] => vectors[index]();

    public IEnumerator<float[]> GetEnumerator() => vectors.Select(vector => vector()).GetEnumerator();

    System.Collections.IEnumerator System.Collections.IEnumerable.GetEnumerator() => GetEnumerator();
}
