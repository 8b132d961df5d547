using System.Text.Json;

namespace NativeStyle.Cli.Tests;

/// <summary>Tests the built-in network: as the default, by its name, and without the needed layers.</summary>
public sealed class CompactTests : IDisposable
{
    // The tests ignore any weights of the user of this machine.
    private readonly TemporaryFolder _folder = new();
    private readonly string _content;
    private readonly string _style;

    public CompactTests() => (_content, _style) = CommandLine.Pictures(_folder);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void WithoutWeightsItPaintsAndThePictureSaysSo()
    {
        string output = _folder.File("o.png"), again = _folder.File("again.png");
        string lines = Succeed("transfer", _content, _style, "-o", output, "--size", "64", "--iterations", "3");
        Assert.Contains("no --weights: using the compact VGG-19 that is built in", lines, StringComparison.Ordinal);
        Assert.Contains("network compact VGG-19", lines, StringComparison.Ordinal);
        JsonElement recipe = JsonDocument.Parse(Succeed("show", output, "--json")).RootElement;
        Assert.Equal("compact", recipe.GetProperty("job").GetProperty("weights").GetString());
        Assert.Equal(64, recipe.GetProperty("weightsDigest").GetString()!.Length);
        string shown = Succeed("show", output);
        Assert.Contains("--weights compact", shown, StringComparison.Ordinal);
        Assert.Contains(
            $"digest {recipe.GetProperty("weightsDigest").GetString()![..12]}", shown, StringComparison.Ordinal);
        Succeed("transfer", _content, _style, "-o", again, "--size", "64", "--iterations", "3", "--weights", "compact");
        Assert.Equal(File.ReadAllBytes(output), File.ReadAllBytes(again));
    }

    [Fact]
    public void ItGoesOnFromACheckpoint()
    {
        string whole = _folder.File("whole.png"), resumed = _folder.File("resumed.png"),
            checkpoint = _folder.File("run.ckpt");
        Succeed(
            "transfer", _content, _style, "-o", whole, "--size", "64", "--iterations", "6", "--checkpoint", checkpoint,
            "--checkpoint-every", "4");
        Assert.Contains(
            "going on after iteration 4", Succeed("transfer", "--resume", checkpoint, "-o", resumed),
            StringComparison.Ordinal);
        Assert.Equal(File.ReadAllBytes(whole), File.ReadAllBytes(resumed));
    }

    /// <summary>
    /// For deeper layers or another architecture, filters are random, as without the built-in network.
    /// </summary>
    [Theory]
    [InlineData("--preset gatys", "VGG-19 with conv4_2")]
    [InlineData("--preset light-on-math", "no VGG-16")]
    [InlineData("--content-layers conv4_2", "VGG-19 with conv4_2")]
    public void WhereItLacksLayersFiltersAreRandom(string options, string words)
    {
        string lines = Succeed(
            ["transfer", _content, _style, "-o", _folder.File("o.png"), "--size", "32", "--iterations", "1",
             .. options.Split(' ')]);
        Assert.Contains("filters are random", lines, StringComparison.Ordinal);
        Assert.Contains(words, lines, StringComparison.Ordinal);
        Assert.Contains("network random VGG-", lines, StringComparison.Ordinal);
    }

    [Fact]
    public void ByItsNameItIsStrict() => CommandLine.AssertRefused(
        Run(
            "transfer", _content, _style, "-o", _folder.File("o.png"), "--weights", "compact", "--content-layers",
            "conv4_2"),
        "compact lacks layer conv4_1", "--content-layers");

    [Fact]
    public void CommandsThatStudyANetworkTakeIt()
    {
        Assert.Contains("CC BY 4.0", Succeed("weights", "info", "compact"), StringComparison.Ordinal);
        Assert.Contains(
            "using the compact VGG-19", Succeed("features", _content, "-o", _folder.File("seen"), "--size", "48"),
            StringComparison.Ordinal);
        Assert.True(File.Exists(_folder.File(Path.Combine("seen", "conv3_1.png"))));
        Assert.DoesNotContain("random", Succeed("plan", "300", "400"), StringComparison.Ordinal);
        string deep = Succeed(
            "maximize", "--layer", "conv4_1", "--channel", "3", "-o", _folder.File("unit.png"), "--size", "48",
            "--iterations", "2");
        Assert.Contains("random VGG-19", deep, StringComparison.Ordinal);
    }

    [Fact]
    public void MeasuresAreOfTheResultsThatAreNamed()
    {
        string[] lines = Succeed("measure", _content, _style, _content, _style, "--size", "48").Split('\n');
        string[] Row(string name) =>
            lines.Last(line => line.Contains(name, StringComparison.Ordinal))
                .Split('│', StringSplitOptions.TrimEntries);
        Assert.Equal("0", Row(Path.GetFileName(_content))[^2]);
        Assert.True(
            double.Parse(Row(Path.GetFileName(_style))[^3], System.Globalization.CultureInfo.InvariantCulture) < 1e-3);
        CommandLine.AssertRefused(Run("measure", _content, _style, "--size", "48"), "Required argument missing");
        CommandLine.AssertRefused(
            Run("measure", _content, _style, _content, "--style-layers", "conv9_1"), "no layer 'conv9_1'");
    }

    private CommandLine.Outcome Run(params string[] arguments) =>
        CommandLine.RunWith($"XDG_DATA_HOME={_folder.Path}", arguments);

    private string Succeed(params string[] arguments)
    {
        CommandLine.Outcome outcome = Run(arguments);
        Assert.True(outcome.ExitCode == 0, $"{string.Join(' ', arguments)}\n{outcome.Error}");
        return outcome.Output;
    }
}
