using System.CommandLine;
using System.CommandLine.Parsing;
using NativeStyle.Style;
using NativeStyle.Style.Options;
using NativeStyle.Vgg;
using NativeStyle.Vgg.Weights;

namespace NativeStyle.Cli.Arguments;

/// <summary>
/// Options and arguments whose values are checked where the command line is parsed, with errors in our words.
/// </summary>
internal static class Typed
{
    /// <summary>An option that has a value without being given.</summary>
    public static Option<T> Option<T>(string name, string help, OptionType<T> type, T otherwise)
    {
        string more = $"{Help(help, type.Choices)} (default: {type.Text(otherwise)})";
        return new(name)
        {
            Description = more, HelpName = type.HelpName, DefaultValueFactory = _ => otherwise,
            CustomParser = result => Parsed(result, name, type.Parse),
        };
    }

    /// <summary>An option that may stay without a value.</summary>
    public static Option<T?> Option<T>(string name, string help, OptionType<T> type) where T : struct =>
        new(name)
        {
            Description = Help(help, type.Choices), HelpName = type.HelpName,
            CustomParser = result => Parsed(result, name, text => (T?)type.Parse(text)),
        };

    /// <summary>An option whose text must be of a form.</summary>
    /// <param name="parse">Throws <see cref="TransferException"/>, whose message goes after the option's name.</param>
    public static Option<T?> Option<T>(string name, string helpName, string help, Func<string, T> parse) =>
        new(name)
        {
            Description = help, HelpName = helpName,
            CustomParser = result => Parsed(result, name, text => (T?)parse(text)),
        };

    /// <summary>A file or folder that is written.</summary>
    public static Option<string> Output(string help, string helpName = "OUT") =>
        new("--output", "-o") { Description = help, Required = true, HelpName = helpName };

    /// <summary>Names with commas between them.</summary>
    public static Option<string[]> Names(string name, string help, string otherwise = "") => new(name)
    {
        Description = otherwise.Length == 0 ? help : $"{help} (default: {otherwise})", HelpName = "A,B",
        DefaultValueFactory = _ => Split(otherwise),
        CustomParser = result => Parsed(result, name, Split),
    };

    /// <summary>How much memory may be taken.</summary>
    public static Option<long?> Memory(string help) =>
        Option<long?>("--memory", "LIMIT", help, text => MemorySize.Parse(text));

    /// <summary>What the first layer of weights was trained on, in the user's words.</summary>
    public static Option<string?> Convention() => Option(
        "--weights-convention", "NAME",
        "What the first layer was trained on: rgb-255, bgr-255 or rgb-unit (default: what the file tells)",
        text => WeightsConventions.Parse(text) is null
            ? throw new TransferException($"{text} is unknown, expected rgb-255, bgr-255 or rgb-unit") : text);

    public static Option<bool> Quiet() => new("--quiet", "-q") { Description = "Print nothing but errors" };

    /// <summary>Sides of pictures in pixels; none where one is wrong.</summary>
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

    /// <summary>
    /// Does something with an option's value; what is wrong with that is told with the option's name.
    /// </summary>
    /// <exception cref="UsageException">It is wrong.</exception>
    public static T For<T>(string option, Func<T> use)
    {
        try
        {
            return use();
        }
        catch (TransferException wrong)
        {
            throw new UsageException($"{option} {wrong.Message}");
        }
    }

    /// <summary>A layer by any of its names.</summary>
    public static VggLayer Layer(string option, string name, VggArchitecture architecture) =>
        For(option, () => LayerList.Find(name, architecture));

    /// <summary>Help that names all words there are.</summary>
    public static string Help(string help, IReadOnlyList<string> choices) =>
        choices.All(word => help.Contains(word, StringComparison.Ordinal))
            ? help : $"{help}: {string.Join(", ", choices)}";

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
