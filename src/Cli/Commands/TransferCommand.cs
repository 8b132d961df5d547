using System.CommandLine;
using System.Globalization;
using NativeStyle.Imaging;
using NativeStyle.Kernels;
using NativeStyle.Style;
using NativeStyle.Vgg;
using NativeStyle.Vgg.Weights;

namespace NativeStyle.Cli.Commands;

/// <summary><c>nativestyle transfer CONTENT STYLE -o OUT</c>.</summary>
internal sealed class TransferCommand
{
    private const int CancelledExitCode = 130;

    private readonly Argument<string> _content = new("CONTENT") { Description = "The picture whose scene is kept (PNG or JPEG)" };
    private readonly Argument<string> _style = new("STYLE") { Description = "The picture whose manner is taken (PNG or JPEG)" };
    private readonly Option<string> _output = new("--output", "-o")
    {
        Description = "The result: .png, .jpg, or .npy (float32, the exact values)", Required = true, HelpName = "OUT",
    };

    private readonly Option<string?> _weights = new("--weights")
    {
        Description = "VGG weights: .mat, .npz, .npy, .pth or .safetensors (default: what is found in weights/ or the user's data folder, else random filters, which 'random' forces)", HelpName = "FILE",
    };

    private readonly Option<string?> _convention = new("--weights-convention")
    {
        Description = "What its first layer was trained on: rgb-255, bgr-255 or rgb-unit (default: what the file tells; see 'weights info')", HelpName = "NAME",
    };

    private readonly Option<string> _preset = new("--preset")
    {
        Description = $"A set of options: {string.Join(", ", Presets.Names)}", DefaultValueFactory = _ => "default", HelpName = "NAME",
    };

    private readonly Option<int?> _size = new("--size") { Description = $"Longest side of the result in pixels (default: {string.Join(", ", Presets.Names.Select(name => $"{name} {Presets.Find(name, null).Size}"))})", HelpName = "N" };
    private readonly Option<int?> _iterations = new("--iterations") { Description = "Steps in all, spread over the preset's scales", HelpName = "N" };
    private readonly Option<double?> _learningRate = new("--learning-rate") { Description = "Adam's step, in units of the preset's pixel range (default: of 0..1; gatys, coursera: of 0..255)", HelpName = "X" };
    private readonly Option<double?> _contentWeight = new("--content-weight") { Description = "How much the scene counts", HelpName = "X" };
    private readonly Option<double?> _styleWeight = new("--style-weight") { Description = "How much the style counts", HelpName = "X" };
    private readonly Option<double?> _tvWeight = new("--tv-weight") { Description = "How much smoothness counts (total variation)", HelpName = "X" };
    private readonly Option<string?> _contentLayers = new("--content-layers") { Description = "Layers of the content loss, e.g. conv4_2 or relu3_1:0.5,relu4_2:0.5", HelpName = "A,B" };
    private readonly Option<string?> _styleLayers = new("--style-layers") { Description = "Layers of the style loss with weights, e.g. conv1_1:0.5,conv2_1:0.5", HelpName = "A:W,B:W" };
    private readonly Option<string?> _pooling = new("--pooling") { Description = "average or max", HelpName = "KIND" };
    private readonly Option<string?> _init = new("--init") { Description = "Where to start: content, noise, blend (noise and content), or a picture's name", HelpName = "KIND|FILE" };
    private readonly Option<bool?> _matchColors = new("--match-style-colors") { Description = "Give the content the style's mean and covariance of colours first: true or false (default: true for random filters)", HelpName = "BOOL" };
    private readonly Option<int?> _seed = new("--seed") { Description = "Seed of noise and of random weights (default: 1)", HelpName = "N" };
    private readonly Option<int?> _saveEvery = new("--save-every") { Description = "Also save every N iterations, as OUT-0100.png and so on", HelpName = "N" };
    private readonly Option<string?> _trace = new("--trace") { Description = "Write a JSON line per iteration: losses and seconds", HelpName = "FILE.jsonl" };
    private readonly Option<int> _quality = new("--quality") { Description = "Quality of a .jpg result, 1 to 100", DefaultValueFactory = _ => 95, HelpName = "N" };
    private readonly Option<int> _depth = new("--depth") { Description = "Bits a channel of a .png result, 8 or 16", DefaultValueFactory = _ => 8, HelpName = "N" };
    private readonly Option<bool> _quiet = new("--quiet", "-q") { Description = "Print nothing but errors" };
    private readonly DeviceOptions _device = new();

    public static Command Create()
    {
        var transfer = new TransferCommand();
        var command = new Command("transfer", "Paints CONTENT in the style of STYLE.")
        {
            transfer._content, transfer._style, transfer._output, transfer._weights, transfer._convention, transfer._preset,
            transfer._size, transfer._iterations, transfer._learningRate, transfer._contentWeight, transfer._styleWeight,
            transfer._tvWeight, transfer._contentLayers, transfer._styleLayers, transfer._pooling, transfer._init, transfer._matchColors, transfer._seed,
            transfer._saveEvery, transfer._trace, transfer._quality, transfer._depth, transfer._quiet,
        };
        transfer._device.AddTo(command);
        command.SetAction(transfer.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        string output = parsed.GetValue(_output)!;
        CheckPaths(parsed, output);
        var console = new TransferConsole(parsed.GetValue(_quiet));
        Picture content = ReadPicture(parsed.GetValue(_content)!, console), style = ReadPicture(parsed.GetValue(_style)!, console);
        string? weights = WeightsLocator.Find(parsed.GetValue(_weights), console.Say);
        TransferOptions options = Options(parsed, weights);
        Picture? init = null;
        if (options.Init == InitKind.Picture) init = ReadPicture(parsed.GetValue(_init)!, console);
        IReadOnlyList<ScaleStep> plan = Schedule.Plan(options, content.Height, content.Width);
        if (parsed.GetValue(_iterations) is int total) plan = Schedule.WithTotal(plan, Range("--iterations", total, 1, 1_000_000));
        PictureSizes.Check(options, plan, parsed.GetValue(_content)!, (style.Height, style.Width), parsed.GetValue(_style)!);

        using Accelerator accelerator = _device.Open(parsed, console.Say);
        using VggNetwork network = VggNetwork.Load(accelerator, () => LoadWeights(parsed, weights, options, console), options.Network);
        console.Begin(options, plan, accelerator, network);
        if (options.ShowLayers) console.ShowLayers(options, network.Architecture, plan[^1]);
        using var cancellation = new CancellationTokenSource();
        Console.CancelKeyPress += (_, pressed) =>
        {
            // The first Ctrl-C ends the iteration and keeps the picture; a second one ends the program.
            pressed.Cancel = !cancellation.IsCancellationRequested;
            cancellation.Cancel();
        };
        TransferResult result;
        using (var trace = Trace.Open(parsed.GetValue(_trace)))
        {
            int saveEvery = parsed.GetValue(_saveEvery) ?? 0;
            PictureWriteOptions format = Format(parsed);
            result = console.Follow(plan.Sum(step => step.Iterations), options.PrintEvery, report => new StyleTransfer(accelerator, network, options)
            {
                Progress = (iteration, picture) =>
                {
                    trace?.Write(iteration);
                    report(iteration);
                    if (saveEvery > 0 && iteration.Iteration % saveEvery == 0)
                        PictureFile.Write(Numbered(output, iteration.Iteration), picture(), format);
                },
            }.Run(content, style, init, plan, cancellation.Token));
            PictureFile.Write(output, result.Picture, format);
        }

        return End(result, output, console, plan);
    }

    private static int End(TransferResult result, string output, TransferConsole console, IReadOnlyList<ScaleStep> plan)
    {
        string saved = $"{output} ({result.Picture.Width} x {result.Picture.Height})";
        switch (result.End)
        {
            case TransferEnd.Completed:
                console.Say($"saved {saved}");
                return 0;
            case TransferEnd.Cancelled:
                console.Say($"ended after {result.IterationsMade} of {plan.Sum(step => step.Iterations)} iterations; saved the picture so far as {saved}");
                return CancelledExitCode;
            default:
                Console.Error.WriteLine(
                    $"nativestyle: the loss of iteration {result.IterationsMade + 1} is not finite; saved the last good picture as {saved}; " +
                    "try a smaller --learning-rate or smaller weights");
                return 1;
        }
    }

    private void CheckPaths(ParseResult parsed, string output)
    {
        UserErrors.RequireFile(parsed.GetValue(_content)!, "the content picture (PNG or JPEG)");
        UserErrors.RequireFile(parsed.GetValue(_style)!, "the style picture (PNG or JPEG)");
        UserErrors.RequireWritable(output);
        string extension = Path.GetExtension(output).ToLowerInvariant();
        if (!PictureFile.WritableExtensions.Contains(extension))
            throw new UsageException($"{output} has the extension '{extension}', expected one of {string.Join(", ", PictureFile.WritableExtensions)}");
        if (parsed.GetValue(_trace) is string trace) UserErrors.RequireWritable(trace);
        string?[] inputs = [parsed.GetValue(_content), parsed.GetValue(_style), parsed.GetValue(_weights), parsed.GetValue(_init)];
        string?[] outputs = [output, parsed.GetValue(_trace)];
        foreach (string written in outputs.OfType<string>())
        {
            if (inputs.OfType<string>().Any(read => Path.GetFullPath(read) == Path.GetFullPath(written)))
                throw new UsageException($"{written} is an input and would be overwritten; choose another name for the output");
        }
    }

    private static Picture ReadPicture(string path, TransferConsole console)
    {
        UserErrors.RequireFile(path, "a picture (PNG or JPEG)");
        Picture picture = PictureFile.Read(path);
        foreach (string notice in picture.Notices) console.Say($"{path}: {notice}");
        return picture;
    }

    /// <summary>The preset with what the command line replaces.</summary>
    private TransferOptions Options(ParseResult parsed, string? file)
    {
        // features.21 is another layer in VGG-16 than in VGG-19.
        VggArchitecture architecture = file is null ? VggArchitecture.Vgg19 : WeightsFile.Describe(file).Architecture;
        TransferOptions options = Presets.Find(
            parsed.GetValue(_preset)!, file is null ? null : layers => WeightsFile.Has(file, layers));
        options = options with
        {
            Size = Range("--size", parsed.GetValue(_size) ?? options.Size, 1, 32768),
            LearningRate = (float)Range("--learning-rate", parsed.GetValue(_learningRate) ?? options.LearningRate, 1e-9, 1e9),
            ContentWeight = Range("--content-weight", parsed.GetValue(_contentWeight) ?? options.ContentWeight, 0, 1e15),
            StyleWeight = Range("--style-weight", parsed.GetValue(_styleWeight) ?? options.StyleWeight, 0, 1e15),
            TvWeight = Range("--tv-weight", parsed.GetValue(_tvWeight) ?? options.TvWeight, 0, 1e15),
            ContentLayers = LayerList.Parse("--content-layers", parsed.GetValue(_contentLayers), architecture) ?? options.ContentLayers,
            StyleLayers = LayerList.Parse("--style-layers", parsed.GetValue(_styleLayers), architecture) ?? options.StyleLayers,
            MatchStyleColors = parsed.GetValue(_matchColors) ?? options.MatchStyleColors,
            Seed = parsed.GetValue(_seed) ?? options.Seed,
        };
        if (parsed.GetValue(_pooling) is string pooling)
        {
            options = options with
            {
                Pooling = pooling.ToLowerInvariant() switch
                {
                    "average" => Pooling.Average,
                    "max" => Pooling.Max,
                    _ => throw new UsageException($"--pooling {pooling} is unknown, expected average or max"),
                },
            };
        }

        if (parsed.GetValue(_init) is string init)
        {
            options = options with
            {
                Init = init.ToLowerInvariant() switch
                {
                    "content" => InitKind.Content,
                    "noise" => InitKind.Noise,
                    "blend" => InitKind.Blend,
                    _ when File.Exists(init) => InitKind.Picture,
                    _ => throw new UsageException($"--init {init} is neither content, noise or blend nor a picture that exists"),
                },
            };
        }

        if (parsed.GetValue(_saveEvery) is int every) Range("--save-every", every, 1, 1_000_000);
        Format(parsed);
        return options;
    }

    private VggWeights LoadWeights(ParseResult parsed, string? file, TransferOptions options, TransferConsole console)
    {
        WeightsConvention? convention = parsed.GetValue(_convention) is not string name ? null : WeightsConventions.Parse(name)
            ?? throw new UsageException($"--weights-convention {name} is unknown, expected rgb-255, bgr-255 or rgb-unit");
        if (file is not null) return WeightsFile.Load(file, options.Layers, convention);
        VggArchitecture network = VggArchitecture.Vgg19;
        console.Say($"no --weights: using a random {network.Name} (seed {options.Seed}), whose filters carry colours and strokes; " +
            "trained weights see more: 'nativestyle weights download vgg19' gets them");
        if (options.Name != "default")
            console.Say($"preset {options.Name} was made for trained weights; random deep layers lose the scene, the default preset keeps it");
        string last = network.Layers.Last(layer => options.Layers.Contains(layer.Name)).Name;
        return RandomWeights.Create(network, options.Seed, last);
    }

    private PictureWriteOptions Format(ParseResult parsed)
    {
        int depth = parsed.GetValue(_depth);
        if (depth is not (8 or 16)) throw new UsageException($"--depth {depth} is unknown, expected 8 or 16");
        return new PictureWriteOptions(depth, Range("--quality", parsed.GetValue(_quality), 1, 100));
    }

    private static string Numbered(string output, int iteration) => Path.Combine(
        Path.GetDirectoryName(output) ?? "",
        $"{Path.GetFileNameWithoutExtension(output)}-{iteration.ToString("0000", CultureInfo.InvariantCulture)}{Path.GetExtension(output)}");

    private static T Range<T>(string option, T value, T least, T most) where T : IComparable<T>
    {
        // Compared the other way round, not-a-number would pass.
        if (value.CompareTo(least) >= 0 && value.CompareTo(most) <= 0) return value;
        throw new UsageException(string.Create(CultureInfo.InvariantCulture, $"{option} {value} is out of range, expected {least} to {most}"));
    }
}
