using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace NativeStyle.Imaging;

/// <summary>
/// A file that becomes another one when it is complete. Its name follows from that of its target, so the next program
/// that writes the target removes what a killed one left. A file that is held open belongs to a program that runs, and
/// others take the next name: each program writes to a file of its own.
/// </summary>
internal sealed partial class TemporaryFile : IDisposable
{
    /// <summary>Programs that can write the same target at a time.</summary>
    private const int Names = 100;

    private static readonly Lock s_lock = new();
    private static readonly HashSet<TemporaryFile> s_all = [];

    private readonly string _target;

    private TemporaryFile(string target, string path, FileStream stream) =>
        (_target, Path, Stream) = (target, path, stream);

    /// <summary>Where it is, in the folder of its target.</summary>
    public string Path { get; }

    /// <summary>The file. Other programs may write it too, if they are told to.</summary>
    public FileStream Stream { get; }

    /// <summary>Creates an empty file.</summary>
    /// <exception cref="IOException">The folder cannot be written.</exception>
    public static TemporaryFile For(string target)
    {
        lock (s_lock)
        {
            for (int i = 1; ; i++)
            {
                string path = Name(target, i);
                try
                {
                    RemoveUnused(path);
                    // Reading as well as writing, because some network systems lock no other files.
                    FileStream stream = new(
                        path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
                    var file = new TemporaryFile(target, path, stream);
                    s_all.Add(file);
                    return file;
                }
                catch (Exception taken)
                    when (taken is IOException or UnauthorizedAccessException && File.Exists(path) && i < Names)
                {
                    // Another program is writing it.
                }
            }
        }
    }

    /// <summary>Removes what a killed program left of a target that nobody will write any more.</summary>
    /// <exception cref="IOException">Another program is writing it.</exception>
    public static void RemoveLeftover(string target) => RemoveUnused(Name(target, 1));

    /// <summary>
    /// Removes the files of all writes under way. Further ones wait for ever: this is for a program that ends at once.
    /// </summary>
    public static void RemoveAllAndStop()
    {
        s_lock.Enter();
        foreach (TemporaryFile file in s_all) file.Remove();
    }

    /// <summary>
    /// Gives the file the name of its target, whatever had that name before. Its bytes are on the disk before, and its
    /// name when this returns.
    /// </summary>
    public void Complete()
    {
        Stream.Flush(flushToDisk: true);
        lock (s_lock)
        {
            // It is still open, so that nobody takes it for a leftover.
            File.Move(Path, _target, overwrite: true);
            s_all.Remove(this);
        }

        Stream.Dispose();
        string? folder = System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(_target));
        if (folder is not null && !OperatingSystem.IsWindows()) SyncFolder(folder);
    }

    /// <summary>Removes the file unless it is complete.</summary>
    public void Dispose()
    {
        lock (s_lock)
        {
            if (s_all.Remove(this)) Remove();
        }

        Stream.Dispose();
    }

    private static string Name(string target, int number) => $"{target}.nativestyle-{number}.tmp";

    /// <summary>Removes a file that no program holds open.</summary>
    private static void RemoveUnused(string path)
    {
        if (!File.Exists(path)) return;
        using (new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None))
        {
        }

        File.Delete(path);
    }

    /// <summary>
    /// Writes a folder's entries to the disk. It is no error if the file system cannot do that: the file is complete
    /// and has its name.
    /// </summary>
    private static void SyncFolder(string folder)
    {
        int descriptor = Open(folder, 0);
        if (descriptor < 0) return;
        try
        {
            using var handle = new SafeFileHandle(descriptor, ownsHandle: true);
            RandomAccess.FlushToDisk(handle);
        }
        catch (IOException)
        {
            // See above.
        }
    }

    /// <summary>The runtime itself opens no folders.</summary>
    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    private void Remove()
    {
        try
        {
            File.Delete(Path);
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            // The folder is gone, or it is read-only now.
        }
    }
}
