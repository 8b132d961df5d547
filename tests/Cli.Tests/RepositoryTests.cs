using System.Reflection;

namespace NativeStyle.Cli.Tests;

/// <summary>Tests what the files beside the code say about it.</summary>
public class RepositoryTests
{
    private static readonly string s_version = typeof(Root).Assembly
        .GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+', '-')[0];

    private static readonly string[] s_folders = ["src/", "tests/", "docs/", ".ci/"];

    [Theory]
    [InlineData("CITATION.cff", "\nversion: {0}\n")]
    [InlineData("CHANGELOG.md", "\n## [{0}] - ")]
    public void TheyNameTheVersion(string file, string line) => Assert.Contains(
        line.Replace("{0}", s_version, StringComparison.Ordinal), Read(file), StringComparison.Ordinal);

    /// <summary>What a text of the code or a fixture holds does not depend on the system that checked it out.</summary>
    [Fact]
    public void TextsHaveOneKindOfLineEnds()
    {
        Assert.Contains("\n* text=auto eol=lf\n", Read(".gitattributes"), StringComparison.Ordinal);
        foreach (string script in new[] { "bash", "zsh", "fish", "ps1" })
            Assert.DoesNotContain('\r', Read(Path.Combine("src", "Cli", "Completion", $"nativestyle.{script}")));
    }

    /// <summary>Each folder that an addition touches is where CONTRIBUTING.md says.</summary>
    [Fact]
    public void WhatAnAdditionTouchesIsThere()
    {
        string[] paths = [.. Read("CONTRIBUTING.md").Split('`', '(', ')')
            .Where(word => s_folders.Any(folder => word.StartsWith(folder, StringComparison.Ordinal)))
            .Select(word => word.Split('<', '#', ' ')[0])];
        Assert.True(paths.Length > 15);
        Assert.All(paths, path => Assert.True(Path.Exists(Path.Combine(LayersTests.FindRoot(), path)), path));
    }

    private static string Read(string file) => File.ReadAllText(Path.Combine(LayersTests.FindRoot(), file));
}
