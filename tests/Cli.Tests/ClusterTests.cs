using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using k8s;
using k8s.Models;
using NativeStyle.Cli.Jobs;
using YamlDotNet.Core;

namespace NativeStyle.Cli.Tests;

/// <summary>
/// Tests processes that share a batch, what --status tells of them, and the files of docs/cluster apart from Slurm's.
/// </summary>
public sealed partial class ClusterTests : IDisposable
{
    private static readonly string[] s_cheap =
    [
        "--content-layers", "conv2_1", "--style-layers", "conv1_1", "--size", "40", "--coarsest-size", "0",
        "--iterations", "4", "--weights", "random", "--memory", "1G",
    ];

    private readonly Shards _shards = new(contents: 2, styles: 3);

    public void Dispose() => _shards.Dispose();

    [SkippableTheory]
    [InlineData("xargs")]
    [InlineData("parallel")]
    public void AScriptDoesAllShards(string program)
    {
        bool isThere = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
            .Any(folder => File.Exists(Path.Combine(folder, program)));
        Skip.IfNot(isThere, $"{program} is not installed");
        _shards.Run(
            Shards.Shipped($"{program}.sh"), s_cheap, ("SHARDS", "3"), ("THREADS", "1"), ("AT_ONCE", "3"));
        _shards.AssertAllPainted(s_cheap);
    }

    /// <summary>The same command twice at a time paints no picture twice, and both end when all are there.</summary>
    [SkippableFact]
    public async Task TheSameBatchTwiceSharesTheWork()
    {
        Task<CommandLine.Outcome>[] both = [.. Enumerable.Range(0, 2).Select(_ => Task.Run(Paint))];
        CommandLine.Outcome[] outcomes = await Task.WhenAll(both);
        Assert.All(outcomes, outcome => Assert.Equal((0, ""), (outcome.ExitCode, outcome.Error)));
        Assert.Equal(
            _shards.Names.Length,
            outcomes.Sum(outcome => int.Parse(
                PaintedCount().Match(outcome.Output).Groups[1].Value, CultureInfo.InvariantCulture)));
        _shards.AssertAllPainted(s_cheap);

        CommandLine.Outcome Paint() => CommandLine.RunProcess(
            ["batch", "--content", _shards.File("photos"), "--style", _shards.File("paintings"), "--out",
             _shards.File("art"), "--threads", "1", .. s_cheap]);
    }

    /// <summary>What another process does is waited for, and done if that process is lost.</summary>
    [Fact]
    public void AJobOfALostProcessIsDone()
    {
        JobClaim? claim = JobClaim.Take(_shards.File("art/a--b.png"));
        Assert.NotNull(claim);
        Assert.Null(JobClaim.Take(_shards.File("art/a--b.png")));
        string? status = null;
        CommandLine.Outcome outcome = CommandLine.RunProcess(
            (_, line) =>
            {
                if (line != "waiting for jobs that other processes do: 1") return;
                status = _shards.Batch("art", "--status").Output;
                claim.Dispose();
            },
            ["batch", "--content", _shards.File("photos"), "--style", _shards.File("paintings"), "--out",
             _shards.File("art"), .. s_cheap]);
        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Error));
        Assert.Contains("6 jobs: 5 done, 1 running, 0 failed, 0 stopped, 0 to do\n", status, StringComparison.Ordinal);
        Assert.Contains(
            $"running: {_shards.File("art/a--b.png")} (last sign of life ", status, StringComparison.Ordinal);
        Assert.Contains("6 painted, 0 were there already, 0 failed", outcome.Output, StringComparison.Ordinal);
        _shards.AssertAllPainted(s_cheap);
    }

    [Fact]
    public void TheStatusTellsWhatTheFilesTell()
    {
        Assert.Equal(1, _shards.Batch("art", "--status").ExitCode);
        string done = Output("a--a"), failed = Output("a--b"), killed = Output("a--c"), elsewhere = Output("b--a"),
            lost = Output("b--b");
        Assert.Equal(0, _shards.Batch("art", [.. s_cheap, "--shard", "0/6"]).ExitCode);
        JobFiles.WriteFailure(failed, "there was\nno room");
        File.WriteAllText(JobFiles.Claim(killed), $"{Environment.MachineName}, process 1\n");
        File.WriteAllText(JobFiles.Claim(elsewhere), "node7, process 1\n");
        File.WriteAllText(JobFiles.Claim(lost), "node8, process 1\n");
        File.SetLastWriteTimeUtc(JobFiles.Claim(lost), DateTime.UtcNow.AddMinutes(-180));
        File.WriteAllText(JobFiles.Checkpoint(lost), "no checkpoint");
        CommandLine.Outcome status = _shards.Batch("art", "--status");
        Assert.Equal(1, status.ExitCode);
        string[] lines = status.Output.Trim().Split('\n');
        Assert.Equal("6 jobs: 1 done, 1 running, 1 failed, 2 stopped, 1 to do (1 with a checkpoint)", lines[0]);
        Assert.StartsWith(
            $"  running: {elsewhere} (node7, process 1; last sign of life ", lines[1], StringComparison.Ordinal);
        Assert.StartsWith($"  stopped: {killed} ({Environment.MachineName}, ", lines[2], StringComparison.Ordinal);
        Assert.Equal($"  stopped: {lost} (node8, process 1; last sign of life 3 h ago)", lines[3]);
        Assert.Equal($"  failed: {failed}: there was no room", lines[4]);
        JsonNode json = JsonNode.Parse(_shards.Batch("art", "--status", "--json").Output)!;
        Assert.Equal(
            (6, 1, 1, 1), ((int)json["jobs"]!, (int)json["done"]!, (int)json["toDo"]!, (int)json["withCheckpoint"]!));
        Assert.Equal((elsewhere, "node7, process 1"),
            ((string)json["running"]![0]!["output"]!, (string)json["running"]![0]!["by"]!));
        Assert.Equal(lost, (string)json["stopped"]![1]!["output"]!);
        Assert.Equal(
            (failed, "there was no room"),
            ((string)json["failed"]![0]!["output"]!, (string)json["failed"]![0]!["error"]!));
        Assert.Equal(0, _shards.Batch("art", "--status", "--shard", "0/6").ExitCode);
        CommandLine.AssertRefused(_shards.Batch("art", "--json"), "--json is for --status");
        // The next run does all that, and begins anew where a checkpoint is none.
        CommandLine.Outcome next = _shards.Batch("art", s_cheap);
        Assert.Contains($"does not go on from {JobFiles.Checkpoint(lost)}: ", next.Output, StringComparison.Ordinal);
        Assert.Contains("5 painted, 1 were there already, 0 failed", next.Output, StringComparison.Ordinal);
        Assert.True(File.Exists(done));
        _shards.AssertAllPainted(s_cheap);

        string Output(string name) => _shards.File($"art/{name}.png");
    }

    /// <summary>A checkpoint of another job, such as one with other iterations, is left alone.</summary>
    [Fact]
    public void ACheckpointOfOtherOptionsIsNotGoneOnWith()
    {
        Directory.CreateDirectory(_shards.File("art"));
        string[] other = [.. s_cheap.Select(word => word == "4" ? "5" : word)];
        CommandLine.Outcome transfer = CommandLine.Run(
            ["transfer", _shards.File("photos/a.png"), _shards.File("paintings/a.png"), "-o", _shards.File("x.png"),
             "--checkpoint", JobFiles.Checkpoint(_shards.File("art/a--a.png")), "--checkpoint-every", "1", .. other]);
        Assert.Equal(0, transfer.ExitCode);
        CommandLine.Outcome outcome = _shards.Batch("art", s_cheap);
        Assert.Contains(
            "a--a.png.ckpt: it is of a job with other pictures or options", outcome.Output, StringComparison.Ordinal);
        _shards.AssertAllPainted(s_cheap);
    }

    /// <summary>
    /// Reads the manifest into the types that Kubernetes' client has from its OpenAPI. Strictly: an unknown field or a
    /// value of another type is an error. What the API server checks beyond types is checked here by hand.
    /// </summary>
    [Fact]
    public void TheManifestForKubernetesFitsItsTypesAndTheProgram()
    {
        string text = File.ReadAllText(Shards.Shipped("kubernetes-job.yaml"));
        V1Job job = KubernetesYaml.Deserialize<V1Job>(text, strict: true);
        Assert.Equal((V1Job.KubeGroup + "/" + V1Job.KubeApiVersion, V1Job.KubeKind), (job.ApiVersion, job.Kind));
        V1JobSpec spec = job.Spec;
        V1PodSpec pod = spec.Template.Spec;
        V1Container container = Assert.Single(pod.Containers);
        Assert.Equal("Indexed", spec.CompletionMode);
        Assert.Equal(
            spec.Completions?.ToString(CultureInfo.InvariantCulture),
            container.Env.Single(variable => variable.Name == "JOB_COMPLETIONS").Value);
        Assert.InRange(spec.Parallelism!.Value, 1, spec.Completions!.Value);
        // A policy for failures, and a limit for each index, need these.
        Assert.Equal("Never", pod.RestartPolicy);
        Assert.True(spec.BackoffLimitPerIndex >= 1);
        Assert.Collection(
            spec.PodFailurePolicy.Rules,
            rule =>
            {
                Assert.Equal(("FailJob", "In"), (rule.Action, rule.OnExitCodes.OperatorProperty));
                Assert.Equal(container.Name, rule.OnExitCodes.ContainerName);
                Assert.Equal([2], rule.OnExitCodes.Values);
            },
            rule =>
            {
                V1PodFailurePolicyOnPodConditionsPattern condition = Assert.Single(rule.OnPodConditions);
                Assert.Equal(
                    ("Ignore", "DisruptionTarget", "True"), (rule.Action, condition.Type, condition.Status));
            });
        Assert.True(pod.TerminationGracePeriodSeconds > 30);
        Assert.Equal(container.VolumeMounts.Select(mount => mount.Name), pod.Volumes.Select(volume => volume.Name));
        Assert.True(container.Resources.Requests["memory"].ToDecimal() >= 1L << 30);
        // Pod 15 of 16 has jobs 15 and 31 of 40.
        File.WriteAllLines(_shards.File("jobs.jsonl"), Enumerable.Range(0, 40).Select(i =>
            $$"""{"content": "photos/a.png", "style": "paintings/a.png", "output": "{{i}}.png"}"""));
        string[] command = [.. container.Command.Select(
            word => word.Replace("/data", _shards.File(""), StringComparison.Ordinal))];
        Assert.Equal("nativestyle", command[0]);
        CommandLine.Outcome outcome = CommandLine.RunWith(
            $"JOB_COMPLETION_INDEX=15;JOB_COMPLETIONS={spec.Completions}", [.. command[1..], "--list"]);
        Assert.Equal(
            (0, $"{_shards.File("art/15.png")}\n{_shards.File("art/31.png")}\n"), (outcome.ExitCode, outcome.Output));

        foreach ((string right, string wrong) in new[]
        {
            ("completionMode:", "completionsMode:"), ("values: [2]", "values: [two]"), ("onExitCodes:", "onExitCode:"),
            ("  volumes:", "  volume:"), ("backoffLimitPerIndex: 3", "backoffLimitPerIndex: often"),
        })
        {
            Assert.Contains(right, text, StringComparison.Ordinal);
            Assert.ThrowsAny<YamlException>(() => KubernetesYaml.Deserialize<V1Job>(
                text.Replace(right, wrong, StringComparison.Ordinal), strict: true));
        }
    }

    [GeneratedRegex("^([0-9]+) painted", RegexOptions.Multiline)]
    private static partial Regex PaintedCount();
}
