namespace NativeStyle.Imaging;

/// <summary>Writes files so that they are never there in part.</summary>
public static class AtomicFile
{
    /// <summary>Writes to a temporary file next to the target and renames it over the target.</summary>
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
            File.Delete(temporary);
            throw;
        }
    }
}
