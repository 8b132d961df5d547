using NativeStyle.Style.Options;

namespace NativeStyle.Jobs;

/// <summary>Transfers without a content or without a style, as changes to a preset.</summary>
internal static class JobKinds
{
    /// <summary>The options that a texture sets itself.</summary>
    public static IReadOnlyList<TransferOption> SetByTexture { get; } =
        [OptionTable.Size, OptionTable.ContentWeight, OptionTable.ContentLayers];

    /// <summary>The options that a reconstruction sets itself.</summary>
    public static IReadOnlyList<TransferOption> SetByReconstruct { get; } =
        [OptionTable.StyleWeight, OptionTable.StyleLayers, OptionTable.ContentLayers];

    /// <summary>
    /// Adapts a preset to textures: without content, from noise like the style's, and without enlarging the style.
    /// </summary>
    public static TransferOptions Texture(TransferOptions preset) => preset with
    {
        ContentWeight = 0,
        ContentLayers = [],
        Init = InitKind.StyleNormal,
        Colors = ColorMode.Style,
        StyleSizing = StyleSizing.LongestSideAtMost,
    };

    /// <summary>
    /// Adapts a preset to reconstruct from layers: it uses the relative error of their maps, and no style.
    /// </summary>
    public static TransferOptions Reconstruct(TransferOptions preset, IReadOnlyList<LayerWeight> layers) => preset with
    {
        ContentLayers = layers,
        ContentWeight = 1,
        ContentLossScale = LossScale.RelativeToTarget,
        StyleWeight = 0,
        StyleLayers = [],
        TvWeight = 0,
        Iterations = [200],
        Size = 256,
        Colors = ColorMode.Style,
    };
}
