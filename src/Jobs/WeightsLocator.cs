using NativeStyle.Style.Options;
using NativeStyle.Vgg;
using NativeStyle.Vgg.Weights;

namespace NativeStyle.Jobs;

/// <summary>Finds the weights to use if the user names none.</summary>
internal static class WeightsLocator
{
    /// <summary>The value of <c>--weights</c> that stands for random filters.</summary>
    public const string Random = "random";

    /// <summary>The words that may stand in place of a file.</summary>
    public static string[] Words { get; } = [CompactNetwork.Name, Random];

    /// <summary>The message for runs in which the user named no weights and there is no file.</summary>
    public const string UsesCompact = "no --weights: using the compact VGG-19 that is built in";

    /// <summary>Describes the expected file in error messages.</summary>
    public const string Kinds = "VGG weights (.mat, .npz, .npy, .h5, .pth or .safetensors)";

    private static readonly string[] s_extensions = [".safetensors", ".h5", ".mat", ".npz", ".npy", ".pth"];

    /// <summary>The folders in the order of the search: weights/ here, then the user's data folder.</summary>
    public static IReadOnlyList<string> Folders => ["weights", UserFolders.Data("weights")];

    /// <summary>
    /// Returns the architecture of a weights file, with its numbers of channels. Without a file, returns the
    /// architecture with that name, which random weights have.
    /// </summary>
    public static VggArchitecture Architecture(string? weights, string name) =>
        weights is null ? OptionsJson.Architecture(name) : WeightsFile.Describe(weights).Architecture;

    /// <summary>Describes the weights for presets. Returns null for random weights.</summary>
    public static TrainedWeights? Trained(string? weights)
    {
        if (weights is null) return null;
        WeightsContents contents = WeightsFile.Describe(weights);
        return new TrainedWeights(contents.Architecture, contents.Entries.Select(entry => entry.Layer).ToHashSet());
    }

    /// <summary>
    /// Finds the weights to use: the user's choice, else the first file in <see cref="Folders"/> that has VGG's
    /// convolutions, else the compact network. Files with only convolutions come before the large published ones.
    /// Returns null for random filters.
    /// </summary>
    public static string? Find(string? choice, Action<string> say)
    {
        if (choice is not null)
        {
            if (choice.Equals(Random, StringComparison.OrdinalIgnoreCase)) return null;
            Require(choice);
            return choice;
        }

        foreach (string folder in Folders.Where(Directory.Exists))
        {
            // In the repository, weights/ also has the compact network.
            IEnumerable<string> files = Directory.EnumerateFiles(folder)
                .Where(file => ExtensionRank(file) >= 0 && Path.GetFileName(file) != CompactNetwork.FileName)
                .OrderBy(ExtensionRank).ThenBy(file => file, StringComparer.Ordinal);
            foreach (string file in files)
            {
                try
                {
                    WeightsFile.Describe(file);
                    say($"found {file}: using it (--weights {CompactNetwork.Name} for the built-in network)");
                    return file;
                }
                catch (Exception unreadable)
                    when (unreadable is InvalidDataException or IOException or UnauthorizedAccessException)
                {
                    say($"passed over {file}: {unreadable.Message}");
                }
            }
        }

        return CompactNetwork.Name;
    }

    /// <summary>Checks that the weights exist.</summary>
    public static void Require(string weights)
    {
        if (weights != CompactNetwork.Name) InputFiles.Require(weights, Kinds);
    }

    /// <summary>
    /// Checks whether the user named no weights, and the compact network is the only one but lacks layers or has
    /// another architecture.
    /// </summary>
    public static bool FallsShort(string? choice, string? weights, string architecture, IEnumerable<string> layers) =>
        choice is null && weights == CompactNetwork.Name && Trained(weights) is { } own
            && (own.Architecture.Name != architecture || !own.Have(layers));

    private static int ExtensionRank(string file) =>
        Array.IndexOf(s_extensions, Path.GetExtension(file).ToLowerInvariant());
}
