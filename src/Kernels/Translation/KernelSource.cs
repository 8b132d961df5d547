using System.Reflection;
using System.Text.RegularExpressions;

namespace NativeStyle.Kernels.Translation;

/// <summary>The C# of the kernels, from the source files that are part of the assembly.</summary>
public static class KernelSource
{
    /// <summary>A kernel's text, with its docstring, and that of the functions of its class that it calls.</summary>
    public static string Of(KernelEntry kernel)
    {
        string type = kernel.Method.DeclaringType!.Name;
        string[] files = [.. Files().Where(text => Regex.IsMatch(text, $@"\b(class|struct|record) {type}\b"))];
        var found = new List<string>();
        var names = new Queue<string>([kernel.Method.Name]);
        var seen = new HashSet<string>(names);
        while (names.TryDequeue(out string? name))
        {
            if (files.Select(text => Method(text, name)).FirstOrDefault(text => text is not null) is not { } method) continue;
            found.Add(method);
            foreach (Match call in Regex.Matches(method, @"(?<![\w.])([A-Z]\w*)\("))
                if (seen.Add(call.Groups[1].Value)) names.Enqueue(call.Groups[1].Value);
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
        int head = Array.FindIndex(lines, line => Regex.IsMatch(line, $@"^    (public|internal|private) static [\w<>\[\]]+ {name}\("));
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
