using System.Globalization;
using System.Security.Cryptography;
using NativeStyle.Jobs;
using NativeStyle.Kernels.Devices;
using NativeStyle.Style;
using NativeStyle.Style.Options;
using NativeStyle.Studio.Data;
using NativeStyle.Studio.Web;

namespace NativeStyle.Studio.Work;

/// <summary>
/// All jobs, and the one thread that does them, because there is one device. Requests come on any thread. What they
/// change of a job under way is left as an intent, and the thread acts on it when the run has ended at its next
/// iteration, with a checkpoint: a pause, a change, the end of the program and a kill are all the same to a run.
/// </summary>
internal sealed class JobQueue : IDisposable
{
    /// <summary>
    /// How long the end of the program waits for the run to save itself. Otherwise it goes on from its last checkpoint.
    /// </summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(0.7);

    private readonly DataFolder _folder;
    private readonly PictureStore _pictures;
    private readonly EventHub _events;
    private readonly JobRunner _runner;
    private readonly Thread _thread;
    private readonly Dictionary<string, StudioJob> _jobs = new(StringComparer.Ordinal);
    private readonly List<(StudioJob Job, bool Explains)> _waiting = [];
    private readonly object _lock = new();
    private RunningJob? _running;
    private bool _ends;

    public JobQueue(
        DataFolder folder, PictureStore pictures, Preparation preparation, ComputeDevice device, EventHub events)
    {
        (_folder, _pictures, _events) = (folder, pictures, events);
        _runner = new JobRunner(preparation, device, events);
        foreach (string path in Directory.EnumerateDirectories(folder.Jobs))
        {
            if (StudioJob.Read(path) is { } job) _jobs[job.Id] = job;
        }

        // What was under way goes on first.
        IEnumerable<StudioJob> unfinished = _jobs.Values
            .Where(job => job.Record.State is JobState.Running or JobState.Queued)
            .OrderByDescending(job => job.Record.State == JobState.Running).ThenBy(job => job.Record.Number);
        foreach (StudioJob job in unfinished)
        {
            job.Note(record => record with { State = JobState.Queued });
            _waiting.Add((job, false));
        }

        foreach (StudioJob job in _jobs.Values.Where(job => job.Record.Explain == ExplainState.Making))
            job.Note(record => record with { Explain = ExplainState.None });
        pictures.RemoveAllBut(UsedPictures());
        _thread = new Thread(Work) { IsBackground = true, Name = "studio jobs" };
    }

    /// <summary>All jobs, the newest first.</summary>
    public IReadOnlyList<StudioJob> All
    {
        get { lock (_lock) return [.. _jobs.Values.OrderByDescending(job => job.Record.Number)]; }
    }

    public void Start() => _thread.Start();

    public StudioJob? Find(string id)
    {
        lock (_lock) return _jobs.GetValueOrDefault(id);
    }

    /// <summary>Takes a job on.</summary>
    /// <exception cref="UsageException">The request is wrong.</exception>
    /// <exception cref="RefusedException">The queue, the history or the folder is full.</exception>
    public StudioJob Create(JobRequest request)
    {
        JobRecord draft = _runner.Planned(new JobRecord("", 0, request, JobState.Queued));
        _folder.RequireRoom();
        lock (_lock)
        {
            if (_jobs.Count >= DataFolder.MostJobs)
                throw new RefusedException($"the history is full with {_jobs.Count} jobs; delete some first");
            if (_waiting.Count >= DataFolder.MostWaiting)
                throw new RefusedException($"{_waiting.Count} jobs wait already; wait for some of them first");
            string id = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));
            int number = 1 + _jobs.Values.Select(job => job.Record.Number).DefaultIfEmpty().Max();
            var job = new StudioJob(Path.Combine(_folder.Jobs, id), draft with { Id = id, Number = number });
            job.Save();
            _jobs[id] = job;
            Enqueue(job);
            return job;
        }
    }

    /// <summary>Ends a job for now; it can go on with the same bytes.</summary>
    /// <exception cref="RefusedException">It neither waits nor runs.</exception>
    public void Pause(StudioJob job) => End(job, Intent.Pause, JobState.Paused);

    /// <summary>Ends a job, and keeps the picture so far as its result.</summary>
    /// <inheritdoc cref="Pause"/>
    public void Stop(StudioJob job)
    {
        lock (_lock)
        {
            // A paused run has its picture in its checkpoint: it runs once more, without an iteration.
            if (job.Record.State == JobState.Paused && File.Exists(job.Checkpoint))
            {
                job.Update(record => record with { State = JobState.Queued });
                Enqueue(job, stops: true);
                return;
            }
        }

        End(job, Intent.Stop, JobState.Stopped);
    }

    /// <summary>Lets a paused job go on.</summary>
    /// <exception cref="RefusedException">It is not paused.</exception>
    public void Continue(StudioJob job)
    {
        lock (_lock)
        {
            if (job.Record.State != JobState.Paused) throw new RefusedException("the job is not paused");
            job.Update(record => record with { State = JobState.Queued });
            Enqueue(job);
        }
    }

    /// <summary>Changes a transfer that waits, runs or is paused.</summary>
    /// <exception cref="UsageException">A value is wrong.</exception>
    /// <exception cref="RefusedException">The job has ended, or is none that can change.</exception>
    public void Change(StudioJob job, ChangeRequest change)
    {
        JobRecord record = job.Record;
        if (record.Request.Kind != JobKind.Transfer) throw new RefusedException("a drawing is made in one pass");
        if (change.FromFrame is { } frame && job.Frames.Find(frame) is null)
            throw new UsageException("that picture of the run is not kept any more; choose another one");
        _runner.Check(record.Request, change);
        lock (_lock)
        {
            switch (job.Record.State)
            {
                case JobState.Running when _running?.Job == job:
                    _running.Change(change);
                    break;
                case JobState.Queued or JobState.Paused:
                    _runner.Apply(job, change);
                    Changed(job);
                    break;
                default:
                    throw new RefusedException("the job has ended; begin a new one with other settings");
            }
        }
    }

    /// <summary>Removes a job with its files. One that runs ends first.</summary>
    public void Delete(StudioJob job)
    {
        lock (_lock)
        {
            _waiting.RemoveAll(each => each.Job == job);
            if (_running?.Job == job) _running.End(Intent.Delete);
            else Remove(job);
        }
    }

    /// <summary>Makes the page that explains a result.</summary>
    /// <exception cref="RefusedException">There is no result of a transfer.</exception>
    public void Explain(StudioJob job)
    {
        lock (_lock)
        {
            if (job.Record is not { HasResult: true, Request.Kind: JobKind.Transfer })
                throw new RefusedException("only the result of a transfer can be explained");
            if (job.Record.Explain is ExplainState.Making or ExplainState.Ready) return;
            job.Update(record => record with { Explain = ExplainState.Making });
            _waiting.Add((job, true));
            Monitor.PulseAll(_lock);
            Changed(job);
        }
    }

    /// <summary>Tells those who watch that a job is another now.</summary>
    public void Changed(StudioJob job) => _events.Send("job", JobView.Of(job, _pictures, whole: true));

    /// <summary>Ends the thread. The run saves itself if it can do so at once.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _ends = true;
            _running?.End(Intent.Shutdown);
            Monitor.PulseAll(_lock);
        }

        if (_thread.IsAlive && !_thread.Join(s_patience)) return;
        _runner.Dispose();
    }

    private void Enqueue(StudioJob job, bool stops = false)
    {
        job.StopsAtOnce = stops;
        _waiting.Add((job, false));
        Monitor.PulseAll(_lock);
        Changed(job);
    }

    private void End(StudioJob job, Intent intent, JobState then)
    {
        lock (_lock)
        {
            if (_running?.Job == job && job.Record.State == JobState.Running)
            {
                _running.End(intent);
                return;
            }

            if (job.Record.State is not (JobState.Queued or JobState.Paused))
                throw new RefusedException("the job neither waits nor runs");
            _waiting.RemoveAll(each => each.Job == job && !each.Explains);
            job.Update(record => record with { State = then });
            Changed(job);
        }
    }

    private void Work()
    {
        Survive(_runner.WarmUp, _ => { });
        while (true)
        {
            RunningJob running;
            bool explains;
            lock (_lock)
            {
                while (_waiting.Count == 0 && !_ends) Monitor.Wait(_lock);
                if (_ends) return;
                (StudioJob job, explains) = _waiting[0];
                _waiting.RemoveAt(0);
                _running = running = new RunningJob(job);
                if (!explains) job.Update(record => record with { State = JobState.Running, Error = null });
            }

            Changed(running.Job);
            Survive(
                () =>
                {
                    if (explains) _runner.Explain(running);
                    else _runner.Run(running, () => Changed(running.Job));
                },
                words => running.Job.Update(record => record with { State = JobState.Failed, Error = words }));
            lock (_lock)
            {
                _running = null;
                if (running.Intent == Intent.Delete) Remove(running.Job);
                else Changed(running.Job);
            }

            running.Dispose();
        }
    }

    /// <summary>Does a part of the work. An error that nobody foresaw ends the job, but not the studio.</summary>
    /// <param name="tell">Receives the error in words.</param>
    private static void Survive(Action work, Action<string> tell)
    {
        try
        {
            work();
        }
        catch (Exception unforeseen)
        {
            Console.Error.WriteLine($"nativestyle: an error that nobody foresaw; please report it: {unforeseen}");
            tell($"an error that nobody foresaw: {UserErrors.OneLine(unforeseen.Message)}");
        }
    }

    private void Remove(StudioJob job)
    {
        _jobs.Remove(job.Id);
        if (Directory.Exists(job.Folder)) Directory.Delete(job.Folder, recursive: true);
        _events.Send("gone", new { id = job.Id });
    }

    private HashSet<string> UsedPictures() => [.. _jobs.Values.SelectMany(job => job.Record.Request is var request
        ? (request.Styles ?? []).SelectMany(style => new[] { style.Picture, style.Mask, style.StyleMask })
            .Append(request.Content).OfType<string>() : [])];
}
