using System.Text.Json.Serialization;
using NativeStyle.Style.Options;

namespace NativeStyle.FeedForward.Training;

/// <summary>Everything that decides what a training computes, apart from the pictures and the loss network.</summary>
internal sealed record TrainingOptions
{
    /// <summary>The layers whose maps the content loss compares, with the weights of their losses.</summary>
    public IReadOnlyList<LayerWeight> ContentLayers { get; init; } = [new("conv2_2", 0.3), new("conv3_2", 0.7)];

    /// <summary>
    /// The layers whose Gram matrices the style loss compares. The built-in network ends at conv3_4.
    /// </summary>
    public IReadOnlyList<LayerWeight> StyleLayers { get; init; } =
        [new("conv1_1", 0.25), new("conv2_1", 0.25), new("conv3_1", 0.25), new("conv3_4", 0.25)];

    public double ContentWeight { get; init; } = 1;

    public double StyleWeight { get; init; } = 30;

    public double TvWeight { get; init; } = 8;

    /// <summary>
    /// Weight of the change that noise in the picture makes in the result; 0 trains without noise. It keeps films
    /// from flickering.
    /// </summary>
    public double StabilityWeight { get; init; }

    /// <summary>Standard deviation of that noise, in levels of 255.</summary>
    public double Noise { get; init; } = 8;

    /// <summary>Scales the numbers of channels; 1 is the published network of 32, 64 and 128.</summary>
    public double Width { get; init; } = 0.5;

    /// <summary>Steps of the optimiser.</summary>
    public int Iterations { get; init; } = 3000;

    /// <summary>Pieces of pictures whose gradients are added for a step.</summary>
    public int Batch { get; init; } = 1;

    /// <summary>Rows and columns of a piece, in pixels.</summary>
    public int Crop { get; init; } = 256;

    /// <summary>The style picture's longest side, in pixels: smaller pictures have finer strokes.</summary>
    public int StyleSize { get; init; } = 512;

    /// <summary>Adam's learning rate at the beginning. It falls to a hundredth of this along half a cosine.</summary>
    public double LearningRate { get; init; } = 2e-3;

    /// <summary>The seed of the initial weights, of the pieces and of the noise.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>The layers of the loss network that are read.</summary>
    [JsonIgnore]
    public IReadOnlyCollection<string> Layers =>
        [.. ContentLayers.Concat(StyleLayers).Select(layer => layer.Layer).Distinct()];

    /// <summary>The learning rate of a step, counted from 1.</summary>
    internal float RateOf(int step)
    {
        const double Last = 0.01;
        double progress = (step - 1.0) / Math.Max(1, Iterations - 1);
        return (float)(LearningRate * (Last + ((1 - Last) * 0.5 * (1 + Math.Cos(Math.PI * progress)))));
    }
}
