using NativeStyle.Kernels.Devices;
using NativeStyle.Style;

namespace NativeStyle.Cli;

/// <summary>The command line was used wrongly; the message says how and what would be right.</summary>
internal sealed class UsageException(string message) : Exception(message);

/// <summary>Turns what the user can mend into one line on standard error and exit code 2, what a device or memory lacks into one and exit code 1.</summary>
internal static class UserErrors
{
    public const int ExitCode = 2;

    private const int FailedExitCode = 1;

    public static int Guard(Func<int> run)
    {
        try
        {
            return run();
        }
        catch (Exception error) when (IsUsers(error) && error is not OutOfMemoryException)
        {
            Console.Error.WriteLine($"nativestyle: {OneLine(error.Message)}");
            return ExitCode;
        }
        catch (DeviceException failed)
        {
            Console.Error.WriteLine($"nativestyle: the device failed: {OneLine(failed.Message)}; try another --device, or a newer driver ('nativestyle devices' lists what is there)");
            return FailedExitCode;
        }
        catch (OutOfMemoryException full)
        {
            string what = full is InsufficientMemoryException ? OneLine(full.Message) : "there is not enough memory for this size; choose a smaller --size";
            Console.Error.WriteLine($"nativestyle: {what}");
            return FailedExitCode;
        }
    }

    /// <summary>Whether the user can mend what is wrong: the input, the files, the size.</summary>
    public static bool IsUsers(Exception error) => error is UsageException or TransferException or InvalidDataException
        or IOException or UnauthorizedAccessException or OutOfMemoryException;

    /// <summary>Checks an input file before anything else is done with it.</summary>
    public static void RequireFile(string path, string what)
    {
        if (Directory.Exists(path)) throw new UsageException($"{path} is a folder, expected {what}");
        if (!File.Exists(path)) throw new UsageException($"{path} does not exist, expected {what}; check the name");
        try
        {
            using FileStream file = File.OpenRead(path);
        }
        catch (UnauthorizedAccessException)
        {
            throw new UsageException($"{path} may not be read; check its permissions");
        }
    }

    /// <summary>Checks that a file can be written, before long work, without touching what is there.</summary>
    public static void RequireWritable(string path)
    {
        if (Directory.Exists(path)) throw new UsageException($"{path} is a folder, expected the name of a file to write");
        string folder = Path.GetDirectoryName(Path.GetFullPath(path)) ?? ".";
        if (!Directory.Exists(folder)) throw new UsageException($"{path} cannot be written: there is no folder {folder}; create it first");
        string probe = Path.Combine(folder, $".nativestyle-{Environment.ProcessId}.tmp");
        try
        {
            File.WriteAllBytes(probe, []);
            File.Delete(probe);
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"{path} cannot be written: {OneLine(refused.Message)}");
        }
    }

    private static string OneLine(string text) => text.ReplaceLineEndings(" ").Trim();
}
