using System.Globalization;
using NativeStyle.Imaging;

namespace NativeStyle.Cli.Tests;

public sealed class BatchTests : IDisposable
{
    private static readonly string[] s_quick =
    [
        "--content-layers", "conv2_1", "--style-layers", "conv1_1", "--size", "24", "--iterations", "2", "--weights",
        "random",
    ];

    private readonly TemporaryFolder _folder = new();

    public BatchTests()
    {
        foreach (string folder in new[] { "photos", "paintings", "pairs" })
            Directory.CreateDirectory(_folder.File(folder));
        foreach (string name in new[]
        {
            "photos/a.png", "photos/b.png", "paintings/x.png", "paintings/y.png", "paintings/z.png",
            "pairs/content_1.png", "pairs/content_2.png", "pairs/style_1.png",
        })
        {
            var picture = new Picture(20, 30);
            for (int i = 0; i < picture.Pixels.Length; i++) picture.Pixels[i] = (i * name.Length % 97) / 97f;
            PictureFile.Write(_folder.File(name), picture);
        }
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void EachContentIsPaintedInEachStylePastFailuresAndWithoutWhatIsDone()
    {
        File.WriteAllText(_folder.File("photos/broken.jpg"), "no picture");
        CommandLine.Outcome first = Batch("--content", _folder.File("photos"), "--style", _folder.File("paintings"));
        Assert.Equal(1, first.ExitCode);
        Assert.Contains("6 painted, 0 were there already, 3 failed", first.Output, StringComparison.Ordinal);
        Assert.Contains("broken.jpg is no picture that can be read", first.Error, StringComparison.Ordinal);
        string[] painted = ["a--x.png", "a--y.png", "a--z.png", "b--x.png", "b--y.png", "b--z.png"];
        string[] failed = [.. "xyz".Select(style => $"broken--{style}.png.failed.txt")];
        Assert.Equal([.. painted, .. failed], Directory.GetFiles(_folder.File("out")).Select(Path.GetFileName).Order());
        Assert.Contains(
            "broken.jpg is no picture that can be read", File.ReadAllText(_folder.File($"out/{failed[0]}")),
            StringComparison.Ordinal);
        byte[] alone = File.ReadAllBytes(_folder.File("out/a--y.png"));
        File.Delete(_folder.File("photos/broken.jpg"));
        File.Delete(_folder.File("out/a--y.png"));
        DateTime before = File.GetLastWriteTimeUtc(_folder.File("out/a--x.png"));
        CommandLine.Outcome second = Batch("--content", _folder.File("photos"), "--style", _folder.File("paintings"));
        Assert.Equal(0, second.ExitCode);
        Assert.Contains("1 painted, 5 were there already, 0 failed", second.Output, StringComparison.Ordinal);
        Assert.Equal(before, File.GetLastWriteTimeUtc(_folder.File("out/a--x.png")));
        Assert.Equal(alone, File.ReadAllBytes(_folder.File("out/a--y.png")));
        // A single transfer gives the same bytes.
        CommandLine.Run(
            ["transfer", _folder.File("photos/a.png"), _folder.File("paintings/y.png"), "-o", _folder.File("alone.png"),
             .. s_quick]);
        Assert.Equal(alone, File.ReadAllBytes(_folder.File("alone.png")));
    }

    [Fact]
    public void PairsGoIntoNumberedFoldersBesideTheirPictures()
    {
        CommandLine.Outcome outcome = Batch("--pairs", _folder.File("pairs"), "--save-every", "1");
        Assert.Equal(0, outcome.ExitCode);
        foreach (string folder in new[] { "out/gen_0", "out/gen_1" })
        {
            Assert.Equal(
                ["content.png", "gen-0001.png", "gen-0002.png", "gen.png", "style.png"],
                Directory.GetFiles(_folder.File(folder)).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        }

        CommandLine.AssertRefused(Batch("--pairs", _folder.File("photos")), "content_");
    }

    [Fact]
    public void AManifestSaysEachJobsPicturesAndOptions()
    {
        File.WriteAllLines(_folder.File("jobs.jsonl"),
        [
            """{"content": "photos/a.png", "style": "paintings/x.png", "output": "one.png"}""", "",
            """{"content": "photos/b.png", "style": ["paintings/x.png", "paintings/y.png"], """ +
            """ "styleWeights": [2, 1], "masks": ["photos/a.png", null], "output": "sub/two.jpg", """ +
            """ "options": {"size": 20, "pooling": "max"}}""",
            """{"content": "photos/b.png", "style": "paintings/x.png", "output": "three.png", """ +
            """ "options": {"sise": 20}}""",
        ]);
        CommandLine.Outcome outcome = Batch("--manifest", _folder.File("jobs.jsonl"));
        Assert.Equal(1, outcome.ExitCode);
        Assert.Contains("2 painted, 0 were there already, 1 failed", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("sise", outcome.Error, StringComparison.Ordinal);
        Assert.Equal(24, PictureFile.Read(_folder.File("out/one.png")).Width);
        Assert.Equal(20, PictureFile.Read(_folder.File("out/sub/two.jpg")).Width);
    }

    [Theory]
    [InlineData("""{"content": "a.png"}""")]
    [InlineData("""{"content": "a.png", "style": 5, "output": "o.png"}""")]
    [InlineData("""{"content": "a.png", "style": [], "output": "o.png"}""")]
    [InlineData("""{"content": "a.png", "style": "x.png", "output": "o.png", "styleWeights": [1, 2]}""")]
    [InlineData("""{"content": "a.png", "style": "x.png", "output": "o.png", "styleWeights": [-1]}""")]
    [InlineData("""{"content": "a.png", "style": ["x.png", "y.png"], "output": "o.png", "styleWeights": [0, 0]}""")]
    [InlineData("not json")]
    public void AWrongManifestIsRefusedWithItsLine(string line)
    {
        File.WriteAllLines(_folder.File("jobs.jsonl"), ["", line]);
        CommandLine.AssertRefused(Batch("--manifest", _folder.File("jobs.jsonl")), "jobs.jsonl line 2");
    }

    public static TheoryData<string, string, string> Schedulers() => new()
    {
        // Environment, options, and the jobs of this shard among six.
        { "", "--shard 0/4", "0 4" },
        { "", "--shard 3/4", "3" },
        // What Slurm 22.05 sets in tasks of --array=0-2, 1-2, 2-8:3, and 5.
        { Slurm(0, 3, 0, 2, 1), "", "0 3" },
        { Slurm(2, 2, 1, 2, 1), "", "1 3 5" },
        { Slurm(2, 3, 2, 8, 3), "", "0 3" },
        { Slurm(8, 3, 2, 8, 3), "", "2 5" },
        { Slurm(5, 1, 5, 5, 1), "", "0 1 2 3 4 5" },
        { Slurm(8, 3, 2, 8, 3), "--shard 0/6", "0" },
        { "SLURM_ARRAY_TASK_ID=0;SLURM_ARRAY_TASK_COUNT=3", "", "0 3" },
        { "SLURM_ARRAY_TASK_ID=;JOB_COMPLETION_INDEX=", "", "0 1 2 3 4 5" },
        { "JOB_COMPLETION_INDEX=1;JOB_COMPLETIONS=5", "", "1" },
        { "JOB_COMPLETION_INDEX=6;JOB_COMPLETIONS=9", "", "" },
        { "JOB_COMPLETION_INDEX=1;JOB_COMPLETIONS=5", "--shard 0/1", "0 1 2 3 4 5" },
        { "AWS_BATCH_JOB_ARRAY_INDEX=3;AWS_BATCH_JOB_ARRAY_SIZE=4", "", "3" },
    };

    private static string Slurm(int task, int count, int first, int last, int step) =>
        $"SLURM_ARRAY_TASK_ID={task};SLURM_ARRAY_TASK_COUNT={count};SLURM_ARRAY_TASK_MIN={first};" +
        $"SLURM_ARRAY_TASK_MAX={last};SLURM_ARRAY_TASK_STEP={step}";

    [Theory]
    [MemberData(nameof(Schedulers))]
    public void AShardIsAShareOfTheJobs(string environment, string options, string jobs)
    {
        string[] all = ["a--x", "a--y", "a--z", "b--x", "b--y", "b--z"];
        CommandLine.Outcome outcome = CommandLine.RunWith(
            environment, [.. Folders, "--list", .. options.Split(' ', StringSplitOptions.RemoveEmptyEntries)]);
        Assert.Equal(0, outcome.ExitCode);
        string[] lines = outcome.Output.Split('\n');
        string[] listed = [.. lines.Where(line => line.Contains(".png", StringComparison.Ordinal))
            .Select(line => Path.GetFileNameWithoutExtension(line.Trim()))];
        Assert.Equal(
            jobs.Split(' ', StringSplitOptions.RemoveEmptyEntries)
                .Select(job => all[int.Parse(job, CultureInfo.InvariantCulture)]), listed);
    }

    [Theory]
    [InlineData("", "--shard 4/4", "--shard 4/4 is no shard")]
    [InlineData("", "--shard 0/0", "--shard 0/0 is no shard")]
    [InlineData("", "--shard one", "I/N")]
    [InlineData("SLURM_ARRAY_TASK_ID=2", "", "SLURM_ARRAY_TASK_COUNT")]
    [InlineData("JOB_COMPLETION_INDEX=2", "", "JOB_COMPLETIONS")]
    [InlineData("JOB_COMPLETION_INDEX=2;JOB_COMPLETIONS=", "", "JOB_COMPLETIONS")]
    [InlineData("AWS_BATCH_JOB_ARRAY_INDEX=2", "", "AWS_BATCH_JOB_ARRAY_SIZE")]
    [InlineData("JOB_COMPLETION_INDEX=x;JOB_COMPLETIONS=5", "", "JOB_COMPLETION_INDEX=x")]
    [InlineData("JOB_COMPLETION_INDEX=5;JOB_COMPLETIONS=5", "", "JOB_COMPLETION_INDEX=5, JOB_COMPLETIONS=5")]
    [InlineData("JOB_COMPLETION_INDEX=-1;JOB_COMPLETIONS=5", "", "JOB_COMPLETION_INDEX=-1")]
    [InlineData("JOB_COMPLETION_INDEX=0;JOB_COMPLETIONS=0", "", "JOB_COMPLETIONS=0")]
    [InlineData("JOB_COMPLETION_INDEX=0;JOB_COMPLETIONS=99999999999", "", "JOB_COMPLETIONS=99999999999")]
    [InlineData("SLURM_ARRAY_TASK_ID=0;SLURM_ARRAY_TASK_COUNT=4;SLURM_ARRAY_TASK_MIN=1", "", "TASK_MIN=1")]
    [InlineData("SLURM_ARRAY_TASK_ID=4;SLURM_ARRAY_TASK_COUNT=4", "", "SLURM_ARRAY_TASK_ID=4")]
    [InlineData("SLURM_ARRAY_TASK_ID=4;SLURM_ARRAY_TASK_COUNT=4;SLURM_ARRAY_TASK_STEP=0", "", "TASK_STEP=0")]
    [InlineData("SLURM_ARRAY_TASK_ID=3;SLURM_ARRAY_TASK_COUNT=4;SLURM_ARRAY_TASK_STEP=2", "", "TASK_STEP=2")]
    // What Slurm sets in the second task of --array=1,3,7.
    [InlineData(
        "SLURM_ARRAY_TASK_ID=3;SLURM_ARRAY_TASK_COUNT=3;SLURM_ARRAY_TASK_MIN=1;SLURM_ARRAY_TASK_MAX=7;" +
        "SLURM_ARRAY_TASK_STEP=1", "", "expected a task of an array that counts in equal steps")]
    public void AWrongShardIsRefused(string environment, string options, string words) => CommandLine.AssertRefused(
        CommandLine.RunWith(
            environment, [.. Folders, .. options.Split(' ', StringSplitOptions.RemoveEmptyEntries)]),
        words);

    [Fact]
    public void WrongFoldersAreRefused()
    {
        CommandLine.AssertRefused(Batch("--content", _folder.File("photos")), "--style");
        CommandLine.AssertRefused(
            Batch("--content", _folder.File("none"), "--style", _folder.File("paintings")), "none is no folder");
        Directory.CreateDirectory(_folder.File("empty"));
        CommandLine.AssertRefused(
            Batch("--content", _folder.File("empty"), "--style", _folder.File("paintings")), "empty has no content");
        PictureFile.Write(_folder.File("photos/a.jpg"), new Picture(20, 20));
        CommandLine.AssertRefused(
            Batch("--content", _folder.File("photos"), "--style", _folder.File("paintings")), "two jobs would write");
    }

    private string[] Folders =>
    [
        "batch", "--content", _folder.File("photos"), "--style", _folder.File("paintings"),
        "--out", _folder.File("out"),
    ];

    private CommandLine.Outcome Batch(params string[] arguments) =>
        CommandLine.Run(["batch", "--out", _folder.File("out"), .. s_quick, .. arguments]);
}
