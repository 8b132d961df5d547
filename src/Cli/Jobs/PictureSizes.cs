using NativeStyle.Imaging;
using NativeStyle.Style;
using NativeStyle.Vgg;

namespace NativeStyle.Cli;

/// <summary>Checks, before the work, that pictures are large enough for the layers and small enough for the memory.</summary>
internal static class PictureSizes
{
    /// <summary>Channels of the first layers, whose maps are the largest.</summary>
    private const int LargestMapChannels = 64;

    /// <param name="inputs">The pictures of the job, cropped.</param>
    public static void Check(TransferJob job, TransferInputs inputs)
    {
        TransferOptions options = job.Options;
        ScaleStep first = job.Plan[0], last = job.Plan[^1];
        RequireMemory(options, last.Height, last.Width, $"a result of {last.Width} x {last.Height} pixels", "--size");
        RequireLayers(options, options.Layers, job.Content ?? "the result", first.Height, first.Width);
        foreach ((JobStyle style, StyleInput input) in job.Styles.Zip(inputs.Styles))
        {
            (int height, int width) = Schedule.StyleSize(options, first.Height, first.Width, input.Picture.Height, input.Picture.Width);
            RequireLayers(options, [.. options.StyleTerms.Select(layer => layer.Layer)], style.Path, height, width);
            (height, width) = Schedule.StyleSize(options, last.Height, last.Width, input.Picture.Height, input.Picture.Width);
            RequireMemory(options, height, width, $"the style {style.Path} at {width} x {height} pixels", "--style-scale or --style-size");
        }
    }

    private static void RequireLayers(TransferOptions options, IReadOnlyList<string> layers, string path, int height, int width)
    {
        VggLayer? deepest = OptionsJson.Architecture(options.Architecture).Layers.LastOrDefault(layer => layers.Contains(layer.Name));
        if (deepest is null) return;
        (int mapHeight, int mapWidth) = VggArchitecture.SizeAt(deepest, height, width, options.PoolEdge);
        if (Math.Min(mapHeight, mapWidth) >= 1) return;
        int least = 1 << (deepest.Block - 1);
        throw new UsageException(
            $"{path} at {width} x {height} pixels is too small for layer {deepest.Name}, which needs {least} on each side; " +
            "choose a larger --size, another picture or shallower layers");
    }

    /// <summary>
    /// A transfer that cannot fit is refused at once instead of failing in the middle. Each pixel keeps the feature maps
    /// that a loss reads, and beside them up to three of the largest maps or their gradients at a time: an upper estimate,
    /// measured at 1024 and 2048 pixels. L-BFGS also keeps two pictures for each step it remembers. 0.3 GiB are the program
    /// and the weights.
    /// </summary>
    private static void RequireMemory(TransferOptions options, int height, int width, string what, string remedy)
    {
        double floatsPerPixel = 3 * LargestMapChannels;
        foreach (VggLayer layer in OptionsJson.Architecture(options.Architecture).Layers.Where(layer => options.Layers.Contains(layer.Name)))
            floatsPerPixel += layer.OutChannels / Math.Pow(4, layer.Block - 1);
        if (options.Optimizer == OptimizerKind.Lbfgs) floatsPerPixel += 3 * ((2.0 * options.History) + 4);

        double needed = (sizeof(float) * floatsPerPixel * height * width) + (0.3 * (1L << 30));
        double available = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        if ((long)height * width * LargestMapChannels > int.MaxValue)
        {
            throw new UsageException(
                $"{what} is too large: at most {int.MaxValue / LargestMapChannels / 1_000_000} megapixels fit into a feature map; choose a smaller {remedy}");
        }

        if (needed > available)
        {
            throw new UsageException(
                $"{what} needs about {needed / (1L << 30):f1} GiB of memory, {available / (1L << 30):f1} GiB are there; choose a smaller {remedy}");
        }
    }
}
