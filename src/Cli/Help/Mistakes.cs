using System.CommandLine;
using System.CommandLine.Parsing;
using NativeStyle.Jobs;

namespace NativeStyle.Cli.Help;

/// <summary>Finds mistakes in a command line and suggests corrections.</summary>
internal static class Mistakes
{
    /// <summary>Throws if the command line is wrong.</summary>
    /// <exception cref="UsageException">The command line is wrong.</exception>
    public static void Refuse(ParseResult parsed)
    {
        Command command = parsed.CommandResult.Command;
        string see = $"(see {PathOf(command)} --help)";
        // The parser would take an unknown option for a picture's name. After a lone --, it is one.
        Token? unknown = parsed.Tokens.TakeWhile(token => token.Type != TokenType.DoubleDash)
            .FirstOrDefault(token => token.Type == TokenType.Argument
                && token.Value.StartsWith("--", StringComparison.Ordinal));
        if (unknown is not null)
        {
            string name = unknown.Value.Split('=', ':')[0];
            throw new UsageException($"{name} is unknown{Meant(name, OptionsOf(command))} {see}");
        }

        if (parsed.Errors.Count == 0) return;
        if (command.Subcommands.Count > 0 && command.Arguments.Count == 0)
        {
            string[] names = [.. command.Subcommands.Select(each => each.Name)];
            string which = command is RootCommand ? "" : $", one of {string.Join(", ", names)}";
            throw new UsageException(parsed.UnmatchedTokens is [var word, ..]
                ? $"there is no command {word}{Meant(word, names)} {see}" : $"a command is missing{which} {see}");
        }

        throw new UsageException(
            $"{string.Join("; ", parsed.Errors.Select(error => error.Message.TrimEnd('.')).Distinct())} {see}");
    }

    /// <summary>Returns the words that call a command, e.g. nativestyle weights info.</summary>
    public static string PathOf(Command command) => command.Parents.OfType<Command>().FirstOrDefault() is { } parent
        ? $"{PathOf(parent)} {command.Name}" : "nativestyle";

    private static string Meant(string word, IEnumerable<string> candidates) =>
        Spelling.Nearest(word, candidates) is { } nearest ? $", did you mean {nearest}?" : "";

    /// <summary>Returns the names of a command's options and of all options of its parent commands.</summary>
    private static IEnumerable<string> OptionsOf(Command command) => command.Options.Select(option => option.Name)
        .Concat(command.Parents.OfType<Command>().SelectMany(OptionsOf));
}
