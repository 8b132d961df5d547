using NativeStyle.Autodiff;
using NativeStyle.Imaging;
using NativeStyle.Kernels.Devices;
using NativeStyle.Style.Options;
using NativeStyle.Vgg;

namespace NativeStyle.Style.Study;

/// <summary>
/// How near a result is to its style and its content. Each layer's distance is relative to what it is compared with.
/// </summary>
/// <param name="Style">
/// ||G - A||² / ||A||² by layer. G and A are the Gram matrices per pixel of result and style.
/// </param>
/// <param name="Content">||F - P||² / ||P||² by layer. F and P are the maps of result and content.</param>
internal sealed record Measured(IReadOnlyList<LayerLoss> Style, IReadOnlyList<LayerLoss> Content)
{
    /// <summary>The mean over the style layers.</summary>
    public double MeanStyle => Style.Average(layer => layer.Value);
}

/// <summary>
/// Judges results by the losses of Gatys, Ecker and Bethge (2016, equations 1 and 5). The network need not be the one
/// that painted them.
/// </summary>
/// <param name="size">
/// The longest side at which result and style are seen. The content is seen at the result's size.
/// </param>
internal sealed class TransferMeasure(
    ComputeDevice device, VggNetwork network, IReadOnlyList<string> styleLayers, IReadOnlyList<string> contentLayers,
    int size)
{
    /// <summary>
    /// How the network must compute maps: with average pooling, and with edges that add no frame of their own.
    /// </summary>
    public static VggOptions Network => Presets.DefaultTrained.Network;

    /// <summary>Measures one result.</summary>
    /// <exception cref="TransferException">A picture is too small for a layer.</exception>
    public Measured Of(Picture result, PictureSource content, PictureSource style)
    {
        (int height, int width) = Resampler.FitInto(result.Height, result.Width, size);
        (int styleHeight, int styleWidth) = Resampler.FitInto(style.Height, style.Width, size);
        TransferOptions options = Presets.DefaultTrained with
        {
            StyleLayers = [.. styleLayers.Select(layer => new LayerWeight(layer, 1))],
            ContentLayers = [.. contentLayers.Select(layer => new LayerWeight(layer, 1))],
            StyleWeight = 1,
            ContentWeight = 1,
            TvWeight = 0,
        };
        using var objective = new Objective(
            device, network, options, height, width, content, [new StyleInput(style.Resized(styleHeight, styleWidth))]);
        using var tape = new Tape(device);
        float[] resized = Resampler.Resize(result, height, width).Pixels;
        using var pixels = new Tensor(device, new Shape(height, width, 3), resized);
        LossValues values = objective.Evaluate(tape, pixels).Values(byLayer: true);
        return new Measured(
            [.. values.Layers!.Where(layer => !layer.IsContent)],
            [.. values.Layers!.Where(layer => layer.IsContent)]);
    }
}
