using System.Globalization;
using System.Text.Json;
using NativeStyle.Imaging.Png;
using NativeStyle.Style;
using NativeStyle.Style.Options;

namespace NativeStyle.Jobs;

/// <summary>The losses at one iteration.</summary>
internal sealed record LossPoint(
    int Iteration, int Width, int Height, double Loss, double Content, double Style, double Tv);

/// <summary>What the bytes of a run depend on, beside its job.</summary>
/// <param name="WeightsDigest">The SHA-256 of the network's numbers.</param>
/// <param name="Files">The pictures and weights that the job names; none if the result is to tell nothing.</param>
/// <param name="Device">
/// The device, as <c>--device</c> takes it, with the width of its vectors or its precision.
/// </param>
/// <param name="Memory">The limit that decided about tiles or history; null if the run went whole.</param>
/// <param name="Tiles">The tiles of the last scale, in words; null if its iterations went whole.</param>
/// <param name="Threads">The threads for which the CPU's tiles were planned; null if the run went whole.</param>
/// <param name="History">The steps that L-BFGS remembered, if these were fewer than the options say.</param>
internal sealed record RunFacts(
    string WeightsDigest, IReadOnlyList<FileIdentity> Files, string Device, long? Memory = null, string? Tiles = null,
    int? Threads = null, int? History = null);

/// <summary>
/// Describes how a picture was made. A PNG holds it as JSON under its own keyword. It has no times, so the same run
/// gives the same bytes, and no names of folders, which are nobody else's business. <see cref="RunFacts"/> describes
/// the parameters from <paramref name="WeightsDigest"/> on. Pictures of older versions lack them.
/// </summary>
/// <param name="Program">The name and version of the program.</param>
/// <param name="Job">The job without folders. Its limit of memory is the one that mattered.</param>
internal sealed record Recipe(
    string Program, TransferJob Job, int Iterations, string End, IReadOnlyList<LossPoint> Losses,
    string? WeightsDigest = null, IReadOnlyList<FileIdentity>? Files = null, string? Device = null,
    string? Tiles = null, int? Threads = null, int? History = null)
{
    private const string Keyword = "nativestyle";
    private const int MaxPoints = 100;

    /// <summary>Makes the texts for a picture; null if the job wants none.</summary>
    public static IReadOnlyDictionary<string, string>? Texts(
        PreparedJob prepared, TransferResult result, RunFacts facts)
    {
        TransferJob job = prepared.Job;
        if (job.WithoutRecipe) return null;
        // Spread the points evenly, from the first report to the last.
        IReadOnlyList<IterationReport> reports = result.Reports;
        int count = Math.Min(MaxPoints, reports.Count);
        IEnumerable<IterationReport> points = Enumerable.Range(0, count)
            .Select(i => reports[count == 1 ? 0 : (int)((long)i * (reports.Count - 1) / (count - 1))]);
        var recipe = new Recipe(
            RecipeFiles.Program, job.Renamed(prepared.NameOf) with { Memory = facts.Memory }, reports.Count,
            WordOf(result.End),
            [.. points.Select(report => new LossPoint(
                report.Iteration, report.Width, report.Height, report.Loss, report.Content, report.Style, report.Tv))],
            facts.WeightsDigest, facts.Files, facts.Device, facts.Tiles, facts.Threads, facts.History);
        return new Dictionary<string, string>
        {
            ["Software"] = recipe.Program,
            [Keyword] = JsonSerializer.Serialize(recipe, OptionsJson.Format),
        };
    }

    /// <summary>Reads the recipe of a picture.</summary>
    /// <exception cref="UsageException">
    /// The picture has no recipe, or one that this version does not understand.
    /// </exception>
    public static (Recipe Recipe, string Json) Read(string path)
    {
        if (!PngText.Read(path).TryGetValue(Keyword, out string? json))
            throw new UsageException(
                $"{path} does not tell how it was made: this program did not write it as .png, or another program " +
                "removed its texts");
        try
        {
            Recipe recipe = JsonSerializer.Deserialize<Recipe>(json, OptionsJson.Format)
                ?? throw new JsonException("it is empty");
            recipe.Job.Check();
            return (recipe, json);
        }
        catch (Exception wrong) when (wrong is JsonException or TransferException)
        {
            throw new UsageException(
                $"{path} tells how it was made in a way that this version does not understand: " +
                $"{wrong.Message.Split(" Path:")[0]}");
        }
    }

    /// <summary>Returns the word for the end of a run in recipes.</summary>
    private static string WordOf(TransferEnd end) => end switch
    {
        TransferEnd.Completed => "completed",
        TransferEnd.Cancelled => "cancelled",
        TransferEnd.NonFiniteLoss => "non-finite-loss",
        TransferEnd.OutOfMemory => "out-of-memory",
        _ => "device-failed",
    };

    /// <summary>
    /// Returns the command that makes the picture again; null if the job was changed while it ran.
    /// </summary>
    public string? Command()
    {
        if (Job.Changes is not null) return null;
        TransferOptions options = Job.Options;
        // The preset of that name; of one from a file, the one of this program that needs the fewest options.
        TransferOptions preset = Presets.Find(options.Name)
            ?? Presets.All.MinBy(candidate => Differences(candidate).Count())!;
        (string verb, IReadOnlyList<TransferOption> implied, TransferOptions begun) = this switch
        {
            { Job.Content: null } => ("texture", JobKinds.SetByTexture, JobKinds.Texture(preset)),
            { Job.Styles.Count: 0 } =>
                ("reconstruct", JobKinds.SetByReconstruct, JobKinds.Reconstruct(preset, options.ContentLayers)),
            _ => ("transfer", [], preset),
        };
        List<string> words = ["nativestyle", verb];
        if (Job.Content is not null) words.Add(Job.Content);
        words.AddRange(Job.Styles.Select(style => style.Path));
        words.AddRange(["-o", "OUT.png", "--preset", preset.Name, "--weights", Job.Weights ?? WeightsLocator.Random]);
        if (Job.WeightsConvention is not null) words.AddRange(["--weights-convention", Job.WeightsConvention]);
        ScaleStep last = Job.Plan[^1];
        if (verb == "texture") words.AddRange([JobDraft.NameOf(OptionTable.Size), $"{last.Width}x{last.Height}"]);
        if (verb == "reconstruct") words.AddRange(["--layer", OptionTable.ContentLayers.Text(options)]);
        if (Job.Styles.Any(style => style.Weight != 1))
            words.AddRange(["--style-weights", string.Join(',', Job.Styles.Select(style => Text(style.Weight)))]);
        Masks("--mask", style => style.Region);
        Masks("--style-mask", style => style.Part);
        // Take the iterations from the plan, because no option has a total that was spread over the scales. If the
        // total was too small, the plan lacks some scales.
        bool everyScale = Schedule.Plan(options, last.Height, last.Width).Count == Job.Plan.Count;
        IEnumerable<long> steps = Job.Plan.Select(step => (long)step.Iterations);
        string iterations = everyScale ? string.Join(',', steps) : Text(steps.Sum());
        words.AddRange([JobDraft.NameOf(OptionTable.Iterations), iterations]);
        foreach (TransferOption option in Differences(begun).Except(implied))
        {
            string? picture = option == OptionTable.Init ? Job.Init : null;
            words.AddRange([JobDraft.NameOf(option), picture ?? option.Text(options)]);
        }

        if (Job.Memory is long memory) words.AddRange(["--memory", MemorySize.Option(memory)]);
        if (Threads is int threads) words.AddRange(["--threads", threads.ToString(CultureInfo.InvariantCulture)]);
        if (Device is not null) words.AddRange(["--device", Device]);
        if (Job.Depth != 8) words.AddRange(["--depth", "16"]);
        return string.Join(' ', words.Select(Quoted));

        IEnumerable<TransferOption> Differences(TransferOptions from) => OptionTable.OnCommandLine
            .Where(option => option != OptionTable.Iterations && option.Text(from) != option.Text(options));

        void Masks(string option, Func<JobStyle, string?> mask)
        {
            if (Job.Styles.Any(style => mask(style) is not null))
                words.AddRange([option, string.Join(',', Job.Styles.Select(style => mask(style) ?? ""))]);
        }
    }

    private static string Text(double number) => number.ToString(CultureInfo.InvariantCulture);

    /// <summary>Quotes a word for a shell if it must be.</summary>
    public static string Quoted(string word) =>
        word.Length > 0 && word.All(c => char.IsLetterOrDigit(c) || "-_./:,=+@".Contains(c, StringComparison.Ordinal))
        ? word : $"'{word.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}
