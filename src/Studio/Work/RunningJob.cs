namespace NativeStyle.Studio.Work;

/// <summary>Why a run is to end.</summary>
internal enum Intent
{
    /// <summary>It is not: it goes on with what was changed, if anything was.</summary>
    None,
    Pause,
    Stop,
    Delete,

    /// <summary>The program ends. The job goes on when it starts again.</summary>
    Shutdown,
}

/// <summary>The job under way, and what is wanted of it.</summary>
internal sealed class RunningJob(StudioJob job) : IDisposable
{
    private readonly Lock _lock = new();
    private CancellationTokenSource _pass = new();
    private ChangeRequest? _change;

    public StudioJob Job => job;

    public Intent Intent { get; private set; }

    /// <summary>Ends the present pass.</summary>
    public CancellationToken Token
    {
        get { lock (_lock) return _pass.Token; }
    }

    /// <summary>Ends the run. A later intent replaces an earlier one.</summary>
    public void End(Intent intent)
    {
        lock (_lock)
        {
            Intent = intent;
            _pass.Cancel();
        }
    }

    /// <summary>Lets the run go on with other settings.</summary>
    public void Change(ChangeRequest change)
    {
        lock (_lock)
        {
            _change = _change?.Then(change) ?? change;
            _pass.Cancel();
        }
    }

    public void Dispose() => _pass.Dispose();

    /// <summary>Takes what was changed and begins another pass; null if the run is to end.</summary>
    public ChangeRequest? TakeChange()
    {
        lock (_lock)
        {
            if (Intent != Intent.None || _change is null) return null;
            (ChangeRequest change, _change) = (_change, null);
            _pass.Dispose();
            _pass = new CancellationTokenSource();
            return change;
        }
    }
}
