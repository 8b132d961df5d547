using System.ComponentModel;
using System.Diagnostics;
using System.Text.RegularExpressions;

namespace NativeStyle.FeedForward.Films;

/// <summary>
/// A running <c>ffmpeg</c> or <c>ffprobe</c>. They are the only way to films, and this is the only place that starts
/// them.
/// </summary>
internal sealed partial class MediaProgram : IDisposable
{
    /// <summary>Options of every file to read. The file's contents cannot name other files' addresses.</summary>
    private static readonly string[] s_localFiles = ["-protocol_whitelist", "file,pipe"];

    private readonly Process _process;
    private readonly Task<string> _lastError;

    private MediaProgram(Process process)
    {
        _process = process;
        _lastError = ReadLastLine(process.StandardError);
    }

    /// <summary>What the program reads.</summary>
    public Stream Input => _process.StandardInput.BaseStream;

    /// <summary>What the program writes.</summary>
    public Stream Output => _process.StandardOutput.BaseStream;

    /// <summary>Starts a program.</summary>
    /// <param name="name">ffmpeg or ffprobe, which PATH must have.</param>
    /// <param name="takesInput">Whether the caller writes to <see cref="Input"/>.</param>
    /// <exception cref="FilmException">The program is not installed or does not start.</exception>
    public static MediaProgram Start(string name, bool takesInput, IEnumerable<string> arguments)
    {
        var start = new ProgramStart(name, takesInput, ["-v", "error", .. arguments]);
        try
        {
            return new MediaProgram(Process.Start(start.Info)!);
        }
        catch (Win32Exception missing)
        {
            string reason = missing.Message.Split(". ")[^1].TrimEnd('.');
            throw new FilmException(
                $"films need the program {name}, which cannot be started ({reason}); install ffmpeg, for example " +
                "with 'apt install ffmpeg', 'brew install ffmpeg' or 'winget install ffmpeg', or from " +
                "https://ffmpeg.org/download.html",
                missing);
        }
    }

    /// <summary>
    /// Runs a program to its end, and returns what it writes. Runs it once more if a signal ends it: Ctrl-C in a
    /// terminal, and Slurm, also signal the programs that this one started.
    /// </summary>
    /// <exception cref="FilmException">
    /// The program does not start, or fails. The message is the last one of the program.
    /// </exception>
    public static string Run(string name, IEnumerable<string> arguments)
    {
        const int FirstSignal = 128;
        string[] words = [.. arguments];
        (int code, string output, string error) = RunOnce();
        if (code > FirstSignal) (code, output, error) = RunOnce();
        return code == 0 ? output : throw new FilmException(error);

        (int Code, string Output, string Error) RunOnce()
        {
            using MediaProgram program = Start(name, takesInput: false, words);
            string written = new StreamReader(program.Output).ReadToEnd();
            (int ended, string last) = program.End();
            return (ended, written, last);
        }
    }

    /// <summary>The arguments that name a file to read.</summary>
    public static string[] Read(string path) => [.. s_localFiles, "-i", Address(path)];

    /// <summary>
    /// A file's name in a form that is never taken for an option, for another protocol or for a list of files.
    /// </summary>
    public static string Address(string path) => $"file:{Path.GetFullPath(path)}";

    /// <summary>Waits for the program to end. Returns its exit code and the last line of its messages.</summary>
    public (int Code, string LastError) End()
    {
        _process.WaitForExit();
        string line = _lastError.Result;
        return (_process.ExitCode, line.Length > 0 ? line : $"exit code {_process.ExitCode}");
    }

    public void Dispose()
    {
        if (!_process.HasExited) _process.Kill(entireProcessTree: true);
        _process.Dispose();
    }

    private static async Task<string> ReadLastLine(StreamReader errors)
    {
        string last = "";
        while (await errors.ReadLineAsync().ConfigureAwait(false) is string line)
        {
            if (!string.IsNullOrWhiteSpace(line)) last = line;
        }

        return Origin().Replace(last, "").Trim();
    }

    /// <summary>What a message begins with: the part of the program with its address, or the file's name.</summary>
    [GeneratedRegex(@"^(?:\[[^\]]* @ 0x[0-9a-f]+\] )+|^file:.*: (?=[A-Z])")]
    private static partial Regex Origin();

    /// <summary>How to start a program, with words that no shell reads.</summary>
    private sealed record ProgramStart(string Name, bool TakesInput, IReadOnlyList<string> Arguments)
    {
        public ProcessStartInfo Info => new(Name, Arguments)
        {
            RedirectStandardInput = TakesInput, RedirectStandardOutput = true, RedirectStandardError = true,
            UseShellExecute = false, CreateNoWindow = true,
        };
    }
}
