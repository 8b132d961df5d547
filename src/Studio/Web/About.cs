using NativeStyle.FeedForward;
using NativeStyle.Jobs;
using NativeStyle.Kernels.Devices;
using NativeStyle.Style.Options;
using NativeStyle.Studio.Data;
using NativeStyle.Studio.Work;

namespace NativeStyle.Studio.Web;

/// <summary>A setting as the page offers it.</summary>
/// <param name="Kind">number, integer, words, flag or text.</param>
internal sealed record SettingView(
    string Name, string Help, string Group, bool Rare, string Kind, double? Min, double? Max,
    IReadOnlyList<string>? Choices)
{
    public static SettingView Of(TransferOption row)
    {
        (string Kind, double? Min, double? Max) type = row switch
        {
            TransferOption<int> { Type: NumberRange<int> range } => ("integer", range.Least, range.Most),
            TransferOption<double> { Type: NumberRange<double> range } => ("number", range.Least, range.Most),
            TransferOption<float> { Type: NumberRange<float> range } => ("number", range.Least, range.Most),
            TransferOption<bool> => ("flag", null, null),
            _ => (row.Choices.Count > 0 ? "words" : "text", null, null),
        };
        string group = row.Group switch
        {
            OptionGroup.Losses => "losses",
            OptionGroup.Optimiser => "optimiser",
            OptionGroup.InputAndNetwork => "input",
            _ => "common",
        };
        IReadOnlyList<string>? choices = row == OptionTable.Init
            ? [.. OptionWords.InitKind.Choices.Where(word => word != OptionWords.InitKind[InitKind.Picture])]
            : row.Choices.Count > 0 ? row.Choices : null;
        return new(row.CommandLineName, row.Help, group, row.Rare, type.Kind, type.Min, type.Max, choices);
    }
}

/// <summary>What the page asks for first: the studio, and what it can do.</summary>
internal sealed class About(
    StudioOptions options, Preparation preparation, ComputeDevice device, PictureStore pictures, Looker looker)
{
    /// <summary>Settings that only terminals need.</summary>
    private static readonly string[] s_others = ["show-layers", "print-every"];

    /// <summary>The settings of a transfer.</summary>
    public static IReadOnlyList<TransferOption> Settings { get; } =
        [.. OptionTable.OnCommandLine.Where(row => !s_others.Contains(row.CommandLineName))];

    /// <summary>A name of this start of the studio. Pages that know another one begin anew.</summary>
    public string Run { get; } = Guid.NewGuid().ToString("N");

    public object Now(DataFolder folder) => new
    {
        version = RecipeFiles.Program,
        readOnly = options.ReadOnly,
        run = Run,
        device = new { name = DeviceNames.NameOf(device), description = device.Description },
        weights = preparation.WeightsInWords,
        limits = new
        {
            uploadBytes = DataFolder.MostUploadBytes, pixels = DataFolder.MostPixels, jobs = DataFolder.MostJobs,
            diskBytes = DataFolder.MostBytes, usedBytes = DataFolder.BytesOf(folder.Root),
        },
        presets = Presets.Names.Select(Preset),
        settings = Settings.Select(SettingView.Of),
        models = Models.Names.Select(name => new
        {
            name, description = Models.Find(name)!.Metadata.GetValueOrDefault(StyleModel.StyleKey, ""),
            thumbnail = $"/api/models/{name}/thumbnail",
        }),
        drawing = new
        {
            strength = new { min = 0, max = 1, @default = 1 }, colors = DrawingOptions.ColorWords.Choices,
        },
        samples = pictures.Samples,
        layers = looker.Layers,
    };

    private object Preset(string name)
    {
        TransferOptions preset = JobDraft.FindPreset(name, WeightsLocator.Trained(preparation.Trained));
        return new
        {
            name, description = preset.Description, source = preset.Source,
            values = Settings.ToDictionary(row => row.CommandLineName, row => row.Text(preset)),
        };
    }
}
