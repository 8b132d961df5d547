using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Operators.Adam;
using NativeStyle.Kernels.Operators.Pixels;

namespace NativeStyle.Autodiff;

/// <summary>Adam (Kingma and Ba 2015) over one tensor: its moments and its step count.</summary>
/// <example>
/// <code>
/// using var adam = new AdamOptimizer(picture, new AdamSettings(LearningRate: 0.02f), bounds: (0f, 1f));
/// for (int step = 0; step &lt; 100; step++) adam.Step(Loss);
/// </code>
/// </example>
public sealed class AdamOptimizer : Optimizer
{
    private readonly Tensor _m;
    private readonly Tensor _v;
    private readonly (float Low, float High)? _bounds;

    /// <summary>Starts with zero moments.</summary>
    /// <param name="bounds">The elements are clamped to these after each step; null for no bounds.</param>
    public AdamOptimizer(Tensor parameter, AdamSettings settings, (float Low, float High)? bounds = null)
        : base(parameter)
    {
        (Settings, _bounds) = (settings, bounds);
        _m = parameter.NewVector();
        try
        {
            _v = parameter.NewVector();
            _m.Fill(0f);
            _v.Fill(0f);
        }
        catch
        {
            _m.Dispose();
            _v?.Dispose();
            throw;
        }
    }

    /// <summary>Settings of the next step.</summary>
    public AdamSettings Settings { get; set; }

    /// <inheritdoc/>
    public override StepOutcome Step(Func<double> evaluate)
    {
        if (!double.IsFinite(evaluate())) return StepOutcome.NotFinite;
        Step();
        return StepOutcome.Moved;
    }

    /// <summary>Moves the parameter against its gradient, which must be there already.</summary>
    public void Step()
    {
        ComputeDevice device = Parameter.Device;
        AdamOp.Step(device, Parameter.Data, Parameter.Gradient, _m.Data, _v.Data, Settings, ++StepCount);
        if (_bounds is var (low, high)) PixelsOp.Clamp(device, Parameter.Data, low, high);
    }

    /// <summary>The first and the second moment.</summary>
    public override OptimizerState State() => new(StepCount, new LazyVectors([_m.ToArray, _v.ToArray]), []);

    /// <inheritdoc/>
    public override void Restore(OptimizerState state)
    {
        _m.CopyFrom(state.Vectors[0]);
        _v.CopyFrom(state.Vectors[1]);
        StepCount = state.StepCount;
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        _m.Dispose();
        _v.Dispose();
    }
}
