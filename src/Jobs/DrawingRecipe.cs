using System.Globalization;
using System.Text.Json;
using NativeStyle.FeedForward;
using NativeStyle.Imaging.Png;
using NativeStyle.Style.Options;

namespace NativeStyle.Jobs;

/// <summary>
/// Describes how a trained style drew a picture. A PNG holds it as JSON under its own keyword. Files are there by their
/// names only.
/// </summary>
/// <param name="Picture">The name of the picture that was drawn.</param>
/// <param name="Model">The name of the model, or of its file.</param>
/// <param name="ModelDigest">The SHA-256 of the model's numbers.</param>
/// <param name="Size">The longest side that was asked for, or null.</param>
/// <param name="Width">Columns of the drawing.</param>
/// <param name="Height">Rows of the drawing.</param>
internal sealed record DrawingRecipe(
    string Program, string Picture, string Model, string ModelDigest, double Strength, string Colors, int? Size,
    int Width, int Height)
{
    /// <summary>The picture and the model's file. Drawings of older versions have none.</summary>
    public IReadOnlyList<FileIdentity>? Files { get; init; }

    /// <summary>Bits per channel.</summary>
    public int Depth { get; init; } = 8;

    /// <summary>
    /// The device, as <c>--device</c> takes it, with the width of its vectors or its precision; null in older drawings.
    /// </summary>
    public string? Device { get; init; }

    /// <summary>The limit that decided about tiles; null if the picture went whole.</summary>
    public long? Memory { get; init; }

    /// <summary>The tiles, in words; null if the picture went whole.</summary>
    public string? Tiles { get; init; }

    /// <summary>The threads for which the CPU's tiles were planned; null if the picture went whole.</summary>
    public int? Threads { get; init; }

    private const string Keyword = "nativestyle-drawing";

    /// <summary>Makes the texts for a picture.</summary>
    public IReadOnlyDictionary<string, string> Texts() => new Dictionary<string, string>
    {
        ["Software"] = Program,
        [Keyword] = JsonSerializer.Serialize(this, OptionsJson.Format),
    };

    /// <summary>Reads the recipe of a picture; null if it has none of this kind.</summary>
    /// <exception cref="UsageException">The recipe is one that this version does not understand.</exception>
    public static (DrawingRecipe Recipe, string Json)? Read(string path)
    {
        if (!PngText.Read(path).TryGetValue(Keyword, out string? json)) return null;
        try
        {
            return (JsonSerializer.Deserialize<DrawingRecipe>(json, OptionsJson.Format)
                ?? throw new JsonException("it is empty"), json);
        }
        catch (JsonException wrong)
        {
            throw new UsageException(
                $"{path} tells how it was made in a way that this version does not understand: " +
                $"{wrong.Message.Split(" Path:")[0]}");
        }
    }

    /// <summary>Returns the command that makes the picture again.</summary>
    public string Command()
    {
        List<string> words = ["nativestyle", "stylize", Picture, "-o", "OUT.png", "--model", Model];
        if (Strength != 1) words.AddRange(["--strength", Strength.ToString(CultureInfo.InvariantCulture)]);
        if (Colors != DrawingOptions.ColorWords[ColorMode.Style]) words.AddRange(["--colors", Colors]);
        if (Size is { } size) words.AddRange(["--size", size.ToString(CultureInfo.InvariantCulture)]);
        if (Depth != 8) words.AddRange(["--depth", "16"]);
        if (Memory is { } memory) words.AddRange(["--memory", MemorySize.Option(memory)]);
        if (Threads is { } threads) words.AddRange(["--threads", threads.ToString(CultureInfo.InvariantCulture)]);
        if (Device is not null) words.AddRange(["--device", Device]);
        return string.Join(' ', words.Select(Recipe.Quoted));
    }
}
