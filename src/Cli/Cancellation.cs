namespace NativeStyle.Cli;

/// <summary>
/// Handles Ctrl-C. The first stops the run after the current iteration (or after the current tile) and keeps the
/// picture. The second ends the program.
/// </summary>
internal sealed class Cancellation : IDisposable
{
    public const int ExitCode = 130;

    private readonly CancellationTokenSource _source = new();

    public Cancellation()
    {
        Console.CancelKeyPress += (_, pressed) =>
        {
            pressed.Cancel = !_source.IsCancellationRequested;
            _source.Cancel();
        };
    }

    public CancellationToken Token => _source.Token;

    public void Dispose() => _source.Dispose();
}
