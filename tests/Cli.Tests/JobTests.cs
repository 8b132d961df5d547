using System.Text.Json;
using System.Text.RegularExpressions;
using NativeStyle.Imaging;

namespace NativeStyle.Cli.Tests;

/// <summary>Tests the files of transfers (recipes in pictures, checkpoints, plots, timelapses) and presets.</summary>
public sealed class JobTests : IDisposable
{
    /// <summary>Addresses that leave the program half a GiB by its own count.</summary>
    private const int TightKibibytes = 2_600_000;

    private readonly TemporaryFolder _folder = new();
    private readonly string _content;
    private readonly string _style;

    public JobTests() => (_content, _style) = CommandLine.Pictures(_folder);

    public void Dispose() => _folder.Dispose();

    /// <summary>
    /// A run goes on without its checkpoint, tries again when the next one is due, and says at the end that there is
    /// none.
    /// </summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void ARunGoesOnWithoutItsCheckpoint(bool comesBack)
    {
        string output = _folder.File("out.png"), gone = _folder.File("gone");
        Directory.CreateDirectory(gone);
        CommandLine.Outcome outcome = CommandLine.RunProcess(
            (process, line) =>
            {
                if (line.StartsWith("1/", StringComparison.Ordinal)) Directory.Delete(gone, recursive: true);
                if (line.StartsWith("40/", StringComparison.Ordinal) && comesBack) Directory.CreateDirectory(gone);
            },
            [.. Shallow, "-o", output, "--size", "40", "--iterations", "400", "--print-every", "1", "--checkpoint",
             Path.Combine(gone, "run.ckpt"), "--checkpoint-every", "10"]);
        Assert.Equal(0, outcome.ExitCode);
        Assert.Equal(40, PictureFile.Read(output).Width);
        Assert.Contains("run.ckpt cannot be written", outcome.Error, StringComparison.Ordinal);
        Assert.Contains("the run goes on", outcome.Error, StringComparison.Ordinal);
        Assert.Contains(
            comesBack ? "run.ckpt could be written again" : "there is no checkpoint", outcome.Error,
            StringComparison.Ordinal);
        Assert.Equal(comesBack, File.Exists(Path.Combine(gone, "run.ckpt")));
    }

    /// <summary>A result whose folder is gone at the end is kept elsewhere.</summary>
    [Fact]
    public void AResultThatCannotBeWrittenIsKeptElsewhere()
    {
        string folder = _folder.File("gone"), temporary = _folder.File("tmp"), whole = _folder.File("whole.png");
        Directory.CreateDirectory(folder);
        Directory.CreateDirectory(temporary);
        string[] job = [.. Shallow, "--size", "40", "--iterations", "60", "--print-every", "1"];
        Succeed([.. job, "-o", whole]);
        CommandLine.Outcome outcome = CommandLine.RunProcessWith(
            $"{(OperatingSystem.IsWindows() ? "TMP" : "TMPDIR")}={temporary}",
            (_, line) =>
            {
                if (line.StartsWith("1/", StringComparison.Ordinal)) Directory.Delete(folder, recursive: true);
            },
            [.. job, "-o", Path.Combine(folder, "out.png")]);
        CommandLine.AssertRefused(outcome, "out.png cannot be written", "kept as", "move it");
        string kept = Assert.Single(Directory.GetFiles(temporary, "*.png"));
        Assert.Contains(kept, outcome.Error, StringComparison.Ordinal);
        Assert.Equal(File.ReadAllBytes(whole), File.ReadAllBytes(kept));
    }

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

    /// <summary>The command that 'show' prints makes the same bytes again, in the folder of the pictures.</summary>
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
        MakeAgain(first, second);
        Assert.Equal(File.ReadAllBytes(first), File.ReadAllBytes(second));
        JsonElement recipe = JsonDocument.Parse(CommandLine.Run("show", first, "--json").Output).RootElement;
        Assert.Equal("completed", recipe.GetProperty("end").GetString());
        Assert.True(recipe.GetProperty("losses").GetArrayLength() > 1);
        // 'show --preset' prints a preset that can be read.
        File.WriteAllText(_folder.File("p.json"), CommandLine.Run("show", first, "--preset").Output);
        Assert.Equal(0, CommandLine.Run("presets", "show", _folder.File("p.json")).ExitCode);
    }

    /// <summary>
    /// Without --memory, what fits goes whole, and gives the same bytes with and without a limit of addresses. A
    /// checkpoint of it goes on whole where less is free.
    /// </summary>
    [SkippableFact]
    public void WhatFitsGivesTheSameBytesWhateverIsFree()
    {
        // By its own count, this leaves two threads a quarter of a GiB.
        const int Tight = 2_000_000;
        Skip.IfNot(OperatingSystem.IsLinux(), "limited by ulimit -v");
        string tight = _folder.File("tight.png"), wide = _folder.File("wide.png"), resumed = _folder.File("go.png"),
            checkpoint = _folder.File("run.ckpt");
        string[] job = [.. Shallow, "--coarsest-size", "0", "--iterations", "2", "--threads", "2"];
        SucceedIn(Tight, [.. job, "--size", "300", "-o", tight]);
        Succeed([.. job, "--size", "300", "-o", wide]);
        Assert.Equal(File.ReadAllBytes(tight), File.ReadAllBytes(wide));
        // This size fits whole only without the limit of addresses.
        Succeed([.. job, "--size", "600", "-o", wide, "--checkpoint", checkpoint, "--checkpoint-every", "1"]);
        SucceedIn(Tight, "transfer", "--resume", checkpoint, "-o", resumed);
        Assert.Equal(File.ReadAllBytes(wide), File.ReadAllBytes(resumed));
        Assert.Contains(
            "goes in tiles", SucceedIn(Tight, [.. job, "--size", "600", "-o", tight]).Output,
            StringComparison.Ordinal);
    }

    /// <summary>
    /// A run in tiles tells the limit and the threads that decided about them, also if the user named neither. The
    /// command gives the same bytes where all memory is free, and so does the rest of the run.
    /// </summary>
    [SkippableFact]
    public void APictureTellsWhatDecidedAboutItsTiles()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "limited by ulimit -v");
        string first = _folder.File("first.png"), again = _folder.File("again.png"),
            checkpoint = _folder.File("run.ckpt");
        SucceedIn(
            TightKibibytes,
            [.. Shallow, "-o", first, "--size", "860", "--coarsest-size", "0", "--iterations", "2", "--threads", "5",
             "--checkpoint", checkpoint, "--checkpoint-every", "1"]);
        CommandLine.Outcome shown = CommandLine.Run("show", first);
        Assert.Matches("memory   at most [0-9]+ MiB with 5 threads: .* tiles of ", shown.Output);
        Assert.Matches(" --memory [0-9]+M --threads 5 --device cpu-(512|256|128)\n", shown.Output);
        MakeAgain(first, again);
        Assert.Equal(File.ReadAllBytes(first), File.ReadAllBytes(again));
        Succeed("transfer", "--resume", checkpoint, "-o", again);
        Assert.Equal(File.ReadAllBytes(first), File.ReadAllBytes(again));
    }

    /// <summary>
    /// A limit that shortens what L-BFGS remembers is told, also when quiet. One that decides nothing is not.
    /// </summary>
    [Fact]
    public void AShortenedHistoryIsToldAndMadeAgain()
    {
        string first = _folder.File("first.png"), again = _folder.File("again.png");
        string[] job =
            [.. Shallow, "-o", first, "--size", "100", "--coarsest-size", "0", "--iterations", "31", "--optimizer",
             "lbfgs", "--clamp", "false", "--history", "30", "--threads", "2", "--quiet"];
        CommandLine.Outcome outcome = CommandLine.Run([.. job, "--memory", "93M"]);
        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Output));
        Match told = Regex.Match(
            outcome.Error, "^nativestyle: L-BFGS remembers ([0-9]+) steps instead of 30: .*93 MiB");
        Assert.True(told.Success, outcome.Error);
        string shown = CommandLine.Run("show", first).Output;
        Assert.Contains($"history  {told.Groups[1].Value} steps instead of 30", shown, StringComparison.Ordinal);
        Assert.Contains("--memory 93M --threads 2", shown, StringComparison.Ordinal);
        MakeAgain(first, again);
        Assert.Equal(File.ReadAllBytes(first), File.ReadAllBytes(again));

        string[] small = [.. Shallow, "--size", "40", "--iterations", "2"];
        Succeed([.. small, "-o", first, "--memory", "900M"]);
        Succeed([.. small, "-o", again]);
        Assert.Equal(File.ReadAllBytes(first), File.ReadAllBytes(again));
    }

    /// <summary>
    /// A picture has names and checksums of files and not where they lie. 'show' says if a file here is another one,
    /// and --no-recipe leaves everything out.
    /// </summary>
    [Fact]
    public void APictureTellsNoFoldersAndWhichFilesAreOthers()
    {
        string output = _folder.File("out.png"), preset = _folder.File("mine.json");
        File.WriteAllText(preset, """
            {
              "base": "coursera", "name": "mine", "size": 30, "iterations": [3],
              "styleLayers": [{"layer": "conv1_1", "weight": 1}], "contentLayers": [{"layer": "conv1_2", "weight": 1}]
            }
            """);
        string[] job =
            ["transfer", _content, _style, "--preset", preset, "--init", _content, "--weights", "random", "-o", output];
        Succeed(job);
        string json = CommandLine.Run("show", output, "--json").Output;
        Assert.DoesNotContain(_folder.Path, json, StringComparison.Ordinal);
        JsonElement recipe = JsonDocument.Parse(json).RootElement;
        Assert.Equal("NativeStyle 0.1.0", recipe.GetProperty("program").GetString());
        Assert.Equal(
            new[] { _content, _style }.Select(file => (Path.GetFileName(file), Sha256(file))),
            recipe.GetProperty("files").EnumerateArray().Select(file => (
                file.GetProperty("name").GetString()!, file.GetProperty("sha256").GetString()!)));
        Assert.Equal(
            Sha256(preset), recipe.GetProperty("job").GetProperty("preset").GetProperty("sha256").GetString());
        string shown = CommandLine.RunIn(_folder.Path, "show", output).Output;
        Assert.Contains($"content  content.png, sha256 {Sha256(_content)[..12]}\n", shown, StringComparison.Ordinal);
        Assert.Contains("start    content.png", shown, StringComparison.Ordinal);
        Assert.DoesNotContain("note ", shown, StringComparison.Ordinal);
        PictureFile.Write(_content, new Picture(9, 9));
        Assert.Single(
            CommandLine.RunIn(_folder.Path, "show", output).Output.Split('\n'),
            $"note     content.png in this folder is another file: its sha256 is {Sha256(_content)[..12]}");
        Succeed([.. job, "--no-recipe", "--size", "24"]);
        CommandLine.AssertRefused(CommandLine.Run("show", output), "does not tell");
        Assert.DoesNotContain("iTXt", Latin1(output), StringComparison.Ordinal);
    }

    /// <summary>Pictures of older versions, whose recipes have less and the names of folders, are shown.</summary>
    [Fact]
    public void AnOlderPictureIsShown()
    {
        string output = _folder.File("out.png");
        Succeed([.. Shallow, "-o", output, "--size", "24", "--iterations", "2"]);
        var recipe = (System.Text.Json.Nodes.JsonObject)System.Text.Json.Nodes.JsonNode.Parse(
            CommandLine.Run("show", output, "--json").Output)!;
        foreach (string name in new[] { "files", "device", "tiles", "threads", "history" }) recipe.Remove(name);
        recipe["program"] = "NativeStyle";
        recipe["job"]!["content"] = "/somewhere/photo.jpg";
        recipe["job"]!["memory"] = 200 << 20;
        Dictionary<string, string> text = new() { ["nativestyle"] = recipe.ToJsonString() };
        PictureFile.Write(output, new Picture(2, 2), new PictureWriteOptions(Text: text));
        CommandLine.Outcome shown = CommandLine.Run("show", output);
        Assert.Equal((0, ""), (shown.ExitCode, shown.Error));
        Assert.Matches("made again by:\nnativestyle transfer /somewhere/photo.jpg .* --memory 200M\n", shown.Output);
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

    /// <summary>Runs the command that 'show' prints of a picture, in the folder of the pictures.</summary>
    private void MakeAgain(string picture, string output)
    {
        CommandLine.Outcome shown = CommandLine.Run("show", picture);
        Assert.True(shown.ExitCode == 0, shown.Error);
        string command = shown.Output.Trim().Split('\n')[^1].Trim();
        Assert.StartsWith("nativestyle ", command, StringComparison.Ordinal);
        Assert.DoesNotContain("/", command, StringComparison.Ordinal);
        string[] words = [.. command.Split(' ').Skip(1).Select(word => word == "OUT.png" ? output : word)];
        CommandLine.Outcome outcome = CommandLine.RunIn(_folder.Path, words);
        Assert.True(outcome.ExitCode == 0, $"{command}\n{outcome.Error}");
    }

    private static void Succeed(params string[] arguments) => SucceedIn(0, arguments);

    /// <param name="kibibytes">The addresses in KiB; 0 for no limit.</param>
    private static CommandLine.Outcome SucceedIn(int kibibytes, params string[] arguments)
    {
        CommandLine.Outcome outcome =
            kibibytes == 0 ? CommandLine.Run(arguments) : CommandLine.RunLimited(kibibytes, arguments);
        Assert.True(outcome.ExitCode == 0, $"{string.Join(' ', arguments)}\n{outcome.Error}");
        return outcome;
    }

    private static string Sha256(string file) =>
        Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(file)));

    private static string Latin1(string file) => System.Text.Encoding.Latin1.GetString(File.ReadAllBytes(file));
}
