using System.Security.Cryptography;
using NativeStyle.Style.Options;

namespace NativeStyle.Jobs;

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
}
