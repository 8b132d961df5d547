using NativeStyle.Jobs;

namespace NativeStyle.Studio.Work;

/// <summary>Collects what a user should know of a job before it begins.</summary>
internal sealed class NoticeDisplay : IJobDisplay
{
    private readonly List<string> _lines = [];

    public IReadOnlyList<string> Lines => _lines;

    public void Say(string line)
    {
        // It is so for every job, and the page says it once.
        if (line != WeightsLocator.UsesCompact) _lines.Add(line);
    }
}
