using System.Text;
using NativeStyle.Imaging;
using NativeStyle.Jobs;

namespace NativeStyle.Cli.Jobs;

/// <summary>
/// The files beside the output of one of many jobs. They tell how far it is, without any process that keeps books.
/// </summary>
internal static class JobFiles
{
    /// <summary>Is there, and locked, while a process works on the job.</summary>
    public static string Claim(string output) => output + ".running";

    /// <summary>Is there if the job failed, and tells why.</summary>
    public static string Failure(string output) => output + ".failed.txt";

    /// <summary>What an unfinished job goes on from.</summary>
    public static string Checkpoint(string output) => output + ".ckpt";

    /// <summary>Writes why a job failed. The caller has said it as well, so the file may be missing.</summary>
    public static void WriteFailure(string output, string why) => Try(() =>
        AtomicFile.Write(Failure(output), Encoding.UTF8.GetBytes(UserErrors.OneLine(why) + "\n")));

    /// <summary>Returns why a job failed; null if it did not.</summary>
    public static string? ReadFailure(string output)
    {
        string path = Failure(output);
        string? why = null;
        if (File.Exists(path)) Try(() => why = File.ReadAllText(path).Trim());
        return why;
    }

    /// <summary>Removes a file if it is there, and what a killed process left of it.</summary>
    public static void Remove(string path)
    {
        Try(() => File.Delete(path));
        Try(() => TemporaryFile.RemoveLeftover(path));
    }

    private static void Try(Action use)
    {
        try
        {
            use();
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            // The job does not depend on it.
        }
    }
}
