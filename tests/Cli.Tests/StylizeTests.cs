using System.Globalization;
using NativeStyle.FeedForward;
using NativeStyle.Imaging;

namespace NativeStyle.Cli.Tests;

/// <summary>Tests 'stylize' on pictures and folders, and 'models'.</summary>
public sealed class StylizeTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly string _model;
    private readonly string _picture;

    public StylizeTests()
    {
        (_model, _picture) = (_folder.File("model.safetensors"), _folder.File("picture.png"));
        ModelFile.Write(
            _model, TransformerWeights.Random(new TransformerArchitecture(4, 8, 8, 1), 1),
            new Dictionary<string, string>());
        Write(_picture, 60, 90);
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void APictureIsDrawnAndTellsHow()
    {
        string output = _folder.File("out.png");
        Succeed(_picture, "-o", output, "--size", "45", "--strength", "0.5", "--colors", "luminance");
        Picture drawing = PictureFile.Read(output);
        Assert.Equal((30, 45), (drawing.Height, drawing.Width));
        CommandLine.Outcome shown = CommandLine.Run("show", output);
        Assert.Contains(
            "nativestyle stylize picture.png -o OUT.png --model model.safetensors --strength 0.5 --colors luminance " +
            "--size 45", shown.Output, StringComparison.Ordinal);
        Assert.Contains(ModelFile.Read(_model).Weights.Digest()[..12], shown.Output, StringComparison.Ordinal);
        Assert.DoesNotContain(_folder.Path, CommandLine.Run("show", output, "--json").Output, StringComparison.Ordinal);
        CommandLine.AssertRefused(CommandLine.Run("show", output, "--preset"), "no preset");
        // The same run gives the same bytes, and another strength does not.
        string again = _folder.File("again.png");
        Succeed(_picture, "-o", again, "--size", "45", "--strength", "0.5", "--colors", "luminance");
        Assert.Equal(File.ReadAllBytes(output), File.ReadAllBytes(again));
        Succeed(_picture, "-o", again, "--size", "45", "--colors", "luminance");
        Assert.NotEqual(drawing.Pixels, PictureFile.Read(again).Pixels);
    }

    /// <summary>
    /// A picture in tiles tells the limit and the threads, and the command gives the same bytes in the folder of the
    /// picture. With --no-recipe it tells nothing.
    /// </summary>
    [Fact]
    public void APictureInTilesTellsHowToMakeItAgain()
    {
        string output = _folder.File("out.png"), again = _folder.File("again.png");
        Write(_folder.File("large.png"), 500, 600);
        Succeed(
            _folder.File("large.png"), "-o", output, "--memory", "104M", "--threads", "3", "--depth", "16", "--quiet");
        string shown = CommandLine.RunIn(_folder.Path, "show", output).Output;
        Assert.Contains("memory   at most 104 MiB with 3 threads: in tiles of", shown, StringComparison.Ordinal);
        string command = shown.Trim().Split('\n')[^1];
        string[] words = [.. command.Split(' ').Skip(1).Select(word => word == "OUT.png" ? again : word)];
        Assert.Equal(0, CommandLine.RunIn(_folder.Path, words).ExitCode);
        Assert.Equal(File.ReadAllBytes(output), File.ReadAllBytes(again));
        Succeed(_picture, "-o", output, "--no-recipe");
        CommandLine.AssertRefused(CommandLine.Run("show", output), "does not tell");
    }

    [Fact]
    public void StrengthZeroGivesThePictureBack()
    {
        string output = _folder.File("out.png");
        Succeed(_picture, "-o", output, "--strength", "0");
        Assert.Equal(PictureFile.Read(_picture).Pixels, PictureFile.Read(output).Pixels);
    }

    /// <summary>
    /// Tests a limit that needs tiles on disk: the drawing is that of the whole, and the limit holds.
    /// </summary>
    [SkippableFact]
    public void ALimitLeadsToTilesWithTheSameDrawing()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "peaks are compared as Linux counts them");
        string large = _folder.File("large.png"), whole = _folder.File("whole.npy"), tiled = _folder.File("tiled.npy");
        Write(large, 900, 1100);
        Assert.DoesNotContain("tiles", Succeed(large, "-o", whole), StringComparison.Ordinal);
        // The peak is the process's.
        CommandLine.Outcome limited = CommandLine.RunProcessWith(
            CommandLine.AsUsersDo, Words(large, "-o", tiled, "--memory", "136M"));
        Assert.True(limited.ExitCode == 0, limited.Error);
        string lines = limited.Output;
        Assert.Contains("in tiles of", lines, StringComparison.Ordinal);
        Assert.Contains("scratch files", lines, StringComparison.Ordinal);
        float worst = CommandLine.Values(whole).Zip(CommandLine.Values(tiled), (x, y) => Math.Abs(x - y)).Max();
        Assert.True(255 * worst < 5e-3, $"differs by {255 * worst} levels");
        string peak = lines.Split("peak memory ")[1].Split(' ')[0];
        Assert.InRange(double.Parse(peak, CultureInfo.InvariantCulture), 90, 150);
        CommandLine.AssertRefused(
            Run(large, "-o", tiled, "--memory", "90M"), "1100 x 900 pixels need about", "90 MiB", "--size");
    }

    [Fact]
    public void AFolderIsDrawnPastFailuresAndWithoutWhatIsDone()
    {
        string photos = Directory.CreateDirectory(_folder.File("photos")).FullName, output = _folder.File("art");
        foreach (string name in new[] { "a.png", "b.jpg", "c.png" }) Write(Path.Combine(photos, name), 20, 30);
        File.WriteAllText(Path.Combine(photos, "broken.jpg"), "no picture");
        File.WriteAllText(Path.Combine(photos, "notes.txt"), "no picture either");
        CommandLine.Outcome first = Run(photos, "-o", output, "--shard", "1/2");
        Assert.Equal(0, first.ExitCode);
        Assert.Equal(["a.png", "broken.png"], Listed("0/2"));
        Assert.Equal(["b.png", "c.png"], Listed("1/2"));
        CommandLine.Outcome all = Run(photos, "-o", output);
        Assert.Equal(1, all.ExitCode);
        Assert.Contains("broken.jpg is no picture that can be read", all.Error, StringComparison.Ordinal);
        Assert.Contains("1 painted, 2 were there already, 1 failed", all.Output, StringComparison.Ordinal);
        Assert.Equal(
            ["a.png", "b.png", "broken.png.failed.txt", "c.png"],
            Directory.GetFiles(output).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        // One picture alone has the same pixels.
        string alone = _folder.File("alone.png");
        Succeed(Path.Combine(photos, "c.png"), "-o", alone);
        Assert.Equal(File.ReadAllBytes(alone), File.ReadAllBytes(Path.Combine(output, "c.png")));
        File.Delete(Path.Combine(photos, "broken.jpg"));
        Assert.Contains(
            "3 painted", Succeed(photos, "-o", output, "--again", "--format", "jpg"), StringComparison.Ordinal);
        CommandLine.AssertRefused(Run(photos, "-o", photos), "is the input");
        CommandLine.AssertRefused(Run(_picture, "-o", alone, "--again"), "--again is for folders");

        string[] Listed(string shard) =>
        [
            .. Run(photos, "-o", output, "--shard", shard, "--list").Output.Split('\n')
                .Where(line => line.Contains(".png", StringComparison.Ordinal))
                .Select(line => Path.GetFileName(line.Split("  ")[0].Trim())!),
        ];
    }

    [Fact]
    public void WhatIsNoModelIsRefused()
    {
        string output = _folder.File("out.png");
        File.WriteAllText(_folder.File("text.pth"), "no model");
        CommandLine.AssertRefused(With("nothing"), "no model is called 'nothing'", ".safetensors or .pth");
        CommandLine.AssertRefused(With("none.pth"), "none.pth does not exist");
        CommandLine.AssertRefused(With(_folder.File("text.pth")), "text.pth", "expected a style model");
        CommandLine.AssertRefused(
            With(Path.Combine(AppContext.BaseDirectory, "weights-fixtures", "torchvision_zip.pth")),
            "torchvision_zip.pth", "VGG's weights");
        CommandLine.AssertRefused(CommandLine.Run("stylize", _picture, "-o", output), "--model");
        CommandLine.AssertRefused(Run(_picture, "-o", _model), "model.safetensors", "'.safetensors'");
        CommandLine.AssertRefused(Run(_picture, "-o", output, "--strength", "2"), "--strength 2", "0 to 1");
        CommandLine.AssertRefused(
            Run(_picture, "-o", output, "--colors", "match-content"), "--colors match-content",
            "style, luminance, covariance, histogram");
        Write(_folder.File("thin.png"), 3, 40);
        CommandLine.AssertRefused(Run(_folder.File("thin.png"), "-o", output), "40 x 3", "at least 5");
        Assert.False(File.Exists(output));

        CommandLine.Outcome With(string model) => CommandLine.Run("stylize", _picture, "-o", output, "--model", model);
    }

    [Theory]
    [InlineData("stylize", "--strength X", "film.mp4")]
    [InlineData("models", "--sheet FILE", "styles.png")]
    public void HelpNamesOptionsAndExamples(string command, string option, string example)
    {
        CommandLine.Outcome help = CommandLine.Run(command, "--help");
        Assert.Equal((0, ""), (help.ExitCode, help.Error));
        Assert.Contains(option, help.Output, StringComparison.Ordinal);
        Assert.Contains(example, help.Output, StringComparison.Ordinal);
        Assert.All(help.Output.Split('\n'), line => Assert.True(line.Length <= 120, line));
    }

    /// <summary>Tests the list and the sheet, or the refusal of a program that was built without models.</summary>
    [Fact]
    public void ModelsAreListedAndDrawn()
    {
        string sheet = _folder.File("sheet.png");
        CommandLine.AssertRefused(CommandLine.Run("models", _picture), "--sheet");
        CommandLine.Outcome outcome = CommandLine.Run("models", "--sheet", sheet, "--size", "48", "--device", "cpu");
        if (Models.Names.Count == 0)
        {
            CommandLine.AssertRefused(outcome, "without models");
            return;
        }

        Assert.True(outcome.ExitCode == 0, outcome.Error);
        Assert.All(Models.Names, name => Assert.Contains($" {name} ", outcome.Output, StringComparison.Ordinal));
        Assert.True(PictureFile.Read(sheet).Width >= 48);
    }

    private static void Write(string path, int height, int width)
    {
        var picture = new Picture(height, width);
        for (int i = 0; i < picture.Pixels.Length; i++) picture.Pixels[i] = 0.5f + (0.5f * MathF.Sin(i * 0.037f));
        PictureFile.Write(path, picture);
    }

    private string[] Words(params string[] arguments) =>
        ["stylize", "--model", _model, "--device", "cpu", .. arguments];

    private CommandLine.Outcome Run(params string[] arguments) => CommandLine.Run(Words(arguments));

    private string Succeed(params string[] arguments)
    {
        CommandLine.Outcome outcome = Run(arguments);
        Assert.True(outcome.ExitCode == 0, outcome.Error);
        return outcome.Output;
    }
}
