using System.Text.Json;
using System.Text.Json.Nodes;
using NativeStyle.Cli.Arguments;
using NativeStyle.Imaging;
using NativeStyle.Jobs;
using NativeStyle.Style.Options;

namespace NativeStyle.Cli.Jobs;

/// <summary>One job of a batch: its pictures, its output, and its differences from the batch's options.</summary>
/// <param name="Name">The name of the job in messages.</param>
/// <param name="Folder">The folder for the result and copies of its pictures, or null.</param>
internal sealed record BatchJob(
    string Name, string Content, IReadOnlyList<JobStyle> Styles, string Output, JsonObject? Options = null,
    string? Folder = null) : INamedJob;

/// <summary>Lists the jobs of a batch, in the same order on every machine.</summary>
internal static class BatchJobs
{
    /// <summary>Pairs each content with each style. All results go into one folder.</summary>
    public static List<BatchJob> FromFolders(string contents, string styles, string output, string extension) =>
        [.. from content in InputFiles.Pictures(contents, "content pictures")
            from style in InputFiles.Pictures(styles, "style pictures")
            let name = $"{Path.GetFileNameWithoutExtension(content)}--{Path.GetFileNameWithoutExtension(style)}"
            select new BatchJob(name, content, [new JobStyle(style)], Path.Combine(output, name + extension))];

    /// <summary>
    /// Pairs each content_* of a folder with each of its style_*. Results go into folders gen_0, gen_1, ...
    /// </summary>
    public static List<BatchJob> FromPairs(string folder, string output, string extension)
    {
        string[] pictures = InputFiles.Pictures(folder, "content_* and style_* pictures");
        string[] contents = Named("content_"), styles = Named("style_");
        return [.. contents.SelectMany(content => styles.Select(style => (content, style))).Select((pair, i) =>
        {
            string target = Path.Combine(output, $"gen_{i}");
            return new BatchJob(
                $"gen_{i}: {Path.GetFileName(pair.content)} in the style of {Path.GetFileName(pair.style)}",
                pair.content, [new JobStyle(pair.style)],
                Path.Combine(target, "gen" + extension), Folder: target);
        })];

        string[] Named(string prefix)
        {
            string[] named = [.. pictures.Where(
                path => Path.GetFileName(path).StartsWith(prefix, StringComparison.OrdinalIgnoreCase))];
            return named.Length > 0 ? named
                : throw new UsageException($"{folder} has no pictures whose names begin with {prefix}");
        }
    }

    /// <summary>
    /// Reads a job from each line: {"content": ..., "style": ... or [...], "output": ...}. Optional are "styleWeights":
    /// [...], "masks": [...], "styleMasks": [...] and "options": {...}, whose values replace the batch's. Names are
    /// relative to the manifest's folder, and outputs to <paramref name="output"/>.
    /// </summary>
    public static List<BatchJob> FromManifest(string manifest, string output)
    {
        InputFiles.Require(manifest, "a manifest, a line of JSON for each job");
        string folder = Path.GetDirectoryName(Path.GetFullPath(manifest))!;
        List<BatchJob> jobs = [];
        int number = 0;
        foreach (string line in File.ReadLines(manifest))
        {
            number++;
            if (string.IsNullOrWhiteSpace(line)) continue;
            try
            {
                jobs.Add(FromLine(JsonSerializer.Deserialize<ManifestLine>(line, OptionsJson.Format)
                    ?? throw new JsonException("it is empty")));
            }
            catch (Exception wrong) when (OptionsJson.IsWrongJson(wrong))
            {
                throw new UsageException(
                    $"{manifest} line {number} is no job: {wrong.Message.Split(" Path:")[0]}; expected " +
                    $"{{\"content\": FILE, \"style\": FILE, \"output\": FILE}}");
            }
        }

        return jobs.Count > 0 ? jobs
            : throw new UsageException($"{manifest} has no jobs, expected a line of JSON for each");

        BatchJob FromLine(ManifestLine line)
        {
            string[] styles = line.Style switch
            {
                JsonValue value when value.TryGetValue(out string? one) => [one],
                JsonArray { Count: > 0 } several =>
                [
                    .. several.Select(each => each?.GetValueKind() == JsonValueKind.String
                        ? each.GetValue<string>() : throw new JsonException("a style is not the name of a file")),
                ],
                _ => throw new JsonException("its style is neither the name of a file nor a list of names"),
            };
            if (new[] { line.StyleWeights?.Count, line.Masks?.Count, line.StyleMasks?.Count }
                .Any(count => count is not null && count != styles.Length))
                throw new JsonException($"it has {styles.Length} styles but another number of weights or masks");
            if (line.StyleWeights is { } weights
                && (weights.Any(weight => !(weight >= 0 && weight <= 1e9)) || weights.Sum() == 0))
                throw new JsonException("its style weights are not numbers of 0 or more with at least one above 0");
            IEnumerable<string?> names =
                [line.Content, line.Output, .. styles, .. line.Masks ?? [], .. line.StyleMasks ?? []];
            if (names.OfType<string>().Any(name => name.Contains('\0', StringComparison.Ordinal)))
                throw new JsonException("a name has the character 0, which no file's name has");
            string target = Path.Combine(output, line.Output);
            OutputFiles.RequireExtension(target, [.. PictureFile.WritableExtensions]);
            return new BatchJob(
                line.Output, Path.Combine(folder, line.Content),
                [.. styles.Select((style, i) => new JobStyle(
                    Path.Combine(folder, style), line.StyleWeights?[i] ?? 1, Mask(line.Masks, i),
                    Mask(line.StyleMasks, i)))],
                target, line.Options);
        }

        string? Mask(IReadOnlyList<string?>? masks, int i) =>
            masks?[i] is { Length: > 0 } mask ? Path.Combine(folder, mask) : null;
    }

    private sealed record ManifestLine(
        string Content, JsonNode? Style, string Output, IReadOnlyList<double>? StyleWeights = null,
        IReadOnlyList<string?>? Masks = null, IReadOnlyList<string?>? StyleMasks = null, JsonObject? Options = null);
}
