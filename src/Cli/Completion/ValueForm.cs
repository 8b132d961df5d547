namespace NativeStyle.Cli.Completion;

/// <summary>
/// What the name of a value in help says about the value: FILE and DIR are the shell's to complete, A,B is a list, and
/// true|false are words.
/// </summary>
/// <param name="Files">Whether it may be a file.</param>
/// <param name="Folders">Whether it may be a folder, and no file.</param>
/// <param name="IsList">Whether it may be several values with commas between them.</param>
/// <param name="Words">The words that the name itself states.</param>
internal sealed record ValueForm(bool Files, bool Folders, bool IsList, IReadOnlyList<string> Words)
{
    private static readonly string[] s_files =
        ["FILE", "OUT", "MODEL", "REPORT", "CONTENT", "STYLE", "IMAGE", "INPUT", "PICTURE", "RESULT"];

    private static readonly string[] s_folders = ["DIR", "FOLDER"];

    /// <summary>Reads a name, e.g. NAME|FILE, FILE.png or A,B.</summary>
    public static ValueForm Of(string name)
    {
        string[] alternatives = name.Split('|');
        string[] stems = [.. alternatives.Select(each => each.Split(',', '.')[0])];
        return new ValueForm(
            stems.Any(s_files.Contains), stems.Any(s_folders.Contains), alternatives.Any(each => each.Contains(',')),
            [.. alternatives.Where(each => each.All(char.IsAsciiLetterLower))]);
    }
}
