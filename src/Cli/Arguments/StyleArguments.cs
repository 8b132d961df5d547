using System.CommandLine;
using System.Globalization;
using NativeStyle.Cli.Help;
using NativeStyle.Jobs;
using NativeStyle.Style.Options;

namespace NativeStyle.Cli.Arguments;

/// <summary>The options for several styles: how much each counts, and where.</summary>
/// <param name="masks">Whether masks can limit styles to parts of pictures.</param>
internal sealed class StyleArguments(bool masks)
{
    private readonly Option<IReadOnlyList<double>?> _weights = Typed.Option(
        "--style-weights", "X,X", "How much each style counts (default: all the same)",
        new ListOf<double>(new NumberRange<double>(0, 1e9), "X,X").Parse);

    private readonly Option<string?> _regions = new("--mask")
    {
        Description = "For each style, a picture that is white where the style counts in the result; empty for " +
            "everywhere",
        HelpName = "FILE,FILE",
    };

    private readonly Option<string?> _parts = new("--style-mask")
    {
        Description = "For each style, a picture that is white where the style is learnt", HelpName = "FILE,FILE",
    };

    private IEnumerable<Option> All => masks ? [_weights, _regions, _parts] : [_weights];

    public void AddTo(ProgramCommand command) => command.Add(OptionGroup.InputAndNetwork, [.. All]);

    /// <summary>Returns the first of these options that the user set, or null.</summary>
    public string? FirstSetOption(ParseResult parsed) =>
        All.FirstOrDefault(option => parsed.GetResult(option) is { Implicit: false })?.Name;

    /// <summary>Combines the style files with their weights and masks.</summary>
    public JobStyle[] Styles(ParseResult parsed, string[] files)
    {
        foreach (string file in files) InputFiles.RequirePicture(file, "a style picture");
        IReadOnlyList<double> weights = Weights(parsed, files.Length);
        string?[] regions = Masks(parsed, _regions, files.Length), parts = Masks(parsed, _parts, files.Length);
        return [.. files.Select((file, i) => new JobStyle(file, weights[i], regions[i], parts[i]))];
    }

    private IReadOnlyList<double> Weights(ParseResult parsed, int count)
    {
        if (parsed.GetValue(_weights) is not { } weights) return [.. Enumerable.Repeat(1.0, count)];
        string text = string.Join(',', weights.Select(weight => weight.ToString(CultureInfo.InvariantCulture)));
        if (weights.Count != count)
            throw new UsageException(
                $"{_weights.Name} {text} has {weights.Count} numbers, expected one for each of the {count} styles");
        return weights.Sum() > 0 ? weights
            : throw new UsageException($"{_weights.Name} {text} are all zero, expected at least one that is not");
    }

    /// <summary>Returns an option's mask for each style, or null if the style has none.</summary>
    private string?[] Masks(ParseResult parsed, Option<string?> option, int count)
    {
        if (!masks || parsed.GetValue(option) is not { } text) return new string?[count];
        string[] files = text.Split(',');
        if (files.Length != count)
            throw new UsageException(
                $"{option.Name} {text} names {files.Length} masks, expected one for each of the {count} styles " +
                "(empty for none)");
        foreach (string file in files.Where(file => file.Length > 0)) InputFiles.RequirePicture(file, "a mask");
        return [.. files.Select(file => file.Length > 0 ? file : null)];
    }
}
