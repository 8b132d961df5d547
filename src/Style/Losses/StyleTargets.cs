using NativeStyle.Autodiff;
using NativeStyle.Imaging;
using NativeStyle.Style.Options;
using NativeStyle.Style.Tiling;
using NativeStyle.Vgg;

namespace NativeStyle.Style.Losses;

/// <summary>
/// The style losses of all regions and layers, with the statistics of the style pictures as their targets. Styles for the whole
/// picture count by their shares of all; one with a region of its own counts by its weight there.
/// </summary>
/// <param name="pass">Runs style pictures through the network.</param>
/// <param name="planner">Says how.</param>
/// <param name="guidance">The masks.</param>
internal sealed class StyleTargets(TargetPass pass, PassPlanner planner, Guidance guidance)
{
    private readonly TransferOptions _options = planner.Options;

    /// <summary>The losses for a result of some size.</summary>
    /// <param name="styles">At the sizes at which their strokes shall be seen; regions at any size.</param>
    /// <param name="result">How the result goes through the network.</param>
    public IEnumerable<FeatureLoss> Losses(IReadOnlyList<StyleInput> styles, TilePlan result)
    {
        LayerWeight[] layers = [.. _options.StyleTerms];
        double shares = styles.Where(style => style.Region is null).Sum(style => style.Weight);
        foreach (IGrouping<Picture?, StyleInput> region in styles.GroupBy(style => style.Region))
        {
            double whole = region.Key is null ? shares : 1;
            List<(double Weight, Dictionary<string, Tensor[]> Layers)> measured =
                [.. region.Select(style => (style.Weight / whole, Measure(style, layers, result)))];
            double sum = measured.Sum(style => style.Weight);
            // Nothing of these styles counts; also 0 / 0, where all styles of the whole picture have weight 0.
            if (!(sum > 0)) continue;
            foreach (LayerWeight layer in layers)
            {
                List<(double Weight, Tensor[] Sums)> targets =
                    [.. measured.Select(style => (style.Weight, style.Layers[layer.Layer]))];
                if (_options.StyleBlend == StyleBlend.Targets) targets = [(sum, Blend(targets, sum))];
                VggLayer of = pass.Layer(layer.Layer);
                double weight = _options.StyleWeight * layer.Weight;
                StyleStatistics statistics = Statistics(of, (result.Height, result.Width), region.Key);
                yield return _options.StyleLoss == StyleLoss.Wasserstein
                    ? new WassersteinLoss(of, statistics, [.. targets.Select(each => (each.Sums[0], each.Sums[1], weight * each.Weight))])
                    : new GramLoss(of, statistics, [.. targets.Select(each => (each.Sums[0], weight * each.Weight))], _options.StyleLossScale);
            }
        }
    }

    /// <summary>A style's statistics by layer.</summary>
    private Dictionary<string, Tensor[]> Measure(StyleInput style, LayerWeight[] layers, TilePlan result)
    {
        (int Height, int Width) size = (style.Picture.Height, style.Picture.Width);
        Dictionary<string, RunningSums> sums = layers.ToDictionary(layer => layer.Layer, _ => new RunningSums(pass.Device));
        pass.Visit(style.Picture, planner.Style(size.Height, size.Width, result), (layer, window, map) =>
        {
            using var tape = new Tape(pass.Device);
            sums[layer.Name].Add(Statistics(layer, size, style.Part).Sums(tape, map, window));
        });
        return sums.ToDictionary(each => each.Key, each => each.Value.Totals);
    }

    /// <summary>What is summed over a layer's map.</summary>
    /// <param name="picture">Height and width of the picture that the map is of.</param>
    /// <param name="mask">What counts of the picture; null for all of it.</param>
    private StyleStatistics Statistics(VggLayer layer, (int Height, int Width) picture, Picture? mask)
    {
        (int height, int width) = pass.SizeAt(layer, picture.Height, picture.Width);
        return StyleStatistics.Of(_options, height, width, layer.OutChannels, guidance.At(mask, height, width));
    }

    /// <summary>The weighted mean of several styles' statistics.</summary>
    private static Tensor[] Blend(List<(double Weight, Tensor[] Sums)> styles, double sum)
    {
        Tensor[] blended = styles[0].Sums;
        for (int i = 0; i < blended.Length; i++)
        {
            blended[i].Scale((float)(styles[0].Weight / sum));
            foreach ((double weight, Tensor[] sums) in styles.Skip(1))
            {
                blended[i].Add(sums[i], (float)(weight / sum));
                sums[i].Dispose();
            }
        }

        return blended;
    }
}
