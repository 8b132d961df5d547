using System.Diagnostics;
using System.Text.Json;
using NativeStyle.FeedForward;
using NativeStyle.Imaging;

namespace NativeStyle.Cli.Tests;

public sealed class TrainTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly string _style;
    private readonly string _photos;

    public TrainTests()
    {
        (string content, _style) = CommandLine.Pictures(_folder);
        _photos = _folder.File("photos");
        Directory.CreateDirectory(_photos);
        for (int i = 0; i < 3; i++)
        {
            var photo = new Picture(50 + (10 * i), 70);
            for (int k = 0; k < photo.Pixels.Length; k++) photo.Pixels[k] = 0.5f + (0.4f * MathF.Sin(k * (i + 1) * 0.03f));
            PictureFile.Write(Path.Combine(_photos, $"{i}.png"), photo);
        }

        File.Copy(content, Path.Combine(_photos, "content.png"));
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void ATrainingWritesAModelAndTellsHowItWasMade()
    {
        string model = _folder.File("m.safetensors"), preview = _folder.File("now.png");
        string trace = _folder.File("t.jsonl"), plot = _folder.File("p.svg");
        File.WriteAllText(Path.Combine(_photos, "broken.jpg"), "no picture");
        CommandLine.Outcome outcome = Train(
            "-o", model, "--preview", preview, "--preview-picture", _folder.File("content.png"), "--preview-every", "3", "--trace", trace, "--plot", plot, "--iterations",
            "12");
        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Error));
        Assert.Single(outcome.Output.Split('\n'), line => line.StartsWith("passed over:", StringComparison.Ordinal));
        StyleModel read = ModelFile.Read(model);
        Assert.Equal(TransformerArchitecture.OfWidth(0.1), read.Weights.Architecture);
        Assert.Equal("style.jpg", read.Metadata[StyleModel.StyleKey]);
        Assert.Equal("12", read.Metadata[StyleModel.IterationsKey]);
        Assert.DoesNotContain(_folder.Path, string.Join(' ', read.Metadata.Values), StringComparison.Ordinal);
        using JsonDocument options = JsonDocument.Parse(read.Metadata[StyleModel.OptionsKey]);
        Assert.Equal(32, options.RootElement.GetProperty("crop").GetInt32());
        Picture both = PictureFile.Read(preview);
        Assert.Equal(2 * 56, both.Width);
        Assert.Equal(12, File.ReadLines(trace).Count());
        Assert.Contains("<svg", File.ReadAllText(plot), StringComparison.Ordinal);
        // What stylize makes with the model is what the preview shows: both round to 8 bits.
        string drawn = _folder.File("drawn.png");
        Assert.Equal(
            0, CommandLine.Run("stylize", _folder.File("content.png"), "-o", drawn, "--model", model).ExitCode);
        Picture drawing = PictureFile.Read(drawn);
        for (int row = 0; row < drawing.Height; row++)
        for (int column = 0; column < drawing.Width; column++)
            Assert.InRange(drawing[row, column, 0] - both[row, 56 + column, 0], -0.02f, 0.02f);
    }

    [Fact]
    public void TheSameSeedGivesTheSameBytesForAnyNumberOfThreads()
    {
        Train("-o", _folder.File("a.safetensors"), "--seed", "5", "--stability", "20");
        Train("-o", _folder.File("b.safetensors"), "--seed", "5", "--stability", "20", "--threads", "1");
        Train("-o", _folder.File("c.safetensors"), "--seed", "6", "--stability", "20");
        byte[] first = File.ReadAllBytes(_folder.File("a.safetensors"));
        Assert.Equal(first, File.ReadAllBytes(_folder.File("b.safetensors")));
        Assert.NotEqual(first, File.ReadAllBytes(_folder.File("c.safetensors")));
    }

    [SkippableFact]
    public void CtrlCKeepsTheModelAndTheCheckpointGoesOnToTheSameBytes()
    {
        Skip.If(OperatingSystem.IsWindows(), "signals are sent with kill");
        string model = _folder.File("m.safetensors"), checkpoint = _folder.File("run.ckpt");
        bool sent = false;
        CommandLine.Outcome outcome = CommandLine.RunProcess(
            (process, line) =>
            {
                if (sent || !line.StartsWith("1/", StringComparison.Ordinal)) return;
                sent = true;
                Process.Start("kill", ["-INT", $"{process.Id}"]).WaitForExit();
            },
            Arguments("-o", model, "--checkpoint", checkpoint, "--iterations", "60"));
        Assert.Equal(130, outcome.ExitCode);
        Assert.Contains("saved the model so far", outcome.Output, StringComparison.Ordinal);
        int made = int.Parse(
            ModelFile.Read(model).Metadata[StyleModel.IterationsKey], System.Globalization.CultureInfo.InvariantCulture);
        Assert.InRange(made, 1, 59);
        Assert.Equal(0, CommandLine.Run("train", "--resume", checkpoint, "-o", model).ExitCode);
        Assert.Equal(0, Train("-o", _folder.File("whole.safetensors"), "--iterations", "60").ExitCode);
        Assert.Equal(File.ReadAllBytes(_folder.File("whole.safetensors")), File.ReadAllBytes(model));
        // Another folder of pictures is another training.
        File.Delete(Path.Combine(_photos, "1.png"));
        CommandLine.AssertRefused(
            CommandLine.Run("train", "--resume", checkpoint, "-o", model), "pictures", "changed");
        CommandLine.AssertRefused(
            CommandLine.Run("train", "--resume", checkpoint, "-o", model, "--crop", "64"), "--crop", "leave");
        File.WriteAllBytes(checkpoint, File.ReadAllBytes(checkpoint)[..^100]);
        CommandLine.AssertRefused(CommandLine.Run("train", "--resume", checkpoint, "-o", model), "run.ckpt");
    }

    [Fact]
    public void AnotherModelCanBeTheStart()
    {
        string first = _folder.File("first.safetensors"), second = _folder.File("second.safetensors");
        Train("-o", first, "--type", "float32");
        CommandLine.Outcome outcome = CommandLine.Run(
            "train", _style, "--pictures", _photos, "-o", second, "--start", first, "--iterations", "1", "--batch", "1",
            "--crop", "32", "--style-size", "40", "--learning-rate", "1e-8", "--type", "float32");
        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Error));
        (TransformerWeights before, StyleModel after) = (ModelFile.Read(first).Weights, ModelFile.Read(second));
        Assert.Equal("first.safetensors", after.Metadata["start"]);
        float[] filter = before["conv2.conv2d.weight"], now = after.Weights["conv2.conv2d.weight"];
        for (int i = 0; i < filter.Length; i++) Assert.Equal(filter[i], now[i], 1e-6f);
    }

    /// <summary>A checkpoint that cannot be written is no reason to lose the training.</summary>
    [Fact]
    public void ATrainingGoesOnWithoutItsCheckpoint()
    {
        string model = _folder.File("m.safetensors"), gone = _folder.File("gone");
        Directory.CreateDirectory(gone);
        CommandLine.Outcome outcome = CommandLine.RunProcess(
            (_, line) =>
            {
                if (line.StartsWith("1/", StringComparison.Ordinal) && Directory.Exists(gone))
                    Directory.Delete(gone, recursive: true);
            },
            Arguments(
                "-o", model, "--checkpoint", Path.Combine(gone, "run.ckpt"), "--checkpoint-every", "40", "--iterations",
                "80"));
        Assert.Equal(0, outcome.ExitCode);
        Assert.Contains("run.ckpt cannot be written", outcome.Error, StringComparison.Ordinal);
        Assert.Contains("the run goes on", outcome.Error, StringComparison.Ordinal);
        Assert.Equal("80", ModelFile.Read(model).Metadata[StyleModel.IterationsKey]);
    }

    /// <summary>Pictures that vanish while they are learned from end the training, which keeps its model.</summary>
    [Fact]
    public void ATrainingWithoutPicturesKeepsItsModel()
    {
        string model = _folder.File("m.safetensors");
        // Too large to be kept in memory: each piece reads its file again.
        foreach (string file in Directory.GetFiles(_photos)) File.Delete(file);
        PictureFile.Write(Path.Combine(_photos, "large.png"), new Picture(2600, 2700));
        CommandLine.Outcome outcome = CommandLine.RunProcess(
            (_, line) =>
            {
                if (line.StartsWith("1/", StringComparison.Ordinal)) File.Delete(Path.Combine(_photos, "large.png"));
            },
            Arguments("-o", model, "--iterations", "500", "--memory", "160M"));
        Assert.Equal(2, outcome.ExitCode);
        Assert.Contains("none of the 1 pictures can be read", outcome.Error, StringComparison.Ordinal);
        Assert.Contains("saved the model after", outcome.Error, StringComparison.Ordinal);
        ModelFile.Read(model);
    }

    /// <summary>Each wrong use: arguments after train, and words that the error must have.</summary>
    public static TheoryData<string, string> WrongUses() => new()
    {
        { "-o {folder}/m.safetensors", "style --pictures" },
        { "{style} -o {folder}/m.safetensors", "--pictures" },
        { "{style} --pictures {folder}/none -o {folder}/m.safetensors", "no folder none" },
        { "{style} --pictures {folder}/empty -o {folder}/m.safetensors", "empty no pictures" },
        { "{style} --pictures {photos} -o {folder}/m.png", ".png .safetensors" },
        { "{folder}/none.jpg --pictures {photos} -o {folder}/m.safetensors", "none.jpg does not exist" },
        { "{style} --pictures {photos} -o {folder}/m.safetensors --weights random", "random" },
        { "{style} --pictures {photos} -o {folder}/m.safetensors --style-layers conv9_1", "--style-layers conv9_1" },
        { "{style} --pictures {photos} -o {folder}/m.safetensors --weights compact --style-layers conv4_1", "conv4_1" },
        { "{style} --pictures {photos} -o {folder}/m.safetensors --memory 100M", "--crop --memory" },
        { "{style} --pictures {photos} -o {folder}/m.safetensors --start {style}", "style.jpg model" },
        { "{style} --pictures {photos} -o {folder}/m.safetensors --start {folder}/m.safetensors", "m.safetensors" },
        { "{style} --pictures {photos} -o {folder}/m.safetensors --start rubens", "rubens great-wave" },
        { "{style} --pictures {photos} -o {folder}/m.safetensors --start {style} --width 1", "--width --start" },
        { "--resume {style} -o {folder}/m.safetensors", "style.jpg checkpoint" },
    };

    [Theory]
    [MemberData(nameof(WrongUses))]
    public void WrongUsesAreRefusedInOneLine(string arguments, string words)
    {
        Directory.CreateDirectory(_folder.File("empty"));
        string[] parts = [.. arguments.Split(' ').Select(part => part
            .Replace("{folder}", _folder.Path).Replace("{style}", _style).Replace("{photos}", _photos))];
        CommandLine.AssertRefused(CommandLine.Run(["train", .. parts]), words.Split(' '));
        Assert.False(File.Exists(_folder.File("m.safetensors")));
    }

    private CommandLine.Outcome Train(params string[] more) => CommandLine.Run(Arguments(more));

    private string[] Arguments(params string[] more) =>
    [
        "train", _style, "--pictures", _photos, "--batch", "1", "--crop", "32", "--style-size", "40", "--width", "0.1",
        .. more.Contains("--iterations") ? more : [.. more, "--iterations", "4"],
    ];
}
