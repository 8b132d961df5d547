using System.Globalization;
using System.Numerics;
using System.Text.Json;

namespace NativeStyle.Style.Options;

/// <summary>The values of an option. Reads them from text and JSON, and writes them.</summary>
internal abstract class OptionType<T>
{
    /// <summary>The name of a value in help, e.g. N.</summary>
    public abstract string HelpName { get; }

    /// <summary>The words after "expected" in an error message, e.g. 0 to 100.</summary>
    public abstract string Expected { get; }

    /// <summary>All values as words, if there is a list of them.</summary>
    public virtual IReadOnlyList<string> Choices => [];

    /// <summary>Parses a value.</summary>
    /// <exception cref="TransferException">
    /// The text is no such value. The message is to follow the option's name.
    /// </exception>
    public abstract T Parse(string text);

    /// <summary>Returns the text of a value.</summary>
    public abstract string Text(T value);

    /// <summary>
    /// Describes what is wrong with a value, in words to follow the option's name. Returns null if it is right.
    /// </summary>
    public virtual string? WhyNot(T value) => null;

    /// <summary>Reads a value.</summary>
    /// <exception cref="JsonException">The JSON is of another kind.</exception>
    public virtual T Read(JsonElement json) => json.Deserialize<T>(OptionsJson.Format) ?? throw new JsonException();

    public virtual void Write(Utf8JsonWriter writer, T value) =>
        JsonSerializer.Serialize(writer, value, OptionsJson.Format);
}

/// <summary>The numbers from a least to a most, both included.</summary>
internal sealed class NumberRange<T>(T least, T most) : OptionType<T> where T : struct, INumber<T>
{
    private static readonly bool s_whole = T.IsInteger(T.One / (T.One + T.One));

    public T Least { get; } = least;

    public T Most { get; } = most;

    public override string HelpName => s_whole ? "N" : "X";

    public override string Expected => FormattableString.Invariant($"{Least} to {Most}");

    public override T Parse(string text)
    {
        NumberStyles style = s_whole ? NumberStyles.AllowLeadingSign : NumberStyles.Float;
        if (!T.TryParse(text, style, CultureInfo.InvariantCulture, out T value))
            throw new TransferException($"{text} is no {(s_whole ? "whole number" : "number")}, expected {Expected}");
        return Has(value) ? value : throw new TransferException($"{text} is out of range, expected {Expected}");
    }

    public override string Text(T value) => value.ToString(null, CultureInfo.InvariantCulture);

    public override string? WhyNot(T value) => Has(value) ? null : $"{Text(value)}, expected {Expected}";

    // The opposite comparisons would let not-a-number pass.
    private bool Has(T value) => value >= Least && value <= Most;
}

/// <summary>Several values. As text, they have commas between them.</summary>
internal sealed class ListOf<T>(OptionType<T> item, string helpName) : OptionType<IReadOnlyList<T>>
{
    public override string HelpName => helpName;

    public override string Expected => $"one or more of {item.Expected}";

    public override IReadOnlyList<T> Parse(string text) => [.. text.Split(',').Select(part => item.Parse(part.Trim()))];

    public override string Text(IReadOnlyList<T> value) => string.Join(',', value.Select(item.Text));

    public override string? WhyNot(IReadOnlyList<T> value) =>
        value.Count == 0 ? $"with nothing in it, expected {Expected}"
            : value.Select(item.WhyNot).FirstOrDefault(why => why is not null);
}

/// <summary>True or false.</summary>
internal sealed class Truth : OptionType<bool>
{
    public override string HelpName => "true|false";

    public override string Expected => "true or false";

    public override bool Parse(string text) => text.ToLowerInvariant() switch
    {
        "true" => true,
        "false" => false,
        _ => throw new TransferException($"{text} is unknown, expected {Expected}"),
    };

    public override string Text(bool value) => value ? "true" : "false";
}

/// <summary>Any text.</summary>
internal sealed class Line : OptionType<string>
{
    public override string HelpName => "TEXT";

    public override string Expected => "a text";

    public override string Parse(string text) => text;

    public override string Text(string value) => value;
}
