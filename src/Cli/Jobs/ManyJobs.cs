using System.Diagnostics;
using NativeStyle.Jobs;

namespace NativeStyle.Cli.Jobs;

/// <summary>One of many jobs that a command does.</summary>
internal interface INamedJob
{
    /// <summary>The name of the job in messages.</summary>
    string Name { get; }

    /// <summary>The picture that it writes.</summary>
    string Output { get; }
}

/// <summary>Does many jobs one after the other, skips finished ones, and continues after failures.</summary>
internal static class ManyJobs
{
    /// <exception cref="UsageException">Two jobs have the same output.</exception>
    public static void RequireOwnOutputs(IEnumerable<INamedJob> jobs)
    {
        string? twice = jobs.GroupBy(job => Path.GetFullPath(job.Output))
            .FirstOrDefault(group => group.Count() > 1)?.Key;
        if (twice is not null)
            throw new UsageException($"two jobs would write {twice}; rename a picture or its output");
    }

    /// <summary>Does the jobs, reports them, and returns the exit code.</summary>
    /// <param name="again">Whether to repeat jobs whose outputs exist.</param>
    /// <param name="make">
    /// Does a job. Returns null, or the reason why there is no output. The output gets its name only when it is
    /// complete, so an existing file means a finished job.
    /// </param>
    public static int Run<T>(
        IReadOnlyList<T> jobs, bool again, TransferConsole console, Func<T, string?> make,
        CancellationToken cancellation)
        where T : INamedJob
    {
        (int done, int skipped, List<string> failed) = (0, 0, []);
        long start = Stopwatch.GetTimestamp();
        foreach (T job in jobs)
        {
            if (cancellation.IsCancellationRequested) break;
            if (File.Exists(job.Output) && !again)
            {
                skipped++;
                continue;
            }

            console.Say($"[{done + skipped + failed.Count + 1}/{jobs.Count}] {job.Name}");
            try
            {
                string? why = make(job);
                if (why is null) done++;
                else if (!cancellation.IsCancellationRequested) failed.Add($"{job.Name}: {why}");
            }
            catch (Exception wrong) when (UserErrors.IsUsers(wrong))
            {
                failed.Add($"{job.Name}: {UserErrors.Words(wrong)}");
                Console.Error.WriteLine($"nativestyle: {job.Name}: {UserErrors.Words(wrong)}");
            }
        }

        int left = jobs.Count - done - skipped - failed.Count;
        string unfinished = left > 0 ? $", {left} not begun or not finished" : "";
        console.Say(
            $"{done} painted, {skipped} were there already, {failed.Count} failed{unfinished}, " +
            $"{Stopwatch.GetElapsedTime(start):h\\:mm\\:ss}");
        foreach (string failure in failed) console.Say($"  failed: {failure}");
        return cancellation.IsCancellationRequested ? Cancellation.ExitCode : failed.Count > 0 ? 1 : 0;
    }
}
