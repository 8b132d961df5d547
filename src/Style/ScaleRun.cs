using System.Diagnostics;
using NativeStyle.Autodiff;
using NativeStyle.Imaging;
using NativeStyle.Kernels.Devices;

namespace NativeStyle.Style;

/// <summary>
/// One scale of a transfer under way. The iterate, its average and the optimiser are on the device, and
/// <see cref="RunState"/> reads them from there. When its iterations end, or memory or the device fails, its results are
/// on the host.
/// </summary>
internal sealed class ScaleRun : IDisposable
{
    private readonly StyleTransfer _transfer;
    private readonly RunState _run;
    private readonly ScaleStep _step;
    private readonly bool _isLast;
    private readonly ComputeDevice _device;
    private readonly Objective _objective;
    private readonly Iterate _iterate;

    /// <summary>
    /// The last copy of the picture on the host, for a device with memory of its own. Such memory is lost when the
    /// driver gives the device up.
    /// </summary>
    private (float[] Average, int Iteration, long Taken)? _copy;

    /// <summary>Whether the picture that the scale reached is on the host.</summary>
    private bool _hasLeft;

    /// <param name="transfer">Its options and hooks apply.</param>
    /// <param name="objective">The function to minimise. It is disposed when the scale ends.</param>
    /// <param name="run">How far the run has come.</param>
    /// <param name="isLast">Whether this is the last scale.</param>
    public ScaleRun(
        StyleTransfer transfer, ComputeDevice device, Objective objective, RunState run, ScaleStep step, bool isLast)
    {
        (_transfer, _device, _objective, _run, _step, _isLast) = (transfer, device, objective, run, step, isLast);
        _iterate = new Iterate(device, transfer.Options, step.Height, step.Width, step.Iterations);
        try
        {
            float[] start = run.Average;
            _iterate.Pixels.CopyFrom(run.Pixels);
            _iterate.Average.Restore(start, hasIterate: run.IterationAtScale == 0);
            if (run.Optimizer is { } state) _iterate.Optimizer.Restore(state);
            if (!device.UsesHostMemory) _copy = (start, run.Iteration, Stopwatch.GetTimestamp());
        }
        catch
        {
            _iterate.Dispose();
            throw;
        }

        // From here on the run state reads the vectors from the device.
        run.Follow(_iterate.Pixels.ToArray, _iterate.Average.ToArray);
        run.Optimizer = null;
    }

    /// <summary>Called with each report and a function that returns the picture so far.</summary>
    public Action<IterationReport, Func<Picture>>? Progress { get; init; }

    /// <summary>Iterates to the end of the scale.</summary>
    /// <exception cref="OutOfMemoryException">
    /// The device or the disk is full. The run state holds what was reached.
    /// </exception>
    /// <exception cref="DeviceException">
    /// The device failed. The run state holds the last copy of what was reached.
    /// </exception>
    public TransferEnd Run(CancellationToken cancellation)
    {
        try
        {
            TransferEnd end;
            try
            {
                end = MakeIterations(cancellation);
                if (end == TransferEnd.Cancelled) Save();
                if (end is TransferEnd.Completed or TransferEnd.Cancelled && !JoinLast())
                    end = TransferEnd.NonFiniteLoss;
            }
            catch (Exception failure)
                when (StyleTransfer.IsFull(failure) || (failure is DeviceException && _device.UsesHostMemory))
            {
                Leave(keepsIterate: false, end: null);
                throw;
            }

            Leave(keepsIterate: !_isLast || _transfer.KeepsLastState, end);
            return end;
        }
        catch (Exception failure)
            when (!_hasLeft && _copy is not null && (failure is DeviceException || StyleTransfer.IsFull(failure)))
        {
            GoBackToCopy(_copy.Value);
            throw;
        }
        catch (Exception failure) when (!_hasLeft && StyleTransfer.IsFull(failure))
        {
            // The device's memory goes with this object, so nothing can be read from it any more.
            _run.Follow(() => throw failure, () => throw failure);
            throw;
        }
    }

    public void Dispose() => _iterate.Dispose();

    private TransferEnd MakeIterations(CancellationToken cancellation)
    {
        while (_run.IterationAtScale < _step.Iterations)
        {
            if (cancellation.IsCancellationRequested) return TransferEnd.Cancelled;
            long start = Stopwatch.GetTimestamp();
            LossValues? before = _iterate.Optimizer.KnowsCurrent ? _run.Losses : null, after = null;
            if (before is not null) Join();
            StepOutcome outcome;
            try
            {
                outcome = _iterate.Optimizer.Step(() =>
                {
                    after = _objective.ValueAndGradient(_iterate.Pixels, _transfer.ByLayer);
                    if (before is null && double.IsFinite(after.Total)) Join();
                    before ??= after;
                    return after.Total;
                });
            }
            catch (OperationCanceledException)
            {
                // This happens between two tiles, where the iteration has changed nothing yet.
                return TransferEnd.Cancelled;
            }

            if (outcome == StepOutcome.NotFinite) return TransferEnd.NonFiniteLoss;
            _run.Losses = outcome == StepOutcome.Moved ? after : before;
            // The optimiser found nothing lower, so this scale is done.
            if (outcome == StepOutcome.Stuck) return TransferEnd.Completed;
            _run.Iteration++;
            _run.IterationAtScale++;
            _iterate.Average.Moved();
            TimeSpan time = Stopwatch.GetElapsedTime(start);
            // Before the report: what a user has been told of must not be lost with the device.
            CopyNowAndThen();
            Report(before!, time);
            if (_transfer.Checkpoint is { } checkpoint && _run.Iteration % checkpoint.Every == 0) Save();
        }

        return TransferEnd.Completed;
    }

    private void Report(LossValues losses, TimeSpan time)
    {
        var report = new IterationReport(
            _run.Iteration, _step.Height, _step.Width, losses.Total, losses.Content, losses.Style, losses.Tv,
            time.TotalSeconds, losses.Layers);
        _run.Reports.Add(report);
        float range = _transfer.Options.PixelRange;
        Progress?.Invoke(report, () => RunState.ToPicture(SoFar(), _step.Height, _step.Width, range));
    }

    private void CopyNowAndThen()
    {
        if (_copy is not { } copy) return;
        double age = Stopwatch.GetElapsedTime(copy.Taken).TotalSeconds;
        bool isDue = copy.Iteration == 0 || age >= _transfer.SecondsBetweenCopies;
        if (isDue) _copy = (SoFar(), _run.Iteration, Stopwatch.GetTimestamp());
    }

    private void Save()
    {
        _run.Optimizer = _iterate.Optimizer.State();
        _transfer.Checkpoint?.Save(_run);
    }

    /// <summary>Lets the iterate join the average, because its losses are finite.</summary>
    private void Join()
    {
        _iterate.Average.Join(_run.IterationAtScale);
        _run.Fallback = null;
    }

    /// <summary>
    /// Lets the last iterate of a scale join if its pixels are finite. No later step would show that they are not.
    /// </summary>
    private bool JoinLast()
    {
        if (_iterate.Average.HasIterate) return true;
        if (!float.IsFinite(_iterate.Pixels.AbsoluteNorm())) return false;
        (float[], int, int)? fallback = _isLast ? null : (_iterate.Average.ToArray(), _step.Height, _step.Width);
        Join();
        _run.Fallback = fallback;
        return true;
    }

    /// <summary>Gives back what is no longer needed, then copies the scale's results to the host.</summary>
    private void Leave(bool keepsIterate, TransferEnd? end)
    {
        _iterate.Pixels.ClearGradient();
        _objective.Dispose();
        bool keepsState = keepsIterate && end == TransferEnd.Completed;
        if (!keepsState) _iterate.Optimizer.Dispose();
        _device.TrimPool();
        // The picture first: if there is no memory for the rest, the run still has it.
        float[] mean = Copy(_iterate.Average.ToArray);
        _run.Follow(() => mean, () => mean);
        _hasLeft = true;
        _run.Optimizer = keepsState ? _iterate.Optimizer.State().OnHost() : null;
        if (!keepsIterate) return;
        float[] iterate = Copy(_iterate.Pixels.ToArray);
        _run.Follow(() => iterate, () => mean);
    }

    /// <summary>Copies to the host. Gives back what the run has left behind if there is no memory at first.</summary>
    private static float[] Copy(Func<float[]> read)
    {
        try
        {
            return read();
        }
        catch (OutOfMemoryException)
        {
            HostMemory.Release();
            return read();
        }
    }

    private void GoBackToCopy((float[] Average, int Iteration, long Taken) copy)
    {
        _run.Follow(() => copy.Average, () => copy.Average);
        _run.Iteration = copy.Iteration;
        _run.Reports.RemoveRange(copy.Iteration, _run.Reports.Count - copy.Iteration);
    }

    /// <summary>The average with the present iterate in it.</summary>
    private float[] SoFar() => _iterate.Average.WithIterate(_run.IterationAtScale);
}
