using System.Collections.Concurrent;

namespace NativeStyle.Style.Options;

/// <summary>
/// The named sets of options: this program's defaults, and the systems that it reproduces. Each is a file of the folder
/// Presets, which is embedded in the program and says why its values are so.
/// </summary>
public static class Presets
{
    /// <summary>The name that stands for the default that suits the weights.</summary>
    public const string Default = "default";

    private static readonly string[] s_all =
    [
        "default-random", "default-trained", "default-trained-to-block3", "default-compact", "coursera",
        "light-on-math", "cost-function", "notebook", "ryanchankh", "gatys", "neural-style", "anishathalye",
        "crowsonkb",
    ];

    private static readonly ConcurrentDictionary<string, TransferOptions> s_loaded =
        new(StringComparer.OrdinalIgnoreCase);

    /// <summary>The default without trained weights.</summary>
    public static TransferOptions DefaultRandom => Load("default-random");

    /// <summary>The default with a trained network.</summary>
    public static TransferOptions DefaultTrained => Load("default-trained");

    /// <summary>The default for trained weights that end with the third block.</summary>
    public static TransferOptions DefaultTrainedToBlock3 => Load("default-trained-to-block3");

    /// <summary>The default for networks of fewer channels.</summary>
    public static TransferOptions DefaultCompact => Load("default-compact");

    public static TransferOptions Coursera => Load("coursera");

    public static TransferOptions Gatys => Load("gatys");

    public static TransferOptions NeuralStyle => Load("neural-style");

    /// <summary>All presets.</summary>
    public static IReadOnlyList<TransferOptions> All => [.. s_all.Select(Load)];

    /// <summary>The names that people give.</summary>
    public static IReadOnlyList<string> Names { get; } =
        [Default, .. s_all.Where(name => !name.StartsWith(Default, StringComparison.Ordinal))];

    /// <summary>
    /// The preset of that name, any of <see cref="All"/>; the default depends on what the weights are.
    /// </summary>
    /// <param name="name">One of <see cref="Names"/> or of <see cref="All"/>'s.</param>
    /// <param name="weights">The trained weights; null for random ones.</param>
    /// <returns>Null where there is no such preset.</returns>
    public static TransferOptions? Find(string name, TrainedWeights? weights = null)
    {
        if (!name.Equals(Default, StringComparison.OrdinalIgnoreCase))
            return s_all.Contains(name, StringComparer.OrdinalIgnoreCase) ? Load(name) : null;
        if (weights is null) return DefaultRandom;
        if (weights.Compressed) return DefaultCompact;
        return weights.Have(DefaultTrained.Layers) ? DefaultTrained : DefaultTrainedToBlock3;
    }

    private static TransferOptions Load(string name) => s_loaded.GetOrAdd(name, static key =>
    {
        string file = $"{key.ToLowerInvariant()}.json";
        using Stream stream = typeof(Presets).Assembly.GetManifestResourceStream($"presets/{file}")
            ?? throw new InvalidOperationException($"{file} is not embedded");
        using var reader = new StreamReader(stream);
        return OptionsJson.Read(reader.ReadToEnd(), name => Find(name));
    });
}
