using System.Text.Json;
using System.Text.RegularExpressions;
using NativeStyle.Imaging;

namespace NativeStyle.Cli.Tests;

/// <summary>Tests the files of transfers (recipes in pictures, checkpoints, plots, timelapses) and presets.</summary>
public sealed class JobTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly string _content;
    private readonly string _style;

    public JobTests() => (_content, _style) = CommandLine.Pictures(_folder);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void ACheckpointIsRefusedWhenThePicturesAreOthersOrMoreIsAsked()
    {
        string checkpoint = _folder.File("run.ckpt"), output = _folder.File("out.png");
        Succeed(
            [.. Shallow, "-o", output, "--size", "40", "--iterations", "4", "--checkpoint", checkpoint,
             "--checkpoint-every", "2"]);
        CommandLine.AssertRefused(
            CommandLine.Run("transfer", "--resume", checkpoint, "-o", output, "--size", "50"), "--size", "leave");
        CommandLine.AssertRefused(
            CommandLine.Run("transfer", _content, _style, "--resume", checkpoint, "-o", output), "content.png",
            "leave");
        CommandLine.AssertRefused(
            CommandLine.Run("transfer", "--resume", _folder.File("none.ckpt"), "-o", output),
            "none.ckpt does not exist");
        CommandLine.AssertRefused(
            CommandLine.Run("transfer", "--resume", _content, "-o", output), "content.png is no checkpoint");
        PictureFile.Write(_content, new Picture(40, 56));
        CommandLine.AssertRefused(
            CommandLine.Run("transfer", "--resume", checkpoint, "-o", output),
            "content.png is not what the checkpoint was made with");
        File.Delete(_content);
        CommandLine.AssertRefused(
            CommandLine.Run("transfer", "--resume", checkpoint, "-o", output), "content.png does not exist");
        byte[] bytes = File.ReadAllBytes(checkpoint);
        bytes[^100] ^= 1;
        File.WriteAllBytes(checkpoint, bytes);
        CommandLine.AssertRefused(
            CommandLine.Run("transfer", "--resume", checkpoint, "-o", output), "run.ckpt is damaged", "checksum");
    }

    public static TheoryData<string> Jobs() =>
    [
        "transfer {content} {style} --content-layers relu2_1 --style-layers conv1_1:0.5,conv2_1:0.5 --iterations 5",
        "transfer {content} {style} {content} --style-weights 3,1 --preset crowsonkb --style-layers conv1_1 " +
        "--content-layers conv1_2 --size 40 --iterations 3 --seed 7 --init uniform",
        "transfer {content} {style} --preset gatys --content-layers conv2_1 --style-layers conv1_1 --size 30 " +
        "--iterations 4 --pooling l2 --colors luminance --depth 16",
        "transfer {content} {style} --mask {mask} --style-mask {mask} --preset coursera --content-layers conv2_1 " +
        "--style-layers conv1_1 --size 40 --iterations 3",
        "texture {style} --size 40x24 --style-layers conv1_1,conv1_2 --iterations 4,3",
        "reconstruct {content} --layer conv1_1:0.5,relu1_2 --size 32 --iterations 5",
    ];

    /// <summary>The command that 'show' prints makes the same bytes again.</summary>
    [Theory]
    [MemberData(nameof(Jobs))]
    public void APictureTellsHowToMakeItAgain(string job)
    {
        var mask = new Picture(20, 20);
        for (int i = 0; i < mask.Pixels.Length / 2; i++) mask.Pixels[i] = 1;
        PictureFile.Write(_folder.File("mask.png"), mask);
        string first = _folder.File("first.png"), second = _folder.File("second.png");
        IEnumerable<string> words = job.Split(' ').Select(word => word
            .Replace("{content}", _content, StringComparison.Ordinal)
            .Replace("{style}", _style, StringComparison.Ordinal)
            .Replace("{mask}", _folder.File("mask.png"), StringComparison.Ordinal));
        Succeed([.. words, "-o", first, "--weights", "random"]);
        CommandLine.Outcome shown = CommandLine.Run("show", first);
        Assert.Equal(0, shown.ExitCode);
        string command = shown.Output.Trim().Split('\n')[^1].Trim();
        Assert.StartsWith("nativestyle ", command, StringComparison.Ordinal);
        Succeed([.. command.Split(' ').Skip(1).Select(word => word == "OUT.png" ? second : word)]);
        Assert.Equal(File.ReadAllBytes(first), File.ReadAllBytes(second));
        JsonElement recipe = JsonDocument.Parse(CommandLine.Run("show", first, "--json").Output).RootElement;
        Assert.Equal("completed", recipe.GetProperty("end").GetString());
        Assert.True(recipe.GetProperty("losses").GetArrayLength() > 1);
        // 'show --preset' prints a preset that can be read.
        File.WriteAllText(_folder.File("p.json"), CommandLine.Run("show", first, "--preset").Output);
        Assert.Equal(0, CommandLine.Run("presets", "show", _folder.File("p.json")).ExitCode);
    }

    [Fact]
    public void APictureThatTellsNothingIsSaidToTellNothing()
    {
        CommandLine.AssertRefused(CommandLine.Run("show", _content), "content.png does not tell");
        CommandLine.AssertRefused(CommandLine.Run("show", _style), "style.jpg is no PNG");
        Dictionary<string, string> text = new() { ["nativestyle"] = "{\"job\": 5}" };
        PictureFile.Write(_folder.File("odd.png"), new Picture(2, 2), new PictureWriteOptions(Text: text));
        CommandLine.AssertRefused(CommandLine.Run("show", _folder.File("odd.png")), "odd.png", "does not understand");
    }

    [Fact]
    public void PlotsTimelapsesAndTiffsAreWritten()
    {
        string plot = _folder.File("loss.svg"), timelapse = _folder.File("lapse.png"), output = _folder.File("out.tif");
        Succeed(
            [.. Shallow, "-o", output, "--plot", plot, "--timelapse", timelapse, "--timelapse-every", "3", "--size",
             "48", "--iterations", "6,5", "--coarsest-size", "30"]);
        System.Xml.Linq.XDocument svg = System.Xml.Linq.XDocument.Load(plot);
        Assert.Equal("svg", svg.Root!.Name.LocalName);
        Assert.Equal(4, svg.Descendants().Count(element => element.Name.LocalName == "polyline"));
        // The plot names both scales.
        Assert.Contains("48 x 34", svg.Root.Value, StringComparison.Ordinal);
        Assert.Equal((34, 48), PictureFile.Read(timelapse) is var frame ? (frame.Height, frame.Width) : default);
        // The scales have 6 and 5 iterations, so the frames are iterations 1, 3, 6, 9 and the result.
        Assert.Equal(5, Regex.Count(System.Text.Encoding.Latin1.GetString(File.ReadAllBytes(timelapse)), "fcTL"));
        Assert.Equal("II"u8.ToArray(), File.ReadAllBytes(output)[..2]);
    }

    [Fact]
    public void PresetsAreListedShownAndLoadedFromFiles()
    {
        string list = CommandLine.Run("presets").Output;
        foreach (string name in new[]
        {
            "coursera", "light-on-math", "cost-function", "notebook", "ryanchankh", "gatys", "neural-style",
            "anishathalye", "crowsonkb",
        })
        {
            Assert.Contains(name, list, StringComparison.Ordinal);
            JsonElement preset = JsonDocument.Parse(CommandLine.Run("presets", "show", name).Output).RootElement;
            Assert.Equal(name, preset.GetProperty("name").GetString());
        }

        File.WriteAllText(_folder.File("mine.json"), """
            {
              "base": "coursera", "name": "mine", "size": 30, "iterations": [3],
              "styleLayers": [{"layer": "conv1_1", "weight": 1}], "contentLayers": [{"layer": "conv1_2", "weight": 1}]
            }
            """);
        CommandLine.Outcome outcome = CommandLine.Run(
            "transfer", _content, _style, "-o", _folder.File("o.png"), "--preset", _folder.File("mine.json"), "--size",
            "36");
        Assert.Equal(0, outcome.ExitCode);
        Assert.Contains("preset mine", outcome.Output, StringComparison.Ordinal);
        Assert.Equal(36, PictureFile.Read(_folder.File("o.png")).Width);
        File.WriteAllText(_folder.File("bad.json"), """{"base": "coursera", "sise": 30}""");
        CommandLine.AssertRefused(
            CommandLine.Run(
                "transfer", _content, _style, "-o", _folder.File("o.png"), "--preset", _folder.File("bad.json")),
            "bad.json", "sise");
        CommandLine.AssertRefused(CommandLine.Run("presets", "show", "monet"), "monet", "gatys");
    }

    /// <summary>The command line takes every setting, and the picture tells it in the same words.</summary>
    [Fact]
    public void EverySettingOfAPresetCanBeGivenOnTheCommandLine()
    {
        string help = CommandLine.Run("transfer", "--help-all").Output;
        foreach (string options in new[]
        {
            "--optimizer lbfgs --history 5 --step-rule fixed --clamp true --average-decay 0.5 --style-loss " +
            "wasserstein --style-blend losses --pooling l2 --pool-rescale true --init grey --colors histogram " +
            "--show-layers false",
            "--beta1 0.8 --beta2 0.95 --epsilon 0.001 --content-loss-scale half-sum --style-loss-scale " +
            "relative-to-target --gram-scale per-element --init white --colors covariance --style-layer-factor 2 " +
            "--print-every 1",
            "--tv-weight 2 --tv-kind nine-point --tv-scale half-sum --normalize-gradients true --pool-edge floor " +
            "--input-padding replicate --input half-unit --init style --colors match-content --style-size 30",
            "--pixel-range 2 --style-sizing content-width --style-scale 0.5 --crop square --init style-normal " +
            "--init-noise 3 --learning-rate 0.01 --seed 9 --coarsest-size 16",
            "--init mean-normal --pooling max --init-noise-share 0.2 --content-weight 3 --style-weight 7 --colors " +
            "luminance",
        })
        {
            string[] words = options.Split(' ');
            CommandLine.Outcome outcome = CommandLine.Run(
                ["transfer", _content, _style, "-o", _folder.File("o.png"), "--preset", "coursera", "--size", "24",
                 "--iterations", "2", "--style-layers", "conv1_1,conv1_2", "--content-layers", "conv2_1", .. words]);
            Assert.True(outcome.ExitCode == 0, $"{options}: {outcome.Error}");
            string shown = CommandLine.Run("show", _folder.File("o.png")).Output;
            for (int i = 0; i < words.Length; i += 2)
            {
                Assert.Contains(words[i] + " ", help, StringComparison.Ordinal);
                Assert.Contains($"{words[i]} {words[i + 1]}", shown, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public void Figure1IsOneLabelledPicture()
    {
        string output = _folder.File("figure.png");
        Succeed(
            "figure1", _content, _style, "-o", output, "--layers", "relu1_1,relu2_1", "--size", "48", "--iterations",
            "4");
        Picture figure = PictureFile.Read(output);
        // The figure has two rows of three pictures of 48 x 34, with labels and a title.
        Assert.Equal(8 + (3 * (48 + 8)), figure.Width);
        Assert.Equal(30 + 8 + (2 * (10 + 34 + 8)), figure.Height);
    }

    private string[] Shallow =>
        ["transfer", _content, _style, "--content-layers", "relu2_1", "--style-layers", "conv1_1:0.5,conv2_1:0.5",
         "--weights", "random"];

    private static void Succeed(params string[] arguments)
    {
        CommandLine.Outcome outcome = CommandLine.Run(arguments);
        Assert.True(outcome.ExitCode == 0, $"{string.Join(' ', arguments)}\n{outcome.Error}");
    }
}
