using System.Text.RegularExpressions;
using System.Xml.Linq;
using NativeStyle.Figures;

namespace NativeStyle.Samples.Tests;

/// <summary>Holds the figures of docs/ against the program that draws them and the pages that show them.</summary>
public sealed partial class FigureTests
{
    private static readonly string s_docs = Path.Combine(FindRoot(), "docs");

    public static TheoryData<string> Names => [.. AllFigures.ByName.Select(figure => figure.Name)];

    /// <summary>If the code's numbers change, its figures must be drawn anew (see samples/README.md).</summary>
    [Theory]
    [MemberData(nameof(Names))]
    public void TheFileIsWhatTheProgramDrawsNow(string name)
    {
        string drawn = AllFigures.ByName.Single(figure => figure.Name == name).Draw();
        Assert.Equal(drawn, File.ReadAllText(Path.Combine(s_docs, "images", "figures", name + ".svg")));
        Assert.Equal("svg", XDocument.Parse(drawn).Root!.Name.LocalName);
    }

    /// <summary>Every figure is on one page, with words for those who do not see it. No page shows others.</summary>
    [Fact]
    public void PagesShowTheFigures()
    {
        Match[] shown =
            [.. Directory.GetFiles(s_docs, "*.md").SelectMany(page => Figure().Matches(File.ReadAllText(page)))];
        Assert.Equal(
            AllFigures.ByName.Select(figure => figure.Name).Order(StringComparer.Ordinal),
            shown.Select(figure => figure.Groups["name"].Value).Order(StringComparer.Ordinal));
        Assert.All(shown, figure => Assert.True(figure.Groups["alt"].Length > 30, figure.Value));
    }

    private static string FindRoot()
    {
        string folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "NativeStyle.sln"))) folder = Path.GetDirectoryName(folder)!;
        return folder;
    }

    [GeneratedRegex(@"!\[(?<alt>[^\]]*)\]\(images/figures/(?<name>[\w-]+)\.svg\)")]
    private static partial Regex Figure();
}
