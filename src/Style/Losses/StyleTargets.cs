using NativeStyle.Autodiff;
using NativeStyle.Autodiff.Operators;
using NativeStyle.Imaging;
using NativeStyle.Style.Options;
using NativeStyle.Style.Tiling;
using NativeStyle.Vgg;

namespace NativeStyle.Style.Losses;

/// <summary>
/// The style losses of all regions and layers. Their targets are the statistics of the style pictures. Styles for the
/// whole picture count by their shares of the total weight. A style with a region of its own counts there by its
/// weight.
/// </summary>
/// <param name="pass">Runs style pictures through the network.</param>
/// <param name="planner">Decides how style pictures go through the network.</param>
/// <param name="guidance">The masks.</param>
internal sealed class StyleTargets(TargetPass pass, PassPlanner planner, Guidance guidance)
{
    private readonly TransferOptions _options = planner.Options;

    /// <summary>The losses for a result of some size.</summary>
    /// <param name="styles">Pictures at the sizes at which their strokes are to be seen; regions at any size.</param>
    /// <param name="result">The plan by which the result goes through the network.</param>
    public IReadOnlyList<FeatureLoss> Losses(IReadOnlyList<StyleInput> styles, TilePlan result)
    {
        List<FeatureLoss> losses = [];
        List<Tensor> measured = [];
        try
        {
            Add(losses, measured, styles, result);
            return losses;
        }
        catch
        {
            foreach (FeatureLoss loss in losses) loss.Dispose();
            foreach (Tensor sum in measured) sum.Dispose();
            throw;
        }
    }

    /// <param name="measured">The styles' statistics and centres. The losses own those that they were made from.</param>
    private void Add(
        List<FeatureLoss> losses, List<Tensor> measured, IReadOnlyList<StyleInput> styles, TilePlan result)
    {
        LayerWeight[] layers = [.. _options.StyleTerms];
        double shares = styles.Where(style => style.Region is null).Sum(style => style.Weight);
        foreach (IGrouping<Picture?, StyleInput> region in styles.GroupBy(style => style.Region))
        {
            double whole = region.Key is null ? shares : 1, sum = region.Sum(style => style.Weight / whole);
            // None of these styles counts. The sum is 0 / 0 if all styles of the whole picture have weight 0.
            if (!(sum > 0)) continue;
            Dictionary<string, Tensor> centres = [];
            List<(double Weight, Dictionary<string, Tensor[]> Layers)> statisticsOfStyles = [];
            foreach (StyleInput style in region)
            {
                Dictionary<string, Tensor[]> statistics = Measure(style, layers, result, centres, measured);
                measured.AddRange(statistics.Values.SelectMany(sums => sums));
                statisticsOfStyles.Add((style.Weight / whole, statistics));
            }

            foreach (LayerWeight layer in layers)
            {
                List<(double Weight, Tensor[] Sums)> targets =
                    [.. statisticsOfStyles.Select(style => (style.Weight, style.Layers[layer.Layer]))];
                if (_options.StyleBlend == StyleBlend.Targets) targets = [(sum, Blend(targets, sum))];
                double weight = _options.StyleWeight * layer.Weight;
                Tensor? centre = centres.GetValueOrDefault(layer.Layer);
                losses.Add(Loss(pass.Layer(layer.Layer), targets, weight, result, region.Key, centre));
            }
        }
    }

    /// <summary>The style loss of one layer and region.</summary>
    /// <param name="targets">The statistics of the styles, each with its share of the weight.</param>
    /// <param name="region">The mask; null for the whole picture.</param>
    /// <param name="centre">The point that Wasserstein's sums are about.</param>
    private FeatureLoss Loss(
        VggLayer layer, List<(double Weight, Tensor[] Sums)> targets, double weight, TilePlan result, Picture? region,
        Tensor? centre)
    {
        StyleStatistics statistics = Statistics(layer, (result.Height, result.Width), region, centre);
        if (_options.CustomStyleLoss is { } custom)
        {
            return new OwnStyleLoss(
                layer, statistics, custom, [.. targets.Select(each => (each.Sums, weight * each.Weight))]);
        }

        return _options.StyleLoss == StyleLoss.Wasserstein
            ? new WassersteinLoss(
                layer, statistics, centre!,
                [.. targets.Select(each => (each.Sums[0], each.Sums[1], weight * each.Weight))])
            : new GramLoss(
                layer, statistics, [.. targets.Select(each => (each.Sums[0], weight * each.Weight))],
                _options.StyleLossScale);
    }

    /// <summary>A style's statistics by layer.</summary>
    /// <param name="centres">
    /// By layer, the point that Wasserstein's sums are about: the mean of the first window of the first style. With T
    /// windows it is at most √T deviations away from that style's mean, because it counts for a T-th of the variance.
    /// </param>
    /// <param name="measured">Receives the new ones among them.</param>
    private Dictionary<string, Tensor[]> Measure(
        StyleInput style, LayerWeight[] layers, TilePlan result, Dictionary<string, Tensor> centres,
        List<Tensor> measured)
    {
        (int Height, int Width) size = (style.Picture.Height, style.Picture.Width);
        Dictionary<string, RunningSums> sums =
            layers.ToDictionary(layer => layer.Layer, _ => new RunningSums(pass.Device));
        try
        {
            pass.Visit(style.Picture, planner.Style(size.Height, size.Width, result), (layer, window, map) =>
            {
                using var tape = new Tape(pass.Device);
                if (_options.StyleLoss == StyleLoss.Wasserstein && _options.CustomStyleLoss is null && !centres.ContainsKey(layer.Name))
                {
                    Tensor mean = tape.ChannelMean(map);
                    measured.Add(centres[layer.Name] = new Tensor(pass.Device, mean.Shape));
                    centres[layer.Name].CopyFrom(mean);
                }

                StyleStatistics statistics =
                    Statistics(layer, size, style.Part, centres.GetValueOrDefault(layer.Name));
                sums[layer.Name].Add(statistics.Sums(tape, map, window));
            });
        }
        catch
        {
            foreach (RunningSums each in sums.Values) each.Dispose();
            throw;
        }

        return sums.ToDictionary(each => each.Key, each => each.Value.Totals);
    }

    /// <summary>The sums over a layer's map.</summary>
    /// <param name="picture">Height and width of the picture whose map it is.</param>
    /// <param name="mask">What counts in the picture; null for all of it.</param>
    /// <param name="centre">The point that Wasserstein's sums are about.</param>
    private StyleStatistics Statistics(
        VggLayer layer, (int Height, int Width) picture, Picture? mask, Tensor? centre)
    {
        (int height, int width) = pass.SizeAt(layer, picture.Height, picture.Width);
        DeviceMap? map = guidance.At(mask, height, width);
        return StyleStatistics.Of(_options, height, width, layer.OutChannels, map, centre);
    }

    /// <summary>The weighted mean of several styles' statistics.</summary>
    private static Tensor[] Blend(List<(double Weight, Tensor[] Sums)> styles, double sum)
    {
        Tensor[] mean = styles[0].Sums;
        for (int i = 0; i < mean.Length; i++)
        {
            mean[i].Scale((float)(styles[0].Weight / sum));
            foreach ((double weight, Tensor[] sums) in styles.Skip(1))
            {
                mean[i].Add(sums[i], (float)(weight / sum));
                sums[i].Dispose();
            }
        }

        return mean;
    }
}
