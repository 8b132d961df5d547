using NativeStyle.Imaging;
using NativeStyle.Kernels.Devices;
using NativeStyle.Style;
using NativeStyle.Style.Study;
using NativeStyle.Style.Tiling;
using NativeStyle.Vgg.Weights;

namespace NativeStyle.Cli;

/// <summary>The command line was used wrongly; the message says how and what would be right.</summary>
internal sealed class UsageException(string message) : Exception(message);

/// <summary>
/// Turns what the user can mend into one line on standard error and exit code 2, what a device or memory lacks into one
/// and exit code 1. Only here, and in the commands, is a remedy called by an option's name.
/// </summary>
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
            Console.Error.WriteLine($"nativestyle: {Words(error)}");
            return ExitCode;
        }
        catch (DeviceException failed)
        {
            Console.Error.WriteLine(
                $"nativestyle: the device failed: {OneLine(failed.Message)}; try another --device, or a newer driver " +
                "('nativestyle devices' lists what is there)");
            return FailedExitCode;
        }
        catch (OutOfMemoryException full)
        {
            Console.Error.WriteLine($"nativestyle: {Words(full)}");
            return FailedExitCode;
        }
    }

    /// <summary>Whether the user can mend what is wrong: the input, the files, the size.</summary>
    public static bool IsUsers(Exception error) => error is UsageException or TransferException or InvalidDataException
        or IOException or UnauthorizedAccessException or OutOfMemoryException;

    /// <summary>What is wrong, in a line, and what helps, as the command line calls it.</summary>
    public static string Words(Exception error) => error switch
    {
        BufferTooLargeException => $"{OneLine(error.Message)}; choose a smaller --size, or a --memory for tiles",
        InsufficientMemoryException => $"{OneLine(error.Message)}; choose a smaller --size",
        OutOfMemoryException => "there is not enough memory for this size; choose a smaller --size",
        MissingLayerException =>
            $"{OneLine(error.Message)}; choose other layers (--content-layers, --style-layers) or another file",
        PictureMemoryException => $"{OneLine(error.Message)}; make it smaller, or raise --memory",
        ScratchException =>
            $"{OneLine(error.Message)}; give a larger --memory, or set TMPDIR to a folder with more space",
        DeadUnitException => $"{OneLine(error.Message)}; try another --seed, a larger --size, or another channel",
        _ => OneLine(error.Message),
    };

    public static string OneLine(string text) => text.ReplaceLineEndings(" ").Trim();
}
