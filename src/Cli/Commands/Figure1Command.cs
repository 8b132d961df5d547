using System.CommandLine;
using NativeStyle.Cli.Arguments;
using NativeStyle.Cli.Help;
using NativeStyle.Imaging;
using NativeStyle.Jobs;
using NativeStyle.Kernels.Devices;
using NativeStyle.Style;
using NativeStyle.Style.Options;

namespace NativeStyle.Cli.Commands;

/// <summary>
/// <c>nativestyle figure1 CONTENT STYLE -o FIGURE</c>: makes figure 1 of Gatys et al. as one labelled picture.
/// </summary>
internal sealed class Figure1Command : ProgramCommand
{
    private static readonly string[] s_layers = ["conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1"];

    private readonly Argument<string> _content = new("CONTENT")
    {
        Description = "The picture whose content is reconstructed",
    };

    private readonly Argument<string> _style = new("STYLE")
    {
        Description = "The picture whose style is reconstructed",
    };

    private readonly Option<string> _output = Typed.Output("The figure: .png or .jpg");
    private readonly Option<string[]> _layers = Typed.Names(
        "--layers", "The layers, from shallow to deep (default: the first of each block that the weights have)")
        .Offering(() => Typed.LayerNames);

    private readonly JobArguments _job = new(
        "ryanchankh", OptionTable.ContentLayers, OptionTable.StyleLayers, OptionTable.ContentWeight,
        OptionTable.StyleWeight);

    private readonly DeviceArguments _device = new();

    public Figure1Command()
        : base(
            "figure1",
            "Make figure 1 of Gatys et al. 2016 from your own pictures.",
            """
            The upper row shows the content reconstructed from each layer alone (alpha 1, beta 0). The lower row shows
            the style reconstructed from all layers up to each (alpha 0, beta 1).

              nativestyle figure1 photo.jpg painting.jpg -o figure1.png --size 224 --iterations 150
            """)
    {
        Add(_content);
        Add(_style);
        Add(OptionGroup.Common, _output, _layers);
        _job.AddTo(this);
        _device.AddTo(this);
        SetAction(Run);
    }

    private int Run(ParseResult parsed)
    {
        TransferConsole console = _job.Console(parsed);
        (string content, string style) = (parsed.GetValue(_content)!, parsed.GetValue(_style)!);
        string output = parsed.GetValue(_output)!;
        InputFiles.RequirePicture(content, "the content picture");
        InputFiles.RequirePicture(style, "the style picture");
        OutputFiles.Check(output, [".png", ".jpg", ".jpeg"], content, style);
        string[] layers = [];
        TransferJob draft = _job.Draft(parsed, console, (options, architecture, trained) =>
        {
            layers = parsed.GetValue(_layers) is [_, ..] named
                ? [.. named.Select(name => Typed.Layer(_layers.Name, name, architecture).Name)]
                : [.. s_layers.Where(layer => trained?.Have([layer]) ?? true)];
            LayerWeight[] deepest = [new(layers[^1], 1)];
            return options with
            {
                ContentWeight = 1, StyleWeight = 1, Size = 224, Iterations = [200], ContentLayers = deepest,
                StyleLayers = deepest,
            };
        });
        using ComputeDevice device = _device.Open(parsed, console.Say);
        using var cancellation = new Cancellation();
        using var runner = new TransferRunner(console, device) { HasPicture = () => cancellation.Keep() };
        List<SheetCell> contents = [new($"content: {Path.GetFileName(content)}", PictureFile.Read(content))];
        List<SheetCell> styles = [new($"style: {Path.GetFileName(style)}", PictureFile.Read(style))];
        for (int i = 0; i < 2 * layers.Length && !cancellation.Token.IsCancellationRequested; i++)
        {
            (bool isContent, int depth) = (i < layers.Length, i % layers.Length);
            string[] upTo = layers[..(depth + 1)];
            TransferOptions options = isContent
                ? draft.Options with { StyleWeight = 0, ContentLayers = [new(layers[depth], 1)] }
                : draft.Options with { ContentWeight = 0, StyleLayers = Equal(upTo) };
            // Both have the content's shape and start from the same noise, as in the paper.
            JobStyle[] styled = isContent ? [] : [new JobStyle(style)];
            TransferJob job = draft with { Options = options, Content = content, Styles = styled };
            string label = "relu" + string.Join(' ', (isContent ? [layers[depth]] : upTo).Select(layer => layer[4..]));
            console.Say($"{i + 1}/{2 * layers.Length} {(isContent ? "content" : "style")} from {label}");
            var prepared = PreparedJob.Create(job, _job.TotalIterations(parsed), null, console);
            TransferResult result = runner.Run(prepared, cancellation.Token);
            if (result.IterationsMade > 0) (isContent ? contents : styles).Add(new SheetCell(label, result.Picture));
        }

        Picture cell = contents.Count > 1 ? contents[1].Picture! : contents[0].Picture!;
        PictureFile.Write(
            output,
            ContactSheet.Create([contents, styles], cell.Height, cell.Width, "Content and style reconstructions"),
            new PictureWriteOptions(draft.Depth, draft.Quality));
        console.Say($"saved {output}");
        return cancellation.Token.IsCancellationRequested ? Cancellation.ExitCode : 0;
    }

    private static LayerWeight[] Equal(string[] layers) =>
        [.. layers.Select(layer => new LayerWeight(layer, 1.0 / layers.Length))];
}
