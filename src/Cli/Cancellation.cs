namespace NativeStyle.Cli;

/// <summary>Ctrl-C: the first ends the iteration, in tiles the tile, and keeps the picture, a second one ends the program.</summary>
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
