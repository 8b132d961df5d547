using Microsoft.Win32.SafeHandles;

namespace NativeStyle.Style.Tiling;

/// <summary>
/// Disk in place of memory: a file of zeros in the system's folder for temporary files (TMPDIR names it). The file is
/// deleted when the program ends, however it ends.
/// </summary>
internal sealed class ScratchFile : IDisposable
{
    private readonly SafeFileHandle _file;
    private readonly string _path;

    /// <exception cref="ScratchException">The disk does not have that much space.</exception>
    public ScratchFile(long bytes)
    {
        _path = Path.Combine(Path.GetTempPath(), $"nativestyle-{Environment.ProcessId}-{Guid.NewGuid():N}.scratch");
        _file = Guarded(() => File.OpenHandle(
            _path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, FileOptions.DeleteOnClose));
        // If the system can delete an open file, nothing is left even after a kill.
        if (!OperatingSystem.IsWindows()) File.Delete(_path);
        Guarded(() =>
        {
            RandomAccess.SetLength(_file, bytes);
            return true;
        });
    }

    /// <summary>Fills <paramref name="target"/> from a place in the file.</summary>
    /// <exception cref="ScratchException">The disk cannot be read.</exception>
    public void Read(Span<byte> target, long at)
    {
        try
        {
            for (int done = 0; done < target.Length;)
            {
                int read = RandomAccess.Read(_file, target[done..], at + done);
                if (read == 0) throw new EndOfStreamException($"it ends at {at + done} bytes");
                done += read;
            }
        }
        catch (IOException failure)
        {
            throw Explained(failure);
        }
    }

    /// <exception cref="ScratchException">The disk is full or cannot be written.</exception>
    public void Write(ReadOnlySpan<byte> source, long at)
    {
        try
        {
            RandomAccess.Write(_file, source, at);
        }
        catch (IOException failure)
        {
            throw Explained(failure);
        }
    }

    public void Dispose() => _file.Dispose();

    private T Guarded<T>(Func<T> run)
    {
        try
        {
            return run();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw Explained(failure);
        }
    }

    private ScratchException Explained(Exception cause) => new(
        $"the scratch file {_path} failed: {cause.Message}", cause);
}
