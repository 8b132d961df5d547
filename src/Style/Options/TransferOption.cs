using System.Text.Json;
using NativeStyle.Vgg;

namespace NativeStyle.Style.Options;

/// <summary>What belongs together in help.</summary>
public enum OptionGroup
{
    /// <summary>What most people want.</summary>
    Common,

    Losses,

    Optimiser,

    InputAndNetwork,

    Output,

    /// <summary>Where and how it is computed, and what is said meanwhile.</summary>
    Run,
}

/// <summary>One value of <see cref="TransferOptions"/>: its names, its meaning, and what it may be.</summary>
/// <param name="name">In JSON.</param>
/// <param name="help">In a line.</param>
public abstract class TransferOption(string name, string help)
{
    public string Name { get; } = name;

    public string Help { get; } = help;

    /// <summary>On the command line, without dashes in front.</summary>
    public string CommandLineName { get; init; } = JsonNamingPolicy.KebabCaseLower.ConvertName(name);

    /// <summary>Where it stands in help; null where only files have it.</summary>
    public OptionGroup? Group { get; init; }

    /// <summary>Whether few people want it, so that only the whole help has it.</summary>
    public bool Rare { get; init; }

    /// <summary>Whether JSON without a base must have it.</summary>
    public bool Required { get; init; }

    /// <summary>What its value is called in help.</summary>
    public abstract string HelpName { get; }

    /// <inheritdoc cref="OptionType{T}.Choices"/>
    public abstract IReadOnlyList<string> Choices { get; }

    /// <summary>The options with the value that a text stands for.</summary>
    /// <param name="architecture">Layers may have any of their names in it.</param>
    /// <exception cref="TransferException">It is none; the message goes after the option's name.</exception>
    public abstract TransferOptions Parse(TransferOptions options, string text, VggArchitecture architecture);

    /// <summary>The text that stands for the options' value.</summary>
    public abstract string Text(TransferOptions options);

    /// <exception cref="JsonException">The JSON is of another kind; the message goes after a file's name.</exception>
    public abstract TransferOptions Read(TransferOptions options, JsonElement json);

    public abstract void Write(Utf8JsonWriter writer, TransferOptions options);

    /// <exception cref="TransferException">Its value may not be so; the message goes after a file's name.</exception>
    public abstract void Check(TransferOptions options);
}

/// <inheritdoc/>
/// <param name="type">The values that it takes.</param>
/// <param name="get">Its value.</param>
/// <param name="with">The options with another value.</param>
public sealed class TransferOption<T>(
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
