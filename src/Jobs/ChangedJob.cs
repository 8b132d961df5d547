using System.Globalization;
using NativeStyle.Style;
using NativeStyle.Style.Options;

namespace NativeStyle.Jobs;

/// <summary>A job that gets other settings while it runs.</summary>
internal static class ChangedJob
{
    /// <summary>
    /// Returns the job as it goes on. It keeps its pictures, its sizes and its network's weights, and what belongs to
    /// its start.
    /// </summary>
    /// <param name="checkpoint">How far it is.</param>
    /// <param name="draft">All that the user wants of it now.</param>
    /// <param name="weights">The weights of its styles; null for those that they have.</param>
    /// <param name="backTo">
    /// The iterations after which the picture to go on from was reached; null for the present one.
    /// </param>
    /// <exception cref="UsageException">A value is wrong, or needs another network.</exception>
    public static TransferJob Of(
        Checkpoint checkpoint, JobDraft draft, IReadOnlyList<double>? weights = null, int? backTo = null)
    {
        TransferJob job = checkpoint.Job, wanted = draft.Create(_ => { });
        RequireSameNetwork(job, wanted);
        TransferOptions old = job.Options, options = wanted.Options with
        {
            Size = old.Size, CoarsestSize = old.CoarsestSize, Crop = old.Crop, Init = old.Init,
            InitNoise = old.InitNoise, InitNoiseShare = old.InitNoiseShare, Seed = old.Seed,
        };
        int made = backTo ?? checkpoint.State.Iteration;
        IReadOnlyList<ScaleStep> plan = draft.Text(OptionTable.Iterations) is null ? job.Plan
            : draft.TotalIterations() is { } total ? WithTotal(job.Plan, made, total)
            : WithEach(job.Plan, made, options.Iterations);
        options = options with { Iterations = [.. plan.Select(step => step.Iterations)] };
        JobStyle[] styles = weights is null ? [.. job.Styles]
            : [.. job.Styles.Select((style, i) => style with { Weight = weights[i] })];
        TransferJob changed = job with { Options = options, Plan = plan, Styles = styles };
        string what = string.Join(", ", Differences(job, changed, draft));
        if (backTo is not null) what = $"back to the picture of iteration {made}{(what.Length > 0 ? $", {what}" : "")}";
        if (what.Length == 0) return job;
        IEnumerable<JobChange> before = (job.Changes ?? []).Where(change => change.Iteration <= made || backTo is null);
        return changed with { Changes = [.. before, new JobChange(checkpoint.State.Iteration, what)] };
    }

    /// <summary>Checks that a job can go on as another one.</summary>
    /// <exception cref="UsageException">The other one needs another network.</exception>
    public static void RequireSameNetwork(TransferJob job, TransferJob wanted)
    {
        if (wanted.Weights == job.Weights) return;
        throw new UsageException(
            $"--preset {wanted.Options.Name} needs layers that the network of this run lacks; begin a new run");
    }

    /// <summary>Spreads a new total over the rest of the plan. Each scale keeps its share of the rest.</summary>
    /// <param name="made">The iterations that are made.</param>
    private static ScaleStep[] WithTotal(IReadOnlyList<ScaleStep> plan, int made, int total)
    {
        int[] done = Done(plan, made);
        ScaleStep[] rest = [.. plan.Select((step, i) => step with { Iterations = step.Iterations - done[i] })];
        // Nothing is left of the old plan: the last scale takes all.
        if (rest.All(step => step.Iterations == 0)) rest[^1] = rest[^1] with { Iterations = 1 };
        return [.. Schedule.WithTotal(rest, Math.Max(0, total - made))
            .Select((step, i) => step with { Iterations = step.Iterations + done[i] })];
    }

    /// <summary>
    /// Gives each scale its number, and the last number to all further ones. No scale gets fewer than it has made.
    /// </summary>
    private static ScaleStep[] WithEach(IReadOnlyList<ScaleStep> plan, int made, IReadOnlyList<int> iterations)
    {
        int[] done = Done(plan, made);
        return [.. plan.Select((step, i) =>
        {
            bool isOver = done.Skip(i + 1).Any(later => later > 0);
            int wanted = iterations[Math.Min(i, iterations.Count - 1)];
            return isOver ? step : step with { Iterations = Math.Max(done[i], wanted) };
        })];
    }

    /// <summary>The iterations that each scale has made.</summary>
    private static int[] Done(IReadOnlyList<ScaleStep> plan, int made) => [.. plan.Select(step =>
    {
        int here = Math.Min(step.Iterations, made);
        made -= here;
        return here;
    })];

    private static IEnumerable<string> Differences(TransferJob before, TransferJob after, JobDraft draft)
    {
        (TransferOptions old, TransferOptions now) = (before.Options, after.Options);
        bool otherPreset = old.Name != now.Name;
        if (otherPreset) yield return $"preset {old.Name} -> {now.Name}";
        foreach (TransferOption row in OptionTable.OnCommandLine)
        {
            // The preset says the rest.
            if (row == OptionTable.Iterations || (otherPreset && draft.Text(row) is null)) continue;
            (string was, string becomes) = (row.Text(old), row.Text(now));
            if (was != becomes) yield return $"{row.CommandLineName} {was} -> {becomes}";
        }

        (int total, int newTotal) =
            (before.Plan.Sum(step => step.Iterations), after.Plan.Sum(step => step.Iterations));
        if (!before.Plan.SequenceEqual(after.Plan))
            yield return string.Create(CultureInfo.InvariantCulture, $"iterations {total} -> {newTotal}");
        string shares = Weights(before), newShares = Weights(after);
        if (shares != newShares) yield return $"style-weights {shares} -> {newShares}";
    }

    private static string Weights(TransferJob job) =>
        string.Join(',', job.Styles.Select(style => style.Weight.ToString(CultureInfo.InvariantCulture)));
}
