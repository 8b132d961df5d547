namespace NativeStyle.Vgg.Weights;

/// <summary>
/// A weights file is sound, and has no convolution of a layer that is needed; the message says which it has.
/// </summary>
public sealed class MissingLayerException(string message, string layer) : IOException(message)
{
    /// <summary>By its canonical name.</summary>
    public string Layer { get; } = layer;
}
