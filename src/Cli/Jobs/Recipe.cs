using System.Globalization;
using System.Text.Json;
using NativeStyle.Cli.Arguments;
using NativeStyle.Cli.Commands;
using NativeStyle.Imaging.Png;
using NativeStyle.Style;
using NativeStyle.Style.Options;

namespace NativeStyle.Cli.Jobs;

/// <summary>The losses at one iteration.</summary>
internal sealed record LossPoint(
    int Iteration, int Width, int Height, double Loss, double Content, double Style, double Tv);

/// <summary>
/// Describes how a picture was made. A PNG holds it as JSON under its own keyword. It has no times, so the same run
/// gives the same bytes.
/// </summary>
/// <param name="WeightsDigest">The SHA-256 of the network's numbers. Pictures of older versions have none.</param>
internal sealed record Recipe(
    string Program, TransferJob Job, int Iterations, string End, IReadOnlyList<LossPoint> Losses,
    string? WeightsDigest = null)
{
    private const string Keyword = "nativestyle";
    private const int MaxPoints = 100;

    /// <summary>Makes the texts for a picture.</summary>
    public static IReadOnlyDictionary<string, string> Texts(
        TransferJob job, string end, IReadOnlyList<IterationReport> reports, string weightsDigest)
    {
        // Spread the points evenly, from the first report to the last.
        int count = Math.Min(MaxPoints, reports.Count);
        IEnumerable<IterationReport> points = Enumerable.Range(0, count)
            .Select(i => reports[count == 1 ? 0 : (int)((long)i * (reports.Count - 1) / (count - 1))]);
        var recipe = new Recipe(
            "NativeStyle", job, reports.Count, end,
            [.. points.Select(report => new LossPoint(
                report.Iteration, report.Width, report.Height, report.Loss, report.Content, report.Style, report.Tv))],
            weightsDigest);
        return new Dictionary<string, string>
        {
            ["Software"] = "NativeStyle",
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
    public static string WordOf(TransferEnd end) => end switch
    {
        TransferEnd.Completed => "completed",
        TransferEnd.Cancelled => "cancelled",
        TransferEnd.NonFiniteLoss => "non-finite-loss",
        TransferEnd.OutOfMemory => "out-of-memory",
        _ => "device-failed",
    };

    /// <summary>The options that 'texture' sets itself.</summary>
    public static IReadOnlyList<TransferOption> SetByTexture { get; } =
        [OptionTable.Size, OptionTable.ContentWeight, OptionTable.ContentLayers];

    /// <summary>The options that 'reconstruct' sets itself.</summary>
    public static IReadOnlyList<TransferOption> SetByReconstruct { get; } =
        [OptionTable.StyleWeight, OptionTable.StyleLayers, OptionTable.ContentLayers];

    /// <summary>Returns the command that makes the picture again.</summary>
    public string Command()
    {
        TransferOptions options = Job.Options;
        // The preset of that name; of one from a file, the one of this program that needs the fewest options.
        TransferOptions preset = Presets.Find(options.Name)
            ?? Presets.All.MinBy(candidate => Differences(candidate).Count())!;
        (string verb, IReadOnlyList<TransferOption> implied, TransferOptions begun) = this switch
        {
            { Job.Content: null } => ("texture", SetByTexture, TextureCommand.Adapt(preset)),
            { Job.Styles.Count: 0 } =>
                ("reconstruct", SetByReconstruct, ReconstructCommand.Adapt(preset, options.ContentLayers)),
            _ => ("transfer", [], preset),
        };
        List<string> words = ["nativestyle", verb];
        if (Job.Content is not null) words.Add(Job.Content);
        words.AddRange(Job.Styles.Select(style => style.Path));
        words.AddRange(["-o", "OUT.png", "--preset", preset.Name, "--weights", Job.Weights ?? WeightsLocator.Random]);
        if (Job.WeightsConvention is not null) words.AddRange(["--weights-convention", Job.WeightsConvention]);
        ScaleStep last = Job.Plan[^1];
        if (verb == "texture") words.AddRange([JobArguments.NameOf(OptionTable.Size), $"{last.Width}x{last.Height}"]);
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
        words.AddRange([JobArguments.NameOf(OptionTable.Iterations), iterations]);
        foreach (TransferOption option in Differences(begun).Except(implied))
        {
            string? picture = option == OptionTable.Init ? Job.Init : null;
            words.AddRange([JobArguments.NameOf(option), picture ?? option.Text(options)]);
        }

        if (Job.Memory is long memory) words.AddRange(["--memory", MemorySize.Option(memory)]);
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

    /// <summary>Returns the beginning of a checksum, which is enough to compare by eye.</summary>
    public static string Short(string digest) => digest[..Math.Min(12, digest.Length)];

    private static string Text(double number) => number.ToString(CultureInfo.InvariantCulture);

    /// <summary>Quotes a word for a shell if it must be.</summary>
    public static string Quoted(string word) =>
        word.Length > 0 && word.All(c => char.IsLetterOrDigit(c) || "-_./:,=+@".Contains(c, StringComparison.Ordinal))
        ? word : $"'{word.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}
