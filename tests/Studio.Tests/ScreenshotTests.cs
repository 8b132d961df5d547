using System.Text.Json;
using Microsoft.Playwright;

namespace NativeStyle.Studio.Tests;

/// <summary>
/// Makes the pictures of docs/studio.md from the samples. The variable NATIVESTYLE_SCREENSHOTS names the folder for
/// them; without it, the test is skipped.
/// </summary>
public sealed class ScreenshotTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [SkippableFact]
    public async Task ThePagesOfTheManual()
    {
        string? target = Environment.GetEnvironmentVariable("NATIVESTYLE_SCREENSHOTS");
        Skip.If(string.IsNullOrEmpty(target), "NATIVESTYLE_SCREENSHOTS is not set");
        await using Chromium chromium = await Chromium.Start();
        using var studio = new RunningStudio(_folder.File("data"));
        (int status, JsonElement job) = await studio.Post(
            "/api/jobs",
            """
            {"kind":"transfer","content":"sample-town","styles":[{"picture":"sample-waves"}],
             "settings":{"size":"256","iterations":"150"}}
            """);
        Assert.Equal(201, status);
        string id = job.GetProperty("id").GetString()!;
        await studio.After(id, 60);
        foreach ((string name, int width, int height, ColorScheme colors) in new[]
        {
            ("studio-running", 1280, 860, ColorScheme.Light), ("studio-done", 1280, 860, ColorScheme.Dark),
            ("studio-phone", 360, 780, ColorScheme.Light),
        })
        {
            if (name != "studio-running") await studio.Until(id, "done");
            IPage page = await chromium.Browser.NewPageAsync(new()
            {
                ViewportSize = new() { Width = width, Height = height }, ColorScheme = colors,
            });
            await page.GotoAsync(studio.Address.AbsoluteUri);
            await page.Locator("#shots button").First.ClickAsync();
            await Assertions.Expect(page.Locator("#picture img").First).ToBeVisibleAsync();
            await page.WaitForTimeoutAsync(1000);
            await page.ScreenshotAsync(new()
            {
                Path = Path.Combine(target!, name + ".jpg"), Type = ScreenshotType.Jpeg, Quality = 80,
            });
            await page.CloseAsync();
        }
    }
}
