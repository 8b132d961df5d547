using NativeStyle.FeedForward;
using NativeStyle.FeedForward.Films;
using NativeStyle.Imaging;
using NativeStyle.Kernels.Devices;
using NativeStyle.Style.Options;
using NativeStyle.Style.Tiling;

namespace NativeStyle.Jobs;

/// <summary>Draws pictures and films with one trained style, tells how it goes, and writes the results.</summary>
/// <param name="size">The longest side of results, or null for that of the picture or film.</param>
/// <param name="format">How pictures are written.</param>
internal sealed class Drawer(
    IJobDisplay display, ComputeDevice device, StyleModel model, DrawingOptions options, MemoryBudget budget,
    int? size, PictureWriteOptions format, CancellationToken cancellation) : IDisposable
{
    private readonly string _digest = model.Weights.Digest();
    private readonly Stylizer _stylizer =
        new(device, model.Weights, budget, options) { AtTile = display.ShowTile };

    private DrawingPlan? _told;

    /// <summary>Whether results are to say nothing about how they were drawn.</summary>
    public bool WithoutRecipe { get; init; }

    /// <summary>The model's file; null for a model that is part of the program.</summary>
    public FileIdentity? ModelFile { get; init; }

    /// <summary>Draws a picture and returns it.</summary>
    /// <param name="name">What recipes call the picture; null for its name without the folder.</param>
    /// <exception cref="OperationCanceledException">The user ended it; nothing was written.</exception>
    public Picture DrawPicture(string path, string output, string? name = null)
    {
        PictureSource picture = Open(path);
        DrawingPlan plan = _stylizer.Plan(picture);
        Tell(plan);
        FileIdentity? drawn =
            WithoutRecipe ? null : new(name ?? Path.GetFileName(path), RecipeFiles.Sha256(path));
        Picture drawing = _stylizer.Draw(picture, cancellation);
        PictureFile.Write(
            output, drawing, format with { Text = drawn is null ? null : Recipe(drawn, plan).Texts() });
        display.SayPeak(device);
        display.Say($"saved {output} ({drawing.Width} x {drawing.Height})");
        return drawing;
    }

    /// <summary>Draws a film.</summary>
    /// <param name="follow">Runs the work, which reports the number of frames so far, and shows how far it is.</param>
    public FilmResult DrawFilm(
        FilmInfo film, string output, Func<Func<Action<long>, FilmResult>, FilmResult> follow)
    {
        (int height, int width) = film.SizeFor(size);
        RequireSize(film.Path, height, width);
        var picture = new Picture(height, width);
        Tell(_stylizer.Plan(picture));
        // Ctrl-C ends a film after a frame.
        return follow(report => Film.Draw(
            film, output, height, width, frame => _stylizer.Draw(frame, CancellationToken.None), report, cancellation));
    }

    public void Dispose() => _stylizer.Dispose();

    private DrawingRecipe Recipe(FileIdentity picture, DrawingPlan plan)
    {
        var recipe = new DrawingRecipe(
            RecipeFiles.Program, picture.Name, model.Source, _digest, options.Strength,
            DrawingOptions.ColorWords[options.Colors], size, plan.Width, plan.Height)
        {
            Files = [.. new[] { picture, ModelFile }.OfType<FileIdentity>()],
            Depth = format.PngDepth,
            Device = DeviceNames.ExactNameOf(device),
        };
        return plan.Tile is null ? recipe : recipe with
        {
            Memory = plan.LimitBytes,
            Tiles = TilesOf(plan) + (plan.OnDisk ? ", maps in scratch files" : ""),
            Threads = (device as CpuDevice)?.Threads,
        };
    }

    private static string TilesOf(DrawingPlan plan) => $"in tiles of {plan.Tile} x {plan.Tile}";

    private PictureSource Open(string path)
    {
        PictureSource picture = PictureFile.Open(path, budget.Whole);
        foreach (string notice in picture.Notices) display.Say($"{path} {notice}");
        (int height, int width) = size is { } longest
            ? Resampler.FitInto(picture.Height, picture.Width, longest) : (picture.Height, picture.Width);
        RequireSize(path, height, width);
        if (3L * height * width > Array.MaxLength)
        {
            throw new UsageException(
                $"a result of {width} x {height} pixels is too large: at most {Array.MaxLength / 3_000_000} " +
                "megapixels fit into one picture; choose a smaller --size");
        }

        return picture.Resized(height, width);
    }

    private static void RequireSize(string path, int height, int width)
    {
        const int Least = TransformerArchitecture.MinSize;
        if (Math.Min(height, width) < Least)
        {
            throw new UsageException(
                $"{path} at {width} x {height} pixels is too small, expected at least {Least} on each side; choose a " +
                "larger --size or another picture");
        }
    }

    /// <summary>Tells how pictures of a new size go through the network.</summary>
    /// <exception cref="UsageException">They do not fit, even in tiles.</exception>
    private void Tell(DrawingPlan plan)
    {
        if (!plan.Fits)
        {
            throw new UsageException(
                $"{plan.Width} x {plan.Height} pixels need about {MemorySize.Words(plan.PeakBytes)} of memory even " +
                $"in tiles, but may take only {MemorySize.Words(plan.LimitBytes)}; choose a smaller --size, or a " +
                "larger --memory");
        }

        if (plan == _told) return;
        _told = plan;
        string scratch = plan.ScratchBytes > 0
            ? $", and {MemorySize.Words(plan.ScratchBytes)} of scratch files in {Path.GetTempPath()}" : "";
        string tiles = plan.Tile is null ? "" : $", {TilesOf(plan)}";
        display.Say(
            $"{plan.Width} x {plan.Height}{tiles}: memory about {MemorySize.Words(plan.PeakBytes)} of " +
            $"{MemorySize.Words(plan.LimitBytes)}{scratch}");
    }
}
