using NativeStyle.Imaging;
using NativeStyle.Style;
using NativeStyle.Style.Options;
using NativeStyle.Vgg;

namespace NativeStyle.Jobs;

/// <summary>
/// Checks before the run that pictures are large enough for the layers, and small enough for one array.
/// </summary>
internal static class PictureSizes
{
    /// <param name="inputs">The cropped pictures of the job.</param>
    public static void Check(TransferJob job, TransferInputs inputs)
    {
        TransferOptions options = job.Options;
        if (options.Layers.Count == 0)
            throw new UsageException("no loss reads a layer: give a --content-weight or a --style-weight above 0");
        ScaleStep first = job.Plan[0], last = job.Plan[^1];
        if (3L * last.Height * last.Width > Array.MaxLength)
        {
            throw new UsageException(
                $"a result of {last.Width} x {last.Height} pixels is too large: at most " +
                $"{Array.MaxLength / 3_000_000} megapixels fit into one picture; choose a smaller --size");
        }

        RequireLayers(options, options.Layers, job.Content ?? "the result", first.Height, first.Width);
        foreach ((JobStyle style, StyleInput input) in job.Styles.Zip(inputs.Styles))
        {
            (int height, int width) = Schedule.StyleSize(
                options, first.Height, first.Width, input.Picture.Height, input.Picture.Width);
            RequireLayers(options, [.. options.StyleTerms.Select(layer => layer.Layer)], style.Path, height, width);
        }
    }

    private static void RequireLayers(
        TransferOptions options, IReadOnlyList<string> layers, string path, int height, int width)
    {
        if (layers.Count == 0) return;
        VggArchitecture architecture = OptionsJson.Architecture(options.Architecture);
        VggLayer deepest = new VggPlan(architecture, options.Network, layers).Layers[^1];
        (int mapHeight, int mapWidth) = VggArchitecture.SizeAt(deepest, height, width, options.PoolEdge);
        if (Math.Min(mapHeight, mapWidth) >= 1) return;
        int least = 1 << (deepest.Block - 1);
        throw new UsageException(
            $"{path} at {width} x {height} pixels is too small for layer {deepest.Name}, which needs {least} on each " +
            "side; choose a larger --size, another picture or shallower layers");
    }
}
