using System.Diagnostics;
using System.Globalization;
using Spectre.Console;

namespace NativeStyle.Cli;

/// <summary>
/// Shows how far a film is: a live bar on a terminal, a line every few seconds in a pipe, nothing when quiet.
/// </summary>
/// <param name="quiet">Whether to show nothing.</param>
/// <param name="total">How many frames there will be; null if nobody knows.</param>
internal sealed class FilmConsole(bool quiet, long? total)
{
    /// <summary>Seconds between plain lines.</summary>
    private const double LineInterval = 5;

    /// <summary>How much of the pace comes from the last frame.</summary>
    private const double Newest = 0.1;

    private readonly long _start = Stopwatch.GetTimestamp();
    private long _last = Stopwatch.GetTimestamp();
    private double _secondsPerFrame;

    /// <summary>Frames per second since the start.</summary>
    public double Average(long frames) => frames / Stopwatch.GetElapsedTime(_start).TotalSeconds;

    /// <summary>Runs the work, which reports the number of frames so far.</summary>
    public T Follow<T>(Func<Action<long>, T> run)
    {
        if (quiet) return run(_ => { });
        if (Console.IsOutputRedirected) return FollowPlain(run);
        T? result = default;
        var bar = new ProgressBarColumn { Width = 24 };
        var words = new TaskDescriptionColumn { Alignment = Justify.Left };
        AnsiConsole.Progress().AutoClear(false).Columns(bar, words).Start(context =>
        {
            ProgressTask task = context.AddTask("starting", maxValue: total ?? 1);
            task.IsIndeterminate = total is null;
            result = run(frame =>
            {
                if (total is not null) task.Value = frame;
                task.Description = Line(frame);
            });
        });
        return result!;
    }

    private T FollowPlain<T>(Func<Action<long>, T> run)
    {
        long shown = 0;
        return run(frame =>
        {
            string line = Line(frame);
            if (shown != 0 && Stopwatch.GetElapsedTime(shown).TotalSeconds < LineInterval && frame != total) return;
            shown = Stopwatch.GetTimestamp();
            Console.WriteLine(line);
        });
    }

    /// <summary>Describes a frame, with the time left at the recent pace.</summary>
    private string Line(long frame)
    {
        double seconds = Stopwatch.GetElapsedTime(_last).TotalSeconds;
        _last = Stopwatch.GetTimestamp();
        _secondsPerFrame = frame == 1 ? seconds : ((1 - Newest) * _secondsPerFrame) + (Newest * seconds);
        string of = total is { } all ? $" of {all}" : "";
        string pace = string.Create(CultureInfo.InvariantCulture, $"{1 / _secondsPerFrame:g3} frames/s");
        if (total is null) return $"frame {frame}  {pace}";
        var left = TimeSpan.FromSeconds(Math.Max(0, total.Value - frame) * _secondsPerFrame);
        return $"frame {frame}{of}  {pace}  {(int)left.TotalMinutes}:{left.Seconds:00} left";
    }
}
