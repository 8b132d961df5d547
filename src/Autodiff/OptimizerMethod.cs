using NativeStyle.Kernels.Operators.Adam;

namespace NativeStyle.Autodiff;

/// <summary>
/// A way to minimise, with its settings: it makes optimisers, and it alone knows what their state consists of.
/// </summary>
public abstract record OptimizerMethod
{
    /// <summary>An optimiser that has made no step.</summary>
    /// <param name="parameter">What is optimised.</param>
    /// <param name="bounds">Bounds of each element; null for none.</param>
    /// <param name="steps">The most steps that it will make: it takes memory for no more.</param>
    public abstract Optimizer Create(Tensor parameter, (float Low, float High)? bounds, int steps);

    /// <summary>What of a state is of use where the function changes and the parameter gets another size; null if nothing is.</summary>
    /// <param name="resize">Brings a vector as long as the parameter to the new size; null where the size stays.</param>
    public abstract OptimizerState? Carried(OptimizerState state, Func<float[], float[]>? resize);

    /// <summary>Whether a state of this method can have so many vectors and scalars.</summary>
    public abstract bool Accepts(int vectors, int scalars);
}

/// <summary>Adam. Its state is the first and the second moment.</summary>
public sealed record AdamMethod(AdamSettings Settings) : OptimizerMethod
{
    public override Optimizer Create(Tensor parameter, (float Low, float High)? bounds, int steps) =>
        new AdamOptimizer(parameter, Settings, bounds);

    public override OptimizerState? Carried(OptimizerState state, Func<float[], float[]>? resize)
    {
        if (resize is null) return state;
        // A second moment is never negative, but the resampling filter can make it so.
        float[] m = resize(state.Vectors[0]), v = Array.ConvertAll(resize(state.Vectors[1]), value => Math.Max(0f, value));
        return state with { Vectors = [m, v] };
    }

    public override bool Accepts(int vectors, int scalars) => vectors == 2 && scalars == 0;

    /// <summary>
    /// What the next step is made of, for some elements: the corrected mean of gradients m̂, the root √v̂ of the corrected mean of
    /// their squares, and the step -α m̂ / (√v̂ + ε).
    /// </summary>
    /// <param name="elements">Which elements of the parameter.</param>
    public (float[] Mean, float[] Root, float[] Step) Parts(OptimizerState state, Range elements)
    {
        double first = 1 - Math.Pow(Settings.Beta1, state.StepCount), second = 1 - Math.Pow(Settings.Beta2, state.StepCount);
        float[] mean = Array.ConvertAll(state.Vectors[0][elements], value => (float)(value / first));
        float[] root = Array.ConvertAll(state.Vectors[1][elements], value => (float)Math.Sqrt(value / second));
        return (mean, root, [.. mean.Zip(root, (a, b) => -Settings.LearningRate * a / (b + Settings.Epsilon))]);
    }
}

/// <summary>
/// L-BFGS. Its state is the gradient and, for each pair that it remembers, a step and a gradient difference; the value and two
/// products for each pair are its scalars. They belong to one function: nothing of them carries over to another.
/// </summary>
public sealed record LbfgsMethod(LbfgsSettings Settings) : OptimizerMethod
{
    public override Optimizer Create(Tensor parameter, (float Low, float High)? bounds, int steps) =>
        new LbfgsOptimizer(parameter, Settings with { History = Math.Clamp(steps, 1, Settings.History) }, bounds);

    public override OptimizerState? Carried(OptimizerState state, Func<float[], float[]>? resize) => null;

    public override bool Accepts(int vectors, int scalars) => vectors == scalars && (vectors == 0 || vectors % 2 == 1);
}
