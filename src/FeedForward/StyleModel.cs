namespace NativeStyle.FeedForward;

/// <summary>A trained style as a file holds it.</summary>
public sealed class StyleModel
{
    internal StyleModel(
        TransformerWeights weights, string format, string source, IReadOnlyDictionary<string, string> metadata) =>
        (Weights, Format, Source, Metadata) = (weights, format, source, metadata);

    /// <summary>A name of the file's format to show to users.</summary>
    public string Format { get; }

    /// <summary>The file's name, or that of a model that is part of the program.</summary>
    public string Source { get; }

    /// <summary>
    /// How the model was made, as far as the file tells. The usual keys are constants of this class.
    /// </summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>The network's parameters.</summary>
    internal TransformerWeights Weights { get; }

    /// <summary>The key of the style picture's name, without a folder.</summary>
    public const string StyleKey = "style";

    /// <summary>The key of the style picture's SHA-256.</summary>
    public const string StyleSha256Key = "style_sha256";

    /// <summary>The key of the training's options, as JSON.</summary>
    public const string OptionsKey = "options";

    /// <summary>The key of the number of iterations that it was trained for.</summary>
    public const string IterationsKey = "iterations";

    /// <summary>The key of the name and version of the program that trained it.</summary>
    public const string ProgramKey = "program";
}
