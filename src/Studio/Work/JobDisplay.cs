using System.Diagnostics;
using NativeStyle.Imaging;
using NativeStyle.Jobs;
using NativeStyle.Style;
using NativeStyle.Studio.Web;

namespace NativeStyle.Studio.Work;

/// <summary>Shows a job to all who watch, at most ten times a second, and keeps frames of its way.</summary>
/// <param name="job">The job.</param>
/// <param name="plan">Its scales; none for a drawing.</param>
/// <param name="events">Reaches those who watch.</param>
internal sealed class JobDisplay(StudioJob job, IReadOnlyList<ScaleStep> plan, EventHub events) : IJobDisplay
{
    /// <summary>Seconds between frames.</summary>
    private const double Interval = 0.1;

    /// <summary>Seconds between frames that nobody watches. They are for the way back.</summary>
    private const double UnwatchedInterval = 1;

    /// <summary>Seconds that each watcher adds, because the machine that computes also sends.</summary>
    private const double IntervalPerWatcher = 0.01;

    /// <summary>A frame may take one part in so many of the time.</summary>
    private const double FrameShare = 50;

    private const int MostLosses = 300;

    private readonly List<LossRow> _losses = [.. job.Record.Losses];
    private readonly Pace _pace = new(plan);
    private long _shown;
    private double _cost;
    private int _every = 1;

    public void Say(string line)
    {
        // The page shows by itself what a terminal is told in words.
    }

    public void Warn(string line)
    {
        job.Note(record => record with { Notices = [.. record.Notices, line] });
        events.Send("notice", new { id = job.Id, text = line });
    }

    public T Follow<T>(int total, int printEvery, Func<Action<IterationReport, Func<Picture>>, T> run) =>
        run((report, picture) => Show(report, picture, total));

    /// <summary>Shows a picture that no iteration of the run made.</summary>
    public void ShowPreview(Picture picture) => events.Send("progress", new
    {
        id = job.Id, iteration = 0, total = plan.Sum(step => step.Iterations), width = picture.Width,
        height = picture.Height, loss = (double?)null, content = (double?)null, style = (double?)null,
        tv = (double?)null, secondsPerIteration = (double?)null, secondsLeft = (double?)null,
        frame = (int?)job.Frames.Add(0, picture),
    });

    private void Show(IterationReport report, Func<Picture> picture, int total)
    {
        _pace.Add(report);
        job.SecondsLeft = _pace.SecondsLeft(report);
        if (report.Iteration % _every == 0)
        {
            _losses.Add(new(report.Iteration, report.Loss, report.Content, report.Style, report.Tv));
            if (_losses.Count > MostLosses) Thin();
        }

        // No list is shared with readers: they get their own copy now and then.
        bool isLast = report.Iteration == total;
        int watchers = events.Watchers;
        double least = watchers == 0 ? UnwatchedInterval : Interval + (IntervalPerWatcher * watchers);
        double interval = Math.Max(least, FrameShare * _cost);
        if (!isLast && _shown != 0 && Stopwatch.GetElapsedTime(_shown).TotalSeconds < interval)
        {
            job.Note(record => record with { Iteration = report.Iteration });
            return;
        }

        job.Note(record => record with { Iteration = report.Iteration, Losses = [.. _losses] });
        long start = Stopwatch.GetTimestamp();
        int? frame = KeepFrame(report.Iteration, picture);
        events.Send("progress", new
        {
            id = job.Id, iteration = report.Iteration, total, width = report.Width, height = report.Height,
            loss = report.Loss, content = report.Content, style = report.Style, tv = report.Tv,
            secondsPerIteration = _pace.SecondsPerIteration, secondsLeft = job.SecondsLeft, frame,
        });
        _shown = Stopwatch.GetTimestamp();
        _cost = Stopwatch.GetElapsedTime(start, _shown).TotalSeconds;
    }

    private int? KeepFrame(int iteration, Func<Picture> picture)
    {
        try
        {
            return job.Frames.Add(iteration, picture());
        }
        catch (Exception full) when (full is IOException or UnauthorizedAccessException)
        {
            // A frame less on the way is no reason to end the run.
            return null;
        }
    }

    /// <summary>Leaves out every second point, and from now on as many of the new ones.</summary>
    private void Thin()
    {
        _every *= 2;
        _losses.RemoveAll(row => row.Iteration % _every != 0 && row != _losses[0]);
    }

    /// <summary>How long iterations take, and the rest of the run.</summary>
    private sealed class Pace(IReadOnlyList<ScaleStep> plan)
    {
        private const double Newest = 0.2;

        private int _width;

        /// <summary>Seconds of an iteration at the present scale.</summary>
        public double SecondsPerIteration { get; private set; }

        public void Add(IterationReport report)
        {
            bool isNewScale = report.Width != _width;
            _width = report.Width;
            SecondsPerIteration = isNewScale ? report.Seconds
                : ((1 - Newest) * SecondsPerIteration) + (Newest * report.Seconds);
        }

        /// <summary>The time of the rest, if an iteration takes as long as it has pixels.</summary>
        public double SecondsLeft(IterationReport report)
        {
            double here = (double)report.Width * report.Height, left = 0;
            int made = report.Iteration;
            foreach (ScaleStep step in plan)
            {
                int done = Math.Min(made, step.Iterations);
                made -= done;
                left += (step.Iterations - done) * ((double)step.Width * step.Height / here);
            }

            return left * SecondsPerIteration;
        }
    }
}
