using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Text;
using System.Text.Json;
using NativeStyle.Imaging;

namespace NativeStyle.Studio.Tests;

/// <summary>A studio as a process of its own, and a visitor who knows its token.</summary>
internal sealed class RunningStudio : IDisposable
{
    /// <summary>Nothing takes this long. A studio that hangs fails, and does not hang the tests.</summary>
    public static readonly TimeSpan Deadline = TimeSpan.FromSeconds(120);

    private readonly ConcurrentQueue<string> _errors = [];

    /// <param name="data">The folder for pictures and jobs.</param>
    public RunningStudio(string data, params string[] options)
    {
        var address = new TaskCompletionSource<string>();
        Data = data;
        Process = CommandLine.Start(
            line => address.TrySetResult(line ?? ""),
            line => { if (line is not null) _errors.Enqueue(line); },
            ["studio", "--no-browser", "--port", "0", "--data", data, "--device", "cpu", "--quiet", .. options]);
        Assert.True(address.Task.Wait(Deadline), "the studio printed no line");
        Assert.StartsWith("studio: http://127.0.0.1:", address.Task.Result, StringComparison.Ordinal);
        Address = new Uri(address.Task.Result["studio: ".Length..]);
        Origin = Address.GetLeftPart(UriPartial.Authority);
        Visitor = new HttpClient(new SocketsHttpHandler { CookieContainer = new CookieContainer() })
        {
            BaseAddress = new Uri(Origin), Timeout = Deadline,
        };
        Visitor.DefaultRequestHeaders.Add("Origin", Origin);
        using HttpResponseMessage page = Visitor.GetAsync(Address).Result;
        Assert.Equal(HttpStatusCode.OK, page.StatusCode);
    }

    public Process Process { get; }

    public string Data { get; }

    /// <summary>The printed address, with its token.</summary>
    public Uri Address { get; }

    public string Origin { get; }

    /// <summary>Has the cookie, and says where it comes from.</summary>
    public HttpClient Visitor { get; }

    /// <summary>Sends a signal.</summary>
    /// <param name="signal">Its name, such as INT.</param>
    public void Send(string signal)
    {
        using Process kill = Process.Start("kill", [$"-{signal}", $"{Process.Id}"]);
        kill.WaitForExit();
    }

    /// <summary>Waits for the end and returns the exit code. Nothing was wrong on the way.</summary>
    public int Wait()
    {
        Assert.True(Process.WaitForExit(Deadline), "the studio does not end");
        Process.WaitForExit();
        Assert.Empty(_errors);
        return Process.ExitCode;
    }

    public void Dispose()
    {
        Visitor.Dispose();
        if (!Process.HasExited) Process.Kill();
        Process.Dispose();
    }

    /// <summary>Asks and returns the status and the JSON of the answer.</summary>
    public async Task<(int Status, JsonElement Json)> Ask(HttpMethod method, string path, string? json = null)
    {
        using var request = new HttpRequestMessage(method, path);
        if (json is not null) request.Content = new StringContent(json, Encoding.UTF8, "application/json");
        using HttpResponseMessage answer = await Visitor.SendAsync(request);
        byte[] body = await answer.Content.ReadAsByteArrayAsync();
        bool isJson = answer.Content.Headers.ContentType?.MediaType == "application/json";
        return ((int)answer.StatusCode, isJson ? JsonDocument.Parse(body).RootElement : default);
    }

    public Task<(int Status, JsonElement Json)> Get(string path) => Ask(HttpMethod.Get, path);

    public Task<(int Status, JsonElement Json)> Post(string path, string json = "{}") =>
        Ask(HttpMethod.Post, path, json);

    /// <summary>Sends a picture and returns its id.</summary>
    public async Task<string> Upload(string file)
    {
        using var content = new ByteArrayContent(await File.ReadAllBytesAsync(file));
        content.Headers.ContentType = new("application/octet-stream");
        using HttpResponseMessage answer =
            await Visitor.PostAsync($"/api/pictures?name={Path.GetFileName(file)}", content);
        string json = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.StatusCode == HttpStatusCode.Created, json);
        return JsonDocument.Parse(json).RootElement.GetProperty("id").GetString()!;
    }

    /// <summary>Starts a transfer of two pictures that are sent for it, and returns the job's id.</summary>
    /// <param name="settings">Such as <c>"size":"48"</c>.</param>
    public async Task<string> Transfer(string content, string style, string settings)
    {
        (string contentId, string styleId) = (await Upload(content), await Upload(style));
        (int status, JsonElement job) = await Post(
            "/api/jobs",
            $$$"""
            {"kind":"transfer","content":"{{{contentId}}}","styles":[{"picture":"{{{styleId}}}"}],
             "settings":{{{{settings}}}}}
            """);
        Assert.True(status == 201, job.ToString());
        return job.GetProperty("id").GetString()!;
    }

    public async Task<JsonElement> Job(string id)
    {
        (int status, JsonElement job) = await Get($"/api/jobs/{id}");
        Assert.Equal(200, status);
        return job;
    }

    /// <summary>Waits until a job is as wanted.</summary>
    public async Task<JsonElement> Until(string id, Func<JsonElement, bool> isSo)
    {
        long start = Stopwatch.GetTimestamp();
        while (true)
        {
            JsonElement job = await Job(id);
            if (isSo(job)) return job;
            Assert.True(Stopwatch.GetElapsedTime(start) < Deadline, job.ToString());
            await Task.Delay(30);
        }
    }

    /// <summary>Waits until a job is in a state.</summary>
    public Task<JsonElement> Until(string id, string state) =>
        Until(id, job => job.GetProperty("state").GetString() == state);

    /// <summary>Waits until a job has made more iterations.</summary>
    public Task<JsonElement> After(string id, int iterations) =>
        Until(id, job => job.GetProperty("iteration").GetInt32() > iterations);

    public Task<byte[]> Result(string id, string format = "png") =>
        Visitor.GetByteArrayAsync($"/api/jobs/{id}/result?format={format}");

    /// <summary>Writes pictures that differ in each place, of about the sizes that tests compute fast.</summary>
    public static (string Content, string Style) Pictures(TemporaryFolder folder)
    {
        (Picture content, Picture style) = (new Picture(48, 64), new Picture(64, 48));
        for (int i = 0; i < content.Pixels.Length; i++) content.Pixels[i] = 0.5f + (0.4f * MathF.Sin(i * 0.011f));
        for (int i = 0; i < style.Pixels.Length; i++) style.Pixels[i] = i / 30 % 2;
        PictureFile.Write(folder.File("content.png"), content);
        PictureFile.Write(folder.File("style.jpg"), style);
        return (folder.File("content.png"), folder.File("style.jpg"));
    }

    /// <summary>Runs the command line and returns the bytes of the picture that it writes.</summary>
    public static byte[] CommandLineBytes(TemporaryFolder folder, params string[] arguments)
    {
        string output = folder.File("command-line.png");
        CommandLine.Outcome outcome = CommandLine.Run([.. arguments, "-o", output, "--device", "cpu", "--quiet"]);
        Assert.True(outcome.ExitCode == 0, outcome.Error);
        return File.ReadAllBytes(output);
    }
}
