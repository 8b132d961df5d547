using NativeStyle.Cli.Arguments;
using NativeStyle.Style;
using NativeStyle.Style.Options;
using NativeStyle.Vgg;
using NativeStyle.Vgg.Weights;

namespace NativeStyle.Cli;

/// <summary>Finds the weights to use when none are named.</summary>
internal static class WeightsLocator
{
    /// <summary>What <c>--weights</c> takes for random filters.</summary>
    public const string Random = "random";

    /// <summary>Said where nobody named weights and there is no file.</summary>
    public const string UsesCompact = "no --weights: using the compact VGG-19 that is built in";

    /// <summary>What is expected of a file.</summary>
    public const string Kinds = "VGG weights (.mat, .npz, .npy, .h5, .pth or .safetensors)";

    private static readonly string[] s_extensions = [".safetensors", ".h5", ".mat", ".npz", ".npy", ".pth"];

    /// <summary>weights/ here, then the user's data folder.</summary>
    public static IReadOnlyList<string> Folders =>
    [
        "weights",
        Path.Combine(
            Environment.GetEnvironmentVariable("XDG_DATA_HOME") is { Length: > 0 } data ? data
            : Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify),
            "nativestyle", "weights"),
    ];

    /// <summary>The network of a weights file, with its numbers of channels; without one that of a name, as random weights are.</summary>
    public static VggArchitecture Architecture(string? weights, string name) =>
        weights is null ? OptionsJson.Architecture(name) : WeightsFile.Describe(weights).Architecture;

    /// <summary>What presets ask of weights; null for random ones.</summary>
    public static TrainedWeights? Trained(string? weights)
    {
        if (weights is null) return null;
        WeightsContents contents = WeightsFile.Describe(weights);
        return new TrainedWeights(contents.Architecture, contents.Entries.Select(entry => entry.Layer).ToHashSet());
    }

    /// <summary>
    /// The weights to use: those named, or the first file in those folders that has VGG's convolutions, files of convolutions
    /// alone before the large published ones, or else the compact network; null for random filters.
    /// </summary>
    public static string? Find(string? named, Action<string> say)
    {
        if (named is not null)
        {
            if (named.Equals(Random, StringComparison.OrdinalIgnoreCase)) return null;
            Require(named);
            return named;
        }

        foreach (string folder in Folders.Where(Directory.Exists))
        {
            // The repository has the compact network there too.
            IEnumerable<string> files = Directory.EnumerateFiles(folder)
                .Where(file => s_extensions.Contains(Path.GetExtension(file).ToLowerInvariant()) && Path.GetFileName(file) != CompactNetwork.FileName)
                .OrderBy(file => Array.IndexOf(s_extensions, Path.GetExtension(file).ToLowerInvariant())).ThenBy(file => file, StringComparer.Ordinal);
            foreach (string file in files)
            {
                try
                {
                    WeightsFile.Describe(file);
                    say($"found {file}: using it (--weights {CompactNetwork.Name} for the network that is built in)");
                    return file;
                }
                catch (Exception unreadable) when (unreadable is InvalidDataException or IOException or UnauthorizedAccessException)
                {
                    say($"passed over {file}: {unreadable.Message}");
                }
            }
        }

        return CompactNetwork.Name;
    }

    /// <summary>Checks that weights that are named are there.</summary>
    public static void Require(string weights)
    {
        if (weights != CompactNetwork.Name) InputFiles.Require(weights, Kinds);
    }

    /// <summary>Whether weights that nobody named are all that there is, and lack layers or are of another architecture.</summary>
    public static bool FallsShort(string? named, string? weights, string architecture, IEnumerable<string> layers) =>
        named is null && weights == CompactNetwork.Name && Trained(weights) is { } own && (own.Architecture.Name != architecture || !own.Have(layers));
}
