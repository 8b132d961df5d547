namespace NativeStyle.Cli.Arguments;

/// <summary>What a transfer writes, beside its last picture.</summary>
internal sealed record Outputs(string Picture)
{
    /// <summary>Iterations between numbered pictures; 0 for none.</summary>
    public int SaveEvery { get; init; }

    /// <summary>The name that numbered pictures are made from, where it is not <see cref="Picture"/>.</summary>
    public string? NumberedAs { get; init; }

    /// <summary>A JSON line per iteration.</summary>
    public string? Trace { get; init; }

    /// <summary>The losses as SVG.</summary>
    public string? Plot { get; init; }

    /// <summary>An animated PNG.</summary>
    public string? Timelapse { get; init; }

    /// <summary>Iterations between its frames; 0 for about sixty frames.</summary>
    public int TimelapseEvery { get; init; }

    public string? Checkpoint { get; init; }

    public int CheckpointEvery { get; init; } = 50;

    /// <summary>All files.</summary>
    public IEnumerable<string> Files => new[] { Picture, Trace, Plot, Timelapse, Checkpoint }.OfType<string>();
}
