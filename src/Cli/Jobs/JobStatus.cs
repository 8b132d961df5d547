using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace NativeStyle.Cli.Jobs;

/// <summary>What the files of many jobs tell about each.</summary>
/// <param name="Done">Jobs whose output is there.</param>
/// <param name="Running">Jobs that a process works on.</param>
/// <param name="Stopped">Jobs whose process ended without a word: it was killed, or its machine was lost.</param>
/// <param name="Failed">Jobs that failed, and why.</param>
/// <param name="Waiting">All others.</param>
/// <param name="Begun">How many of those that wait or were stopped have a checkpoint.</param>
internal sealed record JobStatus(
    IReadOnlyList<string> Done, IReadOnlyList<(string Output, ClaimState Claim)> Running,
    IReadOnlyList<(string Output, ClaimState Claim)> Stopped, IReadOnlyList<(string Output, string Why)> Failed,
    IReadOnlyList<string> Waiting, int Begun)
{
    private static readonly JsonSerializerOptions s_format =
        new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public int Total => Done.Count + Running.Count + Stopped.Count + Failed.Count + Waiting.Count;

    /// <summary>Looks at the files of jobs.</summary>
    public static JobStatus Of(IEnumerable<INamedJob> jobs)
    {
        List<string> done = [], waiting = [];
        List<(string, ClaimState)> running = [], stopped = [];
        List<(string, string)> failed = [];
        int begun = 0;
        foreach (string output in jobs.Select(job => job.Output))
        {
            // The claim is looked at first: a job that ends in between is done.
            ClaimState? claim = JobClaim.Look(output);
            if (File.Exists(output)) done.Add(output);
            else if (claim?.IsAlive == true) running.Add((output, claim));
            else if (JobFiles.ReadFailure(output) is { } why) failed.Add((output, why));
            else
            {
                if (claim is null) waiting.Add(output);
                else stopped.Add((output, claim));
                if (File.Exists(JobFiles.Checkpoint(output))) begun++;
            }
        }

        return new JobStatus(done, running, stopped, failed, waiting, begun);
    }

    /// <summary>Returns a line of counts, and a line for each job that is not simply done or to do.</summary>
    public IEnumerable<string> Lines()
    {
        string begun = Begun > 0 ? $" ({Begun} with a checkpoint)" : "";
        yield return $"{Total} jobs: {Done.Count} done, {Running.Count} running, {Failed.Count} failed, " +
            $"{Stopped.Count} stopped, {Waiting.Count} to do{begun}";
        foreach ((string output, ClaimState claim) in Running) yield return $"  running: {output} ({Words(claim)})";
        foreach ((string output, ClaimState claim) in Stopped) yield return $"  stopped: {output} ({Words(claim)})";
        foreach ((string output, string why) in Failed) yield return $"  failed: {output}: {why}";
    }

    /// <summary>Returns the same as one line of JSON. Times are UTC.</summary>
    public string Json() => new JsonObject
    {
        ["jobs"] = Total,
        ["done"] = Done.Count,
        ["toDo"] = Waiting.Count,
        ["withCheckpoint"] = Begun,
        ["running"] = Claims(Running),
        ["stopped"] = Claims(Stopped),
        ["failed"] = new JsonArray([.. Failed.Select(job =>
            new JsonObject { ["output"] = job.Output, ["error"] = job.Why })]),
    }.ToJsonString(s_format);

    private static JsonArray Claims(IEnumerable<(string Output, ClaimState Claim)> jobs) =>
        new([.. jobs.Select(job => new JsonObject
        {
            ["output"] = job.Output,
            ["lastSign"] = job.Claim.LastSign.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture),
            ["by"] = job.Claim.By.Length > 0 ? job.Claim.By : null,
        })]);

    private static string Words(ClaimState claim)
    {
        string by = claim.By.Length > 0 ? $"{claim.By}; " : "";
        return $"{by}last sign of life {Words(claim.Age)} ago";
    }

    private static string Words(TimeSpan age) => age switch
    {
        { TotalSeconds: < 120 } => string.Create(CultureInfo.InvariantCulture, $"{Math.Max(0, age.TotalSeconds):f0} s"),
        { TotalHours: < 2 } => string.Create(CultureInfo.InvariantCulture, $"{age.TotalMinutes:f0} min"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{age.TotalHours:f0} h"),
    };
}
