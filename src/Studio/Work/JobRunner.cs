using System.Text;
using NativeStyle.FeedForward;
using NativeStyle.Imaging;
using NativeStyle.Jobs;
using NativeStyle.Jobs.Pages;
using NativeStyle.Kernels.Devices;
using NativeStyle.Style;
using NativeStyle.Style.Options;
using NativeStyle.Style.Study;
using NativeStyle.Studio.Data;
using NativeStyle.Studio.Web;
using NativeStyle.Vgg;

namespace NativeStyle.Studio.Work;

/// <summary>Does one job after the other on the device, by the same calls as the command line.</summary>
internal sealed class JobRunner : IDisposable
{
    /// <summary>Seconds between checkpoints of a run.</summary>
    private const double CheckpointSeconds = 10;

    /// <summary>A run whose first scale is larger shows a preview of this size before.</summary>
    private const int PreviewSide = 128;

    private const int LeastPreviewSide = 32, PreviewIterations = 9, PreviewEvery = 3;
    private const int Snapshots = 12, ThumbnailSide = 256;

    private readonly Preparation _preparation;
    private readonly ComputeDevice _device;
    private readonly EventHub _events;
    private readonly RelayDisplay _display = new();

    /// <summary>Keeps the network from job to job.</summary>
    private readonly TransferRunner _transfers;

    public JobRunner(Preparation preparation, ComputeDevice device, EventHub events)
    {
        (_preparation, _device, _events) = (preparation, device, events);
        _transfers = new TransferRunner(_display, device);
    }

    /// <summary>Runs a tiny transfer, so that the first one of a user waits for no compiler.</summary>
    public void WarmUp()
    {
        var request = new JobRequest(
            JobKind.Transfer, "sample-town", [new StyleRequest("sample-strokes")],
            Settings: new Dictionary<string, string> { ["size"] = "48", ["iterations"] = "2" });
        _ = _transfers.Run(_preparation.Prepare(request, _display), null, CancellationToken.None);
    }

    /// <summary>Checks what a change asks for.</summary>
    /// <exception cref="UsageException">A value is wrong, or needs another network.</exception>
    public void Check(JobRequest request, ChangeRequest change)
    {
        JobRequest changed = With(request, change);
        JobDraft draft = _preparation.Draft(changed);
        ChangedJob.RequireSameNetwork(_preparation.Draft(request).Create(_ => { }), draft.Create(_ => { }));
        _ = draft.TotalIterations();
    }

    /// <summary>Returns a job's record with what its plan says.</summary>
    /// <exception cref="UsageException">A value of the request is wrong.</exception>
    public JobRecord Planned(JobRecord record)
    {
        if (record.Request.Kind == JobKind.Stylize)
        {
            DrawingSettings drawing = _preparation.Drawing(record.Request);
            StudioPicture content = _preparation.Require(record.Request.Content);
            (int height, int width) = drawing.Size is { } size
                ? Resampler.FitInto(content.Height, content.Width, size) : (content.Height, content.Width);
            return record with
            {
                Width = width, Height = height, Total = 1, Values = record.Request.Settings ?? record.Values,
            };
        }

        var notices = new NoticeDisplay();
        TransferJob job = _preparation.Prepare(record.Request, notices).Job;
        return Planned(record, job) with { Notices = notices.Lines };
    }

    /// <summary>Changes a job that does not run.</summary>
    public void Apply(StudioJob job, ChangeRequest change)
    {
        JobRequest changed = With(job.Record.Request, change);
        Checkpoint? checkpoint = File.Exists(job.Checkpoint) ? Checkpoint.Read(job.Checkpoint) : null;
        (Frame Frame, string Path)? frame = change.FromFrame is { } n ? job.Frames.Find(n) : null;
        if (checkpoint is null || checkpoint.State.Iteration == 0)
        {
            // Nothing is made yet, so it is as if the user had asked for this at once.
            File.Delete(job.Checkpoint);
            JobRecord planned = Planned(job.Record with { Request = changed });
            job.Update(_ => planned);
            return;
        }

        TransferJob next =
            ChangedJob.Of(checkpoint, _preparation.Draft(changed), change.Weights, frame?.Frame.Iteration);
        if (next == checkpoint.Job && frame is null) return;
        checkpoint = checkpoint.Redirected(
            next, frame is var (kept, path) ? (kept.Iteration, PictureFile.Read(path)) : null);
        if (frame is not null) job.Frames.ForgetAfter(frame.Value.Frame.Iteration);
        checkpoint.Write(job.Checkpoint);
        int made = checkpoint.State.Iteration;
        job.Update(record => Planned(record with { Request = changed }, next) with
        {
            Iteration = made, Changes = next.Changes ?? [],
            Losses = [.. record.Losses.Where(row => row.Iteration <= made)],
        });
    }

    /// <summary>Runs a job until it ends, one way or another.</summary>
    /// <param name="changed">Called when it goes on as another job.</param>
    public void Run(RunningJob running, Action changed)
    {
        StudioJob job = running.Job;
        try
        {
            if (job.StopsAtOnce) running.End(Intent.Stop);
            job.StopsAtOnce = false;
            if (job.Record.Request.Kind == JobKind.Stylize) Draw(running);
            else Transfer(running, changed);
        }
        catch (Exception wrong) when (UserErrors.IsUsers(wrong) || wrong is DeviceException)
        {
            job.Update(record => record with { State = JobState.Failed, Error = UserErrors.Words(wrong) });
        }
        catch (OperationCanceledException)
        {
            // Only drawings end so, and there is nothing to keep of them.
            job.Update(record => record with { State = StateAfter(running.Intent) });
        }
    }

    /// <summary>Makes the page that explains a result. It makes the transfer anew.</summary>
    public void Explain(RunningJob running)
    {
        StudioJob job = running.Job;
        try
        {
            _display.Target = null;
            PreparedJob prepared = _preparation.Prepare(job.Record.Request, _display);
            VggNetwork network = _transfers.Network(prepared.Job, prepared.Folder).Network;
            if (!_transfers.PlanMemory(prepared, network.Architecture).IsWhole)
                throw new UsageException("the picture only fits into memory in tiles, and the page needs it whole");
            TransferExplanation explanation = TransferExplanation.Create(
                _device, network, prepared.Job.Options, prepared.Inputs, prepared.Job.Plan, Snapshots, null, _ => { },
                running.Token);
            running.Token.ThrowIfCancellationRequested();
            string html = ExplainPage.Html(prepared.Job.Renamed(prepared.NameOf), explanation, _device.Name);
            AtomicFile.Write(job.ExplainPage, Encoding.UTF8.GetBytes(html));
            job.Update(record => record with { Explain = ExplainState.Ready });
        }
        catch (OperationCanceledException)
        {
            job.Note(record => record with { Explain = ExplainState.None });
        }
        catch (Exception wrong) when (UserErrors.IsUsers(wrong) || wrong is DeviceException)
        {
            job.Update(record => record with
            {
                Explain = ExplainState.Failed, Notices = [.. record.Notices, UserErrors.Words(wrong)],
            });
        }
    }

    public void Dispose() => _transfers.Dispose();

    private void Transfer(RunningJob running, Action changed)
    {
        StudioJob job = running.Job;
        while (true)
        {
            Checkpoint? from = File.Exists(job.Checkpoint) ? Checkpoint.Read(job.Checkpoint) : null;
            PreparedJob prepared = from is null ? _preparation.Prepare(job.Record.Request, _display)
                : _preparation.Prepare(from.Job, _display);
            var display = new JobDisplay(job, prepared.Job.Plan, _events);
            _display.Target = display;
            if (from is null) Preview(prepared, display, running.Token);
            var outputs = new Outputs(job.Result("png"))
            {
                Checkpoint = job.Checkpoint, CheckpointEvery = 1, CheckpointSeconds = CheckpointSeconds,
                OnlyHere = true,
                Keeps = end => end != TransferEnd.Cancelled || running.Intent == Intent.Stop,
            };
            TransferResult result = _transfers.Run(prepared, outputs, running.Token, from);
            if (result.End == TransferEnd.Cancelled && _transfers.NoCheckpoint is { } why)
                throw new IOException($"the run cannot be kept: {why}");
            if (result.End == TransferEnd.Cancelled && running.TakeChange() is { } change)
            {
                Apply(job, change);
                changed();
                continue;
            }

            Finish(job, prepared, result, running.Intent);
            return;
        }
    }

    /// <summary>
    /// Shows a picture of a few iterations at a small size, if the run itself would show none so soon.
    /// </summary>
    private void Preview(PreparedJob prepared, JobDisplay display, CancellationToken cancellation)
    {
        ScaleStep first = prepared.Job.Plan[0];
        if (Math.Max(first.Height, first.Width) <= 3 * PreviewSide / 2) return;
        (int height, int width) = Resampler.FitInto(first.Height, first.Width, PreviewSide);
        if (Math.Min(height, width) < LeastPreviewSide) return;
        TransferOptions options = prepared.Job.Options with { Iterations = [PreviewIterations] };
        new StyleTransfer(_device, _transfers.Network(prepared.Job, prepared.Folder).Network, options)
        {
            Progress = (report, picture) =>
            {
                if (report.Iteration % PreviewEvery == 0) display.ShowPreview(picture());
            },
        }.Run(prepared.Inputs, [new ScaleStep(height, width, PreviewIterations)], cancellation);
    }

    private void Draw(RunningJob running)
    {
        StudioJob job = running.Job;
        DrawingSettings settings = _preparation.Drawing(job.Record.Request);
        StudioPicture content = _preparation.Require(job.Record.Request.Content);
        using var drawer = new Drawer(
            new JobDisplay(job, [], _events), _device, Models.Find(settings.Model)!, settings.Options,
            _preparation.Budget(_device), settings.Size, new PictureWriteOptions(), running.Token);
        Picture drawing = drawer.DrawPicture(_preparation.PathOf(content), job.Result("png"), content.Name);
        WriteCopies(job, drawing);
        string command = DrawingRecipe.Read(job.Result("png"))!.Value.Recipe.Command();
        job.Update(record => record with
        {
            State = JobState.Done, HasResult = true, Command = command, Width = drawing.Width, Height = drawing.Height,
            Iteration = 1,
        });
    }

    private static void Finish(StudioJob job, PreparedJob prepared, TransferResult result, Intent intent)
    {
        string? error = result.End switch
        {
            TransferEnd.OutOfMemory => $"there was no more room: {UserErrors.Words(result.Failure!)}",
            TransferEnd.DeviceFailed => UserErrors.Words(result.Failure!),
            TransferEnd.NonFiniteLoss =>
                "the losses were no longer finite; try a smaller learning-rate or smaller weights",
            _ => null,
        };
        JobState state = error is not null ? JobState.Failed
            : result.End == TransferEnd.Completed ? JobState.Done : StateAfter(intent);
        bool hasResult = File.Exists(job.Result("png"));
        if (hasResult) WriteCopies(job, result.Picture);
        string? command = state == JobState.Done && prepared.Job.Changes is null
            ? Recipe.Read(job.Result("png")).Recipe.Command() : null;
        // What goes on later needs its checkpoint.
        if (state is JobState.Done or JobState.Stopped or JobState.Failed) File.Delete(job.Checkpoint);
        int made = result.IterationsMade;
        job.Update(record => record with
        {
            State = state, Error = error, HasResult = hasResult, Command = command, Iteration = made,
            Width = hasResult ? result.Picture.Width : record.Width,
            Height = hasResult ? result.Picture.Height : record.Height,
        });
    }

    /// <summary>Writes the result in the other formats, and its thumbnail.</summary>
    private static void WriteCopies(StudioJob job, Picture picture)
    {
        PictureFile.Write(job.Result("jpg"), picture);
        PictureFile.Write(job.Result("tif"), picture);
        AtomicFile.Write(job.Thumbnail, Copies.Jpeg(picture, ThumbnailSide));
    }

    private static JobRecord Planned(JobRecord record, TransferJob job) => record with
    {
        Width = job.Plan[^1].Width, Height = job.Plan[^1].Height, Total = job.Plan.Sum(step => step.Iterations),
        Values = ValuesOf(record.Request, job),
    };

    /// <summary>
    /// Returns the options in force as texts: iterations as they were asked for, not as they were spread.
    /// </summary>
    private static Dictionary<string, string> ValuesOf(JobRequest request, TransferJob job)
    {
        var values = About.Settings.ToDictionary(row => row.CommandLineName, row => row.Text(job.Options));
        string iterations = OptionTable.Iterations.CommandLineName;
        values[iterations] = request.Settings?.GetValueOrDefault(iterations)
            ?? OptionTable.Iterations.Text(JobDraft.FindPreset(
                request.Preset ?? Presets.Default, WeightsLocator.Trained(job.Weights)));
        return values;
    }

    private static JobRequest With(JobRequest request, ChangeRequest change) => request with
    {
        Settings = ChangeRequest.Merged(request.Settings, change.Settings),
        Preset = change.Preset ?? request.Preset,
        Styles = change.Weights is { } weights ? Weighted(request.Styles ?? [], weights) : request.Styles,
    };

    private static StyleRequest[] Weighted(IReadOnlyList<StyleRequest> styles, IReadOnlyList<double> weights)
    {
        Preparation.CheckWeights(weights, styles.Count);
        return [.. styles.Select((style, i) => style with { Weight = weights[i] })];
    }

    /// <summary>The state of a job that was ended. What the end of the program interrupts goes on later.</summary>
    private static JobState StateAfter(Intent intent) => intent switch
    {
        Intent.Pause => JobState.Paused,
        Intent.Shutdown => JobState.Running,
        _ => JobState.Stopped,
    };
}
