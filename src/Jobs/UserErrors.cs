using NativeStyle.Imaging;
using NativeStyle.Kernels.Devices;
using NativeStyle.Style;
using NativeStyle.Style.Study;
using NativeStyle.Style.Tiling;
using NativeStyle.Vgg.Weights;

namespace NativeStyle.Jobs;

/// <summary>A wrong use of the command line. The message says what is wrong and what would be right.</summary>
internal sealed class UsageException(string message) : Exception(message);

/// <summary>
/// Turns errors into one line and an exit code: 2 if the user can mend the error, 1 if the device or the memory fails.
/// Layers below name no option as a remedy.
/// </summary>
internal static class UserErrors
{
    public const int ExitCode = 2;

    public const int FailedExitCode = 1;

    /// <summary>Returns the exit code for an error.</summary>
    public static int CodeOf(Exception error) =>
        error is DeviceException or OutOfMemoryException ? FailedExitCode : ExitCode;

    /// <summary>Checks whether the user can mend the error: the input, the files or the size.</summary>
    public static bool IsUsers(Exception error) => error is UsageException or TransferException or InvalidDataException
        or IOException or UnauthorizedAccessException or OutOfMemoryException;

    /// <summary>Describes the error in one line, with a remedy in terms of the command line.</summary>
    public static string Words(Exception error)
    {
        string what = error.GetType() == typeof(OutOfMemoryException) ? "there is not enough memory for this size"
            : error is DeviceException ? $"the device failed: {OneLine(error.Message)}" : OneLine(error.Message);
        return RemedyOf(error) is { } remedy ? $"{what}; {remedy}" : what;
    }

    /// <summary>
    /// What a user can do about the error, in terms of the command line; null if the error says it itself.
    /// </summary>
    public static string? RemedyOf(Exception error) => error switch
    {
        BufferTooLargeException => "choose a smaller --size, or a --memory for tiles",
        InsufficientMemoryException => "choose a smaller --size",
        OutOfMemoryException => "choose a smaller --size, or a smaller --memory, which leaves more for other programs",
        MissingLayerException => "choose other layers (--content-layers, --style-layers) or another file",
        PictureMemoryException => "make it smaller, or raise --memory",
        ScratchException => "give a larger --memory, or set TMPDIR to a folder with more space",
        DeviceException =>
            "try another --device, or a newer driver ('nativestyle devices' lists what is there)",
        DeadUnitException => "try another --seed, a larger --size, or another channel",
        _ => null,
    };

    public static string OneLine(string text) => text.ReplaceLineEndings(" ").Trim();

    /// <summary>Uses an option's value, and puts the option's name in front of error messages.</summary>
    /// <exception cref="UsageException">The value is wrong.</exception>
    public static T For<T>(string option, Func<T> use)
    {
        try
        {
            return use();
        }
        catch (TransferException wrong)
        {
            throw new UsageException($"{option} {wrong.Message}");
        }
    }
}
