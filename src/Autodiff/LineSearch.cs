namespace NativeStyle.Autodiff;

/// <summary>
/// The line search of Moré and Thuente (1994, "Line search algorithms with guaranteed sufficient decrease", ACM TOMS
/// 20). It finds a step t along a descent direction that satisfies the strong Wolfe conditions:
/// <code>
///   φ(t) ≤ φ(0) + c₁ t φ'(0)        |φ'(t)| ≤ c₂ |φ'(0)|
/// </code>
/// It interpolates with cubics and quadratics in an interval of uncertainty that shrinks around such a step. L-BFGS-B
/// (Zhu, Byrd, Lu and Nocedal 1997) uses the same search; the constants are its constants.
/// A function that is not finite everywhere has walls, which the paper does not know. A trial that is not finite
/// becomes the interval's far end, with the value infinity, so no later trial goes as far.
/// </summary>
internal static class LineSearch
{
    private const double SufficientDecrease = 1e-3;
    private const double Curvature = 0.9;
    private const double IntervalTolerance = 0.1;
    private const int MaxEvaluations = 20;

    /// <summary>The interval's tolerance beside a wall: a barrier may have its minimum close to it.</summary>
    private const double WallTolerance = 1e-6;

    /// <summary>The most trials that are not finite; they do not count as evaluations.</summary>
    private const int MaxWalls = 20;

    /// <summary>A trial step with the function and its derivative along the direction.</summary>
    public readonly record struct Point(double Step, double Value, double Slope);

    /// <summary>Searches from <paramref name="start"/>.</summary>
    /// <param name="start">Value and (negative) slope at step 0.</param>
    /// <param name="step">The first trial.</param>
    /// <param name="maxStep">The longest step allowed.</param>
    /// <param name="evaluate">Value and slope at a step.</param>
    /// <returns>
    /// The last point evaluated, and whether it satisfies both conditions. It is finite if the start is: a value or
    /// slope that is not finite only says that the step was too long.
    /// </returns>
    public static (Point Found, bool Success) Run(
        Point start, double step, double maxStep, Func<double, Point> evaluate)
    {
        double width = maxStep, widthBefore = 2 * maxStep, tolerance = IntervalTolerance;
        Point best = start, other = start;
        bool bracketed = false, modified = true;
        (double least, double most) = (0, step + (4 * step));
        Point trial = start;
        int evaluations = 0, walls = 0;
        while (evaluations < MaxEvaluations && walls < MaxWalls)
        {
            trial = evaluate(step);
            if (!IsFinite(trial))
            {
                // Goes back most of the way while nothing is known of the function's scale, then by halves.
                (walls, tolerance, bracketed) = (walls + 1, WallTolerance, true);
                (best, other) = Before(step, start, best, other);
                step = best.Step + ((best.Step == 0 ? 0.1 : 0.5) * (other.Step - best.Step));
                (widthBefore, width) = (width, Math.Abs(other.Step - best.Step));
                (least, most) = Ends(best, other);
                if (IsNarrow(step, least, most, tolerance)) step = best.Step;
                continue;
            }

            evaluations++;
            double test = SufficientDecrease * start.Slope;
            double enough = start.Value + (step * test);
            if (trial.Value <= enough && Math.Abs(trial.Slope) <= Curvature * -start.Slope) return (trial, true);
            if (step >= maxStep && trial.Value <= enough && trial.Slope <= test) return (trial, true);
            // Stop if rounding leaves nothing to search in, or if the interval is narrow enough.
            if (bracketed && IsNarrow(step, least, most, tolerance)) return (trial, false);

            // At first the function is compared after the required decrease is subtracted. That ends with the first
            // step that shows enough decrease and a slope that rises.
            if (modified && trial.Value <= enough && trial.Slope >= 0) modified = false;
            if (modified && trial.Value <= best.Value && trial.Value > enough)
            {
                Point Without(Point point) => new(point.Step, point.Value - (point.Step * test), point.Slope - test);
                Point With(Point point) => new(point.Step, point.Value + (point.Step * test), point.Slope + test);
                (Point a, Point b, step, bracketed) =
                    Update(Without(best), Without(other), Without(trial), bracketed, least, most);
                (best, other) = (With(a), With(b));
            }
            else
            {
                (best, other, step, bracketed) = Update(best, other, trial, bracketed, least, most);
            }

            // Numbers near the largest double leave a cubic without a number.
            if (!double.IsFinite(step)) step = bracketed ? best.Step + (0.5 * (other.Step - best.Step)) : most;
            if (bracketed)
            {
                // Bisect if the interval has not shrunk by a third in two steps.
                if (Math.Abs(other.Step - best.Step) >= 0.66 * widthBefore)
                    step = best.Step + (0.5 * (other.Step - best.Step));
                widthBefore = width;
                width = Math.Abs(other.Step - best.Step);
                (least, most) = Ends(best, other);
            }
            else
            {
                (least, most) = (step + (1.1 * (step - best.Step)), step + (4 * (step - best.Step)));
            }

            step = Math.Clamp(step, 0, maxStep);
            if (bracketed && IsNarrow(step, least, most, tolerance)) step = best.Step;
        }

        return (walls > 0 && trial.Step != best.Step ? evaluate(best.Step) : trial, false);
    }

    private static bool IsFinite(Point point) => double.IsFinite(point.Value) && double.IsFinite(point.Slope);

    private static bool IsNarrow(double step, double least, double most, double tolerance) =>
        step <= least || step >= most || most - least <= tolerance * most;

    private static (double Least, double Most) Ends(Point best, Point other) =>
        (Math.Min(best.Step, other.Step), Math.Max(best.Step, other.Step));

    /// <summary>
    /// The interval of uncertainty after the function was not finite at <paramref name="wall"/>. As Moré and Thuente's
    /// theorem 2.1 asks, its best end is low enough, not above the other, and falls towards the other.
    /// </summary>
    private static (Point Best, Point Other) Before(double wall, Point start, Point best, Point other)
    {
        var end = new Point(wall, double.PositiveInfinity, 0);
        if (best.Step < wall) return (best, end);
        // The best point lies beyond the wall, so only the other end still counts.
        if (other.Step >= wall) return (start, end);
        bool isLow = other.Value <= start.Value + (other.Step * SufficientDecrease * start.Slope);
        return !isLow ? (start, other) : other.Slope < 0 ? (other, end) : (other, start);
    }

    /// <summary>
    /// Returns the next trial step and the interval around it (Moré and Thuente, section 4). <paramref name="best"/>
    /// has the least value so far; <paramref name="other"/> is the interval's other end.
    /// </summary>
    private static (Point Best, Point Other, double Step, bool Bracketed) Update(
        Point best, Point other, Point trial, bool bracketed, double least, double most)
    {
        double sign = trial.Slope * Math.Sign(best.Slope), step;
        if (trial.Value > best.Value)
        {
            // 1: a higher value. The minimum lies between. Take the cubic step if it is nearer to the best, else the
            // middle of the two steps.
            double cubic = Cubic(best, trial);
            double slope = (best.Value - trial.Value) / (trial.Step - best.Step);
            double quadratic = best.Step
                + (best.Slope / (slope + best.Slope) / 2 * (trial.Step - best.Step));
            bool cubicIsNearer = Math.Abs(cubic - best.Step) < Math.Abs(quadratic - best.Step);
            step = cubicIsNearer ? cubic : cubic + ((quadratic - cubic) / 2);
            bracketed = true;
        }
        else if (sign < 0)
        {
            // 2: a lower value, slopes of opposite sign. The minimum lies between. Take the step that is farther from
            // the trial.
            double cubic = Cubic(trial, best), secant = Secant(trial, best);
            step = Math.Abs(cubic - trial.Step) > Math.Abs(secant - trial.Step) ? cubic : secant;
            bracketed = true;
        }
        else if (Math.Abs(trial.Slope) < Math.Abs(best.Slope))
        {
            // 3: a lower value, a slope that is smaller in size. The cubic may have its minimum beyond the trial.
            double cubic = CubicBeyond(best, trial, least, most), secant = Secant(trial, best);
            if (bracketed)
            {
                step = Math.Abs(cubic - trial.Step) < Math.Abs(secant - trial.Step) ? cubic : secant;
                double limit = trial.Step + (0.66 * (other.Step - trial.Step));
                step = trial.Step > best.Step ? Math.Min(limit, step) : Math.Max(limit, step);
            }
            else
            {
                step = Math.Abs(cubic - trial.Step) > Math.Abs(secant - trial.Step) ? cubic : secant;
                step = Math.Clamp(step, least, most);
            }
        }
        else if (bracketed)
        {
            // 4: a lower value, a slope that is not smaller. The minimum lies towards the other end. A wall has no
            // slope to interpolate with.
            step = IsFinite(other) ? Cubic(trial, other) : trial.Step + (0.5 * (other.Step - trial.Step));
        }
        else
        {
            step = trial.Step > best.Step ? most : least;
        }

        if (trial.Value > best.Value) other = trial;
        else
        {
            if (sign < 0) other = best;
            best = trial;
        }

        return (best, other, step, bracketed);
    }

    /// <summary>The minimiser of the cubic that has the values and slopes of both points.</summary>
    private static double Cubic(Point from, Point to)
    {
        double theta = (3 * (from.Value - to.Value) / (to.Step - from.Step)) + from.Slope + to.Slope;
        double scale = Math.Max(Math.Abs(theta), Math.Max(Math.Abs(from.Slope), Math.Abs(to.Slope)));
        if (scale == 0) return from.Step;
        double root = ((theta / scale) * (theta / scale)) - (from.Slope / scale * (to.Slope / scale));
        double gamma = scale * Math.Sqrt(Math.Max(0, root));
        if (to.Step < from.Step) gamma = -gamma;
        double p = gamma - from.Slope + theta, q = gamma - from.Slope + gamma + to.Slope;
        return from.Step + (p / q * (to.Step - from.Step));
    }

    /// <summary>
    /// Like <see cref="Cubic"/>, seen from the trial. Returns the interval's far end if the cubic has no minimum beyond
    /// the trial.
    /// </summary>
    private static double CubicBeyond(Point best, Point trial, double least, double most)
    {
        double theta = (3 * (best.Value - trial.Value) / (trial.Step - best.Step)) + best.Slope + trial.Slope;
        double scale = Math.Max(Math.Abs(theta), Math.Max(Math.Abs(best.Slope), Math.Abs(trial.Slope)));
        double root = ((theta / scale) * (theta / scale)) - (best.Slope / scale * (trial.Slope / scale));
        double gamma = scale * Math.Sqrt(Math.Max(0, root));
        if (trial.Step > best.Step) gamma = -gamma;
        double p = gamma - trial.Slope + theta, q = gamma + (best.Slope - trial.Slope) + gamma, r = p / q;
        if (r < 0 && gamma != 0) return trial.Step + (r * (best.Step - trial.Step));
        return trial.Step > best.Step ? most : least;
    }

    private static double Secant(Point trial, Point best) =>
        trial.Step + (trial.Slope / (trial.Slope - best.Slope) * (best.Step - trial.Step));
}
