using Microsoft.Playwright;

namespace NativeStyle.Cli.Tests;

/// <summary>Tests the pages as a reader sees them. Playwright drives a Chromium without a window.</summary>
public sealed class PageTests : IDisposable
{
    private static readonly string[] s_schemes = ["file:", "data:"];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [SkippableFact]
    public async Task AnExplanationOpensFromDiskShowsItsFramesAndFitsAPhone()
    {
        (string content, string style) = CommandLine.Pictures(_folder);
        string file = _folder.File("explained.html");
        CommandLine.Outcome outcome = CommandLine.Run(
            "explain", content, style, "--html", file, "--size", "48", "--iterations", "6,6", "--coarsest-size", "30",
            "--snapshots", "4", "--pixel", "3,4", "--weights", "random",
            "--content-layers", "conv2_1", "--style-layers", "conv1_1,conv2_1", "-o", _folder.File("out.png"));
        Assert.True(outcome.ExitCode == 0, outcome.Error);
        await InBrowser(file, async page =>
        {
            // The slider has the start and four pictures, and changes the picture on the stage.
            Assert.Equal("4", await page.Locator("#slider").GetAttributeAsync("max"));
            Assert.StartsWith(
                "iteration 12", await page.Locator("#label").TextContentAsync(), StringComparison.Ordinal);
            string? last = await page.Locator("#stage").GetAttributeAsync("src");
            await page.EvaluateAsync(
                "() => { const s = document.getElementById('slider'); s.value = 0; " +
                "s.dispatchEvent(new Event('input')); }");
            Assert.Equal("the start", await page.Locator("#label").TextContentAsync());
            Assert.NotEqual(last, await page.Locator("#stage").GetAttributeAsync("src"));
            // The page has plots of losses and of layers, five heat maps for each style layer, a gradient for each
            // term, and the tape.
            Assert.Equal(3, await page.Locator("svg").CountAsync());
            Assert.Equal(10, await page.Locator(".gram img").CountAsync());
            Assert.Equal(4, await page.Locator(".gradient img").CountAsync());
            Assert.Equal(
                3,
                await page.Locator(".tape rect").EvaluateAllAsync<int>(
                    "all => all.filter(r => r.nextElementSibling.textContent.startsWith('Conv3x3')).length"));
            Assert.Contains("Row 4, column 3", await page.Locator("body").TextContentAsync(), StringComparison.Ordinal);
            Assert.Contains(
                "Is the gradient right?", await page.Locator("body").TextContentAsync(), StringComparison.Ordinal);
        });
    }

    [SkippableFact]
    public async Task TheGradientCheckOpensFromDisk()
    {
        string file = _folder.File("gradients.html");
        Assert.Equal(
            0, CommandLine.Run("gradcheck", "--operator", "L2Pool,Gram", "--device", "cpu", "--html", file).ExitCode);
        await InBrowser(file, async page =>
        {
            // Each operator has one entry. The tiled Gram matrix runs only on devices with groups.
            Assert.Equal(2, await page.Locator("details").CountAsync());
            await page.Locator("summary").First.ClickAsync();
            Assert.True(await page.Locator("details[open] table").IsVisibleAsync());
            Assert.Equal(2, await page.Locator("polyline").CountAsync());
        });
    }

    /// <summary>
    /// Opens a page at the widths of a desktop and a phone, and prints it. It fetches nothing, has no errors and no
    /// broken pictures, and nothing is wider than the page.
    /// </summary>
    private static async Task InBrowser(string file, Func<IPage, Task> look)
    {
        await using Chromium chromium = await Chromium.Start();
        foreach ((int width, int height) in new[] { (1000, 800), (360, 640) })
        {
            IPage page = await chromium.Browser.NewPageAsync(
                new BrowserNewPageOptions { ViewportSize = new ViewportSize { Width = width, Height = height } });
            List<string> wrong = [];
            page.Console += (_, message) => { if (message.Type == "error") wrong.Add(message.Text); };
            page.PageError += (_, error) => wrong.Add(error);
            page.Request += (_, request) =>
            {
                if (!s_schemes.Any(scheme => request.Url.StartsWith(scheme, StringComparison.Ordinal)))
                    wrong.Add(request.Url);
            };
            await page.GotoAsync(new Uri(file).AbsoluteUri);
            await look(page);
            Assert.Equal(
                0,
                await page.EvaluateAsync<int>(
                    "() => [...document.images].filter(i => !i.complete || i.naturalWidth === 0).length"));
            Assert.True(
                await page.EvaluateAsync<bool>(
                    "() => document.documentElement.scrollWidth <= document.documentElement.clientWidth"),
                $"the page is wider than {width} pixels");
            Assert.Empty(wrong);
            Assert.True((await page.PdfAsync()).Length > 10_000);
            await page.CloseAsync();
        }
    }
}
