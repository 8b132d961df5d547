using System.Globalization;
using System.Text;

namespace NativeStyle.Cli.Jobs;

/// <summary>
/// The claim of a process to a job: a locked file beside the job's output. Processes on one machine see each other's
/// locks, and so do those on machines that share a file system which passes locks on. The system takes the lock back
/// when the process ends, however it ends. The time of the file is the last sign of life.
/// </summary>
internal sealed class JobClaim : IDisposable
{
    /// <summary>Seconds between signs of life.</summary>
    public const double BeatSeconds = 10;

    /// <summary>What the system says of a file that is locked: Windows, then Linux' and macOS' EWOULDBLOCK.</summary>
    private static readonly int[] s_locked = [unchecked((int)0x80070020), 11, 35];

    private readonly FileStream _file;
    private readonly Timer _beat;

    private JobClaim(FileStream file)
    {
        _file = file;
        _beat = new Timer(_ => Beat(), null, TimeSpan.FromSeconds(BeatSeconds), TimeSpan.FromSeconds(BeatSeconds));
    }

    private static string Words => string.Create(
        CultureInfo.InvariantCulture, $"{Environment.MachineName}, process {Environment.ProcessId}\n");

    /// <summary>Claims the job that writes an output. Returns null if another process has claimed it.</summary>
    /// <exception cref="IOException">The output's folder cannot be written.</exception>
    public static JobClaim? Take(string output)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(output))!);
        // The file goes before its lock does, so whoever gets the lock next has a file of its own.
        if (Lock(JobFiles.Claim(output), FileMode.OpenOrCreate, FileOptions.DeleteOnClose) is not { } file) return null;
        try
        {
            file.SetLength(0);
            file.Write(Encoding.UTF8.GetBytes(Words));
            return new JobClaim(file);
        }
        catch
        {
            // Nobody would give the lock back before the program ends.
            file.Dispose();
            throw;
        }
    }

    /// <summary>Looks at the claim to the job that writes an output. Returns null if there is none.</summary>
    public static ClaimState? Look(string output)
    {
        string path = JobFiles.Claim(output);
        DateTime sign = File.GetLastWriteTimeUtc(path);
        try
        {
            using FileStream? file = Lock(path, FileMode.Open, FileOptions.None);
            return file is null ? new ClaimState(true, "", sign)
                : new ClaimState(false, new StreamReader(file).ReadToEnd().Trim(), sign);
        }
        catch (Exception missing) when (missing is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (UnauthorizedAccessException)
        {
            // It is another user's, and only its age can be seen.
            return new ClaimState(false, "", sign);
        }
    }

    public void Dispose()
    {
        _beat.Dispose();
        lock (_file) _file.Dispose();
    }

    /// <summary>Opens a file for this process alone. Returns null if another process has it.</summary>
    private static FileStream? Lock(string path, FileMode mode, FileOptions options)
    {
        try
        {
            // Writing as well as reading, because some network systems lock no other files.
            return new FileStream(path, mode, FileAccess.ReadWrite, FileShare.None, bufferSize: 0, options);
        }
        catch (IOException taken) when (s_locked.Contains(taken.HResult))
        {
            return null;
        }
    }

    private void Beat()
    {
        lock (_file)
        {
            if (_file.SafeFileHandle.IsClosed) return;
            try
            {
                File.SetLastWriteTimeUtc(_file.SafeFileHandle, DateTime.UtcNow);
            }
            catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
            {
                // The lock tells more than the time.
            }
        }
    }
}

/// <summary>What a claim tells.</summary>
/// <param name="IsHeld">Whether a process holds it.</param>
/// <param name="By">The machine and the process that made it, if nobody holds it.</param>
/// <param name="LastSign">The last sign of life.</param>
internal sealed record ClaimState(bool IsHeld, string By, DateTime LastSign)
{
    /// <summary>
    /// Seconds without a sign after which a process on another machine is given up. File systems that do not pass
    /// locks on show no other difference.
    /// </summary>
    private const double PatienceSeconds = 60;

    public TimeSpan Age { get; } = DateTime.UtcNow - LastSign;

    /// <summary>Whether a process works on the job.</summary>
    public bool IsAlive => IsHeld || (Age.TotalSeconds < PatienceSeconds
        && !By.StartsWith($"{Environment.MachineName}, ", StringComparison.Ordinal));
}
