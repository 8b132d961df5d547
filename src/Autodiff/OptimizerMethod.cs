using NativeStyle.Kernels.Operators.Adam;

namespace NativeStyle.Autodiff;

/// <summary>
/// A way to minimise, with its settings. It creates optimisers, and it alone knows what their state consists of.
/// </summary>
public abstract record OptimizerMethod
{
    /// <summary>Creates an optimiser that has made no step.</summary>
    /// <param name="parameter">The tensor to optimise.</param>
    /// <param name="bounds">Bounds of each element; null for none.</param>
    /// <param name="steps">The most steps that it will make; it takes memory for no more.</param>
    public abstract Optimizer Create(Tensor parameter, (float Low, float High)? bounds, int steps);

    /// <summary>
    /// The parts of a state that stay useful when the function changes and the parameter gets another size; null if
    /// none do.
    /// </summary>
    /// <param name="resize">Brings a vector as long as the parameter to the new size; null if the size stays.</param>
    internal abstract OptimizerState? Carried(OptimizerState state, Func<float[], float[]>? resize);

    /// <summary>Whether a state of this method can have this many vectors and scalars.</summary>
    internal abstract bool Accepts(int vectors, int scalars);
}

/// <summary>Adam. Its state is the first and the second moment.</summary>
public sealed record AdamMethod(AdamSettings Settings) : OptimizerMethod
{
    /// <inheritdoc/>
    public override Optimizer Create(Tensor parameter, (float Low, float High)? bounds, int steps) =>
        new AdamOptimizer(parameter, Settings, bounds);

    internal override OptimizerState? Carried(OptimizerState state, Func<float[], float[]>? resize)
    {
        if (resize is null) return state;
        // A second moment is never negative, but the resampling filter can make it so.
        float[] m = resize(state.Vectors[0]);
        float[] v = Array.ConvertAll(resize(state.Vectors[1]), value => Math.Max(0f, value));
        return state with { Vectors = [m, v] };
    }

    internal override bool Accepts(int vectors, int scalars) => vectors == 2 && scalars == 0;

    /// <summary>
    /// What the next step consists of, for some elements: the corrected mean m̂ of the gradients, the root √v̂ of
    /// the corrected mean of their squares, and the step -α m̂ / (√v̂ + ε).
    /// </summary>
    /// <param name="elements">Which elements of the parameter.</param>
    internal (float[] Mean, float[] Root, float[] Step) Parts(OptimizerState state, Range elements)
    {
        double first = 1 - Math.Pow(Settings.Beta1, state.StepCount);
        double second = 1 - Math.Pow(Settings.Beta2, state.StepCount);
        float[] mean = Array.ConvertAll(state.Vectors[0][elements], value => (float)(value / first));
        float[] root = Array.ConvertAll(state.Vectors[1][elements], value => (float)Math.Sqrt(value / second));
        return (mean, root, [.. mean.Zip(root, (a, b) => -Settings.LearningRate * a / (b + Settings.Epsilon))]);
    }
}

/// <summary>
/// L-BFGS. The vectors of its state are the gradient and, for each pair that it remembers, a step and a gradient
/// difference. The scalars are the value and two products for each pair. They belong to one function, so nothing
/// carries over to another.
/// </summary>
public sealed record LbfgsMethod(LbfgsSettings Settings) : OptimizerMethod
{
    /// <inheritdoc/>
    public override Optimizer Create(Tensor parameter, (float Low, float High)? bounds, int steps) =>
        new LbfgsOptimizer(parameter, Settings with { History = Math.Clamp(steps, 1, Settings.History) }, bounds);

    internal override OptimizerState? Carried(OptimizerState state, Func<float[], float[]>? resize) => null;

    internal override bool Accepts(int vectors, int scalars) =>
        vectors == scalars && (vectors == 0 || vectors % 2 == 1);
}
