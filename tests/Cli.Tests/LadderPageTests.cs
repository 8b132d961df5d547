using System.Globalization;
using System.Text.RegularExpressions;
using NativeStyle.Cli.Pages;
using NativeStyle.Kernels.Ladder;
using NativeStyle.Kernels.Translation;

namespace NativeStyle.Cli.Tests;

/// <summary>The pages of docs/ladder show the kernels that run, and their tables agree with them and each other.</summary>
public sealed partial class LadderPageTests
{
    private static readonly string s_root = LayersTests.FindRoot();

    public static TheoryData<string> Ladders => [.. KernelLadder.All.Select(ladder => ladder.Name)];

    [Theory]
    [MemberData(nameof(Ladders))]
    public void PagesShowTheCodeAndWhatItsAddressesForetell(string name)
    {
        KernelLadder ladder = Ladder(name);
        string[][] models = [.. ladder.Steps.Select(step => LadderPages.Model(ladder, step))];
        foreach ((LadderStep step, string[] model) in ladder.Steps.Zip(models))
        {
            string page = Page($"{name}-{step.Number}.md");
            Assert.Equal(LadderPages.Code(ladder, step), Part(page, "code"));
            Assert.Equal(LadderPages.Markdown(LadderPages.ModelHead(ladder), [model]), Part(page, "model"));
        }

        Assert.Equal(
            LadderPages.Markdown(LadderPages.ModelHead(ladder), models), Part(Page("README.md"), $"{name} model"));
    }

    [SkippableTheory]
    [Trait("Tool", "Ptxas")]
    [MemberData(nameof(Ladders))]
    public void PagesHaveTheRegistersThatTheAssemblerReports(string name)
    {
        PtxAssembler? assembler = PtxAssembler.Find();
        Assert.True(assembler is not null || Environment.GetEnvironmentVariable("NATIVESTYLE_REQUIRE_PTXAS") is null);
        Skip.If(assembler is null, "no ptxas: set NATIVESTYLE_PTXAS to NVIDIA's assembler");
        KernelLadder ladder = Ladder(name);
        string[][] rows = [.. ladder.Steps.Select(step => LadderPages.Needs(step, assembler!))];
        foreach ((LadderStep step, string[] row) in ladder.Steps.Zip(rows))
        {
            Assert.Equal(
                LadderPages.Markdown(LadderPages.NeedsHead, [row]),
                Part(Page($"{name}-{step.Number}.md"), "needs"));
        }

        Assert.Equal(LadderPages.Markdown(LadderPages.NeedsHead, rows), Part(Page("README.md"), $"{name} needs"));
    }

    /// <summary>
    /// A table of times has a row for each step and device. Speeds and ratios follow from the times in it, as far as
    /// three digits allow, and each row is also in the page of its step.
    /// </summary>
    [Theory]
    [MemberData(nameof(Ladders))]
    public void TablesOfTimesAgreeWithThemselvesAndEachOther(string name)
    {
        KernelLadder ladder = Ladder(name);
        string table = Part(Page("README.md"), $"{name} times");
        Assert.Matches(@"^[^|\n]+ cores; opencl: .*Peaks, measured in the same run: cpu [\d.]+ GFLOP/s", table);
        string[][] rows = Rows(table);
        Assert.Equal(LadderPages.TimesHead(ladder), rows[0]);
        rows = rows[2..];
        foreach (LadderStep step in ladder.Steps)
        {
            string[][] ofPage = Rows(Part(Page($"{name}-{step.Number}.md"), "times"))[2..];
            Assert.Equal(
                rows.Where(row => row[0] == LadderPages.Name(step)), ofPage.Where(row => row[1] != "cpu-kernels"));
            Assert.Contains(ofPage, row => row[1] == "cpu-kernels");
            Assert.Equal(!step.NeedsWarps, ofPage.Any(row => row[1] == "opencl"));
            Assert.Equal(!step.Kernel.Grouped, ofPage.Any(row => row[1] == "cpu"));
            foreach (string[] row in ofPage) CheckRow(ladder, step, row, rows);
        }

        string[] operators = [.. rows.Where(row => row[0] == "the operator").Select(row => row[1])];
        Assert.Superset(new HashSet<string> { "cpu", "opencl", "cpu-128" }, operators.ToHashSet());
    }

    /// <summary>All C# of the pages about machines and of the ladder is in the sources, word for word.</summary>
    [Fact]
    public void PagesQuoteTheSources()
    {
        string[] sources =
        [
            .. Directory.EnumerateFiles(Path.Combine(s_root, "src", "Kernels"), "*.cs", SearchOption.AllDirectories)
                .Select(file => Folded(File.ReadAllText(file))),
        ];
        string[] pages =
        [
            .. Directory.EnumerateFiles(Path.Combine(s_root, "docs", "ladder"), "*.md"),
            .. new[] { "gpu.md", "cpu.md" }.Select(page => Path.Combine(s_root, "docs", page)),
        ];
        string[] pieces =
        [
            .. pages.SelectMany(page => File.ReadAllText(page).Split("```csharp\n").Skip(1))
                .SelectMany(piece => piece.Split("```")[0].Split("...\n")).Select(Folded).Where(piece => piece.Length > 0),
        ];
        Assert.True(pieces.Length > 8);
        Assert.All(
            pieces,
            piece => Assert.True(sources.Any(source => source.Contains(piece, StringComparison.Ordinal)), piece));
    }

    /// <summary>The pages link to files and headings that exist.</summary>
    [Fact]
    public void LinksLeadSomewhere()
    {
        string folder = Path.Combine(s_root, "docs");
        foreach (string page in Directory.EnumerateFiles(Path.Combine(folder, "ladder"), "*.md")
            .Concat(new[] { "gpu.md", "cpu.md", "kernels.md" }.Select(name => Path.Combine(folder, name))))
        {
            foreach (Match link in Link().Matches(File.ReadAllText(page)))
            {
                string path = Path.Combine(Path.GetDirectoryName(page)!, link.Groups[1].Value);
                Assert.True(Path.Exists(path), $"{page}: {link.Value}");
                string[] headings = link.Groups[2].Length == 0 ? [] :
                [
                    .. File.ReadLines(path).Where(line => line.StartsWith('#')).Select(line => "#" + NoAnchor()
                        .Replace(line.TrimStart('#').Trim().ToLowerInvariant().Replace(' ', '-'), "")),
                ];
                if (link.Groups[2].Length > 0) Assert.Contains(link.Groups[2].Value, headings);
            }
        }
    }

    [Fact]
    public void AStepIsShownAndTimed()
    {
        CommandLine.Outcome outcome =
            CommandLine.Run("kernels", "time", "--ladder", "pool", "--step", "1", "--device", "cpu-kernels");
        Assert.Equal(0, outcome.ExitCode);
        foreach (string words in new[] { "1. plain", "y[(window * channels) + c] = 0.25f * sum;", "12.5 %", "16x16, 64" })
            Assert.Contains(words, outcome.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("kernels time --step 11", "--step 11 is out of range, expected 1 to 10")]
    [InlineData("kernels time --ladder pool --step 7", "--step 7 is out of range, pool has 6 steps")]
    [InlineData("kernels time --ladder stairs", "--ladder stairs is unknown, expected one of gram, pool")]
    [InlineData("kernels time --device cpu", "--device is for a ladder; give --ladder or --step, too")]
    [InlineData("kernels time --step 2 --channels 30", "--channels 30 is no multiple of 8")]
    [InlineData("kernels time --step 2 --device cpu-9", "there is no device 'cpu-9'")]
    public void WrongStepsAreRefused(string arguments, string words) =>
        CommandLine.AssertRefused(CommandLine.Run(arguments.Split(' ')), words);

    [Fact]
    public void ADifferenceKeepsWhatIsCommon() => Assert.Equal(
        [" a", "-b", "+x", "+y", " c", "-d"], LineDiff.Of(["a", "b", "c", "d"], ["a", "x", "y", "c"]));

    private static void CheckRow(KernelLadder ladder, LadderStep step, string[] row, string[][] rows)
    {
        int[] sizes = [.. Number().Matches(row[2]).Select(match => int.Parse(match.Value, CultureInfo.InvariantCulture))];
        var size = new LadderSize(sizes[0], sizes[1], sizes[2]);
        double seconds = 1e-3 * Value(row[3]);
        // Three digits: half of the last one is 1/200 of the smallest number.
        double work = 1e-9 * (ladder.IsBoundByMemory ? ladder.LeastBytes(size) : ladder.Flop(size));
        if (Value(row[4]) > 0.01) Assert.InRange(work / seconds / Value(row[4]), 0.985, 1.015);
        string[]? before = rows.FirstOrDefault(
            each => each[1] == row[1] && each[0].StartsWith($"{step.Before}. ", StringComparison.Ordinal));
        if (before is not null && Value(row[6]) > 0.01)
            Assert.InRange(1e-3 * Value(before[3]) / seconds / Value(row[6]), 0.98, 1.02);
        Assert.Equal(row[1] == "opencl" && step.ExpectedGain is { } gain ? LadderPages.Digits(gain) : "-", row[7]);
        Assert.InRange(Value(row[8]), 1e-9, step.NeedsWarps ? 1e-3 : 1e-5);
    }

    private static double Value(string cell) => double.Parse(cell, CultureInfo.InvariantCulture);

    private static KernelLadder Ladder(string name) => KernelLadder.All.Single(ladder => ladder.Name == name);

    private static string Page(string name) => File.ReadAllText(Path.Combine(s_root, "docs", "ladder", name));

    private static string Part(string page, string name)
    {
        string[] parts = page.Split($"<!-- {name} -->\n");
        Assert.Equal(2, parts.Length);
        return parts[1].Split($"\n<!-- /{name} -->")[0];
    }

    private static string[][] Rows(string table) =>
    [
        .. table.Split('\n').Where(line => line.StartsWith('|'))
            .Select(line => line.Trim('|').Split('|', StringSplitOptions.TrimEntries)),
    ];

    private static string Folded(string text) => string.Join(
        '\n', text.ReplaceLineEndings("\n").Split('\n').Select(line => line.Trim()).Where(line => line.Length > 0));

    [GeneratedRegex(@"\]\((?!https?:)([^)#\s]+)(#[^)\s]+)?\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"[^\w-]")]
    private static partial Regex NoAnchor();

    [GeneratedRegex(@"\d+")]
    private static partial Regex Number();
}
