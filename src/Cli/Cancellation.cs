using System.Diagnostics;
using System.Runtime.InteropServices;
using NativeStyle.Imaging;

namespace NativeStyle.Cli;

/// <summary>
/// A run that a signal ends early: SIGINT (Ctrl-C), SIGTERM (Slurm, Kubernetes, <c>kill</c>) or SIGHUP (the terminal
/// is closed). From <see cref="Keep"/> on, the first signal ends the run after the current iteration or tile, and the
/// run saves what it has. Without anything to keep, and at a second signal, the program ends at once, and leaves no
/// temporary file. SIGQUIT is the system's. On Windows, .NET gives these names to Ctrl-C, a shutdown and a closed
/// window.
/// </summary>
internal sealed class Cancellation : IDisposable
{
    /// <summary>
    /// Seconds in which further signals are the same request: <c>timeout</c> and shells signal a program twice, by its
    /// number and by its group.
    /// </summary>
    private const double OneRequest = 0.3;

    /// <summary>The signals and their numbers, which are the same on all systems.</summary>
    private static readonly Dictionary<PosixSignal, int> s_numbers = new()
    {
        [PosixSignal.SIGHUP] = 1, [PosixSignal.SIGINT] = 2, [PosixSignal.SIGTERM] = 15,
    };

    private static readonly Lock s_lock = new();
    private static readonly List<PosixSignalRegistration> s_registrations = [];
    private static Cancellation? s_kept;
    private static (int Number, long Time)? s_first;

    private readonly CancellationTokenSource _source = new();

    /// <summary>The exit code of a program that a signal ended: 128 and the signal's number, as shells count.</summary>
    public static int ExitCode => 128 + (s_first?.Number ?? s_numbers[PosixSignal.SIGINT]);

    /// <summary>Is cancelled by the first signal that finds something to keep.</summary>
    public CancellationToken Token => _source.Token;

    /// <summary>Answers signals from now on. Signals that were ignored at the start (<c>nohup</c>) stay so.</summary>
    public static void Listen() =>
        s_registrations.AddRange(s_numbers.Keys.Select(signal => PosixSignalRegistration.Create(signal, Answer)));

    /// <summary>Says that the run has something to keep.</summary>
    public Cancellation Keep()
    {
        lock (s_lock) s_kept = this;
        return this;
    }

    public void Dispose()
    {
        lock (s_lock)
        {
            if (s_kept == this) s_kept = null;
            _source.Dispose();
        }
    }

    private static void Answer(PosixSignalContext context)
    {
        context.Cancel = true;
        lock (s_lock)
        {
            bool isFirst = s_first is null;
            s_first ??= (s_numbers[context.Signal], Stopwatch.GetTimestamp());
            // A terminal closes once, and the shell and the system both say so.
            bool isSame = context.Signal == PosixSignal.SIGHUP
                || Stopwatch.GetElapsedTime(s_first.Value.Time).TotalSeconds < OneRequest;
            if (s_kept is null || !(isFirst || isSame)) EndNow();
            s_kept!._source.Cancel();
        }

        // When this returns, Windows ends a program whose window is closed.
        if (OperatingSystem.IsWindows() && context.Signal != PosixSignal.SIGINT) Thread.Sleep(Timeout.Infinite);
    }

    /// <summary>Ends the program without waiting for any thread of it.</summary>
    private static void EndNow()
    {
        TemporaryFile.RemoveAllAndStop();
        // The progress bar hides the cursor. A terminal that takes nothing any more must not hold the end up.
        if (!Console.IsOutputRedirected) Task.Run(() => Console.Write("\u001b[?25h")).Wait(100);
        // Environment.Exit would unload drivers whose threads still compute.
        if (OperatingSystem.IsWindows()) Environment.Exit(ExitCode);
        else Exit(ExitCode);
    }

    [DllImport("libc", EntryPoint = "_exit")]
    private static extern void Exit(int code);
}
