using ILGPU;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;
using NativeStyle.Kernels.Operators.BoundedStep;
using NativeStyle.Kernels.Operators.Pixels;
using NativeStyle.Kernels.Operators.Vectors;

namespace NativeStyle.Autodiff;

/// <summary>How far L-BFGS goes along its direction.</summary>
public enum StepRule
{
    /// <summary>A line search for the strong Wolfe conditions.</summary>
    StrongWolfe,

    /// <summary>The learning rate times the direction, without a look at the result: one evaluation a step.</summary>
    Fixed,
}

/// <summary>The settings of L-BFGS.</summary>
/// <param name="History">Pairs of steps and gradient differences that are kept.</param>
/// <param name="Rule">How far a step goes.</param>
/// <param name="LearningRate">Factor of a fixed step.</param>
public readonly record struct LbfgsSettings(int History = 10, StepRule Rule = StepRule.StrongWolfe, float LearningRate = 1f);

/// <summary>
/// L-BFGS (Nocedal and Wright 2006, "Numerical optimization", algorithms 7.4 and 7.5): the direction is minus the gradient
/// times an approximate inverse Hessian, made of the last steps s and gradient differences y by a two-loop recursion.
/// <code>
///   for i from the newest:  a[i] = s[i]ᵀ q / s[i]ᵀ y[i],  q = q - a[i] y[i]          from q = g
///   q = (sᵀ y / yᵀ y) q                                                             of the newest pair
///   for i from the oldest:  q = q + (a[i] - y[i]ᵀ q / s[i]ᵀ y[i]) s[i]               d = -q
/// </code>
/// All vectors stay on the device; only dot products come to the host. In single precision three things go wrong that do
/// not in double, and are handled: a step is what x really moved, not what it was asked to; pairs whose curvature is lost in
/// rounding are not kept; a search that finds nothing better first forgets the history, and only then gives up.
/// With bounds, the direction is projected (<see cref="BoundedStepOp"/>) and the search goes back along the projected path
/// until the value fell enough (Bertsekas 1982).
/// </summary>
public sealed class LbfgsOptimizer : Optimizer
{
    /// <summary>Curvature below this share of ‖s‖ ‖y‖ is rounding.</summary>
    private const double LeastCurvature = 1e-8;

    private readonly LbfgsSettings _settings;
    private readonly (float Low, float High)? _bounds;
    private readonly List<Pair> _pairs = [];
    private readonly DeviceBuffer<float> _start;
    private readonly DeviceBuffer<float> _gradient;
    private readonly DeviceBuffer<float> _direction;
    private double _value = double.NaN;

    /// <param name="bounds">Bounds of each element; null for none.</param>
    public LbfgsOptimizer(Tensor parameter, LbfgsSettings settings, (float Low, float High)? bounds = null)
        : base(parameter)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(settings.History, 1);
        (_settings, _bounds) = (settings, bounds);
        ComputeDevice device = parameter.Device;
        _start = device.Allocate<float>(parameter.Shape.Length);
        _gradient = device.Allocate<float>(parameter.Shape.Length);
        _direction = device.Allocate<float>(parameter.Shape.Length);
    }

    public override bool KnowsCurrent => !double.IsNaN(_value);

    private ComputeDevice Device => Parameter.Device;

    public override StepOutcome Step(Func<double> evaluate)
    {
        if (!KnowsCurrent)
        {
            if (_bounds is var (low, high)) PixelsOp.Clamp(Device, Parameter.Data, low, high);
            double first = evaluate();
            if (!double.IsFinite(first)) return StepOutcome.NotFinite;
            Accept(first);
        }

        VectorOps.Copy(Device, _start.View, Parameter.Data);
        StepOutcome outcome = StepOutcome.Stuck;
        try
        {
            outcome = Advance(evaluate);
            if (outcome == StepOutcome.Stuck && _pairs.Count > 0)
            {
                // The history may be what is wrong: once more along the gradient.
                Forget();
                outcome = Advance(evaluate);
            }
        }
        finally
        {
            // Also where the evaluation was broken off.
            if (outcome != StepOutcome.Moved) VectorOps.Copy(Device, Parameter.Data, _start.View);
        }

        if (outcome == StepOutcome.Moved) StepCount++;
        return outcome;
    }

    /// <summary>The gradient, then s and y of each pair from the oldest; the value, then sᵀ y and yᵀ y of each.</summary>
    public override OptimizerState State() => new(
        StepCount,
        new LazyVectors(KnowsCurrent ? [_gradient.GetAsArray, .. _pairs.SelectMany(pair => new Func<float[]>[] { pair.S.GetAsArray, pair.Y.GetAsArray })] : []),
        KnowsCurrent ? [_value, .. _pairs.SelectMany(pair => new[] { pair.Sy, pair.Yy })] : []);

    public override void Restore(OptimizerState state)
    {
        Forget();
        StepCount = state.StepCount;
        _value = double.NaN;
        if (state.Scalars.Count == 0) return;
        _value = state.Scalars[0];
        _gradient.CopyFromCPU(state.Vectors[0]);
        for (int i = 1; i < state.Vectors.Count; i += 2)
        {
            _pairs.Add(new Pair(
                Device.Allocate<float>(state.Vectors[i]), Device.Allocate<float>(state.Vectors[i + 1]),
                state.Scalars[i], state.Scalars[i + 1]));
        }
    }

    public override void Dispose()
    {
        Forget();
        _start.Dispose();
        _gradient.Dispose();
        _direction.Dispose();
    }

    /// <summary>One step from <see cref="_start"/>, where value and gradient are known.</summary>
    private StepOutcome Advance(Func<double> evaluate)
    {
        double slope = FindDirection();
        if (!(slope < 0)) return StepOutcome.Stuck;
        double step = _settings.Rule == StepRule.Fixed ? _settings.LearningRate : 1;
        if (_pairs.Count == 0)
        {
            // Nothing is known of the scale yet: the first step moves x by a length of about one. The 1-norm for a fixed
            // step is that of Torch's optim.lbfgs, the 2-norm that of L-BFGS-B.
            step *= _settings.Rule == StepRule.Fixed
                ? Math.Min(1, 1 / VectorOps.AbsoluteNorm(Device, _gradient.View)) : 1 / VectorOps.Norm(Device, _direction.View);
        }

        double value;
        if (_settings.Rule == StepRule.Fixed)
        {
            MoveTo(step);
            value = evaluate();
            if (!double.IsFinite(value)) return StepOutcome.NotFinite;
        }
        else if (_bounds is not null)
        {
            if (Backtrack(step, evaluate) is not double lower) return StepOutcome.Stuck;
            value = lower;
        }
        else
        {
            (LineSearch.Point found, bool success) = LineSearch.Run(new LineSearch.Point(0, _value, slope), step, 1e10, t =>
            {
                MoveTo(t);
                double at = evaluate();
                return new LineSearch.Point(t, at, double.IsFinite(at) ? VectorOps.Dot(Device, Parameter.Gradient, _direction.View) : 0);
            });
            if (!double.IsFinite(found.Value) || found.Value > _value || (!success && found.Value == _value)) return StepOutcome.Stuck;
            value = found.Value;
        }

        Remember();
        Accept(value);
        return StepOutcome.Moved;
    }

    /// <summary>d = -H g by the two-loop recursion, and its slope gᵀ d.</summary>
    private double FindDirection()
    {
        ArrayView<float> q = _direction.View;
        VectorOps.Copy(Device, q, _gradient.View);
        VectorOps.Scale(Device, q, -1f);
        MaskOutward(q);
        double[] share = new double[_pairs.Count];
        for (int i = _pairs.Count - 1; i >= 0; i--)
        {
            share[i] = VectorOps.Dot(Device, _pairs[i].S.View, q) / _pairs[i].Sy;
            VectorOps.Axpy(Device, q, _pairs[i].Y.View, (float)-share[i]);
        }

        if (_pairs.Count > 0) VectorOps.Scale(Device, q, (float)(_pairs[^1].Sy / _pairs[^1].Yy));
        for (int i = 0; i < _pairs.Count; i++)
        {
            double back = VectorOps.Dot(Device, _pairs[i].Y.View, q) / _pairs[i].Sy;
            VectorOps.Axpy(Device, q, _pairs[i].S.View, (float)(share[i] - back));
        }

        MaskOutward(q);
        return VectorOps.Dot(Device, _gradient.View, q);
    }

    private void MaskOutward(ArrayView<float> direction)
    {
        if (_bounds is var (low, high)) BoundedStepOp.Mask(Device, direction, _start.View, low, high);
    }

    /// <summary>x = start + t d, within the bounds.</summary>
    private void MoveTo(double t)
    {
        VectorOps.Copy(Device, Parameter.Data, _start.View);
        VectorOps.Axpy(Device, Parameter.Data, _direction.View, (float)t);
        if (_bounds is var (low, high)) PixelsOp.Clamp(Device, Parameter.Data, low, high);
    }

    /// <summary>Halves the step until f(P(x + t d)) ≤ f(x) + c gᵀ (P(x + t d) - x); the value there, or null.</summary>
    private double? Backtrack(double step, Func<double> evaluate)
    {
        const double SufficientDecrease = 1e-4;
        using DeviceBuffer<float> moved = Device.Allocate<float>(_start.Length);
        for (int trial = 0; trial < 20; trial++, step /= 2)
        {
            MoveTo(step);
            double value = evaluate();
            VectorOps.Copy(Device, moved.View, Parameter.Data);
            VectorOps.Axpy(Device, moved.View, _start.View, -1f);
            double expected = VectorOps.Dot(Device, _gradient.View, moved.View);
            if (double.IsFinite(value) && expected < 0 && value <= _value + (SufficientDecrease * expected)) return value;
        }

        return null;
    }

    /// <summary>Keeps the pair of the step that was made, if its curvature is positive beyond rounding.</summary>
    private void Remember()
    {
        DeviceBuffer<float> s = Device.Allocate<float>(_start.Length), y = Device.Allocate<float>(_start.Length);
        VectorOps.Copy(Device, s.View, Parameter.Data);
        VectorOps.Axpy(Device, s.View, _start.View, -1f);
        VectorOps.Copy(Device, y.View, Parameter.Gradient);
        VectorOps.Axpy(Device, y.View, _gradient.View, -1f);
        double sy = VectorOps.Dot(Device, s.View, y.View), yy = VectorOps.Dot(Device, y.View, y.View);
        double ss = VectorOps.Dot(Device, s.View, s.View);
        if (!(sy > LeastCurvature * Math.Sqrt(ss) * Math.Sqrt(yy)))
        {
            s.Dispose();
            y.Dispose();
            return;
        }

        _pairs.Add(new Pair(s, y, sy, yy));
        if (_pairs.Count <= _settings.History) return;
        _pairs[0].Dispose();
        _pairs.RemoveAt(0);
    }

    /// <summary>The value and the gradient that is in the parameter become those of the current point.</summary>
    private void Accept(double value)
    {
        _value = value;
        VectorOps.Copy(Device, _gradient.View, Parameter.Gradient);
    }

    private void Forget()
    {
        foreach (Pair pair in _pairs) pair.Dispose();
        _pairs.Clear();
    }

    /// <summary>A step, the difference of gradients over it, sᵀ y and yᵀ y.</summary>
    private sealed record Pair(DeviceBuffer<float> S, DeviceBuffer<float> Y, double Sy, double Yy) : IDisposable
    {
        public void Dispose()
        {
            S.Dispose();
            Y.Dispose();
        }
    }
}
