using NativeStyle.Cli.Help;

namespace NativeStyle.Cli.Tests;

/// <summary>Tests the help, and the messages about mistyped command lines.</summary>
public class HelpTests
{
    [Fact]
    public void AloneItShowsWhatItIsExamplesAndCommands()
    {
        CommandLine.Outcome outcome = CommandLine.Run();
        CommandLine.AssertRefused(outcome, "a command is missing", "--help");
        Assert.StartsWith("Neural style transfer", outcome.Output, StringComparison.Ordinal);
        Assert.Equal(
            3, outcome.Output.Split('\n').Count(line => line.StartsWith("  nativestyle ", StringComparison.Ordinal)));
        foreach (string command in new[] { "transfer", "weights", "kernels" })
            Assert.Contains($"\n  {command} ", outcome.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void ACommandIsMadeWithoutTheOthers()
    {
        Assert.All(Root.Create().Subcommands, command =>
            Assert.Equal(command.Name, Assert.Single(Root.Create(command.Name).Subcommands).Name));
        Assert.Equal(
            Root.Create().Subcommands.Select(command => command.Name),
            Root.Create("transfers").Subcommands.Select(command => command.Name));
    }

    [Theory]
    [InlineData("transfer a.jpg b.jpg --presett gatys -o x.png", "--presett is unknown, did you mean --preset?")]
    [InlineData("transfer a.jpg b.jpg --prseet=gatys -o x.png", "--prseet is unknown, did you mean --preset?")]
    [InlineData("transfer a.jpg b.jpg --sizes 5 -o x.png", "--sizes is unknown, did you mean --size?")]
    [InlineData(
        "transfer a.jpg b.jpg --sharpness 5 -o x.png", "--sharpness is unknown (see nativestyle transfer --help)")]
    [InlineData("maximize --layer conv1_1 --chanel 3 -o x.png", "--chanel is unknown, did you mean --channel?")]
    [InlineData("texture a.jpg --outptu x.png", "--outptu is unknown, did you mean --output?")]
    [InlineData("weights info a.npz --hlep", "--hlep is unknown, did you mean --help?")]
    [InlineData("transfr", "there is no command transfr, did you mean transfer?")]
    [InlineData("weights conver a.npz", "there is no command conver, did you mean convert?")]
    [InlineData("presets shwo gatys", "there is no command shwo, did you mean show?")]
    [InlineData("paint", "there is no command paint (see nativestyle --help)")]
    [InlineData(
        "weights", "a command is missing, one of download, info, convert, compress (see nativestyle weights --help)")]
    public void WhatIsMistypedIsNamedWithWhatMayBeMeant(string arguments, string words) =>
        CommandLine.AssertRefused(CommandLine.Run(arguments.Split(' ')), words);

    [Fact]
    public void AfterTwoDashesEverythingIsAFile() => CommandLine.AssertRefused(
        CommandLine.Run("transfer", "-o", "x.png", "--", "--presett", "b.jpg"), "--presett does not exist");

    [Theory]
    [InlineData(
        "transfer a.jpg b.jpg -o x.png --threads many", "--threads many is no whole number, expected 1 to 1024")]
    [InlineData(
        "transfer a.jpg b.jpg -o x.png --precision half", "--precision half is unknown, expected one of float32, tf32")]
    [InlineData(
        "maximize --layer conv1_1 --channel 3 -o x.png --size 0", "--size 0 is out of range, expected 16 to 2048")]
    [InlineData("maximize --layer conv1_1 --channel x -o x.png", "--channel x is no whole number")]
    [InlineData("texture a.jpg -o x.png --size 3x4x5", "--size 3x4x5 is no size, expected N or WIDTHxHEIGHT")]
    [InlineData("explain a.jpg b.jpg --html x.html --pixel 5", "--pixel 5 is no pixel, expected X,Y")]
    public void ValuesAreRefusedInOurWords(string arguments, string words) =>
        CommandLine.AssertRefused(CommandLine.Run(arguments.Split(' ')), words);

    [Theory]
    [InlineData("transfer")]
    [InlineData("texture")]
    [InlineData("reconstruct")]
    [InlineData("batch")]
    public void OptionsStandInGroupsAndRareOnesOnlyInTheWholeHelp(string command)
    {
        CommandLine.Outcome common = CommandLine.Run(command, "--help"), all = CommandLine.Run(command, "--help-all");
        Assert.Equal((0, "", 0, ""), (common.ExitCode, common.Error, all.ExitCode, all.Error));
        string[] titles = ["Options", "Losses", "Optimiser", "Input and network", "Output", "Run"];
        foreach (CommandLine.Outcome help in new[] { common, all })
        {
            string[] lines = help.Output.Split('\n');
            Assert.Equal(titles, lines.Where(titles.Contains));
            Assert.All(lines, line => Assert.True(line.Length <= 120, line));
        }

        foreach (string rare in new[] { "  --gram-scale ", "  --beta1 ", "  --precision " })
        {
            Assert.DoesNotContain(rare, common.Output, StringComparison.Ordinal);
            Assert.Contains(rare, all.Output, StringComparison.Ordinal);
        }

        Assert.EndsWith($"nativestyle {command} --help-all", common.Output.TrimEnd(), StringComparison.Ordinal);
        // The complete help has every option of the short help.
        string[] Names(string help) =>
            [.. help.Split('\n').Where(line => line.StartsWith("  -", StringComparison.Ordinal))
                .Select(line => line.Trim().Split("  ")[0])];
        Assert.Equal(Names(common.Output), Names(all.Output).Intersect(Names(common.Output)));
        Assert.True(Names(all.Output).Length > Names(common.Output).Length + 20);
    }

    [Fact]
    public void TheVersionStandsInALineOfItsOwnBeforeWhatComputesHere()
    {
        CommandLine.Outcome outcome = CommandLine.Run("--version");
        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Error));
        string[] lines = outcome.Output.TrimEnd().Split('\n');
        Assert.Matches(@"^nativestyle \d+\.\d+\.\d+(\+[0-9a-f]{7})?$", lines[0]);
        Assert.Equal(["commit", "cpu", "cuda", "opencl"], lines[1..].Select(line => line.Split(':')[0]));
        Assert.Contains($" {Environment.ProcessorCount} threads", lines[2], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("1.2.3+0123456789abcdef", "nativestyle 1.2.3+0123456", "commit: 0123456789abcdef")]
    [InlineData("1.2.3-rc.1+abc", "nativestyle 1.2.3-rc.1+abc", "commit: abc")]
    [InlineData("1.2.3", "nativestyle 1.2.3", "commit: unknown, it was built without Git")]
    public void TheVersionNamesTheCommitWhereItIsKnown(string version, string first, string second) =>
        Assert.Equal([first, second], VersionScreen.Lines(version).Take(2));

    [Theory]
    [InlineData("", "", 0)]
    [InlineData("size", "size", 0)]
    [InlineData("", "size", 4)]
    [InlineData("presett", "preset", 1)]
    [InlineData("perset", "preset", 1)]
    [InlineData("kitten", "sitting", 3)]
    public void SlipsAreCounted(string typed, string word, int slips)
    {
        Assert.Equal(slips, Spelling.Distance(typed, word));
        Assert.Equal(slips, Spelling.Distance(word, typed));
    }

    [Fact]
    public void AWordTooFarFromAllIsNone()
    {
        Assert.Equal("--size", Spelling.Nearest("--sise", ["--seed", "--size"]));
        Assert.Null(Spelling.Nearest("--sharpness", ["--seed", "--size"]));
        Assert.Null(Spelling.Nearest("--sise", []));
    }

    [Fact]
    public void TextIsWrappedAndExamplesGoOnFurtherIn()
    {
        Assert.Equal(
            ["one two three", "four", "", "  nativestyle a", "      b c"],
            TextLayout.Wrapped("one two\nthree four\n\n  nativestyle a b c", 15));
        Assert.Equal(["  -o     the", "         result"], TextLayout.Row("-o", "the result", 9, 15));
        Assert.Equal(["  --output", "         the"], TextLayout.Row("--output", "the", 9, 15));
    }
}
