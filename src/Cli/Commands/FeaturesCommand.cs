using System.CommandLine;
using System.Globalization;
using NativeStyle.Cli.Arguments;
using NativeStyle.Cli.Help;
using NativeStyle.Imaging;
using NativeStyle.Jobs;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Operators.Pool2x2;
using NativeStyle.Style.Options;
using NativeStyle.Style.Study;
using NativeStyle.Vgg;
using Spectre.Console;

namespace NativeStyle.Cli.Commands;

/// <summary><c>nativestyle features IMAGE -o DIR</c>: shows what each layer sees in a picture.</summary>
internal sealed class FeaturesCommand : ProgramCommand
{
    private readonly Argument<string> _image = new("IMAGE") { Description = $"A picture ({PictureFile.Readable})" };
    private readonly Option<string> _output = Typed.Output("The folder for the sheets, one for each layer", "DIR");
    private readonly Option<string[]> _layers =
        Typed.Names("--layers", "The layers, e.g. conv1_1,relu4_2, or all (default: the first of each block)")
            .Offering(() => Typed.LayerNames.Append("all"));

    private readonly Option<int> _size =
        Typed.Option("--size", "Longest side of the picture for the network", new NumberRange<int>(16, 8192), 256);

    private readonly Option<int> _channels = Typed.Option(
        "--channels", "Channels on a sheet, those with the most energy first; 0 for all",
        new NumberRange<int>(0, 4096), 64);

    private readonly NetworkArguments _network = new();
    private readonly DeviceArguments _device = new();

    public FeaturesCommand()
        : base(
            "features",
            "Show what each layer of a network sees in a picture.",
            """
            Prints a table of the layers with shapes, memory, operations and receptive fields. Makes a sheet of
            activations for each layer, with the channels sorted by energy and on one scale.

              nativestyle features photo.jpg -o seen --layers conv1_1,conv3_1
            """)
    {
        Add(_image);
        Add(OptionGroup.Common, _output, _layers, _size, _channels);
        _network.AddTo(this);
        _device.AddTo(this);
        SetAction(Run);
    }

    private int Run(ParseResult parsed)
    {
        TransferConsole console = _network.Console(parsed);
        (string image, string folder) = (parsed.GetValue(_image)!, parsed.GetValue(_output)!);
        InputFiles.RequirePicture(image, "a picture");
        OutputFiles.RequireFolder(folder);
        (int size, string[] named) = (parsed.GetValue(_size), parsed.GetValue(_layers)!);
        (string? file, VggArchitecture architecture) = _network.Find(parsed, console, named);
        VggLayer[] layers = [.. Layers(named, file, architecture)];
        Picture picture = PictureFile.Read(image);
        if (Math.Max(picture.Height, picture.Width) != size)
        {
            (int height, int width) = Resampler.FitInto(picture.Height, picture.Width, size);
            picture = Resampler.Resize(picture, height, width);
        }

        (int mapHeight, int mapWidth) = VggArchitecture.SizeAt(
            layers[^1], picture.Height, picture.Width, PoolEdge.Floor);
        if (Math.Min(mapHeight, mapWidth) < 1)
            throw new UsageException(
                $"{image} at {picture.Width} x {picture.Height} pixels is too small for {layers[^1].Name}; choose a " +
                "larger --size");
        Directory.CreateDirectory(folder);
        using ComputeDevice device = _device.Open(parsed, console.Say);
        string[] names = [.. layers.Select(layer => layer.Name)];
        using VggNetwork network = _network.Load(parsed, device, file, architecture, names, console);
        var table = new Table().Border(TableBorder.Rounded).AddColumns(
            "layer", "shape", "memory", "GFLOP", "receptive field", "stride", "mean", "zeros", "strongest channel");
        foreach (TableColumn column in table.Columns.Skip(2)) column.RightAligned();
        foreach (FeatureMap map in FeatureMaps.Of(device, network, picture, names))
        {
            VggLayer layer = layers.Single(each => each.Name == map.Layer);
            PictureFile.Write(
                Path.Combine(folder, $"{map.Layer}.png"), FeatureMaps.Sheet(map, parsed.GetValue(_channels)));
            ReceptiveField field = ReceptiveField.Of(architecture, layer);
            double[] energies = map.Energies();
            table.AddRow(
                map.Layer, $"{map.Height} x {map.Width} x {map.Channels}",
                Short(sizeof(float) * (double)map.Values.Length / (1 << 20), "0.0 MiB"),
                Short(18.0 * layer.InChannels * layer.OutChannels * map.Height * map.Width / 1e9, "0.00"),
                $"{field.Size} x {field.Size}", $"{field.Stride}",
                Short(map.Values.Average(value => (double)value), "g3"),
                Short(100.0 * map.Values.Count(value => value == 0) / map.Values.Length, "0 '%'"),
                $"{Array.IndexOf(energies, energies.Max())}");
        }

        if (!_network.Quiet(parsed)) AnsiConsole.Write(table);
        console.Say($"saved {layers.Length} sheets in {folder}");
        return 0;
    }

    /// <summary>
    /// Returns the layers with these names, or all layers of the weights. Without names, returns the first of each
    /// block.
    /// </summary>
    private IEnumerable<VggLayer> Layers(string[] names, string? file, VggArchitecture architecture)
    {
        VggLayer[] available = [.. architecture.Layers.Where(layer => NetworkArguments.Has(file, layer.Name))];
        if (names.Length == 0)
            return available.Where(layer => layer == architecture.Layers.First(each => each.Block == layer.Block));
        if (names is [var one] && one.Equals("all", StringComparison.OrdinalIgnoreCase)) return available;
        VggLayer[] named = [.. names.Select(name => Typed.Layer(_layers.Name, name, architecture))];
        return architecture.Layers.Where(named.Contains);
    }

    private static string Short(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}
