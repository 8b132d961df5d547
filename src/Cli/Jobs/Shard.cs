using System.Globalization;
using NativeStyle.Jobs;

namespace NativeStyle.Cli.Jobs;

/// <summary>
/// A share of a batch. Every job belongs to exactly one of <see cref="Count"/> shards. A cluster's scheduler tells each
/// process its shard.
/// </summary>
/// <param name="Index">The number of the shard, counted from 0.</param>
/// <param name="Count">The number of shards, at least 1.</param>
/// <param name="Source">The source of the numbers, for messages.</param>
internal readonly record struct Shard(int Index, int Count, string Source)
{
    /// <summary>
    /// Deals jobs out like cards, so that all shards get similar mixtures of cheap and expensive jobs.
    /// </summary>
    public bool Has(int job) => job % Count == Index;

    /// <summary>The variables of schedulers that number the tasks of an array.</summary>
    private static readonly Scheduler[] s_schedulers =
    [
        new("Slurm", "SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_COUNT")
        {
            First = "SLURM_ARRAY_TASK_MIN", Last = "SLURM_ARRAY_TASK_MAX", Step = "SLURM_ARRAY_TASK_STEP",
        },
        // Kubernetes tells a pod its index, but not the number of pods. The job's manifest must set that.
        new("Kubernetes", "JOB_COMPLETION_INDEX", "JOB_COMPLETIONS")
        {
            Remedy = "set it to the job's completions in its manifest, or ",
        },
        new("AWS Batch", "AWS_BATCH_JOB_ARRAY_INDEX", "AWS_BATCH_JOB_ARRAY_SIZE"),
    ];

    /// <summary>
    /// Finds the shard of this process from the option, else from the variables of a scheduler. Without any of these,
    /// the shard has all jobs.
    /// </summary>
    /// <param name="option">I/N with I counted from 0, or null.</param>
    /// <param name="variable">Reads an environment variable.</param>
    /// <exception cref="UsageException">There is no such shard.</exception>
    public static Shard Find(string? option, Func<string, string?> variable)
    {
        if (option is not null)
        {
            string[] parts = option.Split('/');
            return parts.Length == 2 && IsNumber(parts[0], out int i) && IsNumber(parts[1], out int n) && i < n
                ? new Shard(i, n, "--shard")
                : throw new UsageException($"--shard {option} is no shard, expected I/N, from 0/N to N-1/N");
        }

        Scheduler? scheduler = s_schedulers.FirstOrDefault(each => Value(each.Index) is not null);
        return scheduler is null ? new Shard(0, 1, "") : Of(scheduler, Value);

        string? Value(string name) => variable(name) is { Length: > 0 } value ? value : null;
    }

    /// <summary>Finds the shard of a task of an array, which may begin anywhere and count in steps.</summary>
    private static Shard Of(Scheduler scheduler, Func<string, string?> value)
    {
        if (value(scheduler.Count) is null)
        {
            throw new UsageException(
                $"{scheduler.Index} is set, but {scheduler.Count} is not; {scheduler.Remedy}give --shard I/N");
        }

        long task = Number(scheduler.Index, 0), count = Number(scheduler.Count, 0);
        long first = Number(scheduler.First, 0), step = Number(scheduler.Step, 1);
        // Without this, a list such as 1,3,7 would look like numbers from 1 on.
        bool isRegular = count >= 1 && step >= 1
            && Number(scheduler.Last, first + ((count - 1) * step)) == first + ((count - 1) * step);
        (long index, long rest) = isRegular ? Math.DivRem(task - first, step) : (-1, 0);
        return index >= 0 && index < count && rest == 0
            ? new Shard((int)index, (int)count, scheduler.Name) : throw Wrong();

        long Number(string? name, long otherwise) =>
            name is null || value(name) is not { } text ? otherwise : IsNumber(text, out int n) ? n : throw Wrong();

        UsageException Wrong()
        {
            string?[] names = [scheduler.Index, scheduler.Count, scheduler.First, scheduler.Last, scheduler.Step];
            IEnumerable<string> said = names.OfType<string>()
                .Where(name => value(name) is not null).Select(name => $"{name}={value(name)}");
            return new UsageException(
                $"{scheduler.Name} says {string.Join(", ", said)}, expected a task of an array that counts in equal " +
                "steps; use such an array, or give --shard I/N");
        }
    }

    private static bool IsNumber(string text, out int number) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);

    /// <summary>The variables of a scheduler.</summary>
    /// <param name="Index">The number of the task.</param>
    /// <param name="Count">How many tasks there are.</param>
    private sealed record Scheduler(string Name, string Index, string Count)
    {
        /// <summary>The number of the first task, if that may be another one than 0.</summary>
        public string? First { get; init; }

        /// <summary>The number of the last task, if there may be other gaps than those of the step.</summary>
        public string? Last { get; init; }

        /// <summary>The difference of two numbers, if that may be another one than 1.</summary>
        public string? Step { get; init; }

        /// <summary>What else to do if the count is missing.</summary>
        public string Remedy { get; init; } = "";
    }
}
