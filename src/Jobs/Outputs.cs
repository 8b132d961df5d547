using NativeStyle.Style;

namespace NativeStyle.Jobs;

/// <summary>The files that a transfer writes.</summary>
internal sealed record Outputs(string Picture)
{
    /// <summary>Iterations between numbered pictures; 0 for none.</summary>
    public int SaveEvery { get; init; }

    /// <summary>Whether the picture is written, by how the run ended.</summary>
    public Func<TransferEnd, bool> Keeps { get; init; } = _ => true;

    /// <summary>
    /// Whether a picture that cannot be written under its name is given up. Otherwise it is kept in the folder for
    /// temporary files.
    /// </summary>
    public bool OnlyHere { get; init; }

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

    /// <summary>
    /// The least seconds between checkpoints. The first one, and the last one when the run is cancelled, do not wait.
    /// </summary>
    public double CheckpointSeconds { get; init; }

    /// <summary>Whether the first checkpoint waits too, because many runs are over before.</summary>
    public bool FirstCheckpointWaits { get; init; }

    public IEnumerable<string> Files => new[] { Picture, Trace, Plot, Timelapse, Checkpoint }.OfType<string>();
}
