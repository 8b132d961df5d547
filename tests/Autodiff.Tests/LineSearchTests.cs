namespace NativeStyle.Autodiff.Tests;

/// <summary>
/// Runs the line search on functions with walls: steps from which on, or between which, the function is not finite.
/// </summary>
public class LineSearchTests
{
    /// <summary>Values and slopes that a wall may have.</summary>
    public static TheoryData<double, double> NotFinite => new()
    {
        { double.PositiveInfinity, 1 }, { double.NegativeInfinity, 1 }, { double.NaN, double.NaN }, { 0, double.NaN },
        { 0, double.PositiveInfinity },
    };

    /// <summary>The steps 0.1, 0.5 and 2.1 are those of the search's rule; the third lies beyond the wall.</summary>
    [Theory]
    [MemberData(nameof(NotFinite))]
    public void AWallAfterFiniteTrialsIsNotReachedAgain(double value, double slope)
    {
        // The function falls ever faster until just before the wall at 1.
        (double, double) Function(double t) => t >= 1 ? (value, slope)
            : (-t - (t * t) - (1e-3 * Math.Log(1 - t)), -1 - (2 * t) + (1e-3 / (1 - t)));
        var search = new Search(Function, 0.1);
        Assert.Equal([0.1, 0.5, 2.1], search.Steps.Take(3).Select(step => Math.Round(step, 12)));
        search.CheckSuccess();
        Assert.InRange(search.Steps.Count, 4, 20);
    }

    [Theory]
    [MemberData(nameof(NotFinite))]
    public void AWallBeforeTheFirstTrialIsFound(double value, double slope)
    {
        (double, double) Function(double t) => t >= 1e-6 ? (value, slope)
            : (-t - (1e-8 * Math.Log(1 - (t * 1e6))), -1 + (1e-2 / (1 - (t * 1e6))));
        var search = new Search(Function, 1);
        search.CheckSuccess();
        Assert.InRange(search.Steps.Count, 7, 15);
    }

    /// <summary>The function is not finite between 0.3 and 0.6, and the search has already looked at 1.</summary>
    /// <param name="far">The value at 1.</param>
    /// <param name="farSlope">The slope there; the search leaves that side if it rises.</param>
    [Theory]
    [InlineData(5, 1)]
    [InlineData(5, -20)]
    [InlineData(-5, 30)]
    [InlineData(-0.2, 30)]
    public void AWallWithinTheBracketMovesTheBracketBeforeIt(double far, double farSlope)
    {
        (double, double) Function(double t) => t switch
        {
            < 0.3 => (-t - (1e-2 * Math.Log(1 - (t / 0.3))), -1 + (1e-2 / 0.3 / (1 - (t / 0.3)))),
            <= 0.6 => (double.NaN, double.NaN),
            _ => (far + (farSlope * (t - 1)), farSlope),
        };
        var search = new Search(Function, 1);
        Assert.Equal(1, search.Steps[0]);
        search.CheckSuccess();
        Assert.InRange(search.Steps.Count, 2, 20);
    }

    /// <summary>
    /// Both ends of the bracket are known before the hole between them, so its left end decides what remains.
    /// </summary>
    [Fact]
    public void AHoleBehindAHighLeftEndLeavesWhatLiesBeforeThatEnd()
    {
        // The valley is at 0.1. From 0.2 on the function is higher than at the start, up to the hole at 0.35.
        (double, double) Function(double t) => t switch
        {
            < 0.35 => ((50 * t * t) - (10 * t), (100 * t) - 10),
            < 0.8 => (double.NaN, 1),
            _ => (-30 + (200 * (t - 1)), 200),
        };
        foreach (double first in new[] { 0.3, 0.34, 1, 1.2, 3 }) new Search(Function, first).CheckSuccess();
    }

    [Fact]
    public void WallsOneAfterTheOtherAreEachKept()
    {
        // Each trial beyond 1e-7 finds a wall, whatever lies beyond it.
        (double, double) Function(double t) => t < 1e-7
            ? (-t - (1e-10 * Math.Log(1 - (t * 1e7))), -1 + (1e-3 / (1 - (t * 1e7)))) : (double.NaN, -1);
        var search = new Search(Function, 100);
        Assert.True(search.Steps.TakeWhile(step => step >= 1e-7).Count() >= 9);
        search.CheckSuccess();
        Assert.InRange(search.Steps.Count, 10, 25);
    }

    /// <summary>
    /// Before a cliff no step satisfies the second condition. The lowest point before it is returned, and not as
    /// success.
    /// </summary>
    [Fact]
    public void BeforeACliffTheLowestPointIsReturned()
    {
        var search = new Search(t => t < 1 ? (-t, -1) : (double.NaN, double.NaN), 0.1);
        Assert.False(search.Success);
        Assert.InRange(search.Found.Value, -1, -0.999);
        Assert.InRange(search.Steps.Count, 4, 30);
        search = new Search(t => t <= 0 ? (0, -1) : (double.NaN, double.NaN), 1);
        Assert.Equal((false, 0), (search.Success, search.Found.Step));
    }

    /// <summary>
    /// A convex function with a logarithmic barrier falls from 0 and rises before its wall, so there always is such a
    /// step.
    /// </summary>
    [Fact]
    public void BeforeALogarithmicBarrierAStepIsAlwaysFound()
    {
        var random = new Random(1);
        (int most, int walled, int rounds) = (0, 0, Damage.Rounds(5000));
        for (int round = 0; round < rounds; round++)
        {
            double wall = Power(random, -6, 6), barrier = Power(random, -4, 1), curvature = Power(random, -3, 2);
            double valley = random.NextDouble() * 2;
            (double, double) Function(double t)
            {
                double u = t / wall;
                if (u >= 1) return NotFiniteOf(random.Next(4));
                double value = (curvature * (u - valley) * (u - valley)) - u - (barrier * Math.Log(1 - u));
                return (value, ((2 * curvature * (u - valley)) - 1 + (barrier / (1 - u))) / wall);
            }

            // The barrier must not rise at once.
            if (Function(0).Item2 >= 0) continue;
            var search = new Search(Function, wall * Power(random, -3, 6));
            // A search that met no wall ends where its interval is a tenth of its end, as Moré and Thuente's does.
            if (!search.MetWall) continue;
            search.CheckSuccess();
            (walled, most) = (walled + 1, Math.Max(most, search.Steps.Count));
        }

        Assert.True(walled > rounds / 4, $"{walled} searches met a wall");
        Assert.InRange(most, 5, 30);
    }

    /// <summary>Whatever the function and its walls: see <see cref="Search"/> for what is asserted.</summary>
    [Fact]
    public void NoFunctionWithWallsLeadsTheSearchAstray()
    {
        var random = new Random(2);
        (int successes, int walled) = (0, 0);
        int rounds = Damage.Rounds(20_000);
        for (int round = 0; round < rounds; round++)
        {
            double size = Power(random, -8, 8), unit = Power(random, -8, 8);
            double[] a = [.. Enumerable.Range(0, 8).Select(_ => (2 * random.NextDouble()) - 1)];
            (double From, double To)[] holes = [.. Enumerable.Range(0, random.Next(1, 5)).Select(_ =>
            {
                double from = Power(random, -4, 1.5);
                return (from, random.Next(3) == 0 ? double.PositiveInfinity : from * (1 + Power(random, -3, 0)));
            })];
            int kind = random.Next(5);
            (double, double) Function(double t)
            {
                double u = t / unit;
                if (u > 0 && holes.Any(hole => u >= hole.From && u < hole.To))
                    return NotFiniteOf(kind == 4 ? random.Next(4) : kind);
                double value = -(u * (0.05 + Math.Abs(a[0]))), slope = -0.05 - Math.Abs(a[0]);
                (value, slope) = (value + (a[1] * u * u), slope + (2 * a[1] * u));
                for (int k = 1; k <= 3; k++)
                {
                    double rate = 7 * a[k + 4] * k;
                    value += a[k + 1] * (1 - Math.Cos(rate * u));
                    slope += a[k + 1] * rate * Math.Sin(rate * u);
                }

                return (size * value, size * slope / unit);
            }

            var search = new Search(Function, unit * Power(random, -3, 2));
            if (search.Success) successes++;
            if (search.MetWall) walled++;
        }

        // The test is void if the functions are too easy or too hard.
        Assert.InRange(walled, rounds / 4, rounds);
        Assert.InRange(successes, rounds / 2, rounds);
    }

    private static double Power(Random random, double least, double most) =>
        Math.Pow(10, least + ((most - least) * random.NextDouble()));

    private static (double Value, double Slope) NotFiniteOf(int kind) => kind switch
    {
        0 => (double.PositiveInfinity, double.PositiveInfinity),
        1 => (double.NaN, double.NaN),
        2 => (-1, double.NaN),
        _ => (double.NegativeInfinity, -1),
    };

    /// <summary>A search, with assertions that hold for every function.</summary>
    private sealed class Search
    {
        private readonly Func<double, (double Value, double Slope)> _function;
        private readonly (double Value, double Slope) _start;

        public Search(Func<double, (double Value, double Slope)> function, double first)
        {
            (_function, _start) = (function, function(0));
            double wall = double.PositiveInfinity;
            (Found, Success) = LineSearch.Run(new LineSearch.Point(0, _start.Value, _start.Slope), first, 1e30, t =>
            {
                Assert.True(double.IsFinite(t) && t >= 0, $"a trial at {t}");
                Assert.True(t < wall, $"a trial at {t}, after the function was not finite at {wall}");
                Steps.Add(t);
                (double value, double slope) = function(t);
                if (!double.IsFinite(value) || !double.IsFinite(slope)) wall = t;
                return new LineSearch.Point(t, value, slope);
            });
            MetWall = double.IsFinite(wall);
            Assert.InRange(Steps.Count, 1, 41);
            Assert.Equal(Steps[^1], Found.Step);
            Assert.True(double.IsFinite(Found.Value) && double.IsFinite(Found.Slope), $"{Found} is not finite");
            if (MetWall) Assert.True(Found.Value <= _start.Value, $"{Found} is higher than the start");
            if (Success) CheckConditions();
        }

        public List<double> Steps { get; } = [];

        public LineSearch.Point Found { get; }

        public bool Success { get; }

        public bool MetWall { get; }

        public void CheckSuccess() =>
            Assert.True(Success, $"nothing found after {string.Join(", ", Steps)}, from {_start}");

        /// <summary>The strong Wolfe conditions, by the function itself.</summary>
        private void CheckConditions()
        {
            (double value, double slope) = _function(Found.Step);
            Assert.True(value <= _start.Value + (1e-3 * Found.Step * _start.Slope), $"{Found}: too high");
            Assert.True(Math.Abs(slope) <= 0.9 * Math.Abs(_start.Slope), $"{Found}: too steep, from {_start}");
        }
    }
}
