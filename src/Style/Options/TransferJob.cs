using System.Text.Json.Serialization;

namespace NativeStyle.Style.Options;

/// <summary>The file of a style picture, its weight and its masks.</summary>
/// <param name="Path">The name as the user wrote it.</param>
/// <param name="Weight">The weight relative to those of the other styles.</param>
/// <param name="Region">The mask of the places in the result where the style counts.</param>
/// <param name="Part">The mask of the part of the style picture that is the style.</param>
internal sealed record JobStyle(string Path, double Weight = 1, string? Region = null, string? Part = null);

/// <summary>The name of a file, without its folder, and the SHA-256 of its bytes.</summary>
internal sealed record FileIdentity(string Name, string Sha256);

/// <summary>A change of a job while it ran.</summary>
/// <param name="Iteration">The iterations that were made before.</param>
/// <param name="What">The old and the new values, in words.</param>
internal sealed record JobChange(int Iteration, string What);

/// <summary>
/// Everything that a transfer needs, with names of files. Checkpoints hold it as the user wrote it, pictures without
/// the names of folders.
/// </summary>
internal sealed record TransferJob
{
    public string? Content { get; init; }

    public IReadOnlyList<JobStyle> Styles { get; init; } = [];

    /// <summary>The picture to start from, if any.</summary>
    public string? Init { get; init; }

    /// <summary>The file of the weights, or null for random weights.</summary>
    public string? Weights { get; init; }

    /// <summary>The input that the first layer expects, if the user named one.</summary>
    public string? WeightsConvention { get; init; }

    /// <summary>Bits per channel of a PNG result.</summary>
    public int Depth { get; init; } = 8;

    /// <summary>Quality of a JPEG result.</summary>
    public int Quality { get; init; } = 95;

    /// <summary>
    /// The bytes that the run may take: those that the user named, if any. In a picture, those that decided about its
    /// tiles or about what L-BFGS remembers, whoever named them, and null if the run went whole.
    /// </summary>
    public long? Memory { get; init; }

    /// <summary>The file from which the options began, if the user named one.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public FileIdentity? Preset { get; init; }

    /// <summary>Whether the result is to say nothing about how it was made.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool WithoutRecipe { get; init; }

    /// <summary>
    /// What changed while the job ran, in order; null for nothing. The other values are those at the end. No command
    /// makes the picture of a changed job again.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<JobChange>? Changes { get; init; }

    public required TransferOptions Options { get; init; }

    /// <summary>The scales and their iterations.</summary>
    public required IReadOnlyList<ScaleStep> Plan { get; init; }

    /// <summary>
    /// Returns the job for others to read: with other names of pictures, and without the folder of the weights.
    /// </summary>
    /// <param name="nameOf">Returns what a picture is called.</param>
    public TransferJob Renamed(Func<string, string> nameOf)
    {
        return this with
        {
            Content = Name(Content),
            Styles = [.. Styles.Select(style => style with
            {
                Path = nameOf(style.Path),
                Region = Name(style.Region),
                Part = Name(style.Part),
            })],
            Init = Name(Init),
            Weights = Path.GetFileName(Weights),
        };

        string? Name(string? path) => path is null ? null : nameOf(path);
    }

    /// <summary>Checks what no option's range checks, in a job that comes from a file.</summary>
    /// <exception cref="TransferException">A value is wrong. The message is to follow a file's name.</exception>
    public void Check()
    {
        OptionsJson.Validated(Options);
        if (Plan.Count == 0) throw new TransferException("has a plan without scales");
        foreach (ScaleStep step in Plan)
        {
            if (step is not { Height: > 0, Width: > 0, Iterations: >= 0 })
            {
                throw new TransferException(
                    $"has a scale of {step.Width} x {step.Height}, {step.Iterations} iterations");
            }
        }

        if (Memory is <= 0) throw new TransferException($"has a limit of {Memory} bytes of memory");
        foreach (JobStyle style in Styles)
        {
            if (!(style.Weight >= 0 && double.IsFinite(style.Weight)))
                throw new TransferException($"has a style with the weight {style.Weight}");
        }
    }

    /// <summary>Returns the names of all files that the job reads, except the weights.</summary>
    public IEnumerable<string> Pictures() =>
        new[] { Content, Init }.Concat(Styles.SelectMany(style => new[] { style.Path, style.Region, style.Part }))
            .OfType<string>().Distinct();
}
