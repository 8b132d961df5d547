using System.CommandLine;
using NativeStyle.Cli.Help;
using NativeStyle.Cli.Jobs;
using NativeStyle.Style;
using NativeStyle.Style.Options;
using NativeStyle.Vgg;
using NativeStyle.Vgg.Weights;

namespace NativeStyle.Cli.Arguments;

/// <summary>Changes a preset for a command, before the user's options replace its values.</summary>
internal delegate TransferOptions Adjustment(
    TransferOptions preset, VggArchitecture architecture, TrainedWeights? trained);

/// <summary>
/// The options of every command that makes pictures: weights, a preset, and replacements of its values.
/// </summary>
internal sealed class JobArguments
{
    private readonly Option<string?> _weights = new("--weights")
    {
        Description = "VGG weights: .mat, .npz, .npy, .h5, .pth or .safetensors; 'compact' for the network that is " +
            "built in, 'random' for random filters (default: what is found in weights/ or the user's data folder, " +
            "else compact)",
        HelpName = "FILE",
    };

    private readonly Option<string?> _convention = Typed.Convention();
    private readonly Option<string> _preset;

    private readonly Option<int> _quality = OutputArguments.QualityOption();
    private readonly Option<int> _depth = OutputArguments.DepthOption();
    private readonly Option<long?> _memory = Typed.Memory(
        "Memory that the run may take, e.g. 4G or 800M; a picture that needs more goes through the network in tiles, " +
        "with the same result (default: whole if it fits into what is free, else three quarters of it)");

    private readonly Option<bool> _noRecipe = Typed.NoRecipe();

    private readonly Option<bool> _quiet = Typed.Quiet();
    private readonly IReadOnlyList<(TransferOption Row, Option<string?> Option)> _rows;

    /// <param name="preset">The preset to use if the user names none.</param>
    /// <param name="except">Values that the command sets itself.</param>
    public JobArguments(string preset = Presets.Default, params IEnumerable<TransferOption> except)
    {
        _preset = new Option<string>("--preset")
        {
            Description = $"A set of options: {string.Join(", ", Presets.Names)}, or a .json file; " +
                $"'nativestyle presets' describes them (default: {preset})",
            DefaultValueFactory = _ => preset,
            HelpName = "NAME|FILE",
        };
        _rows = [.. OptionTable.OnCommandLine.Except(except).Select(row => (row, new Option<string?>(NameOf(row))
        {
            Description = Typed.Help(row.Help, row.Choices),
            HelpName = row == OptionTable.Init ? "WORD|FILE" : row.HelpName,
        }))];
    }

    /// <summary>Returns the name of a row's option, with its dashes.</summary>
    public static string NameOf(TransferOption row) => $"--{row.CommandLineName}";

    public void AddTo(ProgramCommand command)
    {
        command.Add(OptionGroup.Common, _preset, _weights);
        foreach ((TransferOption row, Option<string?> option) in _rows)
            command.Add(new HelpEntry(option, row.Group!.Value, row.Rare));
        command.AddRare(OptionGroup.InputAndNetwork, _convention);
        command.Add(OptionGroup.Output, _quality, _depth, _noRecipe);
        command.Add(OptionGroup.Run, _memory, _quiet);
    }

    public TransferConsole Console(ParseResult parsed) => new(parsed.GetValue(_quiet));

    /// <summary>Whether the result is to say nothing about how it was made.</summary>
    public bool WithoutRecipe(ParseResult parsed) => parsed.GetValue(_noRecipe);

    /// <summary>
    /// Returns the first option that the user set for the job, or null. A checkpoint would contradict it.
    /// </summary>
    public string? FirstSetOption(ParseResult parsed) =>
        _rows.Select(each => (Option)each.Option).Concat([_preset, _weights, _convention, _quality, _depth, _memory])
            .FirstOrDefault(option => parsed.GetResult(option) is { Implicit: false })?.Name;

    /// <summary>Returns the files that the job reads, apart from pictures that are arguments.</summary>
    public IEnumerable<string> Inputs(ParseResult parsed) =>
        new[] { parsed.GetValue(_weights), TextOf(parsed, OptionTable.Init), parsed.GetValue(_preset) }
            .OfType<string>().Where(File.Exists);

    /// <summary>
    /// Builds the job without its pictures and plan. It has the weights to use, and the options with the command line's
    /// replacements.
    /// </summary>
    public TransferJob Draft(ParseResult parsed, TransferConsole console, Adjustment? adjust = null)
    {
        string? choice = parsed.GetValue(_weights), weights = WeightsLocator.Find(choice, console.Say);
        (TransferOptions options, string architecture) = Options(parsed, weights, adjust);
        if (WeightsLocator.FallsShort(choice, weights, architecture, options.Layers))
        {
            string layers = string.Join(", ", options.Layers);
            console.Say($"the built-in network is no {architecture} with {layers}: filters are random");
            (options, _) = Options(parsed, weights = null, adjust);
        }
        else if (choice is null && weights == CompactNetwork.Name)
        {
            console.Say(WeightsLocator.UsesCompact);
        }

        string preset = parsed.GetValue(_preset)!;
        return new TransferJob
        {
            Weights = weights,
            WeightsConvention = parsed.GetValue(_convention),
            Init = options.Init == InitKind.Picture ? TextOf(parsed, OptionTable.Init) : null,
            Depth = parsed.GetValue(_depth),
            Quality = parsed.GetValue(_quality),
            Memory = parsed.GetValue(_memory),
            Preset = Presets.Find(preset) is null ? RecipeFiles.Of(preset) : null,
            WithoutRecipe = WithoutRecipe(parsed),
            Options = options,
            Plan = [],
        };
    }

    /// <summary>Returns the total number of iterations, if the user gave one.</summary>
    public int? TotalIterations(ParseResult parsed) =>
        TextOf(parsed, OptionTable.Iterations) is { } text && !text.Contains(',', StringComparison.Ordinal)
        ? Typed.For(NameOf(OptionTable.Iterations), () => OptionTable.Steps.Parse(text)) : null;

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
    /// Applies the command's changes and the user's options to the preset. Also returns the architecture for which the
    /// preset was made.
    /// </summary>
    private (TransferOptions Options, string Architecture) Options(
        ParseResult parsed, string? weights, Adjustment? adjust)
    {
        TrainedWeights? trained = WeightsLocator.Trained(weights);
        TransferOptions options = FindPreset(parsed.GetValue(_preset)!, trained);
        string madeFor = options.Architecture;
        // The name features.21 means different layers in VGG-16 and VGG-19.
        VggArchitecture architecture = trained?.Architecture ?? OptionsJson.Architecture(madeFor);
        if (adjust is not null) options = adjust(options, architecture, trained);
        options = options with { Architecture = architecture.Name };
        foreach ((TransferOption row, Option<string?> option) in _rows)
        {
            if (parsed.GetValue(option) is not { } text) continue;
            TransferOptions before = options;
            options = Typed.For(option.Name, () => row == OptionTable.Init ? WithInit(before, text)
                : row == OptionTable.Iterations && TotalIterations(parsed) is not null ? before
                : row.Parse(before, text, architecture));
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

    private string? TextOf(ParseResult parsed, TransferOption row) =>
        _rows.FirstOrDefault(each => each.Row == row).Option is { } option ? parsed.GetValue(option) : null;
}
