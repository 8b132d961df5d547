using NativeStyle.Imaging;

namespace NativeStyle.Cli.Tests;

/// <summary>Tests the commands that show what a network sees and that its gradients are right.</summary>
public sealed class StudyTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly string _content;

    public StudyTests() => (_content, _) = CommandLine.Pictures(_folder);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void FeaturesPrintTheTableAndSaveASheetALayer()
    {
        CommandLine.Outcome outcome = CommandLine.Run(
            "features", _content, "-o", _folder.File("seen"), "--layers", "relu1_1,conv2_1", "--size", "64",
            "--channels", "10", "--weights", "random");
        Assert.Equal(0, outcome.ExitCode);
        foreach (string words in new[] { "46 x 64 x 64", "23 x 32 x 128", "10 x 10", "conv1_1", "saved 2 sheets" })
            Assert.Contains(words, outcome.Output, StringComparison.Ordinal);
        Assert.Equal(
            ["conv1_1.png", "conv2_1.png"], Directory.GetFiles(_folder.File("seen")).Select(Path.GetFileName).Order());
        // The sheet has eight columns of 112 pixels with gaps of 8.
        Assert.Equal(8 + (8 * 120), PictureFile.Read(_folder.File("seen/conv1_1.png")).Width);
        CommandLine.AssertRefused(CommandLine.Run("features", _content, "-o", _content), "content.png is a file");
        CommandLine.AssertRefused(
            CommandLine.Run("features", _content, "-o", _folder.File("seen"), "--layers", "conv9_1"), "conv9_1",
            "conv1_1");
    }

    [Fact]
    public void MaximizeAndPatchesWriteTheirPictures()
    {
        CommandLine.Outcome one = CommandLine.Run(
            "maximize", "--layer", "conv1_2", "--channel", "3", "-o", _folder.File("one.png"), "--size", "24",
            "--iterations", "5", "--weights", "random");
        Assert.Equal((0, 24), (one.ExitCode, PictureFile.Read(_folder.File("one.png")).Width));
        Assert.Contains("conv1_2 channel 3: activation", one.Output, StringComparison.Ordinal);
        Assert.Equal(
            0,
            CommandLine.Run(
                "maximize", "--layer", "conv1_2", "--channel", "3,4", "-o", _folder.File("two.png"), "--size", "24",
                "--iterations", "3", "--weights", "random").ExitCode);
        Directory.CreateDirectory(_folder.File("photos"));
        File.Copy(_content, _folder.File("photos/a.png"));
        File.WriteAllText(_folder.File("photos/b.jpg"), "no picture");
        CommandLine.Outcome patches = CommandLine.Run(
            "patches", _folder.File("photos"), "--layer", "conv1_2", "--channel", "0,1,2", "-o", _folder.File("p.png"),
            "--weights", "random");
        Assert.Equal(0, patches.ExitCode);
        Assert.Contains("passed over: " + _folder.File("photos/b.jpg"), patches.Error, StringComparison.Ordinal);
        Assert.True(PictureFile.Read(_folder.File("p.png")).Width > 100);
        CommandLine.AssertRefused(
            CommandLine.Run(
                "patches", _folder.File("none"), "--layer", "conv1_2", "--channel", "0", "-o", _folder.File("p.png")),
            "none is no folder");
        CommandLine.AssertRefused(
            CommandLine.Run(
                "maximize", "--layer", "conv1_2", "--channel", "64", "--weights", "random", "-o",
                _folder.File("p.png")),
            "--channel 64", "63");
    }

    [Fact]
    public void GradcheckTakesOperatorsShapesSeedsAndWritesAPage()
    {
        string page = _folder.File("g.html");
        CommandLine.Outcome outcome = CommandLine.Run(
            "gradcheck", "--operator", "Gram,tv,L2Pool".Replace("tv", "Variation", StringComparison.Ordinal), "--shape",
            "5x6x7", "--seed", "4", "--seeds", "2", "--device", "cpu,cpu-kernels", "--verbose", "--sweep", "--html",
            page);
        Assert.True(outcome.ExitCode == 0, outcome.Error);
        // Gram, two L2Pools and four total variations on two devices, and Gram (tiled) on the device with groups, with
        // two seeds.
        Assert.Contains("30 checks passed, 0 failed, seeds 4 to 5", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("expected", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("best h", outcome.Output, StringComparison.Ordinal);
        string html = File.ReadAllText(page);
        foreach (string words in new[] { "<svg", "L2Pool", "5x6x7", "worst element", "viewport" })
            Assert.Contains(words, html, StringComparison.Ordinal);
        foreach (string outside in new[] { "<script src", "<link", "@import", "src=\"http" })
            Assert.DoesNotContain(outside, html, StringComparison.Ordinal);
        CommandLine.AssertRefused(CommandLine.Run("gradcheck", "--operator", "Softmax"), "Softmax", "Gram");
        CommandLine.AssertRefused(CommandLine.Run("gradcheck", "--shape", "5x6"), "5x6", "HxWxC");
    }
}
