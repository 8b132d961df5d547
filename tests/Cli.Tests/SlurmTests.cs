using System.Diagnostics;
using System.Globalization;

namespace NativeStyle.Cli.Tests;

/// <summary>
/// Submits docs/cluster/slurm-array.sh to Slurm, as it is. <c>.ci/slurm</c> runs a command where there is one.
/// NATIVESTYLE_SLURM_LIMITS=1 also waits for a true time limit, which takes minutes.
/// </summary>
[Trait("Scheduler", "Slurm")]
public sealed class SlurmTests : IDisposable
{
    /// <summary>Much cheaper than a real picture, but with a checkpoint after each iteration.</summary>
    private static readonly string[] s_cheap =
    [
        "--content-layers", "conv2_1", "--style-layers", "conv1_1", "--size", "48", "--coarsest-size", "0", "--weights",
        "random", "--memory", "1G", "--checkpoint-seconds", "0",
    ];

    private readonly List<string> _submitted = [];

    public void Dispose()
    {
        // What a test that failed has left.
        if (_submitted.Count > 0) Programs.Run(new ProcessStartInfo("scancel", ["--signal=KILL", .. _submitted]));
    }

    [SkippableFact]
    public void AnArrayWhoseTaskWasKilledIsSubmittedAgain()
    {
        RequireSlurm();
        using var shards = new Shards(contents: 6, styles: 4);
        string[] options = [.. s_cheap, "--iterations", "15"];
        string job = Submit(shards, ["--array=1-4"], options);
        // The second shard of four has every fourth picture from the second on.
        string[] killed = [.. shards.Names.Where((_, i) => i % 4 == 1)];
        WaitFor(() => shards.Painted.Intersect(killed).Any(), "the second task has painted nothing");
        Slurm("scancel", "--signal=KILL", $"{job}_2");
        WaitForEnd(job);
        string[] painted = shards.Painted;
        Assert.NotEmpty(killed.Except(painted));
        Assert.Equal(shards.Names.Except(killed), painted.Except(killed));
        CommandLine.Outcome status = shards.Batch("art", "--status");
        Assert.Equal(1, status.ExitCode);
        Assert.Contains(
            $"24 jobs: {painted.Length} done, 0 running, 0 failed", status.Output, StringComparison.Ordinal);
        DateTime[] times = Times();
        WaitForEnd(Submit(shards, ["--array=1-4"], options));
        Assert.Equal(times, Times());
        shards.AssertAllPainted(options);

        DateTime[] Times() => [.. painted.Select(name => File.GetLastWriteTimeUtc(shards.File($"art/{name}")))];
    }

    /// <summary>
    /// Before a time limit, Slurm sends USR1 to the script, which submits itself again. scancel sends TERM to all
    /// processes, and KILL after KillWait, as the time limit itself does.
    /// </summary>
    [SkippableFact]
    public void ATaskThatIsEndedGoesOnFromItsCheckpoint()
    {
        RequireSlurm();
        using var shards = new Shards(contents: 1, styles: 1);
        // Enough that a fast machine is still at it when it is looked at.
        string[] options = [.. s_cheap, "--iterations", "1500"];
        string checkpoint = shards.File("art/a--a.png.ckpt"), log = shards.File("task.log");
        string job = Submit(shards, ["--array=0-0", $"--output={log}"], options);
        WaitFor(() => File.Exists(checkpoint), "there is no checkpoint");
        Slurm("scancel", "--signal=USR1", "--batch", $"{job}_0");
        WaitFor(() => Told(job).Contains("Restarts=1", StringComparison.Ordinal), "it was not requeued");
        DateTime first = File.GetLastWriteTimeUtc(checkpoint);
        Assert.False(File.Exists(shards.File("art/a--a.png")));
        // Slurm starts it again after the time that credentials last. A task that is made to start before fails at once.
        WaitFor(
            () => File.GetLastWriteTimeUtc(checkpoint) > first,
            () => $"it does not go on: {Told(job)}\n{File.ReadAllText(log)}");
        Slurm("scancel", $"{job}_0");
        WaitForEnd(job);
        Assert.Contains("JobState=CANCELLED", Told(job), StringComparison.Ordinal);
        Assert.Equal(["a--a.png.ckpt"], Directory.GetFiles(shards.File("art")).Select(Path.GetFileName));
        WaitForEnd(Submit(shards, ["--array=0-0"], options));
        shards.AssertAllPainted(options);
    }

    /// <summary>A task that needs more than its time limit requeues itself until it is done.</summary>
    [SkippableFact]
    public void ATaskThatNeedsMoreThanItsTimeGoesOnByItself()
    {
        RequireSlurm();
        Skip.If(Environment.GetEnvironmentVariable("NATIVESTYLE_SLURM_LIMITS") is null, "takes minutes");
        using var shards = new Shards(contents: 1, styles: 1);
        string[] options = [.. s_cheap, "--iterations", "6000"];
        string job = Submit(
            shards, ["--array=0-0", "--time=1", "--signal=B:USR1@20", $"--output={shards.File("task.log")}"], options);
        WaitFor(() => shards.Painted.Length == 1, "it is not done", 1200);
        WaitForEnd(job);
        Assert.DoesNotContain("Restarts=0", Told(job), StringComparison.Ordinal);
        // Without a word before, SIGTERM comes at the limit, which Slurm keeps to half a minute: this takes longer.
        File.Delete(shards.File("art/a--a.png"));
        options = [.. s_cheap, "--iterations", "24000"];
        job = Submit(shards, ["--array=0-0", "--time=1", "--signal=B:USR1@0"], options);
        WaitForEnd(job, 300);
        Assert.Contains("JobState=TIMEOUT", Told(job), StringComparison.Ordinal);
        Assert.Equal(["a--a.png.ckpt"], Directory.GetFiles(shards.File("art")).Select(Path.GetFileName));
        WaitForEnd(Submit(shards, ["--array=0-0"], options), 1200);
        shards.AssertAllPainted(options);
    }

    private static void RequireSlurm()
    {
        bool isThere = Environment.GetEnvironmentVariable("SLURM_CONF") is { } file && File.Exists(file);
        bool required = Environment.GetEnvironmentVariable("NATIVESTYLE_REQUIRE_SLURM") is not null;
        Assert.True(isThere || !required, "Slurm is required here");
        Skip.IfNot(isThere, "no Slurm here");
    }

    /// <summary>Submits the script for the test's node, and returns the number of the job.</summary>
    private string Submit(Shards shards, IEnumerable<string> replaced, IEnumerable<string> options)
    {
        string job = shards.Run(
            "sbatch",
            ["--parsable", "--cpus-per-task=1", "--mem=500M", "--output=/dev/null", .. replaced,
             Shards.Shipped("slurm-array.sh"), .. options]);
        _submitted.Add(job);
        return job;
    }

    private static string Slurm(string program, params string[] arguments)
    {
        (int code, string output, string error) = Programs.Run(new ProcessStartInfo(program, arguments));
        Assert.True(code == 0, $"{program} {string.Join(' ', arguments)}: {output}\n{error}");
        return output.Trim();
    }

    private static string Told(string job) => Slurm("scontrol", "show", "job", job);

    private static void WaitForEnd(string job, double seconds = 60) => WaitFor(
        () => Slurm("squeue", "--noheader", "--jobs", job).Length == 0, $"job {job} does not end", seconds);

    private static void WaitFor(Func<bool> isSo, string otherwise, double seconds = 60) =>
        WaitFor(isSo, () => otherwise, seconds);

    private static void WaitFor(Func<bool> isSo, Func<string> otherwise, double seconds = 60)
    {
        long start = Stopwatch.GetTimestamp();
        while (!isSo())
        {
            if (Stopwatch.GetElapsedTime(start).TotalSeconds >= seconds)
                Assert.Fail(string.Create(CultureInfo.InvariantCulture, $"after {seconds} s: {otherwise()}"));
            Thread.Sleep(100);
        }
    }
}
