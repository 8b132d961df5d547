using System.Reflection;
using System.Text.RegularExpressions;

namespace NativeStyle.Kernels.Translation;

/// <summary>The C# of the kernels, from the source files that are embedded in the assembly.</summary>
internal static class KernelSource
{
    /// <summary>
    /// Returns a kernel's text with its docstring, and the text of the functions that it calls. These are searched in
    /// the kernel's own class and in the types that the methods found so far name.
    /// </summary>
    public static string Of(KernelEntry kernel)
    {
        string[] files = [.. Files()];
        Dictionary<string, string> types = [];
        foreach (string text in files)
        {
            foreach (Match type in Regex.Matches(
                text,
                @"^(?:public|internal) (?:[a-z]+ )*(?:class|struct|record|record struct) (\w+)",
                RegexOptions.Multiline))
            {
                types[$"{type.Groups[1].Value} {types.Count}"] = text;
            }
        }

        string[] TextsOf(string name) =>
        [
            .. types.Where(each => each.Key.StartsWith(name + " ", StringComparison.Ordinal))
                .Select(each => each.Value),
        ];

        var methods = new List<string>();
        var typeNames = new List<string> { kernel.Method.DeclaringType!.Name };
        var calls = new Queue<string>([kernel.Method.Name]);
        var seen = new HashSet<string>(calls);
        while (calls.TryDequeue(out string? name))
        {
            string? method = typeNames.SelectMany(TextsOf)
                .Select(text => Method(text, name))
                .FirstOrDefault(text => text is not null);
            if (method is null) continue;
            methods.Add(method);
            foreach (Match word in Regex.Matches(method, @"\b[A-Z]\w*\b"))
                if (!typeNames.Contains(word.Value) && TextsOf(word.Value).Length > 0) typeNames.Add(word.Value);
            foreach (Match call in Regex.Matches(method, @"\b([A-Z]\w*)(?:<[\w, ]+>)?\("))
                if (seen.Add(call.Groups[1].Value)) calls.Enqueue(call.Groups[1].Value);
        }

        return string.Join("\n\n", methods);
    }

    /// <summary>Returns the lines of a kernel alone, without its docstring and what it calls.</summary>
    public static string[] LinesOf(KernelEntry kernel)
    {
        string type = kernel.Method.DeclaringType!.Name;
        string text = Files()
            .Where(file => Regex.IsMatch(file, $@"\b(class|struct) {type}\b"))
            .Select(file => Method(file, kernel.Method.Name)).First(method => method is not null)!;
        return [.. text.Split('\n').Where(line => !line.StartsWith("///", StringComparison.Ordinal))];
    }

    private static IEnumerable<string> Files()
    {
        Assembly assembly = typeof(KernelSource).Assembly;
        IEnumerable<string> names = assembly.GetManifestResourceNames()
            .Where(name => name.EndsWith(".cs", StringComparison.Ordinal));
        foreach (string name in names)
        {
            using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
            yield return reader.ReadToEnd();
        }
    }

    /// <summary>
    /// Returns a method from its docstring to its last line; null if the text has none of that name.
    /// </summary>
    private static string? Method(string text, string name)
    {
        string[] lines = text.Split('\n');
        var pattern = new Regex(
            $@"^    (public|internal|private) (static |readonly )*[\w<>\[\].]+ {name}(<[\w, ]+>)?\(");
        int head = Array.FindIndex(lines, line => pattern.IsMatch(line));
        if (head < 0) return null;
        int first = head, last = head;
        while (first > 0 && Regex.IsMatch(lines[first - 1], @"^    (///|\[)")) first--;
        // A method of these files ends with its closing brace, or with the semicolon of an expression.
        while (last < lines.Length - 1 && lines[last] != "    }" && !lines[last].EndsWith(';')) last++;
        if (lines.Skip(head).Take(last - head + 1).Contains("    {"))
            while (lines[last] != "    }") last++;
        return string.Join('\n', lines[first..(last + 1)].Select(line =>
            line.StartsWith("    ", StringComparison.Ordinal) ? line[4..] : line));
    }
}
