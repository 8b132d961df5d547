using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;
using NativeStyle.Kernels.Operators.Adam;
using NativeStyle.Kernels.Operators.Pixels;
using NativeStyle.Kernels.Operators.Vectors;

namespace NativeStyle.Autodiff;

/// <summary>Adam (Kingma and Ba 2015) over one tensor: its moments and its step count.</summary>
public sealed class AdamOptimizer : Optimizer
{
    private readonly DeviceBuffer<float> _m;
    private readonly DeviceBuffer<float> _v;
    private readonly (float Low, float High)? _bounds;

    /// <summary>Starts with zero moments.</summary>
    /// <param name="bounds">Where the elements are put back into after each step; null for nowhere.</param>
    public AdamOptimizer(Tensor parameter, AdamSettings settings, (float Low, float High)? bounds = null)
        : base(parameter)
    {
        (Settings, _bounds) = (settings, bounds);
        ComputeDevice device = parameter.Device;
        _m = device.Allocate<float>(parameter.Shape.Length);
        _v = device.Allocate<float>(parameter.Shape.Length);
        VectorOps.Fill(device, _m.View, 0f);
        VectorOps.Fill(device, _v.View, 0f);
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
        ComputeDevice device = Parameter.Device;
        AdamOp.Step(device, Parameter.Data, Parameter.Gradient, _m.View, _v.View, Settings, ++StepCount);
        if (_bounds is var (low, high)) PixelsOp.Clamp(device, Parameter.Data, low, high);
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
