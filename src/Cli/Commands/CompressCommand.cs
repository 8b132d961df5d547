using System.CommandLine;
using System.Globalization;
using System.Security.Cryptography;
using NativeStyle.Cli.Arguments;
using NativeStyle.Cli.Help;
using NativeStyle.Compression;
using NativeStyle.Imaging;
using NativeStyle.Jobs;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Operators.Pool2x2;
using NativeStyle.Style.Options;
using NativeStyle.Vgg;
using NativeStyle.Vgg.Weights;
using Spectre.Console;

namespace NativeStyle.Cli.Commands;

/// <summary>
/// <c>nativestyle weights compress FILE</c>: makes a network of fewer channels that sees nearly the same.
/// </summary>
internal sealed class CompressCommand : ProgramCommand
{
    private const int CropSide = 128;
    private const string Half = "float16";

    private readonly Argument<string> _source = new("FILE")
    {
        Description = "VGG weights in any format that can be read",
    };

    private readonly Option<string> _output = Typed.Output("The file to write", "OUT.safetensors");
    private readonly Option<string> _pictures = new("--pictures")
    {
        Description = "A folder of pictures for the fit, the more varied the better", Required = true, HelpName = "DIR",
    };

    private readonly Option<string> _width = new("--width")
    {
        Description = "Channels to keep: a share up to 1 (rounded to multiples of 16), or a number; with commas, one " +
            "for each block or each layer (default: 0.5)",
        DefaultValueFactory = _ => "0.5", HelpName = "N,N",
    };

    private readonly Option<string?> _layers = new("--layers")
    {
        Description = "The last layer to keep (default: the file's last)", HelpName = "L",
        CompletionSources = { _ => Typed.LayerNames },
    };

    private readonly Option<int> _crops = Typed.Option(
        "--crops", "Pieces of 128 x 128 pixels to draw from the pictures", new NumberRange<int>(1, 100_000), 320);

    private readonly Option<int> _positions = Typed.Option(
        "--positions", "Positions of their maps to which to fit each layer", new NumberRange<int>(1000, 100_000_000),
        200_000);

    private readonly Option<int> _refine = Typed.Option(
        "--refine", "Steps of gradient descent on all layers together, after the closed form",
        new NumberRange<int>(0, 1_000_000), 0);

    private readonly Option<int> _seed =
        Typed.Option("--seed", "Seed of pieces and positions", new NumberRange<int>(0, int.MaxValue - 1), 1);

    private readonly Option<string> _type = Typed.Option(
        "--type", "The type of the numbers in the file", new Words<string>((Half, Half), ("float32", "float32")), Half);

    private readonly Option<string?> _convention = Typed.Convention();
    private readonly Option<bool> _quiet = Typed.Quiet();
    private readonly DeviceArguments _device = new();

    public CompressCommand()
        : base(
            "compress",
            "Make a network of fewer channels that sees nearly the same.",
            """
            For each layer, a linear map in closed form restores the whole network's maps from the small one's. Prints
            the error of the restored maps. Half the channels take a quarter of the time and of the bytes.

              nativestyle weights compress vgg19.safetensors -o compact.safetensors --pictures photos --layers conv3_4
              nativestyle weights compress vgg19.npz -o net.safetensors --pictures photos --width 0.5,0.5,0.25,0.25,0.25

            The same pictures, options, seed and device give the same bytes.
            """)
    {
        Add(_source);
        Add(OptionGroup.Common, _output, _pictures, _width, _layers, _crops, _positions, _refine, _type);
        Add(OptionGroup.InputAndNetwork, _convention);
        Add(OptionGroup.Run, _seed, _quiet);
        _device.AddTo(this);
        SetAction(Run);
    }

    private int Run(ParseResult parsed)
    {
        var console = new TransferConsole(parsed.GetValue(_quiet));
        (string path, string output) = (parsed.GetValue(_source)!, parsed.GetValue(_output)!);
        WeightsLocator.Require(path);
        OutputFiles.Check(output, [".safetensors"], path);
        string[] pictures = InputFiles.Pictures(parsed.GetValue(_pictures)!, withFolders: true);
        (int seed, int count) = (parsed.GetValue(_seed), parsed.GetValue(_crops));
        (int positions, int refine, string type) =
            (parsed.GetValue(_positions), parsed.GetValue(_refine), parsed.GetValue(_type)!);
        WeightsConvention? convention = parsed.GetValue(_convention) is { } name
            ? WeightsConventions.Parse(name) : null;
        VggLayer[] layers = Layers(path, parsed.GetValue(_layers));
        IReadOnlyDictionary<string, int> channels = Widths(parsed.GetValue(_width)!, layers);
        VggWeights teacher = WeightsFile.Load(path, [layers[^1].Name], convention);
        string sha256 = WeightsFile.Identify(path).Sha256;
        using ComputeDevice device = _device.Open(parsed, console.Say);
        try
        {
            IReadOnlyList<float[]> crops = TrainingCrops.Draw(
                pictures, count, CropSide, seed, console.Say);
            console.Say(
                $"{crops.Count} pieces of {pictures.Length} pictures, {layers.Length} layers of {teacher.Source} on " +
                $"{device.Name}");
            var settings = new CompressionSettings(channels, positions, seed);
            CompressedNetwork student = new NetworkCompressor(device, teacher, crops, settings)
            {
                Progress = (layer, seen) =>
                {
                    if (seen == crops.Count) console.Say($"{layer}: seen on {seen} pieces");
                },
            }.Run();
            if (refine > 0)
            {
                student = new NetworkRefiner(device, teacher, crops, new RefineSettings(refine, Seed: seed))
                {
                    Progress = (step, loss) =>
                    {
                        if (step % 100 == 0 || step == refine)
                            console.Say($"refining {step}/{refine}: errors together {Short(loss)}");
                    },
                }.Run(student);
            }

            // Measure on other pieces than those of the fit.
            IReadOnlyList<float[]> fresh = TrainingCrops.Draw(
                pictures, Math.Max(16, count / 5), CropSide, seed + 1, _ => { });
            Pooling[] poolings = [Pooling.Average, Pooling.Max, Pooling.L2];
            (Pooling Pooling, IReadOnlyDictionary<string, double> Errors)[] errors = [.. poolings.Select(pooling => (
                pooling, RestorationErrors.Measure(device, student, teacher, fresh, pooling)))];
            var about = new Dictionary<string, string>
            {
                ["compression"] = "channels of the source chosen and recombined by linear maps; its weights are " +
                    "changed",
                ["pictures"] = $"{pictures.Length}, sha256 {Digest(pictures)}",
                ["settings"] = string.Create(
                    CultureInfo.InvariantCulture,
                    $"width {parsed.GetValue(_width)}, crops {count} of {CropSide}, positions {positions}, refine " +
                    $"{refine}, seed {seed}, {type}"),
                ["channels"] = string.Join(
                    ", ", student.Maps.Select(map => $"{map.Key} {map.Value.ColumnCount} of {map.Value.RowCount}")),
            };
            foreach ((Pooling pooling, IReadOnlyDictionary<string, double> ofLayers) in errors)
                about[$"errors_{OptionWords.Pooling[pooling]}"] = string.Join(
                    ", ", ofLayers.Select(error => $"{error.Key} {Number(error.Value)}"));
            AtomicFile.Write(output, stream => WeightsFile.Save(student.Weights, stream, sha256, type == Half, about));
            if (!parsed.GetValue(_quiet)) Show(student, errors);
            console.Say($"saved {output}, {new FileInfo(output).Length:n0} bytes");
            return 0;
        }
        catch (OverflowException large)
        {
            throw new UsageException($"{large.Message}; write --type float32");
        }
    }

    /// <summary>
    /// Returns the layers to keep. They are the file's layers from the first to <paramref name="last"/>, or to the last
    /// before a gap.
    /// </summary>
    private static VggLayer[] Layers(string path, string? last)
    {
        WeightsContents contents = WeightsFile.Describe(path);
        VggLayer[] available = [.. contents.Architecture.Layers.TakeWhile(
            layer => contents.Entries.Any(entry => entry.Layer == layer.Name))];
        if (available.Length == 0)
            throw new UsageException($"{path} has no conv1_1, expected the layers from the first on");
        if (last is null) return available;
        VggLayer named = Typed.Layer("--layers", last, contents.Architecture);
        int at = Array.IndexOf(available, named);
        return at >= 0 ? available[..(at + 1)]
            : throw new UsageException($"--layers {last}: {path} has the layers up to {available[^1].Name}");
    }

    private static IReadOnlyDictionary<string, int> Widths(string text, VggLayer[] layers)
    {
        try
        {
            return LayerWidths.Parse(text, layers);
        }
        catch (FormatException wrong)
        {
            throw new UsageException($"--width {wrong.Message}");
        }
    }

    private static void Show(
        CompressedNetwork student, (Pooling Pooling, IReadOnlyDictionary<string, double> Errors)[] errors)
    {
        var table = new Table().Border(TableBorder.Rounded).AddColumns(
            ["layer", "channels", .. errors.Select(each => $"error, {OptionWords.Pooling[each.Pooling]} pooling")]);
        foreach (TableColumn column in table.Columns.Skip(1)) column.RightAligned();
        foreach ((string layer, var map) in student.Maps)
            table.AddRow(
                [layer, $"{map.ColumnCount} of {map.RowCount}", .. errors.Select(each => Number(each.Errors[layer]))]);
        AnsiConsole.Write(table);
        Console.WriteLine(
            "error: the squared error of the restored maps as a share of the variation of the whole network's maps, " +
            "on other pieces than those of the fit");
    }

    /// <summary>Returns a checksum of all pictures' bytes, in the order of the pictures.</summary>
    private static string Digest(string[] pictures)
    {
        using var all = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (string picture in pictures) all.AppendData(SHA256.HashData(File.ReadAllBytes(picture)));
        return Convert.ToHexStringLower(all.GetHashAndReset());
    }

    private static string Short(double value) => value.ToString("g3", CultureInfo.InvariantCulture);

    private static string Number(double value) => value.ToString("0.####", CultureInfo.InvariantCulture);
}
