using System.CommandLine;
using System.Diagnostics;
using System.Text.RegularExpressions;
using NativeStyle.Cli.Help;

namespace NativeStyle.Cli.Tests;

/// <summary>Tests the manual page.</summary>
public sealed partial class ManPageTests
{
    private static readonly string s_page = CommandLine.Run("man").Output;

    /// <summary>The page as one reads it, as far as names are concerned.</summary>
    private static readonly string s_text = s_page.Replace(@"\-", "-", StringComparison.Ordinal);

    [Fact]
    public void EveryCommandAndEveryOptionIsInIt()
    {
        foreach (Command command in All(Root.Create()))
        {
            int start = s_text.IndexOf($".SS \"{Mistakes.PathOf(command)} ", StringComparison.Ordinal);
            Assert.True(start >= 0, command.Name);
            int end = s_text.IndexOf(".S", start + 1, StringComparison.Ordinal);
            string section = s_text[start..end];
            foreach (Option option in command.Options)
                Assert.True(section.Contains(option.Name, StringComparison.Ordinal), $"{command.Name} {option.Name}");
        }

        static IEnumerable<Command> All(Command command) =>
            command.Subcommands.SelectMany(each => All(each).Prepend(each));
    }

    [Fact]
    public void EveryVariableIsInIt()
    {
        string[] variables =
        [
            .. Directory
                .EnumerateFiles(Path.Combine(LayersTests.FindRoot(), "src"), "*.cs", SearchOption.AllDirectories)
                .SelectMany(file => Variable().Matches(File.ReadAllText(file))).Select(match => match.Value).Distinct(),
        ];
        Assert.NotEmpty(variables);
        Assert.All(variables, variable => Assert.Contains(variable, s_text, StringComparison.Ordinal));
    }

    [SkippableFact]
    public void MandocFindsNothing()
    {
        Shell.Require("mandoc");
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("nativestyle.1"), s_page);
        (_, string output, string error) = Programs.Run(new ProcessStartInfo(
            "mandoc", ["-T", "lint", "-W", "warning", folder.File("nativestyle.1")]));
        string[] lines = $"{output}{error}".Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.All(lines, line => Assert.Contains("missing date", line, StringComparison.Ordinal));
    }

    [GeneratedRegex(@"\bNATIVESTYLE_[A-Z_]+")]
    private static partial Regex Variable();
}
