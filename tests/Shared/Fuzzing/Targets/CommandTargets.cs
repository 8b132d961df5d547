using System.Text;
using System.Text.Json;
using NativeStyle.Cli;
using NativeStyle.Cli.Jobs;
using NativeStyle.FeedForward;
using NativeStyle.Imaging;
using NativeStyle.Jobs;
using NativeStyle.Style;
using NativeStyle.Style.Options;

namespace NativeStyle.Tests;

/// <summary>The files that the command line alone reads.</summary>
internal static class CommandTargets
{
    private static readonly Picture s_picture = new(1, 1);

    private static readonly string s_manifest = string.Join(
        '\n',
        """{"content": "a.jpg", "style": "b.jpg", "output": "c.png"}""",
        """{"content": "a.jpg", "style": ["b.jpg", "d.jpg"], "output": "sub/e.jpg", "styleWeights": [1, 0.5]}""",
        "",
        """{"content": "a", "style": ["b", "d"], "output": "f.tif", "masks": ["m", null], "styleMasks": [null, "n"]}""",
        """{"content": "x.png", "style": "b.jpg", "output": "g.png", "options": {"size": 64, "iterations": [3]}}""",
        """{"content": "y", "style": "b", "output": "h.npy", "options": {"optimizer": "lbfgs", "clamp": false}}""");

    public static IReadOnlyList<FuzzTarget> All { get; } =
    [
        Command("recipe", Recipes, ReadRecipe) with
        {
            Shape = new JsonShape(), FileOf = json => Png("nativestyle", json),
        },
        Command("drawing-recipe", Drawings, ReadDrawing) with
        {
            Shape = new JsonShape(), FileOf = json => Png("nativestyle-drawing", json),
        },
        Command("manifest", () => [Encoding.UTF8.GetBytes(s_manifest)], ReadManifest) with
        {
            Shape = new JsonShape(lines: true), FileName = "jobs.jsonl", NamesFile = false,
        },
        Command("preset-file", PresetSeeds.Files, ReadPreset) with
        {
            Shape = new JsonShape(), FileName = "mine.json",
        },
    ];

    private static FuzzTarget Command(string name, Func<IEnumerable<byte[]>> seeds, Func<string, int> read) =>
        new(name, seeds, read) { Refuses = refusal => refusal is UsageException or InvalidDataException };

    /// <summary>A picture of one pixel with a text.</summary>
    private static byte[] Png(string keyword, byte[] json)
    {
        var text = new Dictionary<string, string> { [keyword] = Encoding.UTF8.GetString(json) };
        return PictureFile.Encode(s_picture, ".png", new PictureWriteOptions(Text: text));
    }

    private static IEnumerable<byte[]> Recipes()
    {
        IterationReport[] reports =
            [.. Enumerable.Range(1, 3).Select(i => new IterationReport(i, 8, 9, 6, 1, 2, 3, 0.1))];
        JobStyle[] styles = [new JobStyle("style one.png"), new JobStyle("two.png", 2, "region.png", "part.png")];
        TransferOptions options = Presets.Gatys with { Size = 9, Iterations = [3] };
        var job = new TransferJob
        {
            Content = "a b.png", Styles = styles, Weights = "vgg.mat", WeightsConvention = "bgr255", Depth = 16,
            Memory = 1L << 30, Options = options, Plan = Schedule.Plan(options, 8, 9),
        };
        TransferJob[] jobs =
            [job, job with { Content = null }, job with { Styles = [], Options = Presets.DefaultTrained }];
        var result = new TransferResult(s_picture, TransferEnd.Completed, 3, reports);
        var facts = new RunFacts(
            new string('a', 64), [new FileIdentity("a b.png", new string('b', 64))], "cpu-512", 1L << 30,
            "conv1_1 in 4 tiles of 32 x 32", 2, 7);
        return jobs.Select(each => Encoding.UTF8.GetBytes(Recipe.Texts(Prepared(each), result, facts)!["nativestyle"]));

        static PreparedJob Prepared(TransferJob job) => new(job, new TransferInputs(null, []));
    }

    private static int ReadRecipe(string path)
    {
        (Recipe recipe, string json) = Recipe.Read(path);
        foreach (string picture in recipe.Job.Pictures()) Finding.Require(picture is not null, "a picture has no name");
        Finding.Require(recipe.Losses.All(point => point is not null), "a loss is missing");
        return HashCode.Combine(recipe.Command(), json);
    }

    private static IEnumerable<byte[]> Drawings()
    {
        var recipe = new DrawingRecipe("NativeStyle", "a.png", "waves", new string('a', 64), 0.5, "picture", 512, 8, 9)
        {
            Files = [new FileIdentity("a.png", new string('b', 64))],
        };
        return [Encoding.UTF8.GetBytes(recipe.Texts()["nativestyle-drawing"])];
    }

    private static int ReadDrawing(string path) => DrawingRecipe.Read(path) is var (recipe, json)
        ? HashCode.Combine(recipe.Command(), json) : 0;

    private static int ReadManifest(string path)
    {
        var digest = new HashCode();
        List<BatchJob> jobs = BatchJobs.FromManifest(path, Path.GetTempPath());
        // What the command does next with the names that a manifest gives.
        ManyJobs.RequireOwnOutputs(jobs);
        foreach (BatchJob job in jobs)
        {
            digest.Add((job.Name, job.Content, job.Output));
            foreach (JobStyle style in job.Styles) digest.Add(style);
            try
            {
                if (job.Options is { } values) digest.Add(OptionsJson.Write(OptionsJson.With(Presets.Gatys, values)));
            }
            catch (TransferException wrong)
            {
                throw new UsageException(wrong.Message);
            }
        }

        return digest.ToHashCode();
    }

    private static int ReadPreset(string path) =>
        OptionsJson.Write(JobDraft.FindPreset(path, null)).GetHashCode(StringComparison.Ordinal);
}
