using System.CommandLine;
using NativeStyle.Style.Options;

namespace NativeStyle.Cli.Help;

/// <summary>A command whose help has more than a summary: examples, and options in groups.</summary>
/// <param name="name">The word that calls the command.</param>
/// <param name="summary">What the command does, in one sentence.</param>
/// <param name="details">
/// Examples and explanations. Help wraps paragraphs, but keeps lines that begin with two blanks.
/// </param>
internal class ProgramCommand(string name, string summary, string details = "") : Command(name, summary)
{
    private readonly List<HelpEntry> _entries = [];

    public string Details { get; } = details;

    /// <summary>The options in the order of their addition. Options without a group come first.</summary>
    public IReadOnlyList<HelpEntry> Entries =>
        [.. Options.Where(option => _entries.All(entry => entry.Option != option) && !option.Recursive)
            .Select(option => new HelpEntry(option, OptionGroup.Common)), .. _entries];

    public void Add(OptionGroup group, params Option[] options)
    {
        foreach (Option option in options) Add(new HelpEntry(option, group));
    }

    /// <summary>Adds options that only the complete help shows.</summary>
    public void AddRare(OptionGroup group, params Option[] options)
    {
        foreach (Option option in options) Add(new HelpEntry(option, group, Rare: true));
    }

    public void Add(HelpEntry entry)
    {
        _entries.Add(entry);
        Add(entry.Option);
    }
}

/// <summary>An option and its place in help.</summary>
internal sealed record HelpEntry(Option Option, OptionGroup Group, bool Rare = false);
