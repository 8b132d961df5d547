using NativeStyle.Imaging;
using NativeStyle.Jobs;
using NativeStyle.Style;

namespace NativeStyle.Studio.Work;

/// <summary>Passes on what one runner shows of many jobs. Without a target it shows nothing.</summary>
internal sealed class RelayDisplay : IJobDisplay
{
    public IJobDisplay? Target { get; set; }

    public void Say(string line) => Target?.Say(line);

    public void Warn(string line) => Target?.Warn(line);

    public T Follow<T>(int total, int printEvery, Func<Action<IterationReport, Func<Picture>>, T> run) =>
        Target is { } target ? target.Follow(total, printEvery, run) : run((_, _) => { });
}
