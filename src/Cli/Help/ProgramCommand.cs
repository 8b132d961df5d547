using System.CommandLine;
using NativeStyle.Style;
using NativeStyle.Style.Options;

namespace NativeStyle.Cli.Help;

/// <summary>A command with what its help says beside its summary: examples, and options in groups.</summary>
/// <param name="name">As it is called.</param>
/// <param name="summary">What it does, in a sentence.</param>
/// <param name="details">
/// Examples and more: paragraphs that are wrapped, lines with two blanks in front that are not.
/// </param>
internal class ProgramCommand(string name, string summary, string details = "") : Command(name, summary)
{
    private readonly List<HelpEntry> _entries = [];

    public string Details { get; } = details;

    /// <summary>The options in the order in which they were added, those that have no group at the front.</summary>
    public IReadOnlyList<HelpEntry> Entries =>
        [.. Options.Where(option => _entries.All(entry => entry.Option != option) && !option.Recursive)
            .Select(option => new HelpEntry(option, OptionGroup.Common)), .. _entries];

    public void Add(OptionGroup group, params Option[] options)
    {
        foreach (Option option in options) Add(new HelpEntry(option, group));
    }

    /// <summary>Options that only the whole help shows.</summary>
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

/// <summary>Where an option stands in help.</summary>
internal sealed record HelpEntry(Option Option, OptionGroup Group, bool Rare = false);
