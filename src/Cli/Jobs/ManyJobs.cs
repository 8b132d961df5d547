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
    /// <summary>Seconds between looks at jobs that other processes do.</summary>
    private const double LookSeconds = 1;

    /// <exception cref="UsageException">Two jobs have the same output.</exception>
    public static void RequireOwnOutputs(IEnumerable<INamedJob> jobs)
    {
        string? twice = jobs.GroupBy(job => Path.GetFullPath(job.Output))
            .FirstOrDefault(group => group.Count() > 1)?.Key;
        if (twice is not null)
            throw new UsageException($"two jobs would write {twice}; rename a picture or its output");
    }

    /// <summary>
    /// Does the jobs, reports them, and returns the exit code. Passes over jobs that other processes do, and comes back
    /// to them, so that all outputs are there at the end, also if such a process is lost.
    /// </summary>
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
        (int done, int skipped, bool waited, List<string> failed) = (0, 0, false, []);
        long start = Stopwatch.GetTimestamp();
        for (IReadOnlyList<T> open = jobs; open.Count > 0 && !cancellation.IsCancellationRequested;)
        {
            List<T> taken = [];
            foreach (T job in open)
            {
                if (cancellation.IsCancellationRequested) break;
                if (!TryDo(job)) taken.Add(job);
            }

            if (taken.Count == open.Count && !cancellation.IsCancellationRequested)
            {
                if (!waited) console.Say($"waiting for jobs that other processes do: {taken.Count}");
                waited = true;
                cancellation.WaitHandle.WaitOne(TimeSpan.FromSeconds(LookSeconds));
            }

            open = taken;
        }

        int left = jobs.Count - done - skipped - failed.Count;
        string unfinished = left > 0 ? $", {left} not begun or not finished" : "";
        console.Say(
            $"{done} painted, {skipped} were there already, {failed.Count} failed{unfinished}, " +
            $"{Stopwatch.GetElapsedTime(start):h\\:mm\\:ss}");
        foreach (string failure in failed) console.Say($"  failed: {failure}");
        return cancellation.IsCancellationRequested ? Cancellation.ExitCode : failed.Count > 0 ? 1 : 0;

        // Returns false if another process does the job.
        bool TryDo(T job)
        {
            try
            {
                if (IsDone(job)) return true;
                using JobClaim? claim = JobClaim.Take(job.Output);
                if (claim is null) return false;
                // Another process may have done it just before.
                if (IsDone(job)) return true;
                JobFiles.Remove(JobFiles.Failure(job.Output));
                console.Say($"[{done + skipped + failed.Count + 1}/{jobs.Count}] {job.Name}");
                string? why = make(job);
                if (why is null) done++;
                else if (!cancellation.IsCancellationRequested) Fail(job, why);
            }
            catch (Exception wrong) when (UserErrors.IsUsers(wrong))
            {
                Fail(job, UserErrors.Words(wrong));
                Console.Error.WriteLine($"nativestyle: {job.Name}: {UserErrors.Words(wrong)}");
            }

            return true;
        }

        bool IsDone(T job)
        {
            bool isDone = !again && File.Exists(job.Output);
            if (isDone) skipped++;
            return isDone;
        }

        void Fail(T job, string why)
        {
            failed.Add($"{job.Name}: {why}");
            JobFiles.WriteFailure(job.Output, why);
        }
    }
}
