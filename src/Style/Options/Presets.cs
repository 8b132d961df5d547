using System.Collections.Concurrent;

namespace NativeStyle.Style.Options;

/// <summary>
/// The named sets of options: this program's defaults, and the systems that it reproduces. Each is a file in the folder
/// Presets. The files are embedded in the program, and give reasons for their values.
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

    /// <summary>The default for random filters.</summary>
    public static TransferOptions DefaultRandom => Load("default-random");

    /// <summary>The default for a trained network.</summary>
    public static TransferOptions DefaultTrained => Load("default-trained");

    /// <summary>The default for trained weights that end with the third block.</summary>
    public static TransferOptions DefaultTrainedToBlock3 => Load("default-trained-to-block3");

    /// <summary>The default for networks of fewer channels.</summary>
    public static TransferOptions DefaultCompact => Load("default-compact");

    public static TransferOptions Coursera => Load("coursera");

    public static TransferOptions Gatys => Load("gatys");

    public static TransferOptions NeuralStyle => Load("neural-style");

    public static IReadOnlyList<TransferOptions> All => [.. s_all.Select(Load)];

    /// <summary>The names for users. One name stands for all defaults.</summary>
    public static IReadOnlyList<string> Names { get; } =
        [Default, .. s_all.Where(name => !name.StartsWith(Default, StringComparison.Ordinal))];

    /// <summary>Finds a preset by its name, in any case; null if there is none. 'default' suits the built-in
    /// network.</summary>
    public static TransferOptions? Find(string name) =>
        name.Equals(Default, StringComparison.OrdinalIgnoreCase) ? DefaultCompact : Find(name, null);

    /// <summary>Finds a preset by its name. The default depends on the weights.</summary>
    /// <param name="name">A name from <see cref="Names"/>, or of a preset in <see cref="All"/>.</param>
    /// <param name="weights">The trained weights, or null for random ones.</param>
    /// <returns>The preset, or null if there is none with that name.</returns>
    internal static TransferOptions? Find(string name, TrainedWeights? weights)
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
        return OptionsJson.Read(reader.ReadToEnd(), name => Find(name, null));
    });
}
