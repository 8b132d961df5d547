namespace NativeStyle.Vgg.Weights;

/// <summary>
/// Creates a seeded random VGG, for use without a file of weights. Random filters carry style too (Ustyuzhaninov et al.
/// 2016, "Texture synthesis using shallow convolutional networks with random filters"; He, Wang and Hopcroft 2016, "A
/// powerful generative model using random weights for the deep image representation").
/// </summary>
public static class RandomWeights
{
    /// <summary>
    /// Draws weights from N(0, 2 / (9 in)) (He et al. 2015, "Delving deep into rectifiers", eq. 10). From layer to
    /// layer this keeps the mean square of activations at that of the pixels (0..255 around their mean). A trained
    /// network's activations have about this size, so presets with absolute weights mean the same. Biases are zero.
    /// </summary>
    /// <param name="architecture">The network.</param>
    /// <param name="seed">The same seed gives the same weights.</param>
    /// <param name="lastLayer">
    /// The deepest layer that is needed. The numbers of a layer do not depend on which other layers are drawn.
    /// </param>
    public static VggWeights Create(VggArchitecture architecture, int seed, string lastLayer)
    {
        var layers = new Dictionary<string, LayerWeights>();
        int last = architecture.Layers.ToList().FindIndex(layer => layer.Name == lastLayer);
        if (last < 0) throw new ArgumentException($"{architecture.Name} has no layer {lastLayer}", nameof(lastLayer));
        LayerWeights[] weights = new LayerWeights[last + 1];
        Parallel.For(0, last + 1, i =>
        {
            VggLayer layer = architecture.Layers[i];
            double deviation = Math.Sqrt(2.0 / (9 * layer.InChannels));
            float[] kernel = new float[9 * layer.InChannels * layer.OutChannels];
            new NormalGenerator(((ulong)(uint)seed << 8) + (ulong)i).Fill(kernel, deviation);
            weights[i] = new LayerWeights(kernel, new float[layer.OutChannels]);
        });
        for (int i = 0; i <= last; i++) layers[architecture.Layers[i].Name] = weights[i];
        return new VggWeights(architecture, layers, VggWeights.CaffeMean, $"random {architecture.Name}, seed {seed}");
    }
}
