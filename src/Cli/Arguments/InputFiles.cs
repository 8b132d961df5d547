using NativeStyle.Imaging;

namespace NativeStyle.Cli.Arguments;

/// <summary>Checks of files that are read, before anything else is done with them.</summary>
internal static class InputFiles
{
    /// <param name="what">What is expected, for people.</param>
    /// <exception cref="UsageException">It is not there, or may not be read.</exception>
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

    /// <summary>The pictures of a folder, by name.</summary>
    /// <param name="what">What kind of pictures, for people: "content pictures".</param>
    /// <exception cref="UsageException">There is no such folder, or no picture in it.</exception>
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
