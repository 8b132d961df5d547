using System.CommandLine;
using System.CommandLine.Parsing;
using NativeStyle.Jobs;
using NativeStyle.Style;
using NativeStyle.Style.Options;
using NativeStyle.Vgg;
using NativeStyle.Vgg.Weights;

namespace NativeStyle.Cli.Arguments;

/// <summary>
/// Creates options and arguments that check their values during parsing and use the program's own error messages.
/// </summary>
internal static class Typed
{
    /// <summary>Creates an option with a default value.</summary>
    public static Option<T> Option<T>(string name, string help, OptionType<T> type, T otherwise)
    {
        string more = $"{Help(help, type.Choices)} (default: {type.Text(otherwise)})";
        return new Option<T>(name)
        {
            Description = more, HelpName = type.HelpName, DefaultValueFactory = _ => otherwise,
            CustomParser = result => Parsed(result, name, type.Parse),
        }.Offering(() => type.Choices);
    }

    /// <summary>Creates an option that may have no value.</summary>
    public static Option<T?> Option<T>(string name, string help, OptionType<T> type) where T : struct =>
        new Option<T?>(name)
        {
            Description = Help(help, type.Choices), HelpName = type.HelpName,
            CustomParser = result => Parsed(result, name, text => (T?)type.Parse(text)),
        }.Offering(() => type.Choices);

    /// <summary>Creates an option whose text has a form of its own.</summary>
    /// <param name="parse">Throws <see cref="TransferException"/>. The message is to follow the option's name.</param>
    public static Option<T?> Option<T>(string name, string helpName, string help, Func<string, T> parse) =>
        new(name)
        {
            Description = help, HelpName = helpName,
            CustomParser = result => Parsed(result, name, text => (T?)parse(text)),
        };

    /// <summary>Creates the option for the file or folder to write.</summary>
    public static Option<string> Output(string help, string helpName = "OUT") =>
        new("--output", "-o") { Description = help, Required = true, HelpName = helpName };

    /// <summary>Creates an option for names with commas between them.</summary>
    public static Option<string[]> Names(string name, string help, string otherwise = "") => new(name)
    {
        Description = otherwise.Length == 0 ? help : $"{help} (default: {otherwise})", HelpName = "A,B",
        DefaultValueFactory = _ => Split(otherwise),
        CustomParser = result => Parsed(result, name, Split),
    };

    /// <summary>Creates the option that limits memory.</summary>
    public static Option<long?> Memory(string help) =>
        Option<long?>("--memory", "LIMIT", help, text => MemorySize.Parse(text));

    /// <summary>Creates the option that names the input on which the first layer was trained.</summary>
    public static Option<string?> Convention() => Option(
        "--weights-convention", "NAME",
        "The input of the first layer: rgb-255, bgr-255 or rgb-unit (default: what the file says)",
        text => WeightsConventions.Parse(text) is null
            ? throw new TransferException($"{text} is unknown, expected rgb-255, bgr-255 or rgb-unit") : text)
        .Offering(() => ["rgb-255", "bgr-255", "rgb-unit"]);

    public static Option<bool> Quiet() => new("--quiet", "-q") { Description = "Print nothing but errors" };

    /// <summary>Creates the option for results that say nothing about how they were made.</summary>
    public static Option<bool> NoRecipe() => new("--no-recipe")
    {
        Description = "Leave out of a .png how it was made: names and checksums of files, options, losses",
    };

    /// <summary>Creates an argument for a side of a picture in pixels.</summary>
    public static Argument<int> Side(string name, string help) =>
        new(name) { Description = help, CustomParser = result => Sides(result) is [var side] ? side : 0 };

    /// <summary>Parses sides of pictures in pixels. Returns none if one is wrong.</summary>
    public static int[] Sides(ArgumentResult result)
    {
        var range = new NumberRange<int>(16, OptionTable.Side.Most);
        string[] texts = [.. result.Tokens.Select(token => token.Value)];
        string? wrong = texts.FirstOrDefault(
            text => !int.TryParse(text, out int side) || range.WhyNot(side) is not null);
        if (wrong is null) return [.. texts.Select(range.Parse)];
        result.AddError($"a side of {wrong} pixels is out of range, expected {range.Expected}");
        return [];
    }

    /// <summary>Finds a layer by any of its names.</summary>
    public static VggLayer Layer(string option, string name, VggArchitecture architecture) =>
        UserErrors.For(option, () => LayerList.Find(name, architecture));

    /// <summary>Completes a help text with all choices, unless it already names them.</summary>
    public static string Help(string help, IReadOnlyList<string> choices) =>
        choices.All(word => help.Contains(word, StringComparison.Ordinal))
            ? help : $"{help}: {string.Join(", ", choices)}";

    /// <summary>
    /// Names the words that shells complete a value to, instead of those that the parser takes from its type.
    /// </summary>
    public static Option<T> Offering<T>(this Option<T> option, Func<IEnumerable<string>> words)
    {
        option.CompletionSources.Clear();
        option.CompletionSources.Add(_ => words());
        return option;
    }

    /// <summary>The names of layers, which those of a smaller network are among.</summary>
    public static IEnumerable<string> LayerNames => VggArchitecture.Vgg19.Layers.Select(layer => layer.Name);

    private static string[] Split(string text) =>
        text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    private static T Parsed<T>(ArgumentResult result, string name, Func<string, T> parse)
    {
        try
        {
            if (result.Tokens.Count == 1) return parse(result.Tokens[0].Value);
        }
        catch (TransferException wrong)
        {
            result.AddError($"{name} {wrong.Message}");
        }

        return default!;
    }
}
