using NativeStyle.Style;
using NativeStyle.Vgg;
using NativeStyle.Vgg.Weights;

namespace NativeStyle.Cli;

/// <summary>Finds the weights to use when none are named.</summary>
internal static class WeightsLocator
{
    /// <summary>What <c>--weights</c> takes for random filters although there is a file.</summary>
    public const string Random = "random";

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

    /// <summary>
    /// The file to use: the one named, or the first in those folders that has VGG's convolutions, files of convolutions alone
    /// before the large published ones; null for random filters.
    /// </summary>
    public static string? Find(string? named, Action<string> say)
    {
        if (named is not null)
        {
            if (named.Equals(Random, StringComparison.OrdinalIgnoreCase)) return null;
            UserErrors.RequireFile(named, "VGG weights (.mat, .npz, .npy, .h5, .pth or .safetensors)");
            return named;
        }

        foreach (string folder in Folders.Where(Directory.Exists))
        {
            IEnumerable<string> files = Directory.EnumerateFiles(folder)
                .Where(file => s_extensions.Contains(Path.GetExtension(file).ToLowerInvariant()))
                .OrderBy(file => Array.IndexOf(s_extensions, Path.GetExtension(file).ToLowerInvariant())).ThenBy(file => file, StringComparer.Ordinal);
            foreach (string file in files)
            {
                try
                {
                    WeightsFile.Describe(file);
                    say($"found {file}: using it (--weights {Random} for random filters)");
                    return file;
                }
                catch (Exception unreadable) when (unreadable is InvalidDataException or IOException or UnauthorizedAccessException)
                {
                    say($"passed over {file}: {unreadable.Message}");
                }
            }
        }

        return null;
    }
}
