using Microsoft.Playwright;

namespace NativeStyle.Tests;

/// <summary>A Chromium without a window, driven by Playwright.</summary>
internal sealed class Chromium : IAsyncDisposable
{
    private static readonly string[] s_paths =
        ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

    private readonly IPlaywright _playwright;

    private Chromium(IPlaywright playwright, IBrowser browser) => (_playwright, Browser) = (playwright, browser);

    public IBrowser Browser { get; }

    /// <summary>Starts the browser, or skips the running test if there is none.</summary>
    public static async Task<Chromium> Start()
    {
        string? path = s_paths.FirstOrDefault(File.Exists);
        if (Environment.GetEnvironmentVariable("NATIVESTYLE_REQUIRE_BROWSER") == "1") Assert.NotNull(path);
        Skip.If(path is null, "there is no Chromium at " + string.Join(", ", s_paths));
        IPlaywright playwright = await Playwright.CreateAsync();
        return new Chromium(playwright, await playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions
        {
            ExecutablePath = path,
            Args =
            [
                "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
                "--disable-component-update", "--disable-sync",
            ],
        }));
    }

    public async ValueTask DisposeAsync()
    {
        await Browser.DisposeAsync();
        _playwright.Dispose();
    }
}
