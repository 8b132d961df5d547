using System.Reflection;
using System.Text.RegularExpressions;

namespace NativeStyle.Kernels.Translation;

/// <summary>The C# of the kernels, from the source files that are part of the assembly.</summary>
public static class KernelSource
{
    /// <summary>
    /// A kernel's text, with its docstring, and that of the functions of these files that it calls: of its own class, and of the
    /// types that are named in what was found so far.
    /// </summary>
    public static string Of(KernelEntry kernel)
    {
        string[] files = [.. Files()];
        Dictionary<string, string> types = [];
        foreach (string text in files)
            foreach (Match type in Regex.Matches(text, @"^(?:public|internal) (?:[a-z]+ )*(?:class|struct|record|record struct) (\w+)", RegexOptions.Multiline))
                types[$"{type.Groups[1].Value} {types.Count}"] = text;
        string[] TextsOf(string name) => [.. types.Where(each => each.Key.StartsWith(name + " ", StringComparison.Ordinal)).Select(each => each.Value)];

        var found = new List<string>();
        var named = new List<string> { kernel.Method.DeclaringType!.Name };
        var calls = new Queue<string>([kernel.Method.Name]);
        var seen = new HashSet<string>(calls);
        while (calls.TryDequeue(out string? name))
        {
            if (named.SelectMany(TextsOf).Select(text => Method(text, name)).FirstOrDefault(text => text is not null) is not { } method) continue;
            found.Add(method);
            foreach (Match word in Regex.Matches(method, @"\b[A-Z]\w*\b"))
                if (!named.Contains(word.Value) && TextsOf(word.Value).Length > 0) named.Add(word.Value);
            foreach (Match call in Regex.Matches(method, @"\b([A-Z]\w*)(?:<[\w, ]+>)?\("))
                if (seen.Add(call.Groups[1].Value)) calls.Enqueue(call.Groups[1].Value);
        }

        return string.Join("\n\n", found);
    }

    private static IEnumerable<string> Files()
    {
        Assembly assembly = typeof(KernelSource).Assembly;
        foreach (string name in assembly.GetManifestResourceNames().Where(name => name.EndsWith(".cs", StringComparison.Ordinal)))
        {
            using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
            yield return reader.ReadToEnd();
        }
    }

    /// <summary>A method from its docstring to its last line; null where the text has none of that name.</summary>
    private static string? Method(string text, string name)
    {
        string[] lines = text.Split('\n');
        int head = Array.FindIndex(lines, line => Regex.IsMatch(line, $@"^    (public|internal|private) (static |readonly )*[\w<>\[\].]+ {name}(<[\w, ]+>)?\("));
        if (head < 0) return null;
        int first = head, last = head;
        while (first > 0 && Regex.IsMatch(lines[first - 1], @"^    (///|\[)")) first--;
        // The end of a method of these files: its closing brace, or the semicolon of an expression.
        while (last < lines.Length - 1 && lines[last] != "    }" && !lines[last].EndsWith(';')) last++;
        if (lines.Skip(head).Take(last - head + 1).Contains("    {"))
            while (lines[last] != "    }") last++;
        return string.Join('\n', lines[first..(last + 1)].Select(line => line.StartsWith("    ", StringComparison.Ordinal) ? line[4..] : line));
    }
}
