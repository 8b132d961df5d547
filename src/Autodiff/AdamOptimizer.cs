using NativeStyle.Kernels;

namespace NativeStyle.Autodiff;

/// <summary>Adam (Kingma and Ba 2015) over one tensor: its moments and its step count.</summary>
public sealed class AdamOptimizer : Optimizer
{
    private readonly MemoryBuffer<float> _m;
    private readonly MemoryBuffer<float> _v;
    private readonly (float Low, float High)? _bounds;

    /// <summary>Starts with zero moments.</summary>
    /// <param name="bounds">Where the elements are put back into after each step; null for nowhere.</param>
    public AdamOptimizer(Tensor parameter, AdamSettings settings, (float Low, float High)? bounds = null)
        : base(parameter)
    {
        (Settings, _bounds) = (settings, bounds);
        Accelerator accelerator = parameter.Accelerator;
        _m = accelerator.Allocate<float>(parameter.Shape.Length);
        _v = accelerator.Allocate<float>(parameter.Shape.Length);
        VectorOps.Fill(accelerator, _m.View, 0f);
        VectorOps.Fill(accelerator, _v.View, 0f);
    }

    public AdamSettings Settings { get; }

    public override StepOutcome Step(Func<double> evaluate)
    {
        if (!double.IsFinite(evaluate())) return StepOutcome.NotFinite;
        Step();
        return StepOutcome.Moved;
    }

    /// <summary>Moves the parameter against the gradient that is in it.</summary>
    public void Step()
    {
        Accelerator accelerator = Parameter.Accelerator;
        Adam.Step(accelerator, Parameter.Data, Parameter.Gradient, _m.View, _v.View, Settings, ++StepCount);
        if (_bounds is var (low, high)) PixelTransform.Clamp(accelerator, Parameter.Data, low, high);
    }

    /// <summary>The first and the second moment.</summary>
    public override OptimizerState State() => new(StepCount, new LazyVectors([_m.GetAsArray, _v.GetAsArray]), []);

    public override void Restore(OptimizerState state)
    {
        _m.CopyFromCPU(state.Vectors[0]);
        _v.CopyFromCPU(state.Vectors[1]);
        StepCount = state.StepCount;
    }

    public override void Dispose()
    {
        _m.Dispose();
        _v.Dispose();
    }
}
