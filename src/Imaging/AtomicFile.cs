namespace NativeStyle.Imaging;

/// <summary>Writes files so that they are never there in part.</summary>
public static class AtomicFile
{
    /// <summary>Writes to a temporary file next to the target and renames it over the target.</summary>
    public static void Write(string path, byte[] bytes) => Write(path, file => file.Write(bytes));

    /// <summary>Does the same with the bytes that <paramref name="write"/> writes.</summary>
    public static void Write(string path, Action<Stream> write)
    {
        using TemporaryFile file = TemporaryFile.For(path);
        write(file.Stream);
        file.Stream.Flush(flushToDisk: true);
        file.Complete();
    }
}
