using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace NativeStyle.Cli.Tests;

/// <summary>Checks the table of layers in docs/design.md against the projects' references and the code.</summary>
public sealed partial class LayersTests
{
    private const string Prefix = "NativeStyle.";

    private static readonly string s_objects = $"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}";

    private static readonly string s_root = FindRoot();

    /// <summary>The projects by name, and the projects and packages that each knows according to the table.</summary>
    private static readonly Dictionary<string, string[]> s_table = File
        .ReadLines(Path.Combine(s_root, "docs", "design.md"))
        .Select(line => Row().Match(line)).Where(match => match.Success)
        .ToDictionary(
            match => match.Groups["project"].Value,
            match => match.Groups["knows"].Value.Split(", ", StringSplitOptions.TrimEntries));

    /// <summary>Files that need the time of day, and why.</summary>
    private static readonly Dictionary<string, string> s_timeOfDay = new()
    {
        ["IterationBenchmark.cs"] = "systems tell when a program started by the time of day",
        ["BenchCommand.cs"] = "compares the end of the first iteration with that start",
        ["JobClaim.cs"] = "tells other machines, which share files and no other clock, that a process is alive",
    };

    public static TheoryData<string> Projects =>
        [.. Directory.GetDirectories(Path.Combine(s_root, "src")).Select(path => Path.GetFileName(path)!)];

    [Theory]
    [MemberData(nameof(Projects))]
    public void AProjectReferencesWhatTheTableSays(string project)
    {
        XDocument file = XDocument.Load(Path.Combine(s_root, "src", project, $"{project}.csproj"));
        IEnumerable<string> references = file.Descendants("ProjectReference")
            .Select(
                reference => Path.GetFileNameWithoutExtension(reference.Attribute("Include")!.Value.Replace('\\', '/')))
            .Concat(file.Descendants("PackageReference").Select(reference => reference.Attribute("Include")!.Value));
        Assert.Equal(s_table[project].Order(StringComparer.Ordinal), references.Order(StringComparer.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Projects))]
    public void ItsFilesUseNothingElse(string project)
    {
        HashSet<string> below = Below(project);
        foreach (string file in Sources(project))
        {
            foreach (Match use in Use().Matches(File.ReadAllText(file)))
                Assert.True(
                    below.Contains(use.Groups[1].Value), $"{file} uses {use.Value}, which is not below {project}");
        }
    }

    [Theory]
    [MemberData(nameof(Projects))]
    public void NamespacesFollowFolders(string project)
    {
        foreach (string file in Sources(project))
        {
            Match declaration = Namespace().Match(File.ReadAllText(file));
            if (!declaration.Success) continue;
            string folder = Path.GetRelativePath(Path.Combine(s_root, "src"), Path.GetDirectoryName(file)!);
            Assert.Equal(Prefix + folder.Replace(Path.DirectorySeparatorChar, '.'), declaration.Groups[1].Value);
        }
    }

    /// <summary>Only tensors and tapes call operators. Higher layers call tensors and tapes.</summary>
    [Theory]
    [InlineData("Vgg")]
    [InlineData("Style")]
    [InlineData("Compression")]
    [InlineData("FeedForward")]
    public void ArithmeticGoesThroughAutodiff(string project)
    {
        foreach (string file in Sources(project))
        {
            Match call = Operator().Match(File.ReadAllText(file));
            Assert.False(call.Success, $"{file} calls {call.Value}");
        }
    }

    /// <summary>
    /// The time of day jumps: people and NTP set it. Everything that measures or waits uses the clock that only goes
    /// forward (Stopwatch).
    /// </summary>
    [Theory]
    [MemberData(nameof(Projects))]
    public void NothingMeasuresByTheTimeOfDay(string project)
    {
        foreach (string file in Sources(project).Where(file => !s_timeOfDay.ContainsKey(Path.GetFileName(file))))
        {
            Match use = TimeOfDay().Match(File.ReadAllText(file));
            Assert.False(use.Success, $"{file} uses {use.Value}; use Stopwatch, or say in this test why not");
        }
    }

    private static HashSet<string> Below(string project)
    {
        HashSet<string> below = [project];
        foreach (string other in s_table[project].Where(s_table.ContainsKey)) below.UnionWith(Below(other));
        return below;
    }

    private static IEnumerable<string> Sources(string project) => Directory
        .EnumerateFiles(Path.Combine(s_root, "src", project), "*.cs", SearchOption.AllDirectories)
        .Where(file => !file.Contains(s_objects, StringComparison.Ordinal));

    internal static string FindRoot()
    {
        string folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "NativeStyle.sln"))) folder = Path.GetDirectoryName(folder)!;
        return folder;
    }

    [GeneratedRegex(@"^\| `src/(?<project>\w+)` \|.*\| (?<knows>[^|]+?) \|$")]
    private static partial Regex Row();

    [GeneratedRegex(@"^using (?:static )?NativeStyle\.(\w+)", RegexOptions.Multiline)]
    private static partial Regex Use();

    [GeneratedRegex(@"^namespace ([\w.]+)", RegexOptions.Multiline)]
    private static partial Regex Namespace();

    [GeneratedRegex(
        @"\bDateTime(Offset)?\.(Now|UtcNow|Today)\b|\bTickCount|\bGet(Utc|Local)Now\b|\bStartTime\b|\bLastWriteTime")]
    private static partial Regex TimeOfDay();

    [GeneratedRegex(@"\b[A-Z]\w*Ops?\.[A-Z]\w*\(|\bArrayView\b|^using ILGPU", RegexOptions.Multiline)]
    private static partial Regex Operator();
}
