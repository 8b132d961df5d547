using System.Text.Json;

namespace NativeStyle.Studio.Tests;

/// <summary>One studio for the tests of a class, with two small pictures to send. It ends as a user ends it.</summary>
public sealed class StudioFixture : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly Lazy<Task<string>> _drawing;
    private readonly Lazy<Task<Chromium>> _chromium = new(Chromium.Start);

    public StudioFixture()
    {
        (Content, Style) = RunningStudio.Pictures(_folder);
        Studio = new RunningStudio(_folder.File("data"));
        _drawing = new(Draw);
    }

    /// <summary>A picture of 64 x 48 pixels.</summary>
    public string Content { get; }

    public string Style { get; }

    internal RunningStudio Studio { get; }

    /// <summary>What lies in the folder that has the studio's.</summary>
    public string[] Names => [.. Directory.GetFileSystemEntries(_folder.Path)
        .Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal)];

    /// <summary>Returns the id of a drawing that is done.</summary>
    public Task<string> Drawing() => _drawing.Value;

    /// <summary>Returns the browser of the class's tests, or skips the running test if there is none.</summary>
    internal Task<Chromium> Browser() => _chromium.Value;

    public void Dispose()
    {
        if (_chromium is { IsValueCreated: true, Value: { IsCompletedSuccessfully: true } started })
            started.Result.DisposeAsync().AsTask().Wait();
        if (OperatingSystem.IsLinux())
        {
            Studio.Send("INT");
            Assert.Equal(130, Studio.Wait());
        }

        Studio.Dispose();
        _folder.Dispose();
    }

    private async Task<string> Draw()
    {
        string content = await Studio.Upload(Content);
        (int status, JsonElement job) = await Studio.Post(
            "/api/jobs", $$"""{"kind":"stylize","content":"{{content}}","model":"mosaic"}""");
        Assert.True(status == 201, job.ToString());
        string id = job.GetProperty("id").GetString()!;
        await Studio.Until(id, "done");
        return id;
    }
}
