using System.CommandLine;
using System.Globalization;
using NativeStyle.Imaging;
using NativeStyle.Style;
using NativeStyle.Vgg;
using NativeStyle.Vgg.Weights;

namespace NativeStyle.Cli;

/// <summary>A job with its pictures in memory.</summary>
internal sealed record PreparedJob(TransferJob Job, TransferInputs Inputs);

/// <summary>What every command that makes pictures takes: weights, a preset, settings that replace its values.</summary>
internal sealed class JobArguments
{
    private readonly Option<string?> _weights = new("--weights")
    {
        Description = "VGG weights: .mat, .npz, .npy, .h5, .pth or .safetensors; 'compact' for the network that is built in, 'random' for random filters (default: what is found in weights/ or the user's data folder, else compact)", HelpName = "FILE",
    };

    private readonly Option<string?> _convention = new("--weights-convention")
    {
        Description = "What its first layer was trained on: rgb-255, bgr-255 or rgb-unit (default: what the file tells; see 'weights info')", HelpName = "NAME",
    };

    private readonly Option<string> _preset;
    private readonly Option<int> _quality = new("--quality") { Description = "Quality of a .jpg result, 1 to 100", DefaultValueFactory = _ => 95, HelpName = "N" };
    private readonly Option<int> _depth = new("--depth") { Description = "Bits a channel of a .png result, 8 or 16 (.tif always has 16)", DefaultValueFactory = _ => 8, HelpName = "N" };
    private readonly Option<string?> _memory = new("--memory")
    {
        Description = "Memory that the run may take, e.g. 4G or 800M (default: three quarters of what is free): a picture that needs more goes through the network in tiles, to the same result", HelpName = "LIMIT",
    };

    private readonly Option<bool> _quiet = new("--quiet", "-q") { Description = "Print nothing but errors" };
    private readonly IReadOnlyList<(Setting Setting, Option<string?> Option)> _settings;

    /// <param name="preset">The preset where none is named.</param>
    /// <param name="except">Settings that the command decides for itself.</param>
    public JobArguments(string preset = Presets.Default, params string[] except)
    {
        _preset = new Option<string>("--preset")
        {
            Description = $"A set of options: {string.Join(", ", Presets.Names)}, or a .json file (see 'nativestyle presets')", DefaultValueFactory = _ => preset, HelpName = "NAME|FILE",
        };
        _settings = [.. Settings.All.Where(setting => !except.Contains(setting.Name)).Select(setting =>
            (setting, new Option<string?>(setting.Name) { Description = setting.Description, HelpName = setting.HelpName }))];
    }

    public void AddTo(Command command)
    {
        foreach (Option option in new Option[] { _preset, _weights, _convention }.Concat(_settings.Select(each => each.Option)).Concat([_quality, _depth, _memory, _quiet]))
            command.Add(option);
    }

    public TransferConsole Console(ParseResult parsed) => new(parsed.GetValue(_quiet));

    /// <summary>Whether the user said anything of a job, which a checkpoint would contradict.</summary>
    public string? FirstGiven(ParseResult parsed) =>
        _settings.Select(each => (Option)each.Option).Concat([_preset, _weights, _convention, _quality, _depth, _memory])
            .FirstOrDefault(option => parsed.GetResult(option) is { Implicit: false })?.Name;

    /// <summary>The files that are read, beside pictures that are arguments.</summary>
    public IEnumerable<string> Inputs(ParseResult parsed) =>
        new[] { parsed.GetValue(_weights), Given(parsed, Settings.Init), parsed.GetValue(_preset) }.OfType<string>().Where(File.Exists);

    /// <summary>The job without pictures and plan: options with what the command line replaces, and the weights to use.</summary>
    /// <param name="adjust">What the command makes of a preset before the user's settings replace values.</param>
    public TransferJob Draft(ParseResult parsed, TransferConsole console, Func<TransferOptions, VggArchitecture, TrainedWeights?, TransferOptions>? adjust = null)
    {
        string? named = parsed.GetValue(_weights), weights = WeightsLocator.Find(named, console.Say);
        string? convention = parsed.GetValue(_convention);
        if (convention is not null && WeightsConventions.Parse(convention) is null)
            throw new UsageException($"--weights-convention {convention} is unknown, expected rgb-255, bgr-255 or rgb-unit");
        int depth = parsed.GetValue(_depth), quality = parsed.GetValue(_quality);
        if (depth is not (8 or 16)) throw new UsageException($"--depth {depth} is unknown, expected 8 or 16");
        if (quality is < 1 or > 100) throw new UsageException($"--quality {quality} is out of range, expected 1 to 100");
        TransferOptions options = Options(parsed, weights, adjust, out string architecture);
        if (WeightsLocator.FallsShort(named, weights, architecture, options.Layers))
        {
            console.Say($"the network that is built in is no {architecture} with {string.Join(", ", options.Layers)}: filters are random");
            options = Options(parsed, weights = null, adjust, out _);
        }
        else if (named is null && weights == CompactNetwork.Name)
        {
            console.Say(WeightsLocator.UsesCompact);
        }

        return new TransferJob
        {
            Weights = weights,
            WeightsConvention = convention,
            Init = options.Init == InitKind.Picture ? Given(parsed, Settings.Init) : null,
            Depth = depth,
            Quality = quality,
            Memory = parsed.GetValue(_memory) is string memory ? MemorySize.Parse("--memory", memory) : null,
            Options = options,
            Plan = [],
        };
    }

    /// <summary>The preset with what the command and the user's settings replace.</summary>
    /// <param name="wanted">The architecture that the preset was made for.</param>
    private TransferOptions Options(
        ParseResult parsed, string? weights, Func<TransferOptions, VggArchitecture, TrainedWeights?, TransferOptions>? adjust, out string wanted)
    {
        TrainedWeights? trained = WeightsLocator.Trained(weights);
        TransferOptions options = FindPreset(parsed.GetValue(_preset)!, trained);
        wanted = options.Architecture;
        // features.21 is another layer in VGG-16 than in VGG-19.
        VggArchitecture architecture = trained?.Architecture ?? OptionsJson.Architecture(options.Architecture);
        if (adjust is not null) options = adjust(options, architecture, trained);
        options = options with { Architecture = architecture.Name };
        foreach ((Setting setting, Option<string?> option) in _settings)
            if (parsed.GetValue(option) is string text) options = setting.Apply(options, text, architecture);
        try
        {
            OptionsJson.Validated(options);
        }
        catch (TransferException wrong)
        {
            throw new UsageException($"preset {options.Name} with these options {wrong.Message}");
        }

        return options;
    }

    /// <summary>The number of iterations in all, where the user gave one.</summary>
    public int? TotalIterations(ParseResult parsed) =>
        Given(parsed, Settings.Iterations) is string text && !text.Contains(',', StringComparison.Ordinal)
        ? Settings.ParseWhole(Settings.Iterations, text, 1, 1_000_000) : null;

    /// <summary>Reads the pictures, plans the scales and checks that all of it can be done.</summary>
    /// <param name="shape">Height and width of the result where they are not those of the content picture, or else of the first style.</param>
    public static PreparedJob Prepare(TransferJob draft, int? totalIterations, (int Height, int Width)? shape, TransferConsole console)
    {
        TransferInputs inputs = ReadPictures(draft, console);
        TransferInputs used = inputs.Cropped(draft.Options.Crop);
        PictureSource first = used.Content ?? inputs.Styles[0].Picture;
        (int height, int width) = shape ?? (first.Height, first.Width);
        IReadOnlyList<ScaleStep> plan = Schedule.Plan(draft.Options, height, width);
        if (totalIterations is int total) plan = Schedule.WithTotal(plan, total);
        plan = [.. plan.Where(step => step.Iterations > 0)];
        // What is made, not how it was asked for: a job told in another way is the same job.
        TransferJob job = draft with { Plan = plan, Options = draft.Options with { Iterations = [.. plan.Select(step => step.Iterations)] } };
        PictureSizes.Check(job, used);
        return new PreparedJob(job, inputs);
    }

    /// <summary>The pictures of a job.</summary>
    public static TransferInputs ReadPictures(TransferJob job, TransferConsole console, string folder = "")
    {
        StyleInput[] styles = [.. job.Styles.Select(style => new StyleInput(
            Open(style.Path)!, style.Weight, Read(style.Region), Read(style.Part)))];
        return new TransferInputs(Open(job.Content), styles, Open(job.Init));

        // Pictures are kept as their files have them; masks are small, and used at many sizes.
        PictureSource? Open(string? name) => name is null ? null : Noticed(name, path => PictureFile.Open(path, job.Memory ?? long.MaxValue));

        Picture? Read(string? name) => name is null ? null : Noticed(name, PictureFile.Read);

        T Noticed<T>(string name, Func<string, T> read) where T : PictureSource
        {
            string path = Path.Combine(folder, name);
            UserErrors.RequireFile(path, $"a picture ({PictureFile.Readable})");
            T picture = read(path);
            foreach (string notice in picture.Notices) console.Say($"{path}: {notice}");
            return picture;
        }
    }

    /// <summary>The preset of that name or file.</summary>
    public static TransferOptions FindPreset(string name, TrainedWeights? weights)
    {
        if (Presets.Find(name, weights) is { } preset) return preset;
        if (!name.EndsWith(".json", StringComparison.OrdinalIgnoreCase))
            throw new UsageException($"no preset is called '{name}'; there are {string.Join(", ", Presets.Names)}, and files that end in .json");
        UserErrors.RequireFile(name, "a preset as JSON");
        try
        {
            return OptionsJson.Read(File.ReadAllText(name), known => Presets.Find(known, weights));
        }
        catch (TransferException wrong)
        {
            throw new UsageException($"{name} {wrong.Message}");
        }
    }

    /// <summary>Weights as the command line lists them: one for each style.</summary>
    public static double[] ParseWeights(string option, string? text, int count)
    {
        if (text is null) return [.. Enumerable.Repeat(1.0, count)];
        double[] weights = [.. text.Split(',').Select(part => Settings.ParseNumber(option, part.Trim(), 0, 1e9))];
        if (weights.Length != count)
            throw new UsageException($"{option} {text} has {weights.Length} numbers, expected one for each of the {count.ToString(CultureInfo.InvariantCulture)} styles");
        return weights.Sum() > 0 ? weights : throw new UsageException($"{option} {text} are all zero, expected at least one that is not");
    }

    private string? Given(ParseResult parsed, string name) =>
        _settings.FirstOrDefault(each => each.Setting.Name == name).Option is { } option ? parsed.GetValue(option) : null;
}
