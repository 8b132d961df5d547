namespace NativeStyle.Jobs;

/// <summary>
/// Writes the files beside a result: checkpoints, previews, plots. If one cannot be written, the run goes on without
/// it.
/// </summary>
/// <param name="warn">Tells that a file cannot be written.</param>
internal sealed class SideFiles(Action<string> warn)
{
    private readonly Dictionary<string, string> _failed = [];

    /// <summary>Why the last try to write a file failed; null if it did not.</summary>
    public string? FailureOf(string? file) => file is null ? null : _failed.GetValueOrDefault(file);

    /// <summary>Whether the last try to write any other file failed.</summary>
    public bool AnyFailedBut(string? file) => _failed.Keys.Any(each => each != file);

    /// <summary>Tells what a file lacks.</summary>
    public void Warn(string line) => warn(line);

    /// <summary>Writes a file. Says so once if it cannot be written, and once if a later try succeeds.</summary>
    /// <param name="what">The kind of file, e.g. "the checkpoint".</param>
    /// <param name="write">Writes the file. A failure must leave nothing behind.</param>
    public void Write(string what, string file, Action write)
    {
        try
        {
            write();
            if (_failed.Remove(file)) warn($"{what} {file} could be written again");
        }
        catch (Exception failed) when (failed is IOException or UnauthorizedAccessException or OutOfMemoryException)
        {
            string why = UserErrors.Words(failed);
            if (_failed.TryAdd(file, why))
                warn($"{what} {file} cannot be written: {why}; the run goes on");
        }
    }
}
