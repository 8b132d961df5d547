using System.CommandLine;
using System.Globalization;
using NativeStyle.Cli.Arguments;
using NativeStyle.Cli.Help;
using NativeStyle.Imaging;
using NativeStyle.Jobs;
using NativeStyle.Kernels.Devices;
using NativeStyle.Style.Options;
using NativeStyle.Style.Study;
using NativeStyle.Vgg;
using Spectre.Console;

namespace NativeStyle.Cli.Commands;

/// <summary>
/// <c>nativestyle measure CONTENT STYLE RESULT...</c>: measures how near results are to style and content.
/// </summary>
internal sealed class MeasureCommand : ProgramCommand
{
    private readonly Argument<string> _content = new("CONTENT")
    {
        Description = $"The content picture ({PictureFile.Readable})",
    };

    private readonly Argument<string> _style = new("STYLE") { Description = "The style picture" };
    private readonly Argument<string[]> _results = new("RESULT")
    {
        Description = "Pictures painted from them, by any program", Arity = ArgumentArity.OneOrMore,
    };

    private readonly Option<string[]> _styleLayers =
        Typed.Names("--style-layers", "Layers whose Gram matrices are compared", "conv1_1,conv2_1,conv3_1,conv3_4")
            .Offering(() => Typed.LayerNames);

    private readonly Option<string[]> _contentLayers =
        Typed.Names("--content-layers", "Layers whose maps are compared", "conv3_2")
            .Offering(() => Typed.LayerNames);

    private readonly Option<int> _size =
        Typed.Option(
            "--size", "Longest side of results and style for the network", new NumberRange<int>(16, 8192), 384);

    private readonly NetworkArguments _network = new(fixedPooling: true);
    private readonly DeviceArguments _device = new();

    public MeasureCommand()
        : base(
            "measure",
            "Tell how near results are to style and content, in numbers.",
            """
            A network judges the results, best a trained one that did not paint them. Prints the squared distance of the
            Gram matrices for each style layer, and that of the maps for each content layer. Each is a share of the
            matrix or map that it is compared with.

              nativestyle measure photo.jpg painting.jpg art.png photo.jpg --weights vgg19.safetensors

            The content picture as a result shows the numbers without any transfer.
            """)
    {
        Add(_content);
        Add(_style);
        Add(_results);
        Add(OptionGroup.Common, _styleLayers, _contentLayers, _size);
        _network.AddTo(this);
        _device.AddTo(this);
        SetAction(Run);
    }

    private int Run(ParseResult parsed)
    {
        TransferConsole console = _network.Console(parsed);
        (string content, string style) = (parsed.GetValue(_content)!, parsed.GetValue(_style)!);
        string[] results = parsed.GetValue(_results)!;
        foreach (string picture in new[] { content, style }.Concat(results))
            InputFiles.RequirePicture(picture, "a picture");
        int size = parsed.GetValue(_size);
        string[] names = [.. parsed.GetValue(_styleLayers)!, .. parsed.GetValue(_contentLayers)!];
        (string? file, VggArchitecture architecture) = _network.Find(parsed, console, names);
        string[] styleLayers = Layers(_styleLayers), contentLayers = Layers(_contentLayers);
        using ComputeDevice device = _device.Open(parsed, console.Say);
        using VggNetwork network = _network.Load(
            parsed, device, file, architecture, [.. styleLayers.Union(contentLayers)], console,
            TransferMeasure.Network);
        console.Say(
            $"judged by {network.Source}, {OptionWords.Pooling[network.Options.Pooling]} pooling, at {size} pixels");
        var measure = new TransferMeasure(device, network, styleLayers, contentLayers, size);
        var table = new Table().Border(TableBorder.Rounded).AddColumns(
        [
            "result", .. styleLayers.Select(layer => $"style {layer}"), "style mean",
            .. contentLayers.Select(layer => $"content {layer}"),
        ]);
        foreach (TableColumn column in table.Columns.Skip(1)) column.RightAligned();
        (PictureSource contentPicture, PictureSource stylePicture) =
            (PictureFile.Open(content), PictureFile.Open(style));
        foreach (string result in results)
        {
            Measured measured = measure.Of(PictureFile.Read(result), contentPicture, stylePicture);
            table.AddRow([
                result.EscapeMarkup(), .. measured.Style.Select(layer => Short(layer.Value)), Short(measured.MeanStyle),
                .. measured.Content.Select(layer => Short(layer.Value)),
            ]);
        }

        AnsiConsole.Write(table);
        return 0;

        string[] Layers(Option<string[]> option) =>
            [.. parsed.GetValue(option)!.Select(name => Typed.Layer(option.Name, name, architecture).Name)];
    }

    private static string Short(double value) => value.ToString("g3", CultureInfo.InvariantCulture);
}
