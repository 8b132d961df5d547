using NativeStyle.Style.Options;

namespace NativeStyle.Studio.Work;

/// <summary>Where a job is on its way.</summary>
internal enum JobState
{
    Queued,
    Running,
    Paused,
    Done,

    /// <summary>The user ended it, and the picture so far is its result.</summary>
    Stopped,

    Failed,
}

/// <summary>The losses at one iteration.</summary>
internal sealed record LossRow(int Iteration, double Loss, double Content, double Style, double Tv);

/// <summary>What the studio's folder remembers of a job.</summary>
/// <param name="Id">Its name in addresses and in the studio's folder.</param>
/// <param name="Number">Its number for people. Later jobs have higher ones.</param>
internal sealed record JobRecord(string Id, int Number, JobRequest Request, JobState State)
{
    public string? Error { get; init; }

    public IReadOnlyList<string> Notices { get; init; } = [];

    public IReadOnlyList<JobChange> Changes { get; init; } = [];

    /// <summary>Columns of the result.</summary>
    public int Width { get; init; }

    /// <summary>Rows of the result.</summary>
    public int Height { get; init; }

    public int Iteration { get; init; }

    public int Total { get; init; }

    /// <summary>Some of the losses, evenly spread.</summary>
    public IReadOnlyList<LossRow> Losses { get; init; } = [];

    /// <summary>All options in force, as texts.</summary>
    public IReadOnlyDictionary<string, string> Values { get; init; } = new Dictionary<string, string>();

    /// <summary>
    /// The command that makes the result again; null without a result, and for a job that was changed.
    /// </summary>
    public string? Command { get; init; }

    /// <summary>Whether there is a result.</summary>
    public bool HasResult { get; init; }

    /// <summary>Whether the page that explains it is there, being made, or failed.</summary>
    public ExplainState Explain { get; init; }
}

/// <summary>What is known of the page that explains a result.</summary>
internal enum ExplainState
{
    None,
    Making,
    Ready,
    Failed,
}
