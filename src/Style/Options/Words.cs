using System.Text.Json;

namespace NativeStyle.Style.Options;

/// <summary>
/// Values with a word each. Files and people use the words, which stay even if a member of an enumeration is renamed.
/// </summary>
internal sealed class Words<T>(params (T Value, string Word)[] words) : OptionType<T> where T : notnull
{
    public override string HelpName { get; } = words.All(each => each.Word.All(char.IsAsciiDigit)) ? "N" : "WORD";

    public override string Expected => $"one of {string.Join(", ", Choices)}";

    public override IReadOnlyList<string> Choices { get; } = [.. words.Select(each => each.Word)];

    /// <summary>Returns the word of a value.</summary>
    public string this[T value] => words.First(each => each.Value.Equals(value)).Word;

    public override T Parse(string text) => Find(text) is (true, var value)
        ? value : throw new TransferException($"{text} is unknown, expected {Expected}");

    public override string Text(T value) => this[value];

    public override string? WhyNot(T value) =>
        words.Any(each => each.Value.Equals(value)) ? null : $"{value}, expected {Expected}";

    public override T Read(JsonElement json) =>
        json.GetString() is { } text && Find(text) is (true, var value) ? value : throw new JsonException();

    public override void Write(Utf8JsonWriter writer, T value) => writer.WriteStringValue(this[value]);

    private (bool Found, T Value) Find(string text)
    {
        foreach ((T value, string word) in words)
            if (word.Equals(text, StringComparison.OrdinalIgnoreCase)) return (true, value);
        return default;
    }
}
