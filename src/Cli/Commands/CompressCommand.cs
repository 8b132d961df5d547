using System.CommandLine;
using System.Globalization;
using System.Security.Cryptography;
using NativeStyle.Compression;
using NativeStyle.Imaging;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Operators.Pool2x2;
using NativeStyle.Vgg;
using NativeStyle.Vgg.Weights;
using Spectre.Console;

namespace NativeStyle.Cli.Commands;

/// <summary><c>nativestyle weights compress FILE</c>: a network with fewer channels that sees nearly the same.</summary>
internal sealed class CompressCommand
{
    private const int CropSide = 128;

    private readonly Argument<string> _source = new("FILE") { Description = "VGG weights in any format that can be read" };
    private readonly Option<string> _output = new("--output", "-o") { Description = "The file to write", Required = true, HelpName = "OUT.safetensors" };
    private readonly Option<string> _pictures = new("--pictures") { Description = "A folder of pictures to fit to, the more varied the better", Required = true, HelpName = "DIR" };
    private readonly Option<string> _width = new("--width")
    {
        Description = "Channels to keep: a share up to 1 (rounded to multiples of 16), or a number; with commas one for each block or each layer",
        DefaultValueFactory = _ => "0.5", HelpName = "N,N",
    };

    private readonly Option<string?> _layers = new("--layers") { Description = "The last layer to keep (default: the file's last)", HelpName = "NAME" };
    private readonly Option<string?> _crops = new("--crops") { Description = "Pieces of 128 x 128 pixels to draw from the pictures (default: 320)", HelpName = "N" };
    private readonly Option<string?> _positions = new("--positions") { Description = "Positions of their maps that each layer is fitted to (default: 200000)", HelpName = "N" };
    private readonly Option<string?> _refine = new("--refine") { Description = "Steps of gradient descent on all layers at once, after the closed form (default: none)", HelpName = "STEPS" };
    private readonly Option<string?> _seed = new("--seed") { Description = "Seed of pieces and positions (default: 1)", HelpName = "N" };
    private readonly Option<string> _type = new("--type") { Description = "float16 or float32, of the numbers in the file", DefaultValueFactory = _ => "float16", HelpName = "TYPE" };
    private readonly Option<string?> _convention = new("--weights-convention") { Description = "What the first layer was trained on, if the file does not tell: rgb-255, bgr-255 or rgb-unit", HelpName = "NAME" };
    private readonly Option<bool> _quiet = new("--quiet", "-q") { Description = "Print nothing but errors" };
    private readonly DeviceOptions _device = new();

    public static Command Create()
    {
        var compress = new CompressCommand();
        var command = new Command(
            "compress",
            "Makes a network with fewer channels from which a linear map restores what the whole one sees, layer by layer in closed\n" +
            "form, and prints how well. Half the channels take a quarter of the time and of the bytes.\n\n" +
            "  nativestyle weights compress vgg19.safetensors -o vgg19-compact.safetensors --pictures photos --layers conv3_4\n" +
            "  nativestyle weights compress vgg19.safetensors -o small.safetensors --pictures photos --width 0.5,0.5,0.25,0.25,0.25\n\n" +
            "The same pictures, options, seed and device give the same bytes.")
        {
            compress._source, compress._output, compress._pictures, compress._width, compress._layers, compress._crops, compress._positions,
            compress._refine, compress._seed, compress._type, compress._convention, compress._quiet,
        };
        compress._device.AddTo(command);
        command.SetAction(compress.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        var console = new TransferConsole(parsed.GetValue(_quiet));
        (string path, string output, string folder) = (parsed.GetValue(_source)!, parsed.GetValue(_output)!, parsed.GetValue(_pictures)!);
        WeightsLocator.Require(path);
        OutputArguments.RequireExtension(output, ".safetensors");
        UserErrors.RequireWritable(output);
        if (Path.GetFullPath(path) == Path.GetFullPath(output)) throw new UsageException($"{output} is the input and would be overwritten; choose another name");
        if (!Directory.Exists(folder)) throw new UsageException($"{folder} is no folder, expected one with pictures");
        string[] pictures = [.. Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)
            .Where(PictureFile.HasPictureName).Order(StringComparer.Ordinal)];
        if (pictures.Length == 0) throw new UsageException($"{folder} has no pictures ({PictureFile.Readable})");
        int seed = Whole(_seed, 0, int.MaxValue - 1, 1), count = Whole(_crops, 1, 100_000, 320), positions = Whole(_positions, 1000, 100_000_000, 200_000);
        int refine = Whole(_refine, 0, 1_000_000, 0);
        string type = parsed.GetValue(_type)!;
        if (type is not ("float16" or "float32")) throw new UsageException($"--type {type} is unknown, expected float16 or float32");
        WeightsConvention? convention = parsed.GetValue(_convention) is not string name ? null : WeightsConventions.Parse(name)
            ?? throw new UsageException($"--weights-convention {name} is unknown, expected rgb-255, bgr-255 or rgb-unit");
        VggLayer[] layers = Layers(path, parsed.GetValue(_layers));
        IReadOnlyDictionary<string, int> channels = Widths(parsed.GetValue(_width)!, layers);
        VggWeights teacher = WeightsFile.Load(path, [layers[^1].Name], convention);
        string sha256 = WeightsFile.Identify(path).Sha256;
        using ComputeDevice device = _device.Open(parsed, console.Say);
        using var cancellation = new Cancellation();
        try
        {
            IReadOnlyList<float[]> crops = TrainingCrops.Draw(pictures, count, CropSide, seed, console.Say, cancellation.Token);
            console.Say($"{crops.Count} pieces of {pictures.Length} pictures, {layers.Length} layers of {teacher.Source} on {device.Name}");
            var settings = new CompressionSettings(channels, positions, seed);
            CompressedNetwork student = new NetworkCompressor(device, teacher, crops, settings)
            {
                Progress = (layer, seen) => { if (seen == crops.Count) console.Say($"{layer}: seen on {seen} pieces"); },
            }.Run(cancellation.Token);
            if (refine > 0)
            {
                student = new NetworkRefiner(device, teacher, crops, new RefineSettings(refine, Seed: seed))
                {
                    Progress = (step, loss) => { if (step % 100 == 0 || step == refine) console.Say(string.Create(CultureInfo.InvariantCulture, $"refining {step}/{refine}: errors together {loss:g3}")); },
                }.Run(student, cancellation.Token);
            }

            // Others than those it was fitted to.
            IReadOnlyList<float[]> fresh = TrainingCrops.Draw(pictures, Math.Max(16, count / 5), CropSide, seed + 1, _ => { }, cancellation.Token);
            (Pooling Pooling, IReadOnlyDictionary<string, double> Errors)[] errors = [.. new[] { Pooling.Average, Pooling.Max, Pooling.L2 }
                .Select(pooling => (pooling, RestorationErrors.Measure(device, student, teacher, fresh, pooling, cancellation.Token)))];
            var about = new Dictionary<string, string>
            {
                ["compression"] = "channels of the source chosen and recombined by linear maps; its weights are changed",
                ["pictures"] = $"{pictures.Length}, sha256 {Digest(pictures)}",
                ["settings"] = string.Create(CultureInfo.InvariantCulture, $"width {parsed.GetValue(_width)}, crops {count} of {CropSide}, positions {positions}, refine {refine}, seed {seed}, {type}"),
                ["channels"] = string.Join(", ", student.Maps.Select(map => $"{map.Key} {map.Value.ColumnCount} of {map.Value.RowCount}")),
            };
            foreach ((Pooling pooling, IReadOnlyDictionary<string, double> ofLayers) in errors)
                about[$"errors_{Words(pooling)}"] = string.Join(", ", ofLayers.Select(error => $"{error.Key} {Number(error.Value)}"));
            AtomicFile.Write(output, stream => WeightsFile.Save(student.Weights, stream, sha256, type == "float16", about));
            if (!parsed.GetValue(_quiet)) Show(student, errors);
            console.Say($"saved {output}, {new FileInfo(output).Length:n0} bytes");
            return 0;
        }
        catch (OperationCanceledException)
        {
            console.Say($"ended; {output} was not written");
            return Cancellation.ExitCode;
        }
        catch (OverflowException large)
        {
            throw new UsageException($"{large.Message}; write --type float32");
        }

        int Whole(Option<string?> option, int least, int most, int otherwise) =>
            parsed.GetValue(option) is string text ? Settings.ParseWhole(option.Name, text, least, most) : otherwise;
    }

    /// <summary>The layers to keep: those of the file, from the first to the one named or the last before a gap.</summary>
    private static VggLayer[] Layers(string path, string? last)
    {
        WeightsContents contents = WeightsFile.Describe(path);
        VggLayer[] there = [.. contents.Architecture.Layers.TakeWhile(layer => contents.Entries.Any(entry => entry.Layer == layer.Name))];
        if (there.Length == 0) throw new UsageException($"{path} has no conv1_1, expected the layers from the first on");
        if (last is null) return there;
        VggLayer named = NetworkArguments.Layer("--layers", last, contents.Architecture);
        int at = Array.IndexOf(there, named);
        return at >= 0 ? there[..(at + 1)] : throw new UsageException($"--layers {last}: {path} has the layers up to {there[^1].Name}");
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

    private static void Show(CompressedNetwork student, (Pooling Pooling, IReadOnlyDictionary<string, double> Errors)[] errors)
    {
        var table = new Table().Border(TableBorder.Rounded).AddColumns(["layer", "channels", .. errors.Select(each => $"error, {Words(each.Pooling)} pooling")]);
        foreach (TableColumn column in table.Columns.Skip(1)) column.RightAligned();
        foreach ((string layer, var map) in student.Maps)
            table.AddRow([layer, $"{map.ColumnCount} of {map.RowCount}", .. errors.Select(each => Number(each.Errors[layer]))]);
        AnsiConsole.Write(table);
        Console.WriteLine("error: of the restored maps, squared, as a share of the whole network's maps' variation, on other pieces than those fitted to");
    }

    /// <summary>A checksum of all pictures' bytes, in their order.</summary>
    private static string Digest(string[] pictures)
    {
        using var all = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (string picture in pictures) all.AppendData(SHA256.HashData(File.ReadAllBytes(picture)));
        return Convert.ToHexStringLower(all.GetHashAndReset());
    }

    private static string Words(Pooling pooling) => pooling == Pooling.L2 ? "l2" : pooling.ToString().ToLowerInvariant();

    private static string Number(double value) => value.ToString("0.####", CultureInfo.InvariantCulture);
}
