using NativeStyle.Style;
using NativeStyle.Style.Options;
using NativeStyle.Vgg;
using NativeStyle.Vgg.Weights;

namespace NativeStyle.Jobs;

/// <summary>Changes a preset for a kind of job, before the user's options replace its values.</summary>
internal delegate TransferOptions Adjustment(
    TransferOptions preset, VggArchitecture architecture, TrainedWeights? trained);

/// <summary>What a user asked for: a preset, weights, and texts that replace the preset's values.</summary>
/// <param name="preset">The name of a preset, or a .json file.</param>
/// <param name="weights">The weights that the user named; null for those that are found.</param>
/// <param name="text">Returns what the user wrote for an option; null for nothing.</param>
internal sealed class JobDraft(string preset, string? weights, Func<TransferOption, string?> text)
{
    public Adjustment? Adjust { get; init; }

    /// <summary>Returns what the user wrote for an option; null for nothing.</summary>
    public string? Text(TransferOption row) => text(row);

    /// <summary>Returns the name of a row's option, with its dashes.</summary>
    public static string NameOf(TransferOption row) => $"--{row.CommandLineName}";

    /// <summary>
    /// Builds the job without its pictures and plan. It has the weights to use, and the options with the user's
    /// replacements.
    /// </summary>
    /// <param name="say">Receives which weights are used, and why.</param>
    /// <exception cref="UsageException">A file is missing, or a value is wrong.</exception>
    public TransferJob Create(Action<string> say)
    {
        string? found = WeightsLocator.Find(weights, say);
        (TransferOptions options, string architecture) = Options(found);
        if (WeightsLocator.FallsShort(weights, found, architecture, options.Layers))
        {
            string layers = string.Join(", ", options.Layers);
            say($"the built-in network is no {architecture} with {layers}: filters are random");
            (options, _) = Options(found = null);
        }
        else if (weights is null && found == CompactNetwork.Name)
        {
            say(WeightsLocator.UsesCompact);
        }

        return new TransferJob
        {
            Weights = found,
            Init = options.Init == InitKind.Picture ? text(OptionTable.Init) : null,
            Preset = Presets.Find(preset) is null ? RecipeFiles.Of(preset) : null,
            Options = options,
            Plan = [],
        };
    }

    /// <summary>Returns the total number of iterations, if the user gave one.</summary>
    public int? TotalIterations() =>
        text(OptionTable.Iterations) is { } total && !total.Contains(',', StringComparison.Ordinal)
        ? UserErrors.For(NameOf(OptionTable.Iterations), () => OptionTable.Steps.Parse(total)) : null;

    /// <summary>Finds a preset by its name, or reads it from a file.</summary>
    public static TransferOptions FindPreset(string name, TrainedWeights? weights)
    {
        if (Presets.Find(name, weights) is { } preset) return preset;
        if (!name.EndsWith(".json", StringComparison.OrdinalIgnoreCase))
            throw new UsageException(
                $"no preset is called '{name}'; there are {string.Join(", ", Presets.Names)}, " +
                "and files that end in .json");
        InputFiles.Require(name, "a preset as JSON");
        try
        {
            return OptionsJson.Read(File.ReadAllText(name), other => Presets.Find(other, weights));
        }
        catch (TransferException wrong)
        {
            throw new UsageException(
                $"{name} {wrong.Message} (see 'nativestyle presets show NAME' for what is expected)");
        }
    }

    /// <summary>
    /// Applies the adjustment and the user's options to the preset. Also returns the architecture for which the preset
    /// was made.
    /// </summary>
    private (TransferOptions Options, string Architecture) Options(string? file)
    {
        TrainedWeights? trained = WeightsLocator.Trained(file);
        TransferOptions options = FindPreset(preset, trained);
        string madeFor = options.Architecture;
        // The name features.21 means different layers in VGG-16 and VGG-19.
        VggArchitecture architecture = trained?.Architecture ?? OptionsJson.Architecture(madeFor);
        if (Adjust is not null) options = Adjust(options, architecture, trained);
        options = options with { Architecture = architecture.Name };
        bool hasTotal = TotalIterations() is not null;
        foreach (TransferOption row in OptionTable.OnCommandLine)
        {
            if (text(row) is not { } value || (row == OptionTable.Iterations && hasTotal)) continue;
            TransferOptions before = options;
            options = UserErrors.For(NameOf(row), () =>
                row == OptionTable.Init ? WithInit(before, value) : row.Parse(before, value, architecture));
        }

        try
        {
            return (OptionsJson.Validated(options), madeFor);
        }
        catch (TransferException wrong)
        {
            throw new UsageException($"preset {options.Name} with these options {wrong.Message}");
        }
    }

    /// <summary>Parses the start, which is a word or the name of a picture.</summary>
    private static TransferOptions WithInit(TransferOptions options, string text)
    {
        string picture = OptionWords.InitKind[InitKind.Picture];
        string[] words = [.. OptionWords.InitKind.Choices.Where(word => word != picture)];
        if (words.Contains(text, StringComparer.OrdinalIgnoreCase))
            return options with { Init = OptionWords.InitKind.Parse(text) };
        return File.Exists(text) ? options with { Init = InitKind.Picture }
            : throw new TransferException(
                $"{text} is neither a picture that exists nor one of {string.Join(", ", words)}");
    }
}
