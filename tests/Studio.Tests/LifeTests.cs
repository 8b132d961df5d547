using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;

namespace NativeStyle.Studio.Tests;

/// <summary>Tests how studios start, end, are killed and come again.</summary>
public sealed class LifeTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void ASecondStudioOnTheSameFolderIsRefused()
    {
        using var studio = new RunningStudio(_folder.File("data"));
        CommandLine.AssertRefused(
            CommandLine.RunProcess("studio", "--no-browser", "--port", "0", "--data", studio.Data),
            "another studio uses", studio.Data, "--data");
    }

    [Fact]
    public void ATakenPortIsRefused()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        string port = ((IPEndPoint)listener.LocalEndpoint).Port.ToString(CultureInfo.InvariantCulture);
        CommandLine.AssertRefused(
            CommandLine.RunProcess("studio", "--no-browser", "--port", port, "--data", _folder.File("data")),
            port, "--port");
    }

    [Fact]
    public void AnUnusableFolderIsRefused()
    {
        string file = _folder.File("file");
        File.WriteAllText(file, "");
        CommandLine.AssertRefused(
            CommandLine.RunProcess("studio", "--no-browser", "--port", "0", "--data", file), file, "--data");
    }

    [SkippableFact]
    public async Task CtrlCSavesTheRunAndTheNextStudioGoesOn()
    {
        RequireLinux();
        (string content, string style) = RunningStudio.Pictures(_folder);
        string data = _folder.File("data"), id;
        int made;
        using (var studio = new RunningStudio(data))
        {
            id = await studio.Transfer(content, style, "\"size\":\"48\",\"iterations\":\"100000\"");
            // A machine that is too busy to save the run at once leaves it at its last checkpoint, the pause's.
            await studio.After(id, 5);
            Assert.Equal(200, (await studio.Post($"/api/jobs/{id}/pause")).Status);
            made = (await studio.Until(id, "paused")).GetProperty("iteration").GetInt32();
            Assert.True(made > 5);
            Assert.Equal(200, (await studio.Post($"/api/jobs/{id}/continue")).Status);
            await studio.After(id, made);
            using Stream events = await studio.Visitor.GetStreamAsync("/api/events");
            long start = Stopwatch.GetTimestamp();
            studio.Send("INT");
            Assert.Equal(130, studio.Wait());
            Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(10));
            Assert.True(Record(data, id).GetProperty("iteration").GetInt32() >= made);
        }

        using var again = new RunningStudio(data);
        await again.Until(id, "running");
        await again.After(id, made);
        Assert.Equal(200, (await again.Post($"/api/jobs/{id}/stop")).Status);
        await again.Until(id, "stopped");
    }

    /// <summary>A run goes on from the checkpoint of its pause, also after its studio was killed.</summary>
    [SkippableFact]
    public async Task AKilledStudiosJobEndsWithTheBytesOfAnUninterruptedOne()
    {
        RequireLinux();
        (string content, string style) = RunningStudio.Pictures(_folder);
        string data = _folder.File("data"), id, waiting;
        int paused;
        using (var studio = new RunningStudio(data))
        {
            id = await studio.Transfer(content, style, "\"size\":\"48\",\"iterations\":\"250\"");
            waiting = await studio.Transfer(content, style, "\"size\":\"40\",\"iterations\":\"2\"");
            await studio.After(id, 5);
            Assert.Equal(200, (await studio.Post($"/api/jobs/{id}/pause")).Status);
            paused = (await studio.Until(id, "paused")).GetProperty("iteration").GetInt32();
            Assert.InRange(paused, 6, 249);
            Assert.Equal(200, (await studio.Post($"/api/jobs/{id}/continue")).Status);
            await studio.After(id, paused);
            studio.Process.Kill();
            studio.Process.WaitForExit();
        }

        using var again = new RunningStudio(data);
        JsonElement done = await again.Until(id, "done");
        Assert.Contains(
            done.GetProperty("frames").EnumerateArray(), frame => frame.GetProperty("iteration").GetInt32() <= paused);
        byte[] whole = RunningStudio.CommandLineBytes(
            _folder, "transfer", content, style, "--size", "48", "--iterations", "250");
        Assert.Equal(whole, await again.Result(id));
        await again.Until(waiting, "done");
    }

    [SkippableFact]
    public async Task AnIdleStudioTakesNoTimeOfTheProcessor()
    {
        RequireLinux();
        using var studio = new RunningStudio(_folder.File("data"));
        using Stream events = await studio.Visitor.GetStreamAsync("/api/events");
        // The studio warms up after its start.
        double before = -1;
        long start = Stopwatch.GetTimestamp();
        for (double now = Used(); now - before > 0.02; now = Used())
        {
            before = now;
            await Task.Delay(500);
            Assert.True(Stopwatch.GetElapsedTime(start) < RunningStudio.Deadline, "the studio never rests");
        }

        double rest = Used();
        await Task.Delay(3000);
        Assert.InRange(Used() - rest, 0, 0.1);

        double Used()
        {
            studio.Process.Refresh();
            return studio.Process.TotalProcessorTime.TotalSeconds;
        }
    }

    [SkippableFact]
    public async Task TheQueueIsBounded()
    {
        RequireLinux();
        (string content, string style) = RunningStudio.Pictures(_folder);
        using var studio = new RunningStudio(_folder.File("data"));
        string first = await studio.Transfer(content, style, "\"size\":\"48\",\"iterations\":\"100000\"");
        await studio.After(first, 1);
        string again = (await studio.Job(first)).GetProperty("content").GetProperty("id").GetString()!;
        string job = $$$"""
            {"kind":"transfer","content":"{{{again}}}","styles":[{"picture":"{{{again}}}"}],"settings":{"size":"40"}}
            """;
        for (int i = 0; i < 50; i++) Assert.Equal(201, (await studio.Post("/api/jobs", job)).Status);
        (int status, JsonElement answer) = await studio.Post("/api/jobs", job);
        Assert.Equal(409, status);
        Assert.Equal(
            "50 jobs wait already; wait for some of them first", answer.GetProperty("error").GetString());
        studio.Send("INT");
        Assert.Equal(130, studio.Wait());
    }

    [Fact]
    public async Task AReadOnlyStudioOnlyShows()
    {
        using var studio = new RunningStudio(_folder.File("data"), "--read-only");
        (_, JsonElement about) = await studio.Get("/api/studio");
        Assert.True(about.GetProperty("readOnly").GetBoolean());
        foreach ((HttpMethod method, string path) in new[]
        {
            (HttpMethod.Post, "/api/jobs"), (HttpMethod.Post, "/api/pictures?name=a.png"),
            (HttpMethod.Post, "/api/jobs/0123456789abcdef/pause"), (HttpMethod.Delete, "/api/jobs/0123456789abcdef"),
        })
        {
            (int status, JsonElement answer) = await studio.Ask(method, path, "{}");
            Assert.Equal(403, status);
            Assert.Equal("this studio only shows what is there", answer.GetProperty("error").GetString());
        }
    }

    private static void RequireLinux() => Skip.IfNot(OperatingSystem.IsLinux(), "signals are sent with kill");

    private static JsonElement Record(string data, string id) =>
        JsonDocument.Parse(File.ReadAllBytes(Path.Combine(data, "jobs", id, "job.json"))).RootElement;
}
