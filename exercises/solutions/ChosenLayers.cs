namespace NativeStyle.Exercises;

/// <summary>The layers of the losses of a transfer, all with the same weight. Empty: there is no such loss.</summary>
public sealed record Layers(string[] Content, string[] Style);

/// <summary>
/// Solution of exercise 6. The first layer sees three pixels, so its Gram matrix has colours and edges and no forms.
/// The third block sees 24 pixels and more. A content loss there leaves pixels free and keeps where things are. Without
/// a content loss nothing of the scene is in the losses at all, since a Gram matrix has no places.
/// </summary>
public static class ChosenLayers
{
    /// <summary>The scene in the style's colours, with none of its larger forms.</summary>
    public static Layers Tinted { get; } = new(["conv3_2"], ["conv1_1"]);

    /// <summary>The scene still there, and drawn in the style's forms and colours.</summary>
    public static Layers Redrawn { get; } = new(["conv3_2"], ["conv1_1", "conv2_1", "conv3_1"]);

    /// <summary>Nothing of the scene, and all of the style.</summary>
    public static Layers Texture { get; } = new([], ["conv1_1", "conv2_1", "conv3_1"]);

    /// <summary>
    /// Predict: with conv3_1 as the only layer, does the style loss bring the colours, as conv1_1's Gram matrix has
    /// them, as near to the style as with conv1_1 (within a factor of two)? True or false; null is no answer.
    /// </summary>
    public static bool? TheDeepLayerBringsTheColours => false;

    /// <summary>
    /// Predict: your redrawn picture is compared with the scene by the feature maps of conv1_1, of conv2_2 and of
    /// conv3_2. Which of them finds it nearest?
    /// </summary>
    public static string TheSceneIsNearestAt => "conv3_2";
}
