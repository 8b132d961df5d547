namespace NativeStyle.Exercises;

/// <summary>The layers of the losses of a transfer, all with the same weight. Empty: there is no such loss.</summary>
public sealed record Layers(string[] Content, string[] Style);

/// <summary>
/// Exercise 6: choose layers and predict the picture. A small transfer begins with noise and has the losses on the
/// layers that you choose, of conv1_1, conv1_2, conv2_1, conv2_2, conv3_1, conv3_2 and conv3_4. Three wishes are
/// measured. Make a guess before you run anything, and look at the pictures that the tests leave beside their program.
/// </summary>
public static class ChosenLayers
{
    /// <summary>The scene in the style's colours, with none of its larger forms.</summary>
    public static Layers Tinted { get; } = new(["conv1_1"], ["conv1_1"]);

    /// <summary>The scene still there, and drawn in the style's forms and colours.</summary>
    public static Layers Redrawn { get; } = new(["conv1_1"], ["conv1_1"]);

    /// <summary>Nothing of the scene, and all of the style.</summary>
    public static Layers Texture { get; } = new(["conv1_1"], ["conv1_1"]);

    /// <summary>
    /// Predict: with conv3_1 as the only layer, does the style loss bring the colours, as conv1_1's Gram matrix has
    /// them, as near to the style as with conv1_1 (within a factor of two)? True or false; null is no answer.
    /// </summary>
    public static bool? TheDeepLayerBringsTheColours { get; }

    /// <summary>
    /// Predict: your redrawn picture is compared with the scene by the feature maps of conv1_1, of conv2_2 and of
    /// conv3_2. Which of them finds it nearest?
    /// </summary>
    public static string TheSceneIsNearestAt => "";
}
