using System.CommandLine;
using System.Globalization;
using NativeStyle.Imaging;
using NativeStyle.Kernels.Devices;
using NativeStyle.Style;
using NativeStyle.Style.Study;
using NativeStyle.Vgg;
using Spectre.Console;

namespace NativeStyle.Cli.Commands;

/// <summary><c>nativestyle measure CONTENT STYLE RESULT...</c>: how near results are to style and content, in numbers.</summary>
internal sealed class MeasureCommand
{
    private readonly Argument<string> _content = new("CONTENT") { Description = $"The content picture ({PictureFile.Readable})" };
    private readonly Argument<string> _style = new("STYLE") { Description = "The style picture" };
    private readonly Argument<string[]> _results = new("RESULT") { Description = "Pictures painted from them, by whatever program", Arity = ArgumentArity.OneOrMore };
    private readonly Option<string> _styleLayers = new("--style-layers") { Description = "Layers whose Gram matrices are compared", DefaultValueFactory = _ => "conv1_1,conv2_1,conv3_1,conv3_4", HelpName = "A,B" };
    private readonly Option<string> _contentLayers = new("--content-layers") { Description = "Layers whose maps are compared", DefaultValueFactory = _ => "conv3_2", HelpName = "A,B" };
    private readonly Option<string?> _size = new("--size") { Description = "Longest side that results and style are seen at (default: 384)", HelpName = "N" };
    private readonly NetworkArguments _network = new(fixedPooling: true);
    private readonly DeviceOptions _device = new();

    public static Command Create()
    {
        var measure = new MeasureCommand();
        var command = new Command(
            "measure",
            "Judges results by a network, best by a trained one that they were not painted with: for each style layer the squared\n" +
            "distance of the Gram matrices, for each content layer that of the maps, each as a share of what it is compared with.\n\n" +
            "  nativestyle measure photo.jpg painting.jpg art.png photo.jpg --weights vgg19.safetensors\n\n" +
            "The content picture itself, as a result, shows what no transfer at all would have.")
        {
            measure._content, measure._style, measure._results, measure._styleLayers, measure._contentLayers, measure._size,
        };
        measure._network.AddTo(command);
        measure._device.AddTo(command);
        command.SetAction(measure.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        TransferConsole console = _network.Console(parsed);
        (string content, string style, string[] results) = (parsed.GetValue(_content)!, parsed.GetValue(_style)!, parsed.GetValue(_results)!);
        foreach (string picture in new[] { content, style }.Concat(results)) UserErrors.RequireFile(picture, $"a picture ({PictureFile.Readable})");
        int size = parsed.GetValue(_size) is string text ? Settings.ParseWhole("--size", text, 16, 8192) : 384;
        string[] names = [.. new[] { _styleLayers, _contentLayers }.SelectMany(option => parsed.GetValue(option)!.Split(',', StringSplitOptions.TrimEntries))];
        (string? file, VggArchitecture architecture) = _network.Find(parsed, console, names);
        string[] styleLayers = Layers(_styleLayers), contentLayers = Layers(_contentLayers);
        using ComputeDevice device = _device.Open(parsed, console.Say);
        using VggNetwork network = _network.Load(parsed, device, file, architecture, [.. styleLayers.Union(contentLayers)], console, TransferMeasure.Network);
        console.Say($"judged by {network.Source}, {network.Options.Pooling.ToString().ToLowerInvariant()} pooling, at {size} pixels");
        var measure = new TransferMeasure(device, network, styleLayers, contentLayers, size);
        var table = new Table().Border(TableBorder.Rounded).AddColumns(
            ["result", .. styleLayers.Select(layer => $"style {layer}"), "style mean", .. contentLayers.Select(layer => $"content {layer}")]);
        foreach (TableColumn column in table.Columns.Skip(1)) column.RightAligned();
        (PictureSource contentPicture, PictureSource stylePicture) = (PictureFile.Open(content), PictureFile.Open(style));
        foreach (string result in results)
        {
            Measured measured = measure.Of(PictureFile.Read(result), contentPicture, stylePicture);
            table.AddRow([
                result.EscapeMarkup(), .. measured.Style.Select(layer => Short(layer.Value)), Short(measured.MeanStyle), .. measured.Content.Select(layer => Short(layer.Value)),
            ]);
        }

        AnsiConsole.Write(table);
        return 0;

        string[] Layers(Option<string> option) =>
            [.. parsed.GetValue(option)!.Split(',', StringSplitOptions.TrimEntries).Select(name => NetworkArguments.Layer(option.Name, name, architecture).Name)];
    }

    private static string Short(double value) => value.ToString("g3", CultureInfo.InvariantCulture);
}
