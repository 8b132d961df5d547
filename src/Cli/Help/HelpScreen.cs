using System.CommandLine;
using System.CommandLine.Invocation;
using NativeStyle.Style.Options;

namespace NativeStyle.Cli.Help;

/// <summary>
/// Prints the help of a command as wide as the terminal: what it does, its arguments, and its options in groups.
/// </summary>
/// <param name="all">Whether to show rare options too.</param>
internal sealed class HelpScreen(bool all) : SynchronousCommandLineAction
{
    /// <summary>The column where descriptions begin.</summary>
    private const int Indent = 30;

    private const int NarrowestWidth = 60, WidestWidth = 120;

    private static readonly (OptionGroup Group, string Title)[] s_titles =
    [
        (OptionGroup.Common, "Options"), (OptionGroup.Losses, "Losses"), (OptionGroup.Optimiser, "Optimiser"),
        (OptionGroup.InputAndNetwork, "Input and network"), (OptionGroup.Output, "Output"), (OptionGroup.Run, "Run"),
    ];

    public override bool ClearsParseErrors => true;

    public override int Invoke(ParseResult parseResult)
    {
        Show(parseResult.CommandResult.Command, Console.Out);
        return 0;
    }

    public void Show(Command command, TextWriter output)
    {
        int width = Console.IsOutputRedirected ? WidestWidth
            : Math.Clamp(Console.WindowWidth, NarrowestWidth, WidestWidth);
        var own = command as ProgramCommand;
        Write(command.Description ?? "");
        if (own is { Details.Length: > 0 }) Write($"\n{own.Details}");
        IReadOnlyList<HelpEntry> entries = own?.Entries ?? [];
        if (command.Subcommands.Count == 0 || command.Arguments.Count > 0)
            Write($"\nUsage: {Usage(command, entries)}");
        int names = command.Subcommands.Select(each => each.Name.Length + 4).DefaultIfEmpty(0).Max();
        Section("Commands", command.Subcommands.Select(each => (each.Name, each.Description ?? "")), names);
        Section("Arguments", command.Arguments.Select(each => (each.Name, each.Description ?? "")));
        HelpEntry[] visible = [.. entries.Where(entry => all || !entry.Rare)];
        foreach ((OptionGroup group, string title) in s_titles)
            Section(title, visible.Where(entry => entry.Group == group).Select(entry => Row(entry.Option)));
        string path = Mistakes.PathOf(command);
        int rare = all ? 0 : entries.Count(entry => entry.Rare);
        if (rare > 0) Write($"\nRarer options ({rare}): {path} --help-all");
        else if (command.Subcommands.Count > 0) Write($"\n{path} COMMAND --help tells more about each command.");

        void Write(string text)
        {
            foreach (string line in TextLayout.Wrapped(text, width)) output.WriteLine(line);
        }

        void Section(string title, IEnumerable<(string Label, string Text)> rows, int column = Indent)
        {
            (string Label, string Text)[] sectionRows = [.. rows];
            if (sectionRows.Length == 0) return;
            output.WriteLine($"\n{title}");
            foreach ((string label, string text) in sectionRows)
                foreach (string line in TextLayout.Row(label, text, column, width)) output.WriteLine(line);
        }
    }

    /// <summary>Returns the command with its arguments and its required options.</summary>
    public static string Usage(Command command, IEnumerable<HelpEntry> entries)
    {
        IEnumerable<string> arguments = command.Arguments.Select(argument =>
            argument.Arity.MaximumNumberOfValues > 1 ? $"{argument.Name}..." : argument.Name);
        IEnumerable<string> required = entries.Where(entry => entry.Option.Required)
            .Select(entry => $"{entry.Option.Aliases.FirstOrDefault() ?? entry.Option.Name} {entry.Option.HelpName}");
        return string.Join(' ', [Mistakes.PathOf(command), .. arguments, .. required, "[options]"]);
    }

    /// <summary>Returns the names of an option with its value, and what it does.</summary>
    public static (string Label, string Text) Row(Option option)
    {
        string names = string.Join(", ", option.Aliases.Append(option.Name).OrderBy(name => name.Length));
        string label = option.HelpName is { } value ? $"{names} {value}" : names;
        return (label, option.Required ? $"{option.Description} (required)" : option.Description ?? "");
    }
}
