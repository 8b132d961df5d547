using System.Globalization;
using System.Text.RegularExpressions;
using NativeStyle.Imaging;

namespace NativeStyle.Cli.Tests;

/// <summary>Tests runs with limited memory: tiles, estimates, hard limits, and the end of memory.</summary>
public sealed class MemoryTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly string _content;
    private readonly string _style;

    public MemoryTests()
    {
        (_content, _style) = (_folder.File("content.png"), _folder.File("style.png"));
        PictureFile.Write(_content, Waves(300, 400, 0.02f));
        PictureFile.Write(_style, Waves(200, 260, 0.3f));
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void TilesGiveThePictureOfTheWholeAndGoOnToTheSameBytes()
    {
        string whole = _folder.File("whole.npy"), tiled = _folder.File("tiled.npy"),
            resumed = _folder.File("resumed.npy"), checkpoint = _folder.File("run.ckpt");
        string[] job = [.. Shallow, "--size", "400", "--iterations", "5", "--optimizer", "lbfgs", "--clamp", "false"];
        Assert.DoesNotContain("tiles", Succeed([.. job, "-o", whole]), StringComparison.Ordinal);
        string lines =
            Succeed([.. job, "-o", tiled, "--memory", "136M", "--checkpoint", checkpoint, "--checkpoint-every", "4"]);
        Assert.Contains("400 x 300 goes in tiles", lines, StringComparison.Ordinal);
        Assert.Contains("peak memory", lines, StringComparison.Ordinal);
        float difference = CommandLine.Values(whole).Zip(CommandLine.Values(tiled), (x, y) => Math.Abs(x - y)).Max();
        Assert.True(difference < 2e-3, $"{difference}");
        // The checkpoint has the limit, which determines the tiles.
        Assert.Contains(
            "going on after iteration 4", Succeed("transfer", "--resume", checkpoint, "-o", resumed),
            StringComparison.Ordinal);
        Assert.Equal(File.ReadAllBytes(tiled), File.ReadAllBytes(resumed));
        // A picture also tells the limit.
        Succeed([.. job[..^6], "--iterations", "1", "-o", _folder.File("told.png"), "--memory", "136M"]);
        Assert.Contains(
            "--memory 136M", CommandLine.Run("show", _folder.File("told.png")).Output, StringComparison.Ordinal);
    }

    /// <summary>Tests whole pictures and tiles, many threads, and the memory of L-BFGS.</summary>
    [SkippableTheory]
    [InlineData("600", 260, "2", "--iterations 1")]
    [InlineData("400", 310, "32", "--iterations 1")]
    [InlineData("480", 420, "64", "--iterations 1")]
    [InlineData("400", 250, "2", "--optimizer lbfgs --history 20 --iterations 3")]
    public void ARunTakesTheMemoryThatItSays(string size, int limit, string threads, string more)
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "peaks are compared as Linux counts them");
        CommandLine.Outcome outcome = CommandLine.RunProcessWith(CommandLine.AsUsersDo, [
            "transfer", _content, _style, "-o", _folder.File("o.png"), "--weights", "random", "--coarsest-size", "0",
            "--size", size, "--memory", $"{limit}M", "--threads", threads, .. more.Split(' ')]);
        Assert.True(outcome.ExitCode == 0, outcome.Error);
        string lines = outcome.Output;
        double estimate = Mebibytes(lines, "memory about "), peak = Mebibytes(lines, "peak memory ");
        Assert.InRange(estimate, limit / 2, limit);
        // The estimate of the device's blocks is exact. The rest is the runtime, whose collector has its own timing, and
        // the threads: a machine of few cores may leave some without work, and their scratch untouched.
        Assert.True(peak <= 1.1 * estimate, $"{estimate} MiB estimated, {peak} MiB taken");
        if (threads == "2") Assert.True(estimate <= 1.1 * peak, $"{estimate} MiB estimated, {peak} MiB taken");
        Assert.True(peak <= 1.05 * limit, $"{peak} MiB taken of {limit}");
    }

    /// <summary>The process cannot have more addresses than the limit.</summary>
    [SkippableFact]
    public void ARunUnderAHardLimitCompletes()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "limited by ulimit -v");
        string output = _folder.File("limited.png");
        CommandLine.Outcome outcome = CommandLine.RunLimited(
            2_000_000,
            [.. Shallow, "-o", output, "--size", "600", "--coarsest-size", "0", "--iterations", "1", "--memory",
             "180M"]);
        Assert.True(outcome.ExitCode == 0, outcome.Error);
        Assert.Contains("600 x 450 goes in tiles", outcome.Output, StringComparison.Ordinal);
        Assert.Equal((450, 600), PictureFile.Read(output) is var picture ? (picture.Height, picture.Width) : default);
    }

    /// <summary>The limit promises more memory than there is. The program notices this at a later scale.</summary>
    [SkippableFact]
    public void WhereMemoryEndsTheLastPictureIsKept()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "limited by ulimit -v");
        string output = _folder.File("last.png");
        CommandLine.Outcome outcome = CommandLine.RunLimited(
            2_000_000,
            [.. Shallow, "-o", output, "--size", "3000", "--coarsest-size", "150", "--iterations", "2,1", "--memory",
             "60G"]);
        Assert.Equal(1, outcome.ExitCode);
        Match message = Regex.Match(
            outcome.Error,
            @"nativestyle: after (\d+) of \d+ iterations there was no more room \(.+\); " +
            @"saved the picture so far as .*last\.png \((\d+) x (\d+)\)");
        Assert.True(message.Success, outcome.Error);
        Picture picture = PictureFile.Read(output);
        Assert.Equal((message.Groups[2].Value, message.Groups[3].Value), ($"{picture.Width}", $"{picture.Height}"));
        // The picture is a scene, not the empty start of a failed scale.
        Assert.True(picture.Pixels.Max() - picture.Pixels.Min() > 0.3);
    }

    [SkippableFact]
    public void ScratchFilesThatCannotBeAreNamed()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "TMPDIR says where scratch files go");
        CommandLine.AssertRefused(
            CommandLine.RunProcessWith(
                "TMPDIR=/nowhere-at-all",
                [.. Shallow, "-o", _folder.File("o.png"), "--size", "500", "--coarsest-size", "0", "--iterations", "1",
                 "--memory", "116M"]),
            "/nowhere-at-all", "failed", "TMPDIR");
        Assert.False(File.Exists(_folder.File("o.png")));
    }

    [Fact]
    public void PlanTellsOfSeveralSizesWhatTheyTake()
    {
        CommandLine.Outcome outcome = CommandLine.Run(
            "plan", "256", "256", "1024", "1024", "5000", "5000", "--memory", "400M", "--preset", "neural-style",
            "--optimizer", "adam", "--weights", "random");
        string[] lines = outcome.Output.Split('\n');
        Assert.Contains("whole", Row("256 x 256 "), StringComparison.Ordinal);
        Assert.Contains("tiles of", Row("1024 x 1024 "), StringComparison.Ordinal);
        Assert.Contains("does not fit", Row("5000 x 5000 "), StringComparison.Ordinal);
        Assert.Equal(2, outcome.ExitCode);
        Assert.Equal(0, CommandLine.Run("plan", "300", "400", "--weights", "random").ExitCode);
        CommandLine.Outcome lbfgs = CommandLine.Run(
            "plan", "640", "640", "--memory", "220M", "--preset", "gatys", "--weights", "random");
        Assert.Contains("L-BFGS remembers", lbfgs.Output, StringComparison.Ordinal);

        string Row(string size) => Assert.Single(lines, line => line.Contains(size, StringComparison.Ordinal));
    }

    /// <summary>A run keeps three bytes per pixel.</summary>
    [Fact]
    public void PicturesThatAreKeptAreCounted()
    {
        string large = _folder.File("large.jpg");
        PictureFile.Write(large, Waves(3000, 4000, 0.02f));
        string[] job =
        [
            "--content-layers", "relu2_1", "--style-layers", "conv1_1", "--weights", "random", "--size", "64",
            "--iterations", "1", "-o", _folder.File("o.png"),
        ];
        double small = Mebibytes(Succeed(["transfer", _style, _style, .. job]), "memory about ");
        double more = Mebibytes(Succeed(["transfer", large, _style, .. job]), "memory about ") - small;
        Assert.Equal(3.0 * 3000 * 4000 / (1 << 20), more, 2.0);
        CommandLine.AssertRefused(
            CommandLine.Run(["transfer", large, _style, .. job, "--memory", "64M"]), large, "4000 x 3000 pixels",
            "decoding", "--memory");
    }

    [Fact]
    public void PicturesAreReadUpToALimitThatCanBeRaised()
    {
        string[] job = ["transfer", _content, _style, "-o", _folder.File("o.png")];
        CommandLine.AssertRefused(
            CommandLine.RunProcessWith("NATIVESTYLE_MAX_MEGAPIXELS=many", job), _style, "NATIVESTYLE_MAX_MEGAPIXELS is 'many'",
            "1 to 500");
        PictureFile.Write(_content, Waves(1001, 1000, 0.02f));
        CommandLine.AssertRefused(
            CommandLine.RunProcessWith("NATIVESTYLE_MAX_MEGAPIXELS=1", job), _content, "1000 x 1001 pixels",
            "at most 1 megapixels", "NATIVESTYLE_MAX_MEGAPIXELS");
    }

    [Theory]
    [InlineData("plan 256", "pairs of HEIGHT and WIDTH")]
    [InlineData("plan 256 4", "4 pixels is out of range")]
    [InlineData("plan 256 256 --memory 4", "--memory 4 is no amount", "4G")]
    [InlineData("plan 256 256 --memory 1M", "out of range")]
    [InlineData("bench 256 256 --memory much", "--memory much is no amount")]
    [InlineData("bench 2048 2048 --memory 200M", "even in tiles")]
    public void WrongUsesAreRefused(string arguments, params string[] words) =>
        CommandLine.AssertRefused(CommandLine.Run(arguments.Split(' ')), words);

    [Fact]
    public void WhatDoesNotFitIsRefusedBeforeTheRun() => CommandLine.AssertRefused(
        CommandLine.Run(
            [.. Shallow, "-o", _folder.File("o.png"), "--size", "3000", "--memory", "200M"]),
        "3000 x 2250 pixels needs about", "even in tiles", "--size", "--memory");

    private string[] Shallow =>
        ["transfer", _content, _style, "--content-layers", "relu2_1", "--style-layers", "conv1_1:0.5,conv2_1:0.5",
         "--weights", "random", "--threads", "2"];

    private static double Mebibytes(string output, string after)
    {
        Match amount = Regex.Match(output, after + @"([\d.]+) (MiB|GiB)");
        Assert.True(amount.Success, output);
        double number = double.Parse(amount.Groups[1].Value, CultureInfo.InvariantCulture);
        return number * (amount.Groups[2].Value == "GiB" ? 1024 : 1);
    }

    /// <summary>Reads the floats of a .npy file that this program wrote.</summary>
    private static Picture Waves(int height, int width, float wave)
    {
        var picture = new Picture(height, width);
        for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
        for (int c = 0; c < 3; c++)
            picture[y, x, c] = 0.5f + (0.4f * MathF.Sin((wave * x * (c + 1)) + (wave * 0.7f * y)));
        return picture;
    }

    private static string Succeed(params string[] arguments)
    {
        CommandLine.Outcome outcome = CommandLine.Run(arguments);
        Assert.True(outcome.ExitCode == 0, $"{string.Join(' ', arguments)}\n{outcome.Error}");
        return outcome.Output;
    }
}
