namespace NativeStyle.Jobs;

/// <summary>The files that a transfer writes.</summary>
public sealed record Outputs(string Picture)
{
    /// <summary>Iterations between numbered pictures; 0 for none.</summary>
    public int SaveEvery { get; init; }

    /// <summary>
    /// Whether the run will be made again if it does not end well, as those of a batch. Then only a complete picture is
    /// written, and only under its name.
    /// </summary>
    public bool OnlyComplete { get; init; }

    /// <summary>The file for a line of JSON per iteration.</summary>
    public string? Trace { get; init; }

    /// <summary>The SVG file for a plot of the losses.</summary>
    public string? Plot { get; init; }

    /// <summary>The file for an animated PNG.</summary>
    public string? Timelapse { get; init; }

    /// <summary>Iterations between frames of the animated PNG. 0 stands for about sixty frames.</summary>
    public int TimelapseEvery { get; init; }

    public string? Checkpoint { get; init; }

    public int CheckpointEvery { get; init; } = 50;

    public IEnumerable<string> Files => new[] { Picture, Trace, Plot, Timelapse, Checkpoint }.OfType<string>();
}
