using System.Text.Json;
using NativeStyle.Vgg;

namespace NativeStyle.Style.Options;

/// <summary>The groups of options in help.</summary>
internal enum OptionGroup
{
    /// <summary>The options that most people need.</summary>
    Common,

    Losses,

    Optimiser,

    InputAndNetwork,

    Output,

    /// <summary>The options for the device, the computation and the messages.</summary>
    Run,
}

/// <summary>One value of <see cref="TransferOptions"/>: its names, its meaning, and its range.</summary>
/// <param name="name">The name in JSON.</param>
/// <param name="help">The meaning, in one line.</param>
internal abstract class TransferOption(string name, string help)
{
    public string Name { get; } = name;

    public string Help { get; } = help;

    /// <summary>The name on the command line, without dashes.</summary>
    public string CommandLineName { get; init; } = JsonNamingPolicy.KebabCaseLower.ConvertName(name);

    /// <summary>The group in help, or null if only files have the option.</summary>
    public OptionGroup? Group { get; init; }

    /// <summary>Whether few people need the option, so that only the complete help shows it.</summary>
    public bool Rare { get; init; }

    /// <summary>Whether JSON without a base must have the option.</summary>
    public bool Required { get; init; }

    /// <summary>The name of the value in help.</summary>
    public abstract string HelpName { get; }

    /// <inheritdoc cref="OptionType{T}.Choices"/>
    public abstract IReadOnlyList<string> Choices { get; }

    /// <summary>Parses a value and returns the options with it.</summary>
    /// <param name="architecture">The architecture whose layers the text may call by any of their names.</param>
    /// <exception cref="TransferException">
    /// The text is no such value. The message is to follow the option's name.
    /// </exception>
    public abstract TransferOptions Parse(TransferOptions options, string text, VggArchitecture architecture);

    /// <summary>Returns the text of the options' value.</summary>
    public abstract string Text(TransferOptions options);

    /// <summary>Reads a value and returns the options with it.</summary>
    /// <exception cref="JsonException">The JSON is of another kind. The message is to follow a file's name.</exception>
    public abstract TransferOptions Read(TransferOptions options, JsonElement json);

    public abstract void Write(Utf8JsonWriter writer, TransferOptions options);

    /// <summary>Checks the options' value.</summary>
    /// <exception cref="TransferException">
    /// The value is not allowed. The message is to follow a file's name.
    /// </exception>
    public abstract void Check(TransferOptions options);
}

/// <inheritdoc/>
/// <param name="type">The type of the value.</param>
/// <param name="get">Gets the value from options.</param>
/// <param name="with">Returns options with another value.</param>
internal sealed class TransferOption<T>(
    string name, OptionType<T> type, Func<TransferOptions, T> get, Func<TransferOptions, T, TransferOptions> with,
    string help)
    : TransferOption(name, help)
{
    private const int LongestQuote = 60;

    public OptionType<T> Type { get; } = type;

    public override string HelpName => Type.HelpName;

    public override IReadOnlyList<string> Choices => Type.Choices;

    public override TransferOptions Parse(TransferOptions options, string text, VggArchitecture architecture)
    {
        T value = Type.Parse(text);
        if (value is IReadOnlyList<LayerWeight> layers) value = (T)LayerList.Resolve(layers, architecture);
        return with(options, value);
    }

    public override string Text(TransferOptions options) => Type.Text(get(options));

    public override TransferOptions Read(TransferOptions options, JsonElement json)
    {
        try
        {
            return with(options, Type.Read(json));
        }
        catch (Exception wrong) when (wrong is JsonException or InvalidOperationException)
        {
            string text = json.GetRawText();
            string quoted = text.Length <= LongestQuote ? text : json.ValueKind.ToString().ToLowerInvariant();
            throw new JsonException($"{Name} is {quoted}, expected {Type.Expected}");
        }
    }

    public override void Write(Utf8JsonWriter writer, TransferOptions options)
    {
        writer.WritePropertyName(Name);
        Type.Write(writer, get(options));
    }

    public override void Check(TransferOptions options)
    {
        if (Type.WhyNot(get(options)) is { } why) throw new TransferException($"has {Name} {why}");
    }
}
