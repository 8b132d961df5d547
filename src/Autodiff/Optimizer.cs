using NativeStyle.Kernels;

namespace NativeStyle.Autodiff;

/// <summary>
/// Minimises a function of one tensor. What an optimiser remembers is on the device; <see cref="State"/> copies it to the
/// host, so that a run can be stopped and continued with the same numbers.
/// </summary>
public abstract class Optimizer(Tensor parameter) : IDisposable
{
    /// <summary>What is optimised.</summary>
    protected Tensor Parameter { get; } = parameter;

    /// <summary>Steps made.</summary>
    public int StepCount { get; protected set; }

    /// <summary>
    /// Whether the value and gradient at the parameter are known from the last step, so that the next one will not begin by
    /// evaluating there.
    /// </summary>
    public virtual bool KnowsCurrent => false;

    /// <summary>Makes one step.</summary>
    /// <param name="evaluate">
    /// Computes the function at the parameter as it is, and leaves the gradient in it. If it throws, the parameter is as before.
    /// </param>
    public abstract StepOutcome Step(Func<double> evaluate);

    /// <summary>
    /// All that the next step depends on, beside the parameter: vectors are copied to the host when they are read, one by one, as
    /// long as the optimiser is there and makes no step.
    /// </summary>
    public abstract OptimizerState State();

    /// <summary>Continues where <paramref name="state"/> was taken.</summary>
    public abstract void Restore(OptimizerState state);

    /// <summary>Gives the device's memory back.</summary>
    public abstract void Dispose();
}

/// <summary>How a step ended.</summary>
public enum StepOutcome
{
    /// <summary>The parameter moved.</summary>
    Moved,

    /// <summary>No step that lowers the function was found; the parameter is as before, and further steps are in vain.</summary>
    Stuck,

    /// <summary>The function's value was infinite or not a number; the parameter is as before.</summary>
    NotFinite,
}

/// <summary>An optimiser's memory.</summary>
/// <param name="StepCount">Steps made.</param>
/// <param name="Vectors">Each as long as the parameter; what they are is the optimiser's matter.</param>
/// <param name="Scalars">Numbers beside them.</param>
public sealed record OptimizerState(int StepCount, IReadOnlyList<float[]> Vectors, IReadOnlyList<double> Scalars)
{
    /// <summary>The same, all of it copied.</summary>
    public OptimizerState OnHost() => this with { Vectors = [.. Vectors] };
}

/// <summary>Vectors that are made when they are read, each time anew.</summary>
public sealed class LazyVectors(IReadOnlyList<Func<float[]>> vectors) : IReadOnlyList<float[]>
{
    public int Count => vectors.Count;

    public float[] this[int index] => vectors[index]();

    public IEnumerator<float[]> GetEnumerator() => vectors.Select(vector => vector()).GetEnumerator();

    System.Collections.IEnumerator System.Collections.IEnumerable.GetEnumerator() => GetEnumerator();
}
