namespace NativeStyle.Style.Options;

/// <summary>A style picture's file and what it counts.</summary>
/// <param name="Path">As the user wrote it.</param>
/// <param name="Weight">Relative to the other styles'.</param>
/// <param name="Region">A mask: where in the result it counts.</param>
/// <param name="Part">A mask: the part of the style picture that is its style.</param>
public sealed record JobStyle(string Path, double Weight = 1, string? Region = null, string? Part = null);

/// <summary>
/// All that a transfer is made of, by files' names: what a checkpoint continues and what a picture tells of itself.
/// </summary>
public sealed record TransferJob
{
    public string? Content { get; init; }

    public IReadOnlyList<JobStyle> Styles { get; init; } = [];

    /// <summary>The picture to start from, if any.</summary>
    public string? Init { get; init; }

    /// <summary>The weights' file; null for random ones.</summary>
    public string? Weights { get; init; }

    /// <summary>What the user said that the weights' first layer expects, if anything.</summary>
    public string? WeightsConvention { get; init; }

    /// <summary>Bits a channel of a PNG result.</summary>
    public int Depth { get; init; } = 8;

    /// <summary>Quality of a JPEG result.</summary>
    public int Quality { get; init; } = 95;

    /// <summary>
    /// Bytes that the run may take, where the user said so: tiles round differently from the whole, a little.
    /// </summary>
    public long? Memory { get; init; }

    public required TransferOptions Options { get; init; }

    /// <summary>The scales with their iterations.</summary>
    public required IReadOnlyList<ScaleStep> Plan { get; init; }

    /// <summary>Names of all files that it reads, beside the weights.</summary>
    public IEnumerable<string> Pictures() =>
        new[] { Content, Init }.Concat(Styles.SelectMany(style => new[] { style.Path, style.Region, style.Part }))
            .OfType<string>().Distinct();
}
