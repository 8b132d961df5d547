using System.Globalization;
using System.Text.Json;
using NativeStyle.FeedForward;
using NativeStyle.Imaging.Png;
using NativeStyle.Style.Options;

namespace NativeStyle.Cli.Jobs;

/// <summary>
/// Describes how a trained style drew a picture. A PNG holds it as JSON under its own keyword. Files are there by their
/// names only.
/// </summary>
/// <param name="Picture">The name of the picture that was drawn.</param>
/// <param name="Model">The name of the model, or of its file.</param>
/// <param name="ModelDigest">The SHA-256 of the model's numbers.</param>
/// <param name="Size">The longest side that was asked for, or null.</param>
internal sealed record DrawingRecipe(
    string Program, string Picture, string Model, string ModelDigest, double Strength, string Colors, int? Size,
    int Width, int Height)
{
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
        return string.Join(' ', words.Select(Recipe.Quoted));
    }

    public void Show()
    {
        Console.WriteLine($"picture  {Picture}");
        Console.WriteLine($"model    {Model}, digest {Recipe.Short(ModelDigest)}");
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"strength {Strength}"));
        Console.WriteLine($"colors   {Colors}");
        Console.WriteLine($"size     {Width} x {Height}");
        Console.WriteLine("made again by:");
        Console.WriteLine(Command());
    }
}
