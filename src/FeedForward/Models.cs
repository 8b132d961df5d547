using System.Reflection;

namespace NativeStyle.FeedForward;

/// <summary>The trained styles that are part of the program (models/README.md tells how they were made).</summary>
public static class Models
{
    private const string Folder = "models/", Extension = ".safetensors";

    /// <summary>Their names in alphabetical order.</summary>
    public static IReadOnlyList<string> Names { get; } = NamesIn(typeof(Models).Assembly);

    /// <summary>Reads the model called <paramref name="name"/>, in any case; null if there is none.</summary>
    public static StyleModel? Find(string name) => FindIn(typeof(Models).Assembly, name);

    /// <summary>Bytes that a model takes in the program.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    public static long BytesOf(string name)
    {
        using Stream model = typeof(Models).Assembly.GetManifestResourceStream(Folder + name + Extension)!;
        return model.Length;
    }

    internal static IReadOnlyList<string> NamesIn(Assembly assembly) =>
    [
        .. assembly.GetManifestResourceNames()
            .Where(resource => resource.StartsWith(Folder, StringComparison.Ordinal)
                && resource.EndsWith(Extension, StringComparison.Ordinal))
            .Select(resource => resource[Folder.Length..^Extension.Length])
            .Order(StringComparer.Ordinal),
    ];

    internal static StyleModel? FindIn(Assembly assembly, string name)
    {
        string? known = NamesIn(assembly).FirstOrDefault(
            each => each.Equals(name, StringComparison.OrdinalIgnoreCase));
        return known is null ? null : ModelFile.ReadSafeTensors(
            known, known, () => assembly.GetManifestResourceStream(Folder + known + Extension)!);
    }
}
