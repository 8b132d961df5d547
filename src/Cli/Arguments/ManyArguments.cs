using System.CommandLine;
using NativeStyle.Cli.Help;
using NativeStyle.Cli.Jobs;
using NativeStyle.Imaging;
using NativeStyle.Jobs;
using NativeStyle.Style.Options;

namespace NativeStyle.Cli.Arguments;

/// <summary>The options of commands that do many jobs: the format of results, and which jobs to do.</summary>
internal sealed class ManyArguments
{
    private static readonly Words<string> s_formats =
        new([.. PictureFile.WritableExtensions.Select(extension => (extension[1..], extension[1..]))]);

    private readonly Option<string> _format;

    private readonly Option<string?> _shard = new("--shard")
    {
        Description = "Do only share I of N, from 0/N to N-1/N (default: the share from the variables of Slurm, " +
            "Kubernetes or AWS Batch, else all)",
        HelpName = "I/N",
    };

    private readonly Option<bool> _again = new("--again") { Description = "Also repeat finished jobs" };
    private readonly Option<bool> _list = new("--list") { Description = "Only list the jobs" };

    private readonly Option<bool> _status = new("--status")
    {
        Description = "Only tell from the files how many jobs are done, running, failed or to do; exit code 0 if all " +
            "are done, else 1",
    };

    private readonly Option<bool> _json = new("--json") { Description = "With --status: as JSON" };

    /// <param name="format">The help of the option for the format of the results.</param>
    public ManyArguments(string format) =>
        _format = Typed.Option("--format", format, s_formats, s_formats.Choices[0]);

    public void AddTo(ProgramCommand command)
    {
        command.Add(OptionGroup.Output, _format);
        command.Add(OptionGroup.Run, _shard, _again, _list, _status);
        command.AddRare(OptionGroup.Run, _json);
    }

    /// <summary>The extension of the results.</summary>
    public string Extension(ParseResult parsed) => $".{parsed.GetValue(_format)}";

    /// <summary>Whether to repeat finished jobs.</summary>
    public bool Again(ParseResult parsed) => parsed.GetValue(_again);

    /// <summary>Returns the first of these options that the user set, or null.</summary>
    public string? FirstSetOption(ParseResult parsed) => new Option[] { _format, _shard, _again, _list, _status, _json }
        .FirstOrDefault(option => parsed.GetResult(option) is { Implicit: false })?.Name;

    /// <summary>Chooses the jobs of this process.</summary>
    /// <exception cref="UsageException">Two jobs have the same output, or there is no such shard.</exception>
    public T[] Mine<T>(ParseResult parsed, IReadOnlyList<T> jobs, TransferConsole console) where T : INamedJob
    {
        ManyJobs.RequireOwnOutputs(jobs.Cast<INamedJob>());
        Shard shard = Shard.Find(parsed.GetValue(_shard), Environment.GetEnvironmentVariable);
        T[] mine = [.. jobs.Where((_, i) => shard.Has(i))];
        // Programs read JSON.
        if (shard.Count > 1 && !parsed.GetValue(_json))
            console.Say($"shard {shard.Index} of {shard.Count} ({shard.Source}): {mine.Length} of {jobs.Count} jobs");
        return mine;
    }

    /// <summary>
    /// Shows the jobs if that is all that the user wanted. Returns the exit code then, and null otherwise.
    /// </summary>
    public int? Show<T>(ParseResult parsed, T[] jobs) where T : INamedJob
    {
        if (parsed.GetValue(_status))
        {
            JobStatus status = JobStatus.Of(jobs.Cast<INamedJob>());
            foreach (string line in parsed.GetValue(_json) ? [status.Json()] : status.Lines()) Console.WriteLine(line);
            return status.Done.Count == status.Total ? 0 : UserErrors.FailedExitCode;
        }

        if (parsed.GetValue(_json)) throw new UsageException("--json is for --status; leave it out, or add --status");
        if (!parsed.GetValue(_list)) return null;
        foreach (T job in jobs) Console.WriteLine($"{job.Output}{(File.Exists(job.Output) ? "  (done)" : "")}");
        return 0;
    }
}
