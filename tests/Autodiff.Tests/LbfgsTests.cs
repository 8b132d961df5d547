using NativeStyle.Autodiff.Operators;
using NativeStyle.Kernels.Devices;

namespace NativeStyle.Autodiff.Tests;

/// <summary>Runs L-BFGS in single precision on functions whose minima are known.</summary>
public class LbfgsTests
{
    [Fact]
    public void RosenbrocksValleyIsFollowedToItsEnd()
    {
        // The function is sum 100 (x[i+1] - x[i]²)² + (1 - x[i])². Its minimum is at (1, ..., 1). The
        // start is classic.
        float[] start = [.. Enumerable.Range(0, 10).Select(i => i % 2 == 0 ? -1.2f : 1f)];
        (float[] x, double value, _) = Minimize(Rosenbrock, start, new LbfgsSettings(10), 100);
        Assert.True(value < 1e-8, $"the value is {value}");
        Assert.All(x, element => Assert.Equal(1, element, 2e-3));
    }

    [Theory]
    [InlineData(StepRule.StrongWolfe)]
    [InlineData(StepRule.Fixed)]
    public void AQuadraticWithEigenvaluesFromOneToAThousandIsSolved(StepRule rule)
    {
        float[] start = new float[50];
        (float[] x, _, int evaluations) = Minimize(Quadratic, start, new LbfgsSettings(20, rule), 250);
        for (int i = 0; i < x.Length; i++) Assert.Equal(Math.Sin(i), x[i], 1e-3);
        if (rule == StepRule.Fixed) Assert.True(evaluations <= 251, $"{evaluations} evaluations for 250 fixed steps");
    }

    [Fact]
    public void TheValueNeverRisesAndItEndsWhereRoundingEndsIt()
    {
        // Near 1000, single precision cannot tell values apart that differ by less than 6e-5.
        static (double, double[]) Raised(double[] x) =>
            Quadratic(x) is var (raised, gradient) ? (1000 + raised, gradient) : default;
        List<double> values = [];
        (_, double value, _) = Minimize(Raised, new float[50], new LbfgsSettings(5), 500, onStep: values.Add);
        Assert.True(values.Count < 500, "it did not notice that nothing is left to gain");
        for (int i = 1; i < values.Count; i++) Assert.True(values[i] <= values[i - 1] + 6.1e-5);
        Assert.Equal(1000, value, 1e-3);
    }

    [Fact]
    public void BoundsHoldAndTheMinimumWithinThemIsFound()
    {
        // The function is separable, so its minimum within the box is its minimum clamped into the box.
        (float[] x, _, _) = Minimize(Quadratic, new float[50], new LbfgsSettings(10), 400, bounds: (-0.25f, 0.5f));
        for (int i = 0; i < x.Length; i++)
        {
            Assert.InRange(x[i], -0.25f, 0.5f);
            // Single precision tells values of some hundreds apart if they differ by 3e-5. Along the flattest axes, the
            // tolerance changes the value by that much.
            Assert.Equal(Math.Clamp(Math.Sin(i), -0.25, 0.5), x[i], 2e-2);
        }
    }

    [Fact]
    public void AFirstStepOutOfTheFunctionsDomainIsShortened()
    {
        // -log(1 - x) + 50 x² is infinite from 1 on; a first step of length one would leave its domain.
        static (double, double[]) Barrier(double[] x) => x[0] >= 1
            ? (double.PositiveInfinity, [0.0])
            : (-Math.Log(1 - x[0]) + (50 * x[0] * x[0]), [(1 / (1 - x[0])) + (100 * x[0])]);
        (float[] x, _, _) = Minimize(Barrier, [-0.9f], new LbfgsSettings(5), 40);
        // The root of 1 / (1 - x) + 100 x.
        Assert.Equal((1 - Math.Sqrt(1.04)) / 2, x[0], 1e-4);
    }

    /// <summary>
    /// The least cost within a polytope, by the barrier that interior-point methods use: f(x) = u cᵀ x - Σ log(b - A x)
    /// (Boyd and Vandenberghe 2004, section 11.2). f is convex, so its minimum is where its gradient is zero. A large u
    /// puts the minimum close to the walls, and the start is where the slope drives each search into them.
    /// </summary>
    [Theory]
    [InlineData(double.PositiveInfinity, 10)]
    [InlineData(double.NaN, 300)]
    public void APolytopesWallsAreNeverCrossed(double outside, double u)
    {
        const int Dimensions = 8, Walls = 30;
        var random = new Random(6);
        double[][] a = [.. Enumerable.Range(0, Walls).Select(_ =>
            Enumerable.Range(0, Dimensions).Select(_ => (2 * random.NextDouble()) - 1).ToArray())];
        double[] c = [.. Enumerable.Range(0, Dimensions).Select(_ => (2 * random.NextDouble()) - 1)];
        int crossed = 0;
        (double, double[]) Barrier(double[] x)
        {
            double value = 0;
            double[] gradient = [.. c.Select(element => u * element)];
            for (int i = 0; i < Dimensions; i++) value += u * c[i] * x[i];
            foreach (double[] wall in a)
            {
                double room = 1 - wall.Zip(x, (p, q) => p * q).Sum();
                if (room <= 0) crossed++;
                if (room <= 0) return (outside, new double[Dimensions]);
                value -= Math.Log(room);
                for (int i = 0; i < Dimensions; i++) gradient[i] += wall[i] / room;
            }

            return (value, gradient);
        }

        (float[] found, double value, int evaluations) =
            Minimize(Barrier, new float[Dimensions], new LbfgsSettings(10), 200);
        Assert.True(crossed > 0, "no search met a wall");
        Assert.InRange(evaluations, 1, 400);
        // Single precision leaves a gradient of about the root of (rounding of f) x (curvature, u² at the walls).
        double norm = Math.Sqrt(Barrier(Array.ConvertAll(found, v => (double)v)).Item2.Sum(g => g * g));
        double start = Math.Sqrt(Barrier(new double[Dimensions]).Item2.Sum(g => g * g));
        Assert.True(norm < 1e-2 * start, $"the gradient's norm is {norm} after {start}, at {value}");
    }

    [Fact]
    public void ARestoredOptimizerGoesOnWithTheSameNumbers()
    {
        float[] start = [.. Enumerable.Range(0, 10).Select(i => i % 2 == 0 ? -1.2f : 1f)];
        (float[] whole, _, _) = Minimize(Rosenbrock, start, new LbfgsSettings(4), 30);
        using var cpu = new CpuDevice(1);
        OptimizerState state;
        float[] middle;
        using (var x = new Tensor(cpu, new Shape(1, 1, 10), start, true))
        {
            using var first = new LbfgsOptimizer(x.Retain(), new LbfgsSettings(4));
            for (int i = 0; i < 13; i++) first.Step(() => Evaluate(cpu, x, Rosenbrock));
            (state, middle) = (first.State().OnHost(), x.ToArray());
        }

        using var y = new Tensor(cpu, new Shape(1, 1, 10), middle, true);
        using var second = new LbfgsOptimizer(y.Retain(), new LbfgsSettings(4));
        second.Restore(state);
        for (int i = 13; i < 30; i++) second.Step(() => Evaluate(cpu, y, Rosenbrock));
        Assert.Equal(whole, y.ToArray());
    }

    private static (float[] X, double Value, int Evaluations) Minimize(
        Func<double[], (double, double[])> function, float[] start, LbfgsSettings settings, int steps,
        (float, float)? bounds = null, Action<double>? onStep = null)
    {
        using var cpu = new CpuDevice(2);
        using var x = new Tensor(cpu, new Shape(1, 1, start.Length), start, true);
        using var lbfgs = new LbfgsOptimizer(x.Retain(), settings, bounds);
        int evaluations = 0;
        for (int i = 0; i < steps; i++)
        {
            StepOutcome outcome = lbfgs.Step(() =>
            {
                evaluations++;
                return Evaluate(cpu, x, function);
            });
            if (outcome == StepOutcome.Stuck) break;
            Assert.Equal(StepOutcome.Moved, outcome);
            onStep?.Invoke(function(Array.ConvertAll(x.ToArray(), v => (double)v)).Item1);
        }

        float[] found = x.ToArray();
        return (found, function(Array.ConvertAll(found, v => (double)v)).Item1, evaluations);
    }

    /// <summary>
    /// Evaluates a function on the host. Its gradient reaches x through an operator that changes nothing.
    /// </summary>
    private static double Evaluate(
        ComputeDevice device, Tensor x, Func<double[], (double Value, double[] Gradient)> function)
    {
        (double value, double[] gradient) = function(Array.ConvertAll(x.ToArray(), v => (double)v));
        x.ClearGradient();
        using var one = new Tensor(device, new Shape(1, 1), [1f]);
        using var tape = new Tape(device);
        tape.Backward(tape.Guide(x, one), Array.ConvertAll(gradient, v => (float)v));
        return (float)value;
    }

    private static (double Value, double[] Gradient) Rosenbrock(double[] x)
    {
        double value = 0;
        double[] gradient = new double[x.Length];
        for (int i = 0; i + 1 < x.Length; i++)
        {
            (double valley, double rest) = (x[i + 1] - (x[i] * x[i]), 1 - x[i]);
            value += (100 * valley * valley) + (rest * rest);
            gradient[i] += (-400 * x[i] * valley) - (2 * rest);
            gradient[i + 1] += 200 * valley;
        }

        return (value, gradient);
    }

    /// <summary>½ sum a[i] (x[i] - sin i)², a from 1 to 1000.</summary>
    private static (double Value, double[] Gradient) Quadratic(double[] x)
    {
        double value = 0;
        double[] gradient = new double[x.Length];
        for (int i = 0; i < x.Length; i++)
        {
            double a = Math.Pow(1000, i / (x.Length - 1.0)), difference = x[i] - Math.Sin(i);
            value += 0.5 * a * difference * difference;
            gradient[i] = a * difference;
        }

        return (value, gradient);
    }
}
