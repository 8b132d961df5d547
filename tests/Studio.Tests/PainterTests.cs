using System.Globalization;
using System.Text.Json;
using Microsoft.Playwright;
using NativeStyle.Imaging;

namespace NativeStyle.Studio.Tests;

/// <summary>Tests the studio as a painter uses it: in a browser, from dropped pictures to downloaded results.</summary>
public sealed class PainterTests(StudioFixture fixture) : IClassFixture<StudioFixture>, IAsyncLifetime, IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly List<string> _wrong = [];
    private IBrowserContext? _context;

    private RunningStudio Studio => fixture.Studio;

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        if (_context is not null) await _context.DisposeAsync();
        // A job of a test that failed must not keep the next test's waiting.
        (_, JsonElement all) = await Studio.Get("/api/jobs");
        foreach (JsonElement job in all.GetProperty("jobs").EnumerateArray())
            await Studio.Ask(HttpMethod.Delete, $"/api/jobs/{job.GetProperty("id").GetString()}");
    }

    public void Dispose() => _folder.Dispose();

    [SkippableFact]
    public async Task DroppedPicturesBecomeTheBytesOfTheCommandLine()
    {
        IPage page = await Open();
        await Drop(page, "#content-zone", fixture.Content);
        await Expect(page, "#content-name").ToContainTextAsync("content.png");
        await page.Locator("#style-file").SetInputFilesAsync(fixture.Style);
        await Expect(page, "#styles li").ToHaveCountAsync(1);
        await Paint(page, 48, "12");
        await InState(page, "done");
        string png = await Download(page, "png");
        byte[] same = RunningStudio.CommandLineBytes(
            _folder, "transfer", fixture.Content, fixture.Style, "--size", "48", "--iterations", "12");
        Assert.Equal(same, await File.ReadAllBytesAsync(png));
        await Expect(page, "#details-facts").ToContainTextAsync("MB");
        await Expect(page, "#details-facts").Not.ToContainTextAsync("NaN");
        // The command that is offered is one that makes the same.
        string command = (await page.Locator("#command").TextContentAsync())!;
        Assert.StartsWith("nativestyle transfer content.png style.jpg -o OUT.png ", command, StringComparison.Ordinal);
        string[] options = command.Split(" -o OUT.png ")[1].Split(' ');
        Assert.Equal(0, CommandLine.Run(
            ["transfer", fixture.Content, fixture.Style, "-o", _folder.File("offered.png"), .. options]).ExitCode);
        Assert.Equal(same, await File.ReadAllBytesAsync(_folder.File("offered.png")));
        Assert.Equal("II*\0"u8.ToArray(), (await File.ReadAllBytesAsync(await Download(page, "tif")))[..4]);
        await NothingWrong(page);
    }

    [SkippableFact]
    public async Task StrengthChangesWhileItRuns()
    {
        IPage page = await Open();
        string id = await Start(page, "100000");
        await Studio.After(id, 5);
        await Slide(page, "#strength", "3");
        JsonElement job = await Studio.Until(id, each => each.GetProperty("changes").GetArrayLength() == 1);
        JsonElement change = job.GetProperty("changes")[0];
        Assert.Contains("style-weight", change.GetProperty("words").GetString(), StringComparison.Ordinal);
        int at = change.GetProperty("iteration").GetInt32();
        Assert.True(at > 5);
        // It goes on from there, and does not begin anew.
        job = await Studio.After(id, at);
        Assert.Equal("running", job.GetProperty("state").GetString());
        Assert.Equal(0, job.GetProperty("frames")[0].GetProperty("iteration").GetInt32() / (at + 1));
        await Expect(page, "#changes li").ToHaveCountAsync(1);
        await page.Locator("#stop").ClickAsync();
        await InState(page, "stopped");
        await Expect(page, "#command-none").ToBeVisibleAsync();
        await Expect(page, "#command-line").ToBeHiddenAsync();
        (int status, JsonElement recipe) = await Studio.Get($"/api/jobs/{id}/recipe");
        Assert.Equal(200, status);
        Assert.Contains("style-weight", recipe.ToString(), StringComparison.Ordinal);
        await NothingWrong(page);
    }

    [SkippableFact]
    public async Task APaintedMaskReachesTheJob()
    {
        IPage page = await Open();
        await Choose(page);
        await page.Locator("#mask-0").ClickAsync();
        await Expect(page, "#mask-dialog").ToBeVisibleAsync();
        LocatorBoundingBoxResult box = (await page.Locator("#mask-surface").BoundingBoxAsync())!;
        await Slide(page, "#mask-size", "40");
        await page.Mouse.MoveAsync(box.X + (box.Width * 0.2f), box.Y + (box.Height * 0.1f));
        await page.Mouse.DownAsync();
        await page.Mouse.MoveAsync(box.X + (box.Width * 0.2f), box.Y + (box.Height * 0.9f));
        await page.Mouse.UpAsync();
        await page.Locator("#mask-save").ClickAsync();
        await Expect(page, "#mask-0").ToHaveAttributeAsync("aria-pressed", "true");
        await Paint(page, 48, "6");
        await InState(page, "done");
        JsonElement job = await Studio.Job(Id(page));
        string mask = job.GetProperty("styles")[0].GetProperty("mask").GetProperty("id").GetString()!;
        string file = _folder.File("mask.png");
        File.Copy(Path.Combine(Studio.Data, "pictures", mask), file);
        Picture painted = PictureFile.Read(file);
        Assert.Equal((64, 48), (painted.Width, painted.Height));
        Assert.Equal(1, painted.Pixels[((24 * 64) + 12) * 3]);
        Assert.Equal(0, painted.Pixels[((24 * 64) + 52) * 3]);
        byte[] same = RunningStudio.CommandLineBytes(
            _folder, "transfer", fixture.Content, fixture.Style, "--mask", file, "--size", "48", "--iterations", "6");
        Assert.Equal(same, await File.ReadAllBytesAsync(await Download(page, "png")));
        await NothingWrong(page);
    }

    [SkippableFact]
    public async Task APausedRunOutlivesAReloadAndEndsWithTheSameBytes()
    {
        IPage page = await Open();
        string id = await Start(page, "200");
        await Studio.After(id, 5);
        await page.Locator("#pause").ClickAsync();
        await InState(page, "paused");
        int paused = (await Studio.Job(id)).GetProperty("iteration").GetInt32();
        Assert.InRange(paused, 6, 199);
        await page.ReloadAsync();
        await InState(page, "paused");
        Assert.Contains(
            paused.ToString(CultureInfo.InvariantCulture), await page.Locator("#run-facts").TextContentAsync(),
            StringComparison.Ordinal);
        await page.Locator("#continue").ClickAsync();
        await InState(page, "done");
        byte[] same = RunningStudio.CommandLineBytes(
            _folder, "transfer", fixture.Content, fixture.Style, "--size", "48", "--iterations", "200");
        Assert.Equal(same, await File.ReadAllBytesAsync(await Download(page, "png")));
        await NothingWrong(page);
    }

    [SkippableFact]
    public async Task TwoTabsSeeTheSameJob()
    {
        IPage first = await Open(), second = await Open();
        string id = await Start(first, "100000");
        // The job comes to the other tab by itself.
        await second.Locator("#shots button").First.ClickAsync();
        await InState(second, "running");
        Assert.Equal(id, Id(second));
        await second.Locator("#pause").ClickAsync();
        await InState(first, "paused");
        await first.Locator("#stop").ClickAsync();
        await InState(second, "stopped");
        await NothingWrong(first);
        await NothingWrong(second);
    }

    [SkippableFact]
    public async Task AnEarlierFrameIsGoneBackTo()
    {
        IPage page = await Open();
        string id = await Start(page, "100000");
        await Studio.Until(id, each => each.GetProperty("frames").GetArrayLength() > 4);
        await page.Locator("#pause").ClickAsync();
        await InState(page, "paused");
        JsonElement before = await Studio.Job(id);
        JsonElement frame = before.GetProperty("frames")[2];
        await Slide(page, "#scrubber", "2");
        await Expect(page, "#scrub-place").ToContainTextAsync(
            $"iteration {frame.GetProperty("iteration").GetInt32()},");
        await page.Locator("#back-to").ClickAsync();
        JsonElement after = await Studio.Until(id, each => each.GetProperty("changes").GetArrayLength() == 1);
        Assert.Equal(frame.GetProperty("iteration").GetInt32(), after.GetProperty("iteration").GetInt32());
        Assert.Equal(3, after.GetProperty("frames").GetArrayLength());
        await Expect(page, "#changes li").ToHaveCountAsync(1);
        await page.Locator("#continue").ClickAsync();
        await Studio.After(id, frame.GetProperty("iteration").GetInt32());
        await page.Locator("#stop").ClickAsync();
        await InState(page, "stopped");
        await NothingWrong(page);
    }

    [SkippableFact]
    public async Task AModelDrawsTheBytesOfTheCommandLine()
    {
        IPage page = await Open();
        await page.Locator("#content-file").SetInputFilesAsync(fixture.Content);
        await Expect(page, "#content-name").ToContainTextAsync("content.png");
        await page.Locator("input[name=kind][value=stylize]").CheckAsync(new() { Force = true });
        await page.Locator("#models button[data-id=mosaic]").ClickAsync();
        await page.Locator("#paint").ClickAsync();
        await InState(page, "done");
        byte[] same = RunningStudio.CommandLineBytes(_folder, "stylize", fixture.Content, "--model", "mosaic");
        Assert.Equal(same, await File.ReadAllBytesAsync(await Download(page, "png")));
        await NothingWrong(page);
    }

    [SkippableFact]
    public async Task AResultIsExplained()
    {
        IPage page = await Open();
        await Start(page, "6");
        await InState(page, "done");
        await page.Locator("#learn").ClickAsync();
        await page.Locator("#aim").ClickAsync(new() { Position = new() { X = 20, Y = 20 } });
        await Expect(page, "#learn-facts").ToContainTextAsync("conv3_1: row");
        Assert.InRange(await page.Locator("#learn-maps li img").CountAsync(), 1, 12);
        await page.Locator("#learn-close").ClickAsync();
        await page.Locator("#explain").ClickAsync();
        await page.Locator("#explanation").WaitForAsync();
        IPage explanation = await _context!.RunAndWaitForPageAsync(() => page.Locator("#explanation").ClickAsync());
        await explanation.Locator("#slider").WaitForAsync();
        // Its scripts run, but in an origin of their own: they cannot ask the studio anything.
        Assert.Equal("null", await explanation.EvaluateAsync<string>("() => self.origin"));
        await explanation.CloseAsync();
        await NothingWrong(page);
    }

    private static float Wait => (float)RunningStudio.Deadline.TotalMilliseconds;

    private static ILocatorAssertions Expect(IPage page, string selector) =>
        Assertions.Expect(page.Locator(selector));

    private static string Id(IPage page) => page.Url.Split("#job=")[1];

    private static Task InState(IPage page, string state) => Expect(page, "#run-state")
        .ToHaveAttributeAsync("data-state", state);

    private static Task<JsonElement?> Slide(IPage page, string slider, string value) =>
        page.Locator(slider).EvaluateAsync(
        "(slider, value) => { slider.value = value; slider.dispatchEvent(new Event('input', { bubbles: true })); }",
        value);

    private static async Task Drop(IPage page, string place, string file)
    {
        IJSHandle files = await page.EvaluateHandleAsync(
            """
            ([name, base64]) => {
              const data = new DataTransfer();
              data.items.add(new File([Uint8Array.from(atob(base64), each => each.charCodeAt(0))], name));
              return data;
            }
            """,
            new[] { Path.GetFileName(file), Convert.ToBase64String(await File.ReadAllBytesAsync(file)) });
        await page.DispatchEventAsync(place, "drop", new { dataTransfer = files });
    }

    /// <summary>Opens the studio in a tab. All tabs of a test are of one browser.</summary>
    private async Task<IPage> Open()
    {
        _context ??= await (await fixture.Browser()).Browser.NewContextAsync(
            new() { ViewportSize = new ViewportSize { Width = 1280, Height = 900 } });
        _context.SetDefaultTimeout(Wait);
        Assertions.SetDefaultExpectTimeout(Wait);
        IPage page = await _context.NewPageAsync();
        page.Console += (_, message) => { if (message.Type == "error") _wrong.Add(message.Text); };
        page.PageError += (_, error) => _wrong.Add(error);
        page.Request += (_, request) =>
        {
            bool isOwn = request.Url.StartsWith(Studio.Origin, StringComparison.Ordinal);
            if (!isOwn && !request.Url.StartsWith("data:", StringComparison.Ordinal)
                && !request.Url.StartsWith("blob:", StringComparison.Ordinal)) _wrong.Add(request.Url);
        };
        await page.GotoAsync(Studio.Address.AbsoluteUri);
        Assert.DoesNotContain("token", page.Url, StringComparison.Ordinal);
        await Expect(page, "#preset option").Not.ToHaveCountAsync(0);
        return page;
    }

    private async Task Choose(IPage page)
    {
        await page.Locator("#content-file").SetInputFilesAsync(fixture.Content);
        await page.Locator("#style-file").SetInputFilesAsync(fixture.Style);
        await Expect(page, "#styles li").ToHaveCountAsync(1);
        await Expect(page, "#content-name").ToContainTextAsync("content.png");
    }

    private static async Task Paint(IPage page, int size, string iterations)
    {
        await page.Locator("#size").FillAsync(size.ToString(CultureInfo.InvariantCulture));
        await page.Locator("#iterations").FillAsync(iterations);
        await page.Locator("#paint").ClickAsync();
        // The job is on the stage, or an error is there to read.
        await page.WaitForFunctionAsync(
            "() => location.hash || document.querySelector('.error:not([hidden])')?.textContent");
        Assert.Empty(await page.Locator(".error:not([hidden])").AllTextContentsAsync());
    }

    /// <summary>Starts a transfer of a few milliseconds an iteration, and returns its job's id.</summary>
    private async Task<string> Start(IPage page, string iterations)
    {
        await Choose(page);
        await Paint(page, 48, iterations);
        return Id(page);
    }

    private async Task<string> Download(IPage page, string format)
    {
        IDownload download = await page.RunAndWaitForDownloadAsync(
            () => page.Locator($"#downloads a[href$='format={format}']").ClickAsync());
        Assert.Matches($@"^content-\d+\.{format}$", download.SuggestedFilename);
        string file = _folder.File(download.SuggestedFilename);
        await download.SaveAsAsync(file);
        return file;
    }

    /// <summary>Nothing failed, came from elsewhere, or is broken, and nothing is wider than the page.</summary>
    private async Task NothingWrong(IPage page)
    {
        Assert.Empty(_wrong);
        // A tab behind another has a frame a second.
        await page.BringToFrontAsync();
        Assert.Equal(
            0,
            await page.EvaluateAsync<int>(
                "() => [...document.images].filter(i => i.checkVisibility() && i.complete && i.src " +
                "&& !i.naturalWidth).length"));
        foreach (int width in new[] { 1280, 768, 360 })
        {
            await page.SetViewportSizeAsync(width, 900);
            // What follows the page's width follows it in the next frame.
            Assert.Equal("", await page.EvaluateAsync<string>(
                """
                async () => {
                  for (let i = 0; i < 3; i++) await new Promise(requestAnimationFrame);
                  const { clientWidth, scrollWidth } = document.documentElement;
                  const wide = [...document.querySelectorAll('body *')].filter(
                    each => each.getBoundingClientRect().right > clientWidth + 0.5 && !each.closest('.shots'));
                  return scrollWidth <= clientWidth ? ''
                    : `at ${clientWidth}: `
                      + wide.map(each => `${each.localName}#${each.id}.${each.className}`).join(' ');
                }
                """));
        }
    }
}
