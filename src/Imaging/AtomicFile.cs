using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace NativeStyle.Imaging;

/// <summary>
/// Writes files so that they are never there in part, not even after a power failure: the bytes are on the disk before
/// the file gets its name, and the name is on the disk when the call returns.
/// </summary>
public static partial class AtomicFile
{
    /// <summary>Writes to a temporary file next to the target and renames it over the target.</summary>
    /// <exception cref="IOException">The file cannot be written. An old file of this name is untouched.</exception>
    public static void Write(string path, byte[] bytes) => Write(path, file => file.Write(bytes));

    /// <summary>Does the same with the bytes that <paramref name="write"/> writes.</summary>
    public static void Write(string path, Action<Stream> write)
    {
        string temporary = $"{path}.{Environment.ProcessId}.tmp";
        try
        {
            using (FileStream file = new(temporary, FileMode.Create, FileAccess.Write))
            {
                write(file);
                file.Flush(flushToDisk: true);
            }

            File.Move(temporary, path, overwrite: true);
        }
        catch
        {
            DeleteQuietly(temporary);
            throw;
        }

        if (!OperatingSystem.IsWindows()) SyncFolder(Path.GetDirectoryName(Path.GetFullPath(path)) ?? "/");
    }

    private static void DeleteQuietly(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            // The caller learns why the file could not be written, which matters more.
        }
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
}
