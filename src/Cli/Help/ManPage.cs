using System.CommandLine;
using System.Globalization;
using System.Reflection;
using System.Text;
using NativeStyle.Imaging;

namespace NativeStyle.Cli.Help;

/// <summary>
/// Writes the manual page in the macros of man(7), from the commands themselves: what each one is, its options in the
/// order of its help, and those that it shares with an earlier command by name.
/// </summary>
internal sealed class ManPage
{
    /// <summary>The variables that a user may set, each with what it does.</summary>
    private static readonly (string Name, string Meaning)[] s_variables =
    [
        ("XDG_DATA_HOME", "Where downloaded weights and the studio's pictures are kept, in the folder nativestyle."),
        ("XDG_CACHE_HOME", "Where the checks of devices are kept, in the folder nativestyle."),
        ("TMPDIR", "The folder for scratch files of large pictures, and for results that could not be written."),
        ("HTTPS_PROXY, HTTP_PROXY, NO_PROXY", "Proxies of 'weights download'."),
        (PictureSize.Variable, "The most megapixels of a picture that is read."),
        ("NATIVESTYLE_PTXAS", "NVIDIA's assembler for 'kernels assemble', if it is not on the path."),
        ("SLURM_ARRAY_TASK_ID, SLURM_ARRAY_TASK_COUNT, SLURM_ARRAY_TASK_MIN, JOB_COMPLETION_INDEX, JOB_COMPLETIONS",
            "The share of a batch that this process does, as schedulers of clusters set it."),
        ("DOTNET_GCRegionRange", "0x20000000 where 'ulimit -v' limits addresses, which .NET would reserve for itself."),
    ];

    private readonly TextWriter _output;

    /// <summary>The command that has described an option of this name, value and text.</summary>
    private readonly Dictionary<string, string> _described = [];

    /// <summary>Whether a paragraph begins with the next text, and whether one can: not after a title.</summary>
    private bool _begins, _canBegin;

    private ManPage(TextWriter output) => _output = output;

    public static void Write(RootCommand root, TextWriter output) => new ManPage(output).Write(root);

    private void Write(RootCommand root)
    {
        // A page of a version has no date of its own: the same program prints the same page on every day.
        Request(""".\" Printed by 'nativestyle man'.""");
        Request($".TH NATIVESTYLE 1 \"\" \"NativeStyle {Version}\" \"User Commands\"");
        // Names of options and files are not broken.
        Request(".nh");
        Request(".ad l");
        string[] about = (root.Description ?? "").Split("\n\n", 2);
        Section("NAME");
        Request("nativestyle \\- neural style transfer with hand\\-written kernels");
        Section("SYNOPSIS");
        Request("\\fBnativestyle\\fR \\fIcommand\\fR [\\fIarguments\\fR] [\\fIoptions\\fR]");
        Section("DESCRIPTION");
        Text(about[0]);
        Text("Each command answers --help with its most common options, and --help-all with all of them.");
        Text("A value may follow its option after a blank or an equals sign. After a lone --, all are files.");

        Section("COMMANDS");
        foreach (Command command in root.Subcommands) Describe(command);

        Section("EXIT STATUS");
        foreach ((int code, string meaning) in Root.ExitCodes)
            Item(code.ToString(CultureInfo.InvariantCulture), meaning);
        Section("ENVIRONMENT");
        foreach ((string name, string meaning) in s_variables) Item(name, meaning);
        Section("FILES");
        Item(
            "weights/, $XDG_DATA_HOME/nativestyle/weights/",
            "Weights that commands find by themselves, here and in the user's data folder (~/.local/share).");
        Item("$XDG_DATA_HOME/nativestyle/studio/", "What the studio keeps.");
        Item(
            "$XDG_CACHE_HOME/nativestyle/devices.json",
            "Which GPUs were found right and faster than the CPU (~/.cache). Without it, they are checked anew.");
        Section("EXAMPLES");
        Text(about[1].Split("\n\n")[0]);
        Section("SEE ALSO");
        Request("\\fBffmpeg\\fR(1)");
        _canBegin = true;
        Text("The folder docs of the project explains the mathematics, the kernels, the presets and files.");
    }

    private static string Version => typeof(ManPage).Assembly
        .GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];

    private void Describe(Command command)
    {
        string path = Mistakes.PathOf(command);
        var own = command as ProgramCommand;
        IReadOnlyList<HelpEntry> entries = own?.Entries ?? [];
        Request($".SS \"{Escape(HelpScreen.Usage(command, entries))}\"");
        _canBegin = false;
        Text(command.Description ?? "");
        if (own is { Details.Length: > 0 }) Text(own.Details);
        foreach (Argument argument in command.Arguments) Item(argument.Name, argument.Description ?? "");
        List<(string Of, string Name)> shared = [];
        foreach (HelpEntry entry in entries)
        {
            (string label, string text) = HelpScreen.Row(entry.Option);
            if (_described.TryAdd($"{label} {text}", path)) Item(label, text);
            else shared.Add((_described[$"{label} {text}"], entry.Option.Name));
        }

        foreach (var group in shared.GroupBy(each => each.Of))
            Text($"As for {group.Key}: {string.Join(", ", group.Select(each => each.Name))}.");
        foreach (Command below in command.Subcommands) Describe(below);
    }

    private void Section(string title)
    {
        Request($".SH {title}");
        _canBegin = false;
    }

    /// <summary>Writes a name in bold, and what it means below it.</summary>
    private void Item(string name, string meaning)
    {
        Request(".TP");
        Request($"\\fB{Escape(name)}\\fR");
        _canBegin = false;
        Text(meaning);
    }

    /// <summary>Writes paragraphs as in help: lines that begin with two blanks are examples.</summary>
    private void Text(string text)
    {
        bool example = false;
        _begins = true;
        foreach (string line in text.Split('\n'))
        {
            if (line.Length == 0)
            {
                _begins = true;
                continue;
            }

            bool indented = line.StartsWith("  ", StringComparison.Ordinal);
            if (indented != example) Request(indented ? ".RS 4\n.nf" : ".fi\n.RE");
            if (_begins && _canBegin) Request(".PP");
            (example, _begins, _canBegin) = (indented, false, true);
            string words = line.Trim();
            // What begins like a request is none.
            Request((words[0] is '.' or '\'' ? "\\&" : "") + Escape(words));
        }

        if (example) Request(".fi\n.RE");
    }

    private void Request(string line) => _output.WriteLine(line);

    /// <summary>Writes characters that mean something to roff, and those outside ASCII, by their names.</summary>
    private static string Escape(string text)
    {
        var escaped = new StringBuilder();
        foreach (Rune rune in text.EnumerateRunes())
        {
            escaped.Append(rune.Value switch
            {
                '\\' => "\\e", '-' => "\\-", '"' => "\\(dq", '\'' => "\\(aq", '`' => "\\(ga", '^' => "\\(ha",
                '~' => "\\(ti",
                < 128 => rune.ToString(),
                _ => $"\\[u{rune.Value:X4}]",
            });
        }

        return escaped.ToString();
    }
}
