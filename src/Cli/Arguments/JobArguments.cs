using System.CommandLine;
using NativeStyle.Cli.Help;
using NativeStyle.Jobs;
using NativeStyle.Style;
using NativeStyle.Style.Options;
using NativeStyle.Vgg;
using NativeStyle.Vgg.Weights;

namespace NativeStyle.Cli.Arguments;

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
        HelpName = "FILE", CompletionSources = { WeightsLocator.Words },
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
            HelpName = "NAME|FILE", CompletionSources = { _ => Presets.Names },
        };
        _rows = [.. OptionTable.OnCommandLine.Except(except).Select(row => (row, OptionOf(row)))];

        static Option<string?> OptionOf(TransferOption row) => new Option<string?>(JobDraft.NameOf(row))
        {
            Description = Typed.Help(row.Help, row.Choices),
            HelpName = row == OptionTable.Init ? "WORD|FILE" : row.HelpName,
        }.Offering(() => WordsOf(row));

        static IEnumerable<string> WordsOf(TransferOption row) =>
            row == OptionTable.Init ? row.Choices.Except([OptionWords.InitKind[InitKind.Picture]])
            : row is TransferOption<IReadOnlyList<LayerWeight>> ? Typed.LayerNames : row.Choices;
    }

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
    public TransferJob Draft(ParseResult parsed, TransferConsole console, Adjustment? adjust = null) =>
        Drafting(parsed, adjust).Create(console.Say) with
        {
            WeightsConvention = parsed.GetValue(_convention),
            Depth = parsed.GetValue(_depth),
            Quality = parsed.GetValue(_quality),
            Memory = parsed.GetValue(_memory),
            WithoutRecipe = WithoutRecipe(parsed),
        };

    /// <summary>Returns the total number of iterations, if the user gave one.</summary>
    public int? TotalIterations(ParseResult parsed) => Drafting(parsed).TotalIterations();

    private JobDraft Drafting(ParseResult parsed, Adjustment? adjust = null) =>
        new(parsed.GetValue(_preset)!, parsed.GetValue(_weights), row => TextOf(parsed, row)) { Adjust = adjust };

    private string? TextOf(ParseResult parsed, TransferOption row) =>
        _rows.FirstOrDefault(each => each.Row == row).Option is { } option ? parsed.GetValue(option) : null;
}
