namespace NativeStyle.Cli.Help;

/// <summary>Lays text out in lines of limited width.</summary>
internal static class TextLayout
{
    /// <summary>
    /// Wraps paragraphs. Lines that begin with a blank stay separate; if too long, they continue with a deeper indent.
    /// </summary>
    public static IEnumerable<string> Wrapped(string text, int width)
    {
        List<string> paragraph = [];
        foreach (string line in text.Split('\n'))
        {
            if (line.Length > 0 && line[0] != ' ')
            {
                paragraph.Add(line);
                continue;
            }

            foreach (string wrapped in Lines(string.Join(' ', paragraph), "", "", width)) yield return wrapped;
            paragraph.Clear();
            if (line.Length == 0) yield return "";
            foreach (string wrapped in Lines(line, "  ", "      ", width)) yield return wrapped;
        }

        foreach (string wrapped in Lines(string.Join(' ', paragraph), "", "", width)) yield return wrapped;
    }

    /// <summary>
    /// Returns a label and its text from a column on. The text begins on the next line if the label is too long.
    /// </summary>
    public static IEnumerable<string> Row(string label, string text, int column, int width)
    {
        string margin = new(' ', column);
        string[] lines = [.. Lines(text, margin, margin, width)];
        if (label.Length + 4 > column || lines.Length == 0) return [$"  {label}", .. lines];
        return [$"  {label}".PadRight(column) + lines[0].TrimStart(), .. lines[1..]];
    }

    /// <summary>Fills lines with words. Returns no lines for no words.</summary>
    private static IEnumerable<string> Lines(string text, string first, string other, int width)
    {
        string line = "";
        foreach (string word in text.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (line.Length > 0 && line.Length + 1 + word.Length > width)
            {
                yield return line;
                line = other + word;
            }
            else
            {
                line = line.Length == 0 ? first + word : $"{line} {word}";
            }
        }

        if (line.Length > 0) yield return line;
    }
}
