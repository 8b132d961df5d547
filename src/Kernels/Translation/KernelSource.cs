using System.Reflection;
using System.Text.RegularExpressions;

namespace NativeStyle.Kernels.Translation;

/// <summary>The C# of the kernels, from the source files that are part of the assembly.</summary>
public static class KernelSource
{
    /// <summary>A kernel's text, with its docstring, and that of the functions that it calls, of its class and of others.</summary>
    public static string Of(KernelEntry kernel)
    {
        string[] files = [.. Files()];
        var found = new List<string>();
        var names = new Queue<(string Type, string Name)>([(kernel.Method.DeclaringType!.Name, kernel.Method.Name)]);
        var seen = new HashSet<(string, string)>(names);
        while (names.TryDequeue(out (string Type, string Name) next))
        {
            IEnumerable<string> ofType = files.Where(text => Regex.IsMatch(text, $@"\b(class|struct|record) {next.Type}\b"));
            if (ofType.Select(text => Method(text, next.Name)).FirstOrDefault(text => text is not null) is not { } method) continue;
            found.Add(method);
            foreach (Match call in Regex.Matches(method, @"(?<![\w.])(?:([A-Z]\w*)\.)?([A-Z]\w*)\("))
            {
                (string Type, string Name) called = (call.Groups[1].Success ? call.Groups[1].Value : next.Type, call.Groups[2].Value);
                if (seen.Add(called)) names.Enqueue(called);
            }
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

    /// <summary>A static method from its docstring to its last line; null where the text has none of that name.</summary>
    private static string? Method(string text, string name)
    {
        string[] lines = text.Split('\n');
        int head = Array.FindIndex(lines, line => Regex.IsMatch(line, $@"^    (public|internal|private) static [\w<>\[\].]+ {name}(<[\w, ]+>)?\("));
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
