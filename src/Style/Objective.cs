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
    private readonly List<(string Layer, Tensor Target, float Scale)> _content = [];
    private readonly List<(string Layer, Tensor Target, float Scale)> _style = [];

    /// <param name="content">At the size of the result.</param>
    /// <param name="style">At the size at which its strokes shall be seen.</param>
    public Objective(Accelerator accelerator, VggNetwork network, TransferOptions options, Picture content, Picture style)
    {
        (_network, _options) = (network, options);
        using (var tape = new Tape(accelerator))
        {
            IReadOnlyDictionary<string, Tensor> maps = Features(tape, content, options.ContentLayers);
            foreach (LayerWeight layer in options.ContentLayers)
            {
                var target = new Tensor(accelerator, maps[layer.Layer].Shape, maps[layer.Layer].ToArray());
                double scale = Scale(options.ContentScale, target);
                _content.Add((layer.Layer, target, (float)(options.ContentWeight * layer.Weight * scale)));
            }
        }

        using (var tape = new Tape(accelerator))
        {
            IReadOnlyDictionary<string, Tensor> maps = Features(tape, style, options.StyleLayers);
            foreach (LayerWeight layer in options.StyleLayers)
            {
                Tensor gram = tape.Gram(maps[layer.Layer], GramScale(maps[layer.Layer].Shape));
                var target = new Tensor(accelerator, gram.Shape, gram.ToArray());
                double scale = Scale(options.StyleScale, target);
                _style.Add((layer.Layer, target, (float)(options.StyleWeight * layer.Weight * scale)));
            }
        }
    }

    /// <summary>The losses of a picture (height, width, 3); 1/N of a style loss is that of its Gram matrix.</summary>
    public Losses Evaluate(Tape tape, Tensor pixels)
    {
        IReadOnlyDictionary<string, Tensor> maps = _network.Features(tape, pixels, _options.PixelRange, _options.Layers);
        Tensor content = tape.Sum([.. _content.Select(target =>
            tape.SquaredError(maps[target.Layer], target.Target, target.Scale))]);
        Tensor style = tape.Sum([.. _style.Select(target => tape.SquaredError(
            tape.Gram(maps[target.Layer], GramScale(maps[target.Layer].Shape)), target.Target, target.Scale))]);
        double variationScale = _options.TvScale == VariationScale.HalfSum ? 0.5 : 1.0 / pixels.Shape.Length;
        Tensor variation = tape.TotalVariation(pixels, (float)(_options.TvWeight * variationScale));
        return new Losses(tape.Sum([content, style, variation]), content, style, variation);
    }

    public void Dispose()
    {
        foreach ((_, Tensor target, _) in _content) target.Dispose();
        foreach ((_, Tensor target, _) in _style) target.Dispose();
    }

    private IReadOnlyDictionary<string, Tensor> Features(Tape tape, Picture picture, IReadOnlyList<LayerWeight> layers)
    {
        float range = _options.PixelRange;
        using var pixels = new Tensor(
            tape.Accelerator, new Shape(picture.Height, picture.Width, 3),
            Array.ConvertAll(picture.Pixels, value => value * range));
        return _network.Features(tape, pixels, range, [.. layers.Select(layer => layer.Layer).Distinct()]);
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
