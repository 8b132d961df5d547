using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace NativeStyle.Tests;

/// <summary>JSON, or a line of JSON each: values are replaced, removed, repeated and moved.</summary>
/// <param name="lines">Whether each line is a value of its own.</param>
internal sealed class JsonShape(bool lines = false) : FileShape
{
    /// <summary>Stands for a value until the JSON is written; no writer could write some of them.</summary>
    private const string Placeholder = "@placeholder@";

    private static readonly string[] s_values =
    [
        "null", "true", "false", "0", "-0", "1", "-1", "2", "7", "0.5", "-0.5", "1e-300", "1e300", "1e999", "-1e999",
        "127", "32768", "65536", "1073741824", "2147483647", "2147483648", "-2147483648", "4294967296",
        "9223372036854775807", "9223372036854775808", "-9223372036854775808", "123456789012345678901234567890", "\"\"",
        "\" \"", "\"0\"", "\"-1\"", "\"NaN\"", "\"Infinity\"", "\"a\"", "\"a/b\"", "\"..\"", "\"/\"", "\"\\u0000\"",
        "\"\\ud800\"", "\"\\ud83d\\ude00\"", "\"\\n\"", "\"conv1_1\"", "\"conv9_9\"", "\"out.png\"", "\"30000/1001\"",
        "\"2147483647/1\"", "\"1/0\"", "\"16:9\"", "[]", "{}", "[null]", "[[]]", "[{}]", "[0]", "[-1]", "[1e999]",
        "[\"\\ud800\"]", "{\"\":null}", "{\"a\":0}", "{\"\\ud800\":0}", "NaN", "'a'", "[1,]", "//",
        new string('[', 80) + new string(']', 80), new string('9', 400), $"\"{new string('x', 3000)}\"",
    ];

    private static readonly JsonDocumentOptions s_lenient =
        new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };

    private static readonly JsonSerializerOptions s_written =
        new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    protected override byte[]? Damage(byte[] file, byte[] other, Mutator mutator)
    {
        string text = Encoding.UTF8.GetString(file);
        if (!lines) return Encoding.UTF8.GetBytes(Damaged(text, Encoding.UTF8.GetString(other), mutator));
        string[] all = text.Split('\n'), others = Encoding.UTF8.GetString(other).Split('\n');
        int at = mutator.Random.Next(all.Length);
        all[at] = Damaged(all[at], mutator.Pick(others), mutator);
        return Encoding.UTF8.GetBytes(string.Join('\n', all));
    }

    /// <summary>Damages one to four values of a text.</summary>
    public static string Damaged(string text, string other, Mutator mutator)
    {
        for (int places = 1 << mutator.Random.Next(3); places > 0; places--) text = DamagedOnce(text, other, mutator);
        return text;
    }

    private static string DamagedOnce(string text, string other, Mutator mutator)
    {
        Random random = mutator.Random;
        JsonNode root = JsonNode.Parse(text, documentOptions: s_lenient)!;
        List<JsonNode> holders = [.. Within(root).Where(node => node is JsonObject or JsonArray)];
        JsonNode holder = mutator.Pick(holders);
        string value = mutator.Pick(s_values);
        (string Name, JsonNode? Value)[] items = holder is JsonObject named
            ? [.. named.Select(item => (item.Key, item.Value))]
            : [.. ((JsonArray)holder).Select(item => ("", item))];
        int at = random.Next(items.Length + 1);
        bool isNew = at == items.Length;
        JsonNode? replacement = Placeholder;
        switch (random.Next(5))
        {
            case 0 when !isNew:
                items = [.. items[..at], .. items[(at + 1)..]];
                break;
            case 1 when !isNew && items[at].Value is JsonValue inner && inner.TryGetValue(out string? nested):
                replacement = nested.StartsWith('{')
                    ? Damaged(nested, nested, mutator)
                    : Encoding.Latin1.GetString(mutator.Damaged(Encoding.Latin1.GetBytes(nested), []));
                goto default;
            case 2:
                List<JsonNode> donors = [.. Within(JsonNode.Parse(other, documentOptions: s_lenient)!)];
                replacement = mutator.Pick(donors).DeepClone();
                goto default;
            default:
                string[] names = ["", "a", "base", "name", "options", .. items.Select(item => item.Name)];
                string name = isNew ? mutator.Pick(names) : items[at].Name;
                items = [.. items[..at], (name, replacement), .. items[Math.Min(items.Length, at + 1)..]];
                break;
        }

        // Objects are written by hand, because a writer would not repeat a name.
        string body = string.Join(',', items.Select(item => holder is JsonObject
            ? $"{Text(item.Name)}:{Text(item.Value)}" : Text(item.Value)));
        string written = holder is JsonObject ? $"{{{body}}}" : $"[{body}]";
        written = written.Replace($"\"{Placeholder}\"", value, StringComparison.Ordinal);
        if (ReferenceEquals(holder, root)) return written;
        holder.ReplaceWith(Placeholder);
        return root.ToJsonString(s_written).Replace($"\"{Placeholder}\"", written, StringComparison.Ordinal);
    }

    private static string Text(JsonNode? node) => node?.ToJsonString(s_written) ?? "null";

    private static IEnumerable<JsonNode> Within(JsonNode node)
    {
        yield return node;
        IEnumerable<JsonNode?> children = node switch
        {
            JsonObject named => named.Select(item => item.Value),
            JsonArray list => list,
            _ => [],
        };
        foreach (JsonNode? child in children)
        {
            if (child is null) continue;
            foreach (JsonNode each in Within(child)) yield return each;
        }
    }
}
