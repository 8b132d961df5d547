using System.CommandLine;
using System.CommandLine.Completions;

namespace NativeStyle.Cli.Completion;

/// <summary>Finds what may stand at the cursor of a command line that is being typed.</summary>
/// <remarks>
/// The scripts of the shells call the program with <see cref="Directive"/> and the words up to the cursor, without the
/// program's own. They get, line by line: files, folders or words, which says what else than the candidates may stand
/// there, and nospace if more may follow the candidate; the part of the word before the file's name; then the
/// candidates for the whole word, each with a tab and what it means.
/// </remarks>
internal static class Completer
{
    /// <summary>The first word of the command line that asks for candidates.</summary>
    public const string Directive = "[complete]";

    /// <summary>The length at which the meaning of a candidate is cut.</summary>
    private const int LongestMeaning = 72;

    /// <summary>Words are what they are: one that begins with @ is no file with more words.</summary>
    private static readonly ParserConfiguration s_asTyped = new() { ResponseFileTokenReplacer = null };

    /// <param name="words">The words after the program's name. The last ends at the cursor and may be empty.</param>
    public static void Print(RootCommand root, IReadOnlyList<string> words, TextWriter output)
    {
        Candidates found = Find(root, words);
        string mode = found.Form is { Files: true } ? "files" : found.Form is { Folders: true } ? "folders" : "words";
        output.WriteLine(found.Form is { IsList: true } ? $"{mode} nospace" : mode);
        output.WriteLine(found.Prefix);
        foreach ((string word, string meaning) in found.Words) output.WriteLine($"{word}\t{Brief(meaning)}");
    }

    /// <summary>Finds the candidates for the last word.</summary>
    public static Candidates Find(RootCommand root, IReadOnlyList<string> words)
    {
        string[] before = [.. words.SkipLast(1)];
        string current = words.Count > 0 ? words[^1] : "";
        ParseResult parsed = root.Parse(before, s_asTyped);
        Command command = parsed.CommandResult.Command;
        Option[] options = [.. command.Options, .. Above(command).SelectMany(each => each.Options)
            .Where(option => option.Recursive)];
        bool onlyArguments = before.Contains("--");
        if (!onlyArguments)
        {
            if (before.Length > 0 && WithValue(before[^1]) is { } waiting)
                return Values(waiting, waiting.HelpName, current, "");
            if (current.StartsWith("--", StringComparison.Ordinal) && current.IndexOf('=') is > 0 and int equals)
            {
                return WithValue(current[..equals]) is { } named
                    ? Values(named, named.HelpName, current, current[..(equals + 1)]) : Candidates.None;
            }

            if (current.StartsWith('-')) return Names(current);
        }

        Argument? next = command.Arguments.FirstOrDefault(argument =>
            (parsed.GetResult(argument)?.Tokens.Count ?? 0) < argument.Arity.MaximumNumberOfValues);
        Candidates values = next is null ? Candidates.None : Values(next, next.Name, current, "");
        (string, string)[] commands = onlyArguments || parsed.UnmatchedTokens.Count > 0 ? []
            : [.. command.Subcommands.Where(each => !each.Hidden && each.Name.StartsWith(current, Exact))
                .Select(each => (each.Name, each.Description ?? ""))];
        bool nothing = next is null && command.Subcommands.Count == 0 && current.Length == 0 && !onlyArguments;
        return nothing ? Names("") : values with { Words = [.. commands, .. values.Words] };

        Option? WithValue(string name) => options.FirstOrDefault(option =>
            (option.Name == name || option.Aliases.Contains(name)) && option.ValueType != typeof(bool));

        Candidates Names(string start) => Candidates.None with
        {
            Words =
            [
                .. options.Where(option => !option.Hidden && parsed.GetResult(option) is null or { Implicit: true })
                    .SelectMany(option => option.Aliases.Append(option.Name).Where(IsOurs)
                        .Select(name => (name, option.Description ?? "")))
                    .Where(each => each.Item1.StartsWith(start, Exact)),
            ],
        };
    }

    private static StringComparison Exact => StringComparison.Ordinal;

    /// <summary>Whether a name of an option is one that help shows too. The parser adds /h and -? to help.</summary>
    private static bool IsOurs(string name) => name.StartsWith('-') && name != "-?";

    private static IEnumerable<Command> Above(Command command) =>
        command.Parents.OfType<Command>().SelectMany(parent => Above(parent).Prepend(parent));

    /// <summary>Finds the values of an option or argument. In a list, only the last one is completed.</summary>
    /// <param name="name">The name of the value in help.</param>
    /// <param name="prefix">The part of the current word before the value.</param>
    private static Candidates Values(Symbol symbol, string? name, string current, string prefix)
    {
        ValueForm form = ValueForm.Of(name ?? "");
        if (form.IsList && current.LastIndexOf(',') is >= 0 and int comma && comma >= prefix.Length)
            prefix = current[..(comma + 1)];
        string start = current[prefix.Length..];
        IEnumerable<string> words = symbol.GetCompletions(CompletionContext.Empty).Select(item => item.Label)
            .Concat(form.Words).Where(word => word.StartsWith(start, StringComparison.OrdinalIgnoreCase));
        return new Candidates([.. words.Select(word => (prefix + word, ""))], form, prefix);
    }

    /// <summary>Returns the beginning of a description, as far as one line of a list has room for.</summary>
    private static string Brief(string description)
    {
        string line = description.Split('\n')[0];
        int sentence = Enumerable.Range(0, Math.Max(0, line.Length - 2)).FirstOrDefault(
            at => line[at] == '.' && line[at + 1] == ' ' && char.IsUpper(line[at + 2]));
        int end = new[] { "; ", ": ", " (" }.Select(mark => line.IndexOf(mark, Exact)).Append(sentence)
            .Where(at => at > 0).DefaultIfEmpty(line.Length).Min();
        line = line[..end].TrimEnd('.');
        return line.Length <= LongestMeaning ? line
            : $"{line[..line.LastIndexOf(' ', LongestMeaning - 3)]}...";
    }
}

/// <summary>What may stand at the cursor.</summary>
/// <param name="Words">Words for the whole of the current word, each with what it means.</param>
/// <param name="Form">What else may stand there; null for nothing.</param>
/// <param name="Prefix">The part of the current word before a file's name, e.g. --mask=a.png,</param>
internal sealed record Candidates(
    IReadOnlyList<(string Word, string Meaning)> Words, ValueForm? Form, string Prefix)
{
    public static Candidates None { get; } = new([], null, "");
}
