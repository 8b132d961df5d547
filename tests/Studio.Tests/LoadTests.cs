using System.Globalization;
using System.Text.Json;
using Xunit.Abstractions;

namespace NativeStyle.Studio.Tests;

/// <summary>
/// What many watchers cost a run: each listens to the events and fetches every frame. The studio's processor time for
/// the same run is taken in turn with none and with NATIVESTYLE_WATCHERS of them. <c>.ci/long studio</c> asks for 50.
/// </summary>
public sealed class LoadTests(ITestOutputHelper output)
{
    private const int Pairs = 3;

    private const string Job =
        """
        {"kind":"transfer","content":"sample-town","styles":[{"picture":"sample-waves"}],
         "settings":{"size":"384","coarsest-size":"0","iterations":"40"}}
        """;

    [SkippableFact]
    public async Task WatchersCostARunLittle()
    {
        bool isAsked = int.TryParse(
            Environment.GetEnvironmentVariable("NATIVESTYLE_WATCHERS"), CultureInfo.InvariantCulture, out int watchers);
        Skip.IfNot(isAsked, "NATIVESTYLE_WATCHERS says how many pages watch");
        using var folder = new TemporaryFolder();
        using var studio = new RunningStudio(folder.File("data"));
        _ = await SecondsOfARun(studio);
        double alone = 0, watched = 0;
        for (int pair = 0; pair < Pairs; pair++)
        {
            alone += await SecondsOfARun(studio);
            using var closed = new CancellationTokenSource();
            Task<int>[] pages = [.. Enumerable.Range(0, watchers).Select(_ => Watch(studio, closed.Token))];
            watched += await SecondsOfARun(studio);
            await closed.CancelAsync();
            int[] frames = await Task.WhenAll(pages);
            Assert.All(frames, count => Assert.True(count > 0, "a page saw no frame"));
        }

        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{watchers} watchers: {watched:f2} s of the processor instead of {alone:f2} s, ratio {watched / alone:f3}"));
    }

    /// <summary>Runs the job to its end, and returns the processor time that the studio took.</summary>
    private static async Task<double> SecondsOfARun(RunningStudio studio)
    {
        double before = Used();
        (_, JsonElement job) = await studio.Post("/api/jobs", Job);
        await studio.Until(job.GetProperty("id").GetString()!, "done");
        return Used() - before;

        double Used()
        {
            studio.Process.Refresh();
            return studio.Process.TotalProcessorTime.TotalSeconds;
        }
    }

    /// <summary>Fetches every frame that an event tells of, and returns how many these were.</summary>
    private static async Task<int> Watch(RunningStudio studio, CancellationToken closed)
    {
        int frames = 0;
        try
        {
            using Stream events = await studio.Visitor.GetStreamAsync("/api/events", closed);
            using var lines = new StreamReader(events);
            while (await lines.ReadLineAsync(closed) is { } line)
            {
                if (!line.StartsWith("data: ", StringComparison.Ordinal)) continue;
                JsonElement data = JsonDocument.Parse(line["data: ".Length..]).RootElement;
                bool hasFrame = data.TryGetProperty("frame", out JsonElement frame)
                    && frame.ValueKind == JsonValueKind.Number;
                if (!hasFrame) continue;
                string address = $"/api/jobs/{data.GetProperty("id").GetString()}/frames/{frame.GetInt32()}";
                _ = await studio.Visitor.GetByteArrayAsync(address, closed);
                frames++;
            }
        }
        catch (OperationCanceledException)
        {
            // The page is closed.
        }

        return frames;
    }
}
