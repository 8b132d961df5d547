using NativeStyle.FeedForward;
using NativeStyle.Imaging;
using NativeStyle.Jobs;
using NativeStyle.Kernels.Devices;
using NativeStyle.Style.Options;
using NativeStyle.Style.Tiling;
using NativeStyle.Studio.Data;
using NativeStyle.Vgg.Weights;

namespace NativeStyle.Studio.Work;

/// <summary>What a drawing with a trained style asks for.</summary>
internal sealed record DrawingSettings(string Model, DrawingOptions Options, int? Size);

/// <summary>Makes of requests the jobs that the command line would make of the same words.</summary>
internal sealed class Preparation
{
    private const string Strength = "strength", Colors = "colors", SizeName = "size";
    private static readonly NumberRange<double> s_strength = new(0, 1);
    private static readonly NumberRange<int> s_size = new(TransformerArchitecture.MinSize, OptionTable.Side.Most);

    private readonly PictureStore _pictures;
    private readonly string _folder;
    private readonly long? _memory;

    public Preparation(StudioOptions options, DataFolder folder, PictureStore pictures)
    {
        (_pictures, _folder, _memory) = (pictures, folder.Pictures, options.Memory);
        string? found = WeightsLocator.Find(options.Weights, _ => { });
        // Jobs name files from the studio's folder, so what was found from here needs its whole path.
        Weights = options.Weights is null && found == CompactNetwork.Name ? null
            : found is null ? WeightsLocator.Random
            : found == CompactNetwork.Name ? found : Path.GetFullPath(found);
    }

    /// <summary>The choice of weights; null for the built-in network wherever it has the layers.</summary>
    public string? Weights { get; }

    /// <summary>The weights that decide what the presets are; null for random ones.</summary>
    public string? Trained => Weights == WeightsLocator.Random ? null : Weights ?? CompactNetwork.Name;

    /// <summary>The weights of the usual jobs, in words.</summary>
    public string WeightsInWords =>
        Weights is null or CompactNetwork.Name ? "compact VGG-19 (built in)" : Path.GetFileName(Weights);

    /// <summary>Returns the draft of a transfer.</summary>
    /// <exception cref="UsageException">There is no setting of a name.</exception>
    public JobDraft Draft(JobRequest request)
    {
        IReadOnlyDictionary<string, string> settings = request.Settings ?? new Dictionary<string, string>();
        foreach ((string name, string? text) in settings)
        {
            RequireText(name, text);
            if (OptionTable.OnCommandLine.All(row => row.CommandLineName != name))
                throw new UsageException($"--{name} is no setting of a transfer");
        }

        if (request.Preset is { } preset && !Presets.Names.Contains(preset, StringComparer.OrdinalIgnoreCase))
        {
            throw new UsageException(
                $"--preset {preset} is unknown, expected one of {string.Join(", ", Presets.Names)}");
        }

        // A picture to start from would be the name of a file here.
        if (settings.GetValueOrDefault(OptionTable.Init.CommandLineName) is { } init)
            _ = UserErrors.For(JobDraft.NameOf(OptionTable.Init), () => RequireWord(init));
        return new JobDraft(
            request.Preset ?? Presets.Default, Weights, row => settings.GetValueOrDefault(row.CommandLineName));
    }

    /// <summary>Reads the pictures of a transfer, and plans it.</summary>
    /// <exception cref="UsageException">A value is wrong, or a picture too small.</exception>
    public PreparedJob Prepare(JobRequest request, IJobDisplay display)
    {
        StyleRequest[] styles = [.. request.Styles ?? []];
        if (styles.Length == 0 || styles.Contains(null!))
            throw new UsageException("a transfer needs a style picture");
        CheckWeights([.. styles.Select(style => style.Weight)], styles.Length);
        JobDraft draft = Draft(request);
        TransferJob job = draft.Create(display.Say) with
        {
            Content = Require(request.Content).Id,
            Styles = [.. styles.Select(style => new JobStyle(
                Require(style.Picture).Id, style.Weight, Optional(style.Mask), Optional(style.StyleMask)))],
            Memory = _memory,
        };
        return Named(PreparedJob.Create(job, draft.TotalIterations(), null, display, _folder));
    }

    /// <summary>Reads the pictures of a transfer that goes on.</summary>
    public PreparedJob Prepare(TransferJob job, IJobDisplay display) => Named(
        new PreparedJob(job, PreparedJob.ReadPictures(job, display, _folder)) { Folder = _folder });

    /// <summary>Reads the settings of a drawing.</summary>
    /// <exception cref="UsageException">A value is wrong.</exception>
    public DrawingSettings Drawing(JobRequest request)
    {
        _ = Require(request.Content);
        if (request.Model is not { } model || !Models.Names.Contains(model))
        {
            throw new UsageException(
                $"--model {request.Model} is unknown, expected one of {string.Join(", ", Models.Names)}");
        }

        (double strength, ColorMode colors, int? size) = (1.0, ColorMode.Style, null as int?);
        foreach ((string name, string text) in request.Settings ?? new Dictionary<string, string>())
        {
            RequireText(name, text);
            UserErrors.For($"--{name}", () => name switch
            {
                Strength => (object)(strength = s_strength.Parse(text)),
                Colors => colors = DrawingOptions.ColorWords.Parse(text),
                SizeName => size = s_size.Parse(text),
                _ => throw new UsageException($"--{name} is no setting of a drawing"),
            });
        }

        return new DrawingSettings(model, new DrawingOptions(strength, colors), size);
    }

    /// <summary>Returns a picture that a request names.</summary>
    /// <exception cref="UsageException">There is none.</exception>
    public StudioPicture Require(string? id) => _pictures.Find(id)
        ?? throw new UsageException("a picture is not here any more; choose it again");

    public string PathOf(StudioPicture picture) => _pictures.PathOf(picture);

    /// <summary>The memory that a drawing may take.</summary>
    public MemoryBudget Budget(ComputeDevice device) => MemoryBudget.Of(device, _memory);

    /// <summary>Checks the weights of styles.</summary>
    /// <exception cref="UsageException">They are not one number for each style, or none of them counts.</exception>
    public static void CheckWeights(IReadOnlyList<double> weights, int styles)
    {
        if (weights.Count != styles || weights.Any(weight => !(weight is >= 0 and <= 1e9)) || weights.Sum() == 0)
            throw new UsageException("--style-weights are a number of 0 or more for each style, and one above 0");
    }

    /// <summary>Refuses null, which JSON has and texts in a list of settings do not.</summary>
    private static void RequireText(string name, string? text)
    {
        if (text is null) throw new UsageException($"--{name} has no value");
    }

    private string? Optional(string? id) => id is null ? null : Require(id).Id;

    private PreparedJob Named(PreparedJob prepared) => prepared with
    {
        NameOf = path => _pictures.Find(Path.GetFileName(path))?.Name ?? Path.GetFileName(path),
    };

    private static InitKind RequireWord(string word)
    {
        InitKind kind = OptionWords.InitKind.Parse(word);
        return kind != InitKind.Picture ? kind
            : throw new Style.TransferException($"{word} is not for the studio; choose another word");
    }
}
