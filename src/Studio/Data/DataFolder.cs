using NativeStyle.Jobs;

namespace NativeStyle.Studio.Data;

/// <summary>The folder of a studio. One studio at a time has it. What it holds is bounded.</summary>
internal sealed class DataFolder : IDisposable
{
    /// <summary>Bytes of a picture's file.</summary>
    public const long MostUploadBytes = 64L << 20;

    /// <summary>Pixels of a picture that is sent.</summary>
    public const long MostPixels = 64_000_000;

    /// <summary>Jobs in the history, those that wait included.</summary>
    public const int MostJobs = 1000;

    /// <summary>Jobs that wait.</summary>
    public const int MostWaiting = 50;

    /// <summary>Bytes of all files together.</summary>
    public const long MostBytes = 8L << 30;

    private readonly FileStream _lock;

    /// <exception cref="UsageException">The folder cannot be used, or another studio uses it.</exception>
    public DataFolder(string path)
    {
        Root = Path.GetFullPath(path);
        try
        {
            foreach (string folder in new[] { Pictures, Jobs, Models }) Directory.CreateDirectory(folder);
            if (!OperatingSystem.IsWindows())
            {
                // The pictures are the user's own.
                File.SetUnixFileMode(Root, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            }
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            throw new UsageException(
                $"{Root} cannot be used: {UserErrors.OneLine(refused.Message)}; choose another folder with --data");
        }

        try
        {
            _lock = new FileStream(
                Path.Combine(Root, "studio.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException)
        {
            throw new UsageException($"another studio uses {Root}; end it, or choose another folder with --data");
        }
    }

    public string Root { get; }

    public string Pictures => Path.Combine(Root, "pictures");

    public string Jobs => Path.Combine(Root, "jobs");

    public string Models => Path.Combine(Root, "models");

    /// <summary>Returns the bytes of all files in a folder.</summary>
    public static long BytesOf(string folder) => !Directory.Exists(folder) ? 0
        : new DirectoryInfo(folder).EnumerateFiles("*", SearchOption.AllDirectories).Sum(file => file.Length);

    /// <summary>Refuses what would not fit any more.</summary>
    /// <exception cref="RefusedException">The folder is full.</exception>
    public void RequireRoom(long bytes = 0)
    {
        long used = BytesOf(Root);
        if (used + bytes <= MostBytes) return;
        throw new RefusedException(
            $"the studio's folder holds {MemorySize.Words(used)} of at most {MemorySize.Words(MostBytes)}; delete " +
            "some jobs first");
    }

    public void Dispose() => _lock.Dispose();
}
