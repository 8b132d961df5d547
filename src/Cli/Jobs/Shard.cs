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

    /// <summary>
    /// Finds the shard of this process from the option, else from the variables of Slurm's array tasks or Kubernetes'
    /// indexed jobs. Without any of these, the shard has all jobs.
    /// </summary>
    /// <param name="option">I/N with I counted from 0, or null.</param>
    /// <param name="variable">Reads an environment variable.</param>
    /// <exception cref="UsageException">There is no such shard.</exception>
    public static Shard Find(string? option, Func<string, string?> variable)
    {
        if (option is not null)
        {
            string[] parts = option.Split('/');
            if (parts.Length != 2)
                throw new UsageException($"--shard {option} is no shard, expected I/N, e.g. 0/4 to 3/4");
            return Checked(parts[0], parts[1], "0", "--shard");
        }

        if (variable("SLURM_ARRAY_TASK_ID") is { Length: > 0 } task)
        {
            // An array may begin anywhere: --array=1-8 counts from 1.
            string count = variable("SLURM_ARRAY_TASK_COUNT") ?? throw new UsageException(
                "SLURM_ARRAY_TASK_ID is set, but SLURM_ARRAY_TASK_COUNT is not; give --shard I/N");
            return Checked(task, count, variable("SLURM_ARRAY_TASK_MIN") ?? "0", "Slurm");
        }

        if (variable("JOB_COMPLETION_INDEX") is { Length: > 0 } index)
        {
            // Kubernetes tells a pod its index, but not the number of pods. The job's manifest must set that.
            string count = variable("JOB_COMPLETIONS") ?? throw new UsageException(
                "JOB_COMPLETION_INDEX is set, but JOB_COMPLETIONS is not; set it to the job's completions in its " +
                "manifest, or give --shard I/N");
            return Checked(index, count, "0", "Kubernetes");
        }

        return new Shard(0, 1, "");
    }

    private static Shard Checked(string index, string count, string first, string source)
    {
        bool numbers = int.TryParse(index, NumberStyles.None, CultureInfo.InvariantCulture, out int i)
            & int.TryParse(count, NumberStyles.None, CultureInfo.InvariantCulture, out int n)
            & int.TryParse(first, NumberStyles.None, CultureInfo.InvariantCulture, out int least);
        if (!numbers || n < 1 || i - least < 0 || i - least >= n)
        {
            string counted = first == "0" ? "" : $" counted from {first}";
            throw new UsageException(
                $"{source} asks for shard {index} of {count}{counted}, expected 0/N to N-1/N");
        }

        return new Shard(i - least, n, source);
    }
}
