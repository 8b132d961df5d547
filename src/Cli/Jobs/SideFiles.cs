namespace NativeStyle.Cli.Jobs;

/// <summary>
/// Writes the files beside a result: checkpoints, previews, plots. If one cannot be written, the run goes on without it.
/// </summary>
internal sealed class SideFiles
{
    private readonly Dictionary<string, string> _failed = [];

    /// <summary>Whether the last try to write a file of this kind failed, and why.</summary>
    public string? FailureOf(string what) => _failed.GetValueOrDefault(what);

    /// <summary>Whether the last try to write any file but this kind failed.</summary>
    public bool AnyFailedBut(string what) => _failed.Keys.Any(each => each != what);

    /// <summary>Writes a file. Says so once if it cannot be written, and once if a later try succeeds.</summary>
    /// <param name="what">The kind of file, e.g. "the checkpoint".</param>
    /// <param name="file">Its name.</param>
    /// <param name="write">Writes the file. A failure must leave nothing behind.</param>
    public void Write(string what, string file, Action write)
    {
        try
        {
            write();
            if (_failed.Remove(what)) Console.Error.WriteLine($"nativestyle: {what} {file} could be written again");
        }
        catch (Exception failed) when (failed is IOException or UnauthorizedAccessException or OutOfMemoryException)
        {
            string why = UserErrors.Words(failed);
            if (_failed.TryAdd(what, why))
                Console.Error.WriteLine($"nativestyle: {what} {file} cannot be written: {why}; the run goes on");
        }
    }
}
