using NativeStyle.Imaging;
using NativeStyle.Style;
using NativeStyle.Vgg;

namespace NativeStyle.Cli;

/// <summary>Checks, before the work, that pictures are large enough for the layers and small enough for the memory.</summary>
internal static class PictureSizes
{
    /// <summary>Channels of the first layers, whose maps are the largest.</summary>
    private const int LargestMapChannels = 64;

    public static void Check(
        TransferOptions options, IReadOnlyList<ScaleStep> plan, string contentPath, (int Height, int Width) style, string stylePath)
    {
        RequireLayers(options, options.Layers, contentPath, plan[0].Height, plan[0].Width);
        if (options.StyleSizing == StyleSizing.LongestSide)
        {
            (int height, int width) = Resampler.FitInto(style.Height, style.Width, Math.Max(plan[0].Height, plan[0].Width));
            RequireLayers(options, [.. options.StyleLayers.Select(layer => layer.Layer)], stylePath, height, width);
        }

        RequireMemory(options, plan[^1]);
    }

    private static void RequireLayers(TransferOptions options, IReadOnlyList<string> layers, string path, int height, int width)
    {
        VggLayer deepest = VggArchitecture.Vgg19.Layers.Last(layer => layers.Contains(layer.Name));
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
    /// measured at 1024 and 2048 pixels. 0.3 GiB are the program and the weights.
    /// </summary>
    private static void RequireMemory(TransferOptions options, ScaleStep last)
    {
        double floatsPerPixel = 3 * LargestMapChannels;
        foreach (VggLayer layer in VggArchitecture.Vgg19.Layers.Where(layer => options.Layers.Contains(layer.Name)))
            floatsPerPixel += layer.OutChannels / Math.Pow(4, layer.Block - 1);

        double needed = (sizeof(float) * floatsPerPixel * last.Height * last.Width) + (0.3 * (1L << 30));
        double available = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        if ((long)last.Height * last.Width * LargestMapChannels > int.MaxValue)
        {
            throw new UsageException(
                $"a result of {last.Width} x {last.Height} pixels is too large: at most {int.MaxValue / LargestMapChannels / 1_000_000} " +
                "megapixels fit into a feature map; choose a smaller --size");
        }

        if (needed > available)
        {
            throw new UsageException(
                $"a result of {last.Width} x {last.Height} pixels needs about {needed / (1L << 30):f1} GiB of memory, " +
                $"{available / (1L << 30):f1} GiB are there; choose a smaller --size");
        }
    }
}
