namespace NativeStyle.Vgg.Weights;

/// <summary>Completes the errors of readers that do not know the name of their file.</summary>
internal static class DamagedFile
{
    /// <summary>Reads, and names the file in the message if it is damaged.</summary>
    /// <exception cref="InvalidDataException">The file is damaged. The message begins with its path.</exception>
    public static T Named<T>(string path, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (InvalidDataException damage) when (!damage.Message.StartsWith(path, StringComparison.Ordinal))
        {
            throw new InvalidDataException(
                $"{path} {Sentence(damage.Message)}; download it again if it should be whole", damage);
        }
        catch (Exception end) when (end is EndOfStreamException or OverflowException)
        {
            throw new InvalidDataException(
                $"{path} is truncated or damaged: it ends inside an array; download it again", end);
        }
    }

    /// <summary>
    /// Completes a message to a sentence. This project's messages begin with a verb; those of the zip reader are whole
    /// sentences.
    /// </summary>
    private static string Sentence(string message) =>
        message.Split(' ')[0] is "is" or "has" or "holds" or "states" or "lacks" or "names"
            ? message
            : $"is damaged or truncated: {message}";
}
