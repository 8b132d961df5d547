using System.Text;
using NativeStyle.Cli.Jobs;
using NativeStyle.Jobs;

namespace NativeStyle.Cli.Tests;

/// <summary>Damaged and hostile files end in an answer or in the reader's own refusal.</summary>
public class DamageTests
{
    public static TheoryData<string> Targets => [.. CommandTargets.All.Select(target => target.Name)];

    [Theory]
    [MemberData(nameof(Targets))]
    public void DamagedFilesAreReadOrRefused(string name) => Fuzz.Rounds(Target(name), 500);

    [Theory]
    [InlineData("""{"content": "a.jpg", "style": "\ud800", "output": "c.png"}""")]
    [InlineData("""{"content": "a.jpg", "style": "b.jpg", "output": "c\u0000.png"}""")]
    [InlineData("""{"content": "a.jpg", "style": "b.jpg", "output": "c.png", "masks": ["\u0000"]}""")]
    public void ALineThatIsNoJobIsNamed(string line)
    {
        using var folder = new TemporaryFolder();
        string file = folder.File("jobs.jsonl");
        File.WriteAllText(file, "\n" + line);
        var error = Assert.Throws<UsageException>(() => BatchJobs.FromManifest(file, folder.Path));
        Assert.StartsWith($"{file} line 2 is no job", error.Message, StringComparison.Ordinal);
    }

    /// <summary>Pictures tell how they were made in words of other programs too.</summary>
    [Theory]
    [InlineData("\"losses\": [", "\"losses\": [null,")]
    [InlineData("\"styles\": [", "\"styles\": [null,")]
    [InlineData("\"height\": 8", "\"height\": 0")]
    [InlineData("\"weight\": 2", "\"weight\": -2")]
    public void ARecipeThatNoRunHadIsRefused(string old, string replacement)
    {
        FuzzTarget target = Target("recipe");
        string json = Encoding.UTF8.GetString(target.Seeds().First());
        Assert.Contains(old, json, StringComparison.Ordinal);
        byte[] changed = Encoding.UTF8.GetBytes(json.Replace(old, replacement, StringComparison.Ordinal));
        using var folder = new TemporaryFolder();
        string file = folder.File("a.png");
        File.WriteAllBytes(file, target.FileOf(changed));
        var error = Assert.Throws<UsageException>(() => Recipe.Read(file));
        Assert.StartsWith(file, error.Message, StringComparison.Ordinal);
    }

    private static FuzzTarget Target(string name) => CommandTargets.All.First(target => target.Name == name);
}
