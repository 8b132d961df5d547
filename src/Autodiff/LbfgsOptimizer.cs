using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Operators.BoundedStep;
using NativeStyle.Kernels.Operators.Pixels;

namespace NativeStyle.Autodiff;

/// <summary>How far L-BFGS goes along its direction.</summary>
public enum StepRule
{
    /// <summary>A line search for the strong Wolfe conditions.</summary>
    StrongWolfe,

    /// <summary>
    /// The learning rate times the direction. The result is not checked: each step costs one evaluation.
    /// </summary>
    Fixed,
}

/// <summary>The settings of L-BFGS.</summary>
/// <param name="History">How many pairs of steps and gradient differences it keeps.</param>
/// <param name="Rule">How far a step goes.</param>
/// <param name="LearningRate">The factor of a fixed step.</param>
public readonly record struct LbfgsSettings(
    int History = 10, StepRule Rule = StepRule.StrongWolfe, float LearningRate = 1f);

/// <summary>
/// L-BFGS (Nocedal and Wright 2006, "Numerical optimization", algorithms 7.4 and 7.5). The direction is minus the
/// gradient times an approximate inverse Hessian. A two-loop recursion makes it from the last steps s and gradient
/// differences y.
/// <code>
///   for i from the newest:  a[i] = s[i]ᵀ q / s[i]ᵀ y[i],  q = q - a[i] y[i]          from q = g
///   q = (sᵀ y / yᵀ y) q                                                             of the newest pair
///   for i from the oldest:  q = q + (a[i] - y[i]ᵀ q / s[i]ᵀ y[i]) s[i]               d = -q
/// </code>
/// All vectors stay on the device; only dot products come to the host. Three things go wrong in single precision that
/// do not in double, and are handled. A step s is how far x really moved, not how far it was asked to. A pair whose
/// curvature is lost in rounding is not kept. A search that finds nothing better first forgets the history, and only
/// then gives up.
/// With bounds, the direction is projected (<see cref="BoundedStepOp"/>), and the search goes back along the projected
/// path until the value has fallen enough (Bertsekas 1982).
/// </summary>
public sealed class LbfgsOptimizer : Optimizer
{
    /// <summary>Curvature below this share of ‖s‖ ‖y‖ is rounding.</summary>
    private const double LeastCurvature = 1e-8;

    private readonly LbfgsSettings _settings;
    private readonly (float Low, float High)? _bounds;
    private readonly List<Pair> _pairs = [];
    private readonly Stack<(Tensor S, Tensor Y)> _unused = [];
    private readonly List<Tensor> _vectors = [];
    private readonly Tensor _direction;
    private readonly Tensor? _moved;
    private Tensor _start;
    private Tensor _gradient;
    private double _value = double.NaN;

    /// <summary>Whether a step was accepted and its pair takes the place of the old point.</summary>
    private bool _remembers;

    /// <param name="bounds">Bounds of each element; null for none.</param>
    public LbfgsOptimizer(Tensor parameter, LbfgsSettings settings, (float Low, float High)? bounds = null)
        : base(parameter)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(settings.History, 1);
        (_settings, _bounds) = (settings, bounds);
        try
        {
            (_start, _gradient, _direction) = (NewVector(), NewVector(), NewVector());
            if (bounds is not null) _moved = NewVector();
            // Takes the memory of the whole history now, so that it does not grow during a run.
            for (int i = 0; i < settings.History; i++) _unused.Push((NewVector(), NewVector()));
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public override bool KnowsCurrent => !double.IsNaN(_value);

    private ComputeDevice Device => Parameter.Device;

    /// <inheritdoc/>
    public override StepOutcome Step(Func<double> evaluate)
    {
        if (!KnowsCurrent)
        {
            if (_bounds is var (low, high)) PixelsOp.Clamp(Device, Parameter.Data, low, high);
            double first = evaluate();
            if (!double.IsFinite(first)) return StepOutcome.NotFinite;
            Accept(first);
        }

        _start.CopyFrom(Parameter);
        _remembers = false;
        StepOutcome outcome = StepOutcome.Stuck;
        try
        {
            outcome = Advance(evaluate);
            if (outcome == StepOutcome.Stuck && _pairs.Count > 0)
            {
                // The history may be at fault: try once more along the gradient.
                Forget();
                outcome = Advance(evaluate);
            }
        }
        finally
        {
            // This also runs if the evaluation threw.
            if (outcome != StepOutcome.Moved && !_remembers) Parameter.CopyFrom(_start);
        }

        if (outcome == StepOutcome.Moved) StepCount++;
        return outcome;
    }

    /// <summary>
    /// The vectors are the gradient, then s and y of each pair from the oldest on. The scalars are the value, then
    /// sᵀ y and yᵀ y of each pair.
    /// </summary>
    public override OptimizerState State()
    {
        if (!KnowsCurrent) return new OptimizerState(StepCount, new LazyVectors([]), []);
        IEnumerable<Func<float[]>> pairs =
            _pairs.SelectMany(pair => new Func<float[]>[] { pair.S.ToArray, pair.Y.ToArray });
        IEnumerable<double> products = _pairs.SelectMany(pair => new[] { pair.Sy, pair.Yy });
        return new OptimizerState(StepCount, new LazyVectors([_gradient.ToArray, .. pairs]), [_value, .. products]);
    }

    /// <inheritdoc/>
    public override void Restore(OptimizerState state)
    {
        Forget();
        StepCount = state.StepCount;
        _value = double.NaN;
        if (state.Scalars.Count == 0) return;
        _value = state.Scalars[0];
        _gradient.CopyFrom(state.Vectors[0]);
        // Keeps the newest pairs that there is room for.
        for (int i = Math.Max(1, state.Vectors.Count - (2 * _settings.History)); i < state.Vectors.Count; i += 2)
        {
            (Tensor s, Tensor y) = _unused.Pop();
            s.CopyFrom(state.Vectors[i]);
            y.CopyFrom(state.Vectors[i + 1]);
            _pairs.Add(new Pair(s, y, state.Scalars[i], state.Scalars[i + 1]));
        }
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        foreach (Tensor vector in _vectors) vector.Dispose();
    }

    /// <summary>Makes one step from <see cref="_start"/>, where value and gradient are known.</summary>
    private StepOutcome Advance(Func<double> evaluate)
    {
        double slope = FindDirection();
        if (!(slope < 0)) return StepOutcome.Stuck;
        double step = _settings.Rule == StepRule.Fixed ? _settings.LearningRate : 1;
        if (_pairs.Count == 0)
        {
            // The scale is not known yet, so the first step moves x by a length of about one. A fixed step uses the
            // 1-norm, as Torch's optim.lbfgs does; a searched step uses the 2-norm, as L-BFGS-B does.
            step *= _settings.Rule == StepRule.Fixed
                ? Math.Min(1, 1 / _gradient.AbsoluteNorm()) : 1 / _direction.Norm();
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
            var start = new LineSearch.Point(0, _value, slope);
            (LineSearch.Point end, bool success) = LineSearch.Run(start, step, 1e10, t =>
            {
                MoveTo(t);
                double at = evaluate();
                return new LineSearch.Point(t, at, double.IsFinite(at) ? Parameter.GradientTensor.Dot(_direction) : 0);
            });
            if (!double.IsFinite(end.Value) || end.Value > _value) return StepOutcome.Stuck;
            if (!success && end.Value == _value) return StepOutcome.Stuck;
            value = end.Value;
        }

        Remember();
        Accept(value);
        return StepOutcome.Moved;
    }

    /// <summary>Computes d = -H g by the two-loop recursion; returns its slope gᵀ d.</summary>
    private double FindDirection()
    {
        Tensor q = _direction;
        q.CopyFrom(_gradient);
        q.Scale(-1f);
        MaskOutward(q);
        double[] share = new double[_pairs.Count];
        for (int i = _pairs.Count - 1; i >= 0; i--)
        {
            share[i] = _pairs[i].S.Dot(q) / _pairs[i].Sy;
            q.Add(_pairs[i].Y, (float)-share[i]);
        }

        if (_pairs.Count > 0) q.Scale((float)(_pairs[^1].Sy / _pairs[^1].Yy));
        for (int i = 0; i < _pairs.Count; i++)
        {
            double back = _pairs[i].Y.Dot(q) / _pairs[i].Sy;
            q.Add(_pairs[i].S, (float)(share[i] - back));
        }

        MaskOutward(q);
        return _gradient.Dot(q);
    }

    private void MaskOutward(Tensor direction)
    {
        if (_bounds is var (low, high)) BoundedStepOp.Mask(Device, direction.Data, _start.Data, low, high);
    }

    /// <summary>Sets x = start + t d, clamped to the bounds.</summary>
    private void MoveTo(double t)
    {
        Parameter.CopyFrom(_start);
        Parameter.Add(_direction, (float)t);
        if (_bounds is var (low, high)) PixelsOp.Clamp(Device, Parameter.Data, low, high);
    }

    /// <summary>
    /// Halves the step until f(P(x + t d)) ≤ f(x) + c gᵀ (P(x + t d) - x). Returns the value there, or null if no
    /// step reaches that.
    /// </summary>
    private double? Backtrack(double step, Func<double> evaluate)
    {
        const double SufficientDecrease = 1e-4;
        Tensor moved = _moved!;
        for (int trial = 0; trial < 20; trial++, step /= 2)
        {
            MoveTo(step);
            double value = evaluate();
            moved.CopyFrom(Parameter);
            moved.Add(_start, -1f);
            double expected = _gradient.Dot(moved);
            double bound = _value + (SufficientDecrease * expected);
            if (double.IsFinite(value) && expected < 0 && value <= bound) return value;
        }

        return null;
    }

    /// <summary>Keeps the pair of the last step if its curvature is positive beyond rounding.</summary>
    private void Remember()
    {
        // s and y overwrite the old point and gradient, which nobody needs any more.
        (Tensor s, Tensor y) = (_start, _gradient);
        _remembers = true;
        Subtract(Parameter, s);
        Subtract(Parameter.GradientTensor, y);
        double sy = s.Dot(y), yy = y.Dot(y), ss = s.Dot(s);
        if (!(sy > LeastCurvature * Math.Sqrt(ss) * Math.Sqrt(yy))) return;
        if (_unused.Count == 0)
        {
            _unused.Push((_pairs[0].S, _pairs[0].Y));
            _pairs.RemoveAt(0);
        }

        (_start, _gradient) = _unused.Pop();
        _pairs.Add(new Pair(s, y, sy, yy));

        static void Subtract(Tensor x, Tensor from)
        {
            from.Scale(-1f);
            from.Add(x);
        }
    }

    /// <summary>Makes the value, and the gradient that is in the parameter, those of the current point.</summary>
    private void Accept(double value)
    {
        _value = value;
        _gradient.CopyFrom(Parameter.GradientTensor);
    }

    private void Forget()
    {
        foreach (Pair pair in _pairs) _unused.Push((pair.S, pair.Y));
        _pairs.Clear();
    }

    /// <summary>A step s, the difference y of the gradients across it, sᵀ y and yᵀ y.</summary>
    private Tensor NewVector()
    {
        Tensor vector = Parameter.NewVector();
        _vectors.Add(vector);
        return vector;
    }

    private sealed record Pair(Tensor S, Tensor Y, double Sy, double Yy);
}
