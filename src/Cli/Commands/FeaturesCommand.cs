using System.CommandLine;
using System.Globalization;
using NativeStyle.Imaging;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Operators.Pool2x2;
using NativeStyle.Style;
using NativeStyle.Style.Study;
using NativeStyle.Vgg;
using Spectre.Console;

namespace NativeStyle.Cli.Commands;

/// <summary><c>nativestyle features IMAGE -o DIR</c>: what each layer sees in a picture.</summary>
internal sealed class FeaturesCommand
{
    private readonly Argument<string> _image = new("IMAGE") { Description = $"A picture ({PictureFile.Readable})" };
    private readonly Option<string> _output = new("--output", "-o") { Description = "The folder for a sheet of each layer", Required = true, HelpName = "DIR" };
    private readonly Option<string?> _layers = new("--layers") { Description = "The layers, e.g. conv1_1,relu4_2, or all (default: the first of each block)", HelpName = "A,B" };
    private readonly Option<string?> _size = new("--size") { Description = "Longest side that the picture is seen at (default: 256)", HelpName = "N" };
    private readonly Option<string?> _channels = new("--channels") { Description = "Channels on a sheet, those with the most energy; 0 for all (default: 64)", HelpName = "N" };
    private readonly NetworkArguments _network = new();
    private readonly DeviceOptions _device = new();

    public static Command Create()
    {
        var features = new FeaturesCommand();
        var command = new Command(
            "features",
            "Shows what a network sees: a table of its layers with shapes, memory, operations and receptive fields, and for each\n" +
            "layer a sheet of its activations, the channels sorted by energy and on one scale.\n\n" +
            "  nativestyle features photo.jpg -o seen --layers conv1_1,conv3_1")
        {
            features._image, features._output, features._layers, features._size, features._channels,
        };
        features._network.AddTo(command);
        features._device.AddTo(command);
        command.SetAction(features.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        TransferConsole console = _network.Console(parsed);
        (string image, string folder) = (parsed.GetValue(_image)!, parsed.GetValue(_output)!);
        UserErrors.RequireFile(image, $"a picture ({PictureFile.Readable})");
        if (File.Exists(folder)) throw new UsageException($"{folder} is a file, expected the name of a folder");
        int size = parsed.GetValue(_size) is string text ? Settings.ParseWhole("--size", text, 16, 8192) : 256;
        int channels = parsed.GetValue(_channels) is string most ? Settings.ParseWhole("--channels", most, 0, 4096) : 64;
        (string? file, VggArchitecture architecture) = _network.Find(parsed, console, parsed.GetValue(_layers)?.Split(',', StringSplitOptions.TrimEntries) ?? []);
        VggLayer[] layers = [.. Layers(parsed.GetValue(_layers), file, architecture)];
        Picture picture = PictureFile.Read(image);
        if (Math.Max(picture.Height, picture.Width) != size)
        {
            (int height, int width) = Resampler.FitInto(picture.Height, picture.Width, size);
            picture = Resampler.Resize(picture, height, width);
        }

        (int mapHeight, int mapWidth) = VggArchitecture.SizeAt(layers[^1], picture.Height, picture.Width, PoolEdge.Floor);
        if (Math.Min(mapHeight, mapWidth) < 1) throw new UsageException($"{image} at {picture.Width} x {picture.Height} pixels is too small for {layers[^1].Name}; choose a larger --size");
        Directory.CreateDirectory(folder);
        using ComputeDevice device = _device.Open(parsed, console.Say);
        string[] names = [.. layers.Select(layer => layer.Name)];
        using VggNetwork network = _network.Load(parsed, device, file, architecture, names, console);
        var table = new Table().Border(TableBorder.Rounded).AddColumns("layer", "shape", "memory", "GFLOP", "receptive field", "stride", "mean", "zeros", "strongest channel");
        foreach (TableColumn column in table.Columns.Skip(2)) column.RightAligned();
        foreach (FeatureMap map in FeatureMaps.Of(device, network, picture, names))
        {
            VggLayer layer = layers.Single(each => each.Name == map.Layer);
            PictureFile.Write(Path.Combine(folder, $"{map.Layer}.png"), FeatureMaps.Sheet(map, channels));
            ReceptiveField field = ReceptiveField.Of(architecture, layer);
            double[] energies = map.Energies();
            table.AddRow(
                map.Layer, $"{map.Height} x {map.Width} x {map.Channels}", Short(sizeof(float) * (double)map.Values.Length / (1 << 20), "0.0 MiB"),
                Short(18.0 * layer.InChannels * layer.OutChannels * map.Height * map.Width / 1e9, "0.00"), $"{field.Size} x {field.Size}", $"{field.Stride}",
                Short(map.Values.Average(value => (double)value), "g3"), Short(100.0 * map.Values.Count(value => value == 0) / map.Values.Length, "0 '%'"),
                $"{Array.IndexOf(energies, energies.Max())}");
        }

        if (!parsed.GetValue<bool>("--quiet")) AnsiConsole.Write(table);
        console.Say($"saved {layers.Length} sheets in {folder}");
        return 0;
    }

    private static IEnumerable<VggLayer> Layers(string? text, string? file, VggArchitecture architecture)
    {
        if (text is null)
        {
            return architecture.Layers.Where((layer, i) => (i == 0 || architecture.Layers[i - 1].Block != layer.Block) && NetworkArguments.Has(file, layer.Name));
        }

        if (text.Equals("all", StringComparison.OrdinalIgnoreCase)) return architecture.Layers.Where(layer => NetworkArguments.Has(file, layer.Name));
        VggLayer[] named = [.. text.Split(',', StringSplitOptions.TrimEntries).Select(name => NetworkArguments.Layer("--layers", name, architecture))];
        return architecture.Layers.Where(named.Contains);
    }

    private static string Short(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}
