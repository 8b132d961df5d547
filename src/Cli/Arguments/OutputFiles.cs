using NativeStyle.Imaging;
using NativeStyle.Jobs;

namespace NativeStyle.Cli.Arguments;

/// <summary>Checks output files before long work, without changing existing files.</summary>
internal static class OutputFiles
{
    /// <summary>Checks the file name of a picture to write.</summary>
    /// <inheritdoc cref="Check"/>
    public static void CheckPicture(string file, params IEnumerable<string> inputs) =>
        Check(file, [.. PictureFile.WritableExtensions], inputs);

    /// <summary>Checks the file name of a page to write.</summary>
    /// <inheritdoc cref="Check"/>
    public static void CheckPage(string file) => Check(file, [".html", ".htm"]);

    /// <summary>Checks that a file has one of the extensions, is no input and can be written.</summary>
    /// <param name="inputs">Input files, which must not be overwritten.</param>
    /// <exception cref="UsageException">The file has another extension, is an input, or cannot be written.</exception>
    public static void Check(string file, string[] extensions, params IEnumerable<string> inputs)
    {
        RequireExtension(file, extensions);
        RequireWritable(file);
        RequireNoInput(file, inputs);
    }

    /// <summary>Checks that files can be written, are no inputs and are all different.</summary>
    /// <inheritdoc cref="Check"/>
    public static void RequireAll(IEnumerable<string> files, IEnumerable<string> inputs)
    {
        string[] sources = [.. inputs];
        HashSet<string> paths = [];
        foreach (string file in files)
        {
            RequireWritable(file);
            RequireNoInput(file, sources);
            if (!paths.Add(Path.GetFullPath(file)))
                throw new UsageException($"{file} is to be written twice; choose different names");
        }
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

    /// <summary>Checks a folder for several files. The first write creates it.</summary>
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
        try
        {
            TemporaryFile.For(path).Dispose();
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"{path} cannot be written: {UserErrors.OneLine(refused.Message)}");
        }
    }
}
