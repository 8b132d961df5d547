namespace NativeStyle.Imaging;

/// <summary>
/// Writes files so that they are never there in part, not even after a power failure: the bytes are on the disk before
/// the file gets its name, and the name is on the disk when the call returns.
/// </summary>
internal static class AtomicFile
{
    /// <summary>Writes to a temporary file next to the target and renames it over the target.</summary>
    /// <exception cref="IOException">The file cannot be written. An old file of this name is untouched.</exception>
    public static void Write(string path, byte[] bytes) => Write(path, file => file.Write(bytes));

    /// <summary>Does the same with the bytes that <paramref name="write"/> writes.</summary>
    public static void Write(string path, Action<Stream> write)
    {
        using TemporaryFile file = TemporaryFile.For(path);
        write(file.Stream);
        file.Complete();
    }
}
