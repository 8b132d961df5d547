namespace NativeStyle.Studio.Work;

/// <summary>A style that a job asks for.</summary>
/// <param name="Picture">The id of its picture.</param>
/// <param name="Mask">The id of the mask of the places in the result where it counts; null for everywhere.</param>
/// <param name="StyleMask">The id of the mask of the part of the picture that is learnt; null for all of it.</param>
internal sealed record StyleRequest(string Picture, double Weight = 1, string? Mask = null, string? StyleMask = null);

/// <summary>The two ways to make a picture.</summary>
internal enum JobKind
{
    /// <summary>Optimises the pixels.</summary>
    Transfer,

    /// <summary>Draws with a trained network in one pass.</summary>
    Stylize,
}

/// <summary>What a user asks for.</summary>
/// <param name="Content">The id of the content picture.</param>
/// <param name="Model">The trained style that draws; null for transfers.</param>
/// <param name="Settings">Texts by the names of the command line's options, without dashes.</param>
internal sealed record JobRequest(
    JobKind Kind, string Content, IReadOnlyList<StyleRequest>? Styles = null, string? Model = null,
    string? Preset = null, IReadOnlyDictionary<string, string>? Settings = null);

/// <summary>What a user changes of a transfer under way. Null leaves a part as it is.</summary>
/// <param name="Settings">Texts that replace those of the same names.</param>
/// <param name="Weights">The weights of the styles.</param>
/// <param name="FromFrame">The frame whose picture to go on from; null for the present one.</param>
internal sealed record ChangeRequest(
    IReadOnlyDictionary<string, string>? Settings = null, string? Preset = null, IReadOnlyList<double>? Weights = null,
    int? FromFrame = null)
{
    /// <summary>Returns this change with a later one on top.</summary>
    public ChangeRequest Then(ChangeRequest later) => new(
        Merged(Settings, later.Settings), later.Preset ?? Preset, later.Weights ?? Weights,
        later.FromFrame ?? FromFrame);

    /// <summary>Returns settings with later ones on top.</summary>
    public static Dictionary<string, string> Merged(
        IReadOnlyDictionary<string, string>? first, IReadOnlyDictionary<string, string>? later)
    {
        var merged = new Dictionary<string, string>(first ?? new Dictionary<string, string>());
        foreach ((string name, string text) in later ?? new Dictionary<string, string>()) merged[name] = text;
        return merged;
    }
}
