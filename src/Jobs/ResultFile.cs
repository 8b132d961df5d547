namespace NativeStyle.Jobs;

/// <summary>Writes the result of long work.</summary>
internal static class ResultFile
{
    /// <summary>
    /// Writes a result. If it cannot be written under its name, it is kept in the folder for temporary files instead.
    /// </summary>
    /// <param name="write">Writes the result under a name.</param>
    /// <exception cref="IOException">
    /// The result cannot be written under its name. The message says where it is.
    /// </exception>
    public static void Write(string path, Action<string> write)
    {
        try
        {
            write(path);
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            string why = UserErrors.OneLine(refused.Message);
            string name = $"nativestyle-{Guid.NewGuid().ToString("N")[..8]}-{Path.GetFileName(path)}";
            string other = Path.Combine(Path.GetTempPath(), name);
            try
            {
                write(other);
            }
            catch (Exception again) when (again is IOException or UnauthorizedAccessException)
            {
                throw new IOException(
                    $"{path} cannot be written: {why}; {other} cannot either: {UserErrors.OneLine(again.Message)}");
            }

            throw new IOException(
                $"{path} cannot be written: {why}; the result is kept as {other}, move it from there");
        }
    }
}
