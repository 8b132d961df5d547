using System.Security.Cryptography;
using NativeStyle.Style.Options;

namespace NativeStyle.Cli.Jobs;

/// <summary>The files of a recipe: what they are called, and how to tell whether a file is the same one.</summary>
internal static class RecipeFiles
{
    private const int ShortDigits = 12;

    /// <summary>The name and version of this program.</summary>
    public static string Program { get; } =
        $"NativeStyle {typeof(RecipeFiles).Assembly.GetName().Version!.ToString(3)}";

    /// <summary>Returns the name of a file without its folder, and its checksum.</summary>
    public static FileIdentity Of(string path) => new(Path.GetFileName(path), Sha256(path));

    /// <summary>Computes the SHA-256 of a file's bytes.</summary>
    public static string Sha256(string path)
    {
        using FileStream file = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(file));
    }

    /// <summary>Returns a checksum's first digits, which people can compare.</summary>
    public static string Short(string digest) => digest[..Math.Min(ShortDigits, digest.Length)];

    /// <summary>Returns a file's name with its checksum, as far as the recipe has one.</summary>
    public static string Words(IReadOnlyList<FileIdentity>? files, string name)
    {
        string[] digests = [.. (files ?? []).Where(file => file.Name == name).Select(file => Short(file.Sha256))];
        return digests.Length == 0 ? name : $"{name}, sha256 {string.Join(" or ", digests)}";
    }

    /// <summary>Prints what leads to the command, and what stands in its way here.</summary>
    public static void ShowWhere(IReadOnlyList<FileIdentity>? files)
    {
        foreach (IGrouping<string, FileIdentity> named in (files ?? []).GroupBy(file => file.Name))
        {
            if (named.Count() > 1)
            {
                Console.WriteLine($"note     {named.Count()} files are called {named.Key}: rename them for it");
                continue;
            }

            // A recipe comes from anywhere: what is no plain name is not opened.
            if (Path.GetFileName(named.Key) != named.Key || !File.Exists(named.Key)) continue;
            string here = Sha256(named.Key);
            if (here != named.Single().Sha256)
                Console.WriteLine($"note     {named.Key} in this folder is another file: its sha256 is {Short(here)}");
        }

        Console.WriteLine(files is null ? "made again by:" : "made again, in the folder where these files lie, by:");
    }
}
