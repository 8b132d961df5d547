using NativeStyle.Imaging;

namespace NativeStyle.Cli.Arguments;

/// <summary>Checks of files that will be written, before long work, without touching what is there.</summary>
internal static class OutputFiles
{
    /// <summary>A picture to write.</summary>
    /// <inheritdoc cref="Check"/>
    public static void CheckPicture(string file, params IEnumerable<string> inputs) =>
        Check(file, [.. PictureFile.WritableExtensions], inputs);

    /// <summary>A page to write.</summary>
    /// <inheritdoc cref="Check"/>
    public static void CheckPage(string file) => Check(file, [".html", ".htm"]);

    /// <param name="inputs">Files that are read and so may not be written.</param>
    /// <exception cref="UsageException">It has another extension, is an input, or cannot be written.</exception>
    public static void Check(string file, string[] extensions, params IEnumerable<string> inputs)
    {
        RequireExtension(file, extensions);
        RequireWritable(file);
        RequireNoInput(file, inputs);
    }

    public static void RequireExtension(string file, params string[] extensions)
    {
        if (Directory.Exists(file))
            throw new UsageException($"{file} is a folder, expected the name of a file to write");
        string extension = Path.GetExtension(file).ToLowerInvariant();
        if (!extensions.Contains(extension))
            throw new UsageException(
                $"{file} has the extension '{extension}', expected one of {string.Join(", ", extensions)}");
    }

    public static void RequireNoInput(string file, IEnumerable<string> inputs)
    {
        string[] paths = [.. inputs.Select(Path.GetFullPath)];
        if (!paths.Contains(Path.GetFullPath(file))) return;
        string which = paths.Length == 1 ? "the input" : "an input";
        throw new UsageException($"{file} is {which} and would be overwritten; choose another name for the output");
    }

    /// <summary>A folder for several files, made when the first is written.</summary>
    public static void RequireFolder(string folder)
    {
        if (File.Exists(folder))
            throw new UsageException($"{folder} is a file, expected the name of a folder for the results");
    }

    public static void RequireWritable(string path)
    {
        if (Directory.Exists(path))
            throw new UsageException($"{path} is a folder, expected the name of a file to write");
        string folder = Path.GetDirectoryName(Path.GetFullPath(path)) ?? ".";
        if (!Directory.Exists(folder))
            throw new UsageException($"{path} cannot be written: there is no folder {folder}; create it first");
        string probe = Path.Combine(folder, $".nativestyle-{Environment.ProcessId}.tmp");
        try
        {
            File.WriteAllBytes(probe, []);
            File.Delete(probe);
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"{path} cannot be written: {UserErrors.OneLine(refused.Message)}");
        }
    }
}
