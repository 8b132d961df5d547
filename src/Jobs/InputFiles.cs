using NativeStyle.Imaging;

namespace NativeStyle.Jobs;

/// <summary>Checks input files before any other work.</summary>
internal static class InputFiles
{
    /// <summary>Checks that a file exists and may be read.</summary>
    /// <param name="what">Describes the expected file in error messages.</param>
    /// <exception cref="UsageException">The file is missing or may not be read.</exception>
    public static void Require(string path, string what)
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

    /// <inheritdoc cref="Require"/>
    public static void RequirePicture(string path, string what) => Require(path, $"{what} ({PictureFile.Readable})");

    /// <summary>Lists the pictures of a folder in the order of their names.</summary>
    /// <param name="what">Describes the pictures in error messages, e.g. "content pictures".</param>
    /// <exception cref="UsageException">The folder does not exist or has no pictures.</exception>
    public static string[] Pictures(string folder, string what = "pictures", bool withFolders = false)
    {
        if (!Directory.Exists(folder)) throw new UsageException($"{folder} is no folder, expected one with {what}");
        SearchOption depth = withFolders ? SearchOption.AllDirectories : SearchOption.TopDirectoryOnly;
        string[] pictures = [.. Directory.EnumerateFiles(folder, "*", depth).Where(PictureFile.HasPictureName)
            .Order(StringComparer.Ordinal)];
        return pictures.Length > 0 ? pictures
            : throw new UsageException($"{folder} has no {what} ({PictureFile.Readable})");
    }
}
