using NativeStyle.Autodiff;
using NativeStyle.Imaging;
using NativeStyle.Kernels;
using NativeStyle.Vgg;

namespace NativeStyle.Style;

/// <summary>The losses of one picture, as scalars on the tape.</summary>
internal readonly record struct Losses(Tensor Total, Tensor Content, Tensor Style, Tensor Variation);

/// <summary>
/// What is minimised (Gatys, Ecker and Bethge 2016, eq. 7, with a total variation term): content weight times the
/// squared error of feature maps, plus style weight times the squared error of Gram matrices, plus TV. The targets are
/// computed once, here.
/// </summary>
internal sealed class Objective : IDisposable
{
    private readonly VggNetwork _network;
    private readonly TransferOptions _options;
    private readonly Dictionary<string, (Tensor Target, float Scale)> _content = [];
    private readonly Dictionary<string, (Tensor Target, float Scale)> _style = [];

    /// <param name="content">At the size of the result.</param>
    /// <param name="style">At the size at which its strokes shall be seen.</param>
    public Objective(Accelerator accelerator, VggNetwork network, TransferOptions options, Picture content, Picture style)
    {
        (_network, _options) = (network, options);
        foreach ((LayerWeight layer, Tensor target) in Targets(accelerator, content, options.ContentLayers, (_, map) => map))
            _content[layer.Layer] = (target, (float)(options.ContentWeight * layer.Weight * Scale(options.ContentScale, target)));
        foreach ((LayerWeight layer, Tensor target) in Targets(accelerator, style, options.StyleLayers, (tape, map) => tape.Gram(map, GramScale(map.Shape))))
            _style[layer.Layer] = (target, (float)(options.StyleWeight * layer.Weight * Scale(options.StyleScale, target)));
    }

    /// <summary>The losses of a picture (height, width, 3) in units of the pixel range.</summary>
    public Losses Evaluate(Tape tape, Tensor pixels)
    {
        List<Tensor> content = [], style = [];
        foreach ((string layer, Tensor map) in _network.Features(tape, pixels, _options.PixelRange, _options.Layers))
        {
            if (_content.TryGetValue(layer, out var goal))
                content.Add(tape.SquaredError(map, goal.Target, goal.Scale));
            if (_style.TryGetValue(layer, out goal))
                style.Add(tape.SquaredError(tape.Gram(map, GramScale(map.Shape)), goal.Target, goal.Scale));
        }

        double variationScale = _options.TvScale == VariationScale.HalfSum ? 0.5 : 1.0 / pixels.Shape.Length;
        Tensor variation = tape.TotalVariation(pixels, (float)(_options.TvWeight * variationScale));
        Tensor contentSum = tape.Sum(content), styleSum = tape.Sum(style);
        return new Losses(tape.Sum([contentSum, styleSum, variation]), contentSum, styleSum, variation);
    }

    public void Dispose()
    {
        foreach ((Tensor target, _) in _content.Values.Concat(_style.Values)) target.Dispose();
    }

    /// <summary>
    /// What a target picture's maps are made into, by layer. The targets outlive the pass: they move to the device when its
    /// memory is free again, so that they do not lie in the middle of what the iterations need.
    /// </summary>
    private List<(LayerWeight Layer, Tensor Target)> Targets(
        Accelerator accelerator, Picture picture, IReadOnlyList<LayerWeight> layers, Func<Tape, Tensor, Tensor> make)
    {
        List<(LayerWeight Layer, Shape Shape, float[] Values)> made = [];
        float range = _options.PixelRange;
        using (var tape = new Tape(accelerator))
        {
            using var pixels = new Tensor(
                accelerator, new Shape(picture.Height, picture.Width, 3), Array.ConvertAll(picture.Pixels, value => value * range));
            foreach ((string name, Tensor map) in _network.Features(tape, pixels, range, [.. layers.Select(layer => layer.Layer)]))
            {
                Tensor target = make(tape, map);
                made.Add((layers.Single(layer => layer.Layer == name), target.Shape, target.ToArray()));
            }
        }

        return [.. made.Select(target => (target.Layer, new Tensor(accelerator, target.Shape, target.Values)))];
    }

    private float GramScale(Shape map)
    {
        (int height, int width, int channels) = map;
        double pixels = (double)height * width;
        return (float)(_options.GramScale == Style.GramScale.PerPixel ? 1 / pixels : 1 / (pixels * channels));
    }

    private static double Scale(LossScale scale, Tensor target) => scale switch
    {
        LossScale.Mean => 1.0 / target.Shape.Length,
        LossScale.QuarterMean => 0.25 / target.Shape.Length,
        // A target of zeros (a flat black picture) has no relative error; any scale would do.
        _ => 1.0 / Math.Max(1e-12, Math.Pow(VectorOps.Norm(target.Accelerator, target.Data), 2)),
    };
}
