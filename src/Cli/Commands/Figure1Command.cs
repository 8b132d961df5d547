using System.CommandLine;
using NativeStyle.Imaging;
using NativeStyle.Kernels.Devices;
using NativeStyle.Style;
using NativeStyle.Vgg;

namespace NativeStyle.Cli.Commands;

/// <summary><c>nativestyle figure1 CONTENT STYLE -o FIGURE</c>: figure 1 of Gatys et al. as one labelled picture.</summary>
internal sealed class Figure1Command
{
    private static readonly string[] s_layers = ["conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1"];

    private readonly Argument<string> _content = new("CONTENT") { Description = "The picture whose content is reconstructed" };
    private readonly Argument<string> _style = new("STYLE") { Description = "The picture whose style is reconstructed" };
    private readonly Option<string> _output = new("--output", "-o") { Description = "The figure: .png or .jpg", Required = true, HelpName = "OUT" };
    private readonly Option<string?> _layers = new("--layers") { Description = "The layers, from shallow to deep (default: the first of each block that the weights have)", HelpName = "A,B" };
    private readonly JobArguments _job = new("ryanchankh", ["--content-layers", "--style-layers", "--content-weight", "--style-weight"]);
    private readonly DeviceOptions _device = new();

    public static Command Create()
    {
        var figure = new Figure1Command();
        var command = new Command(
            "figure1",
            "Makes figure 1 of Gatys et al. 2016 from your own pictures: above, the content as reconstructed from each layer alone\n" +
            "(alpha 1, beta 0); below, the style as reconstructed from the layers up to each (alpha 0, beta 1).\n\n" +
            "  nativestyle figure1 photo.jpg painting.jpg -o figure1.png --size 224 --iterations 150")
        {
            figure._content, figure._style, figure._output, figure._layers,
        };
        figure._job.AddTo(command);
        figure._device.AddTo(command);
        command.SetAction(figure.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        TransferConsole console = _job.Console(parsed);
        (string content, string style, string output) = (parsed.GetValue(_content)!, parsed.GetValue(_style)!, parsed.GetValue(_output)!);
        UserErrors.RequireFile(content, $"the content picture ({PictureFile.Readable})");
        UserErrors.RequireFile(style, $"the style picture ({PictureFile.Readable})");
        OutputArguments.RequireExtension(output, ".png", ".jpg", ".jpeg");
        UserErrors.RequireWritable(output);
        if (new[] { content, style }.Any(input => Path.GetFullPath(input) == Path.GetFullPath(output)))
            throw new UsageException($"{output} is an input and would be overwritten; choose another name for the output");
        string[] layers = [];
        TransferJob draft = _job.Draft(parsed, console, (options, architecture, trained) =>
        {
            layers = parsed.GetValue(_layers) is string text
                ? [.. LayerList.Parse("--layers", text, architecture)!.Select(layer => layer.Layer)]
                : [.. s_layers.Where(layer => trained?.Have([layer]) ?? true)];
            return options with { ContentWeight = 1, StyleWeight = 1, Size = 224, Iterations = [200], ContentLayers = [new(layers[^1], 1)], StyleLayers = [new(layers[^1], 1)] };
        });
        using ComputeDevice device = _device.Open(parsed, console.Say);
        using var cancellation = new Cancellation();
        using var runner = new TransferRunner(console, device);
        List<SheetCell> contents = [new($"content: {Path.GetFileName(content)}", PictureFile.Read(content))];
        List<SheetCell> styles = [new($"style: {Path.GetFileName(style)}", PictureFile.Read(style))];
        for (int i = 0; i < 2 * layers.Length && !cancellation.Token.IsCancellationRequested; i++)
        {
            (bool isContent, int depth) = (i < layers.Length, i % layers.Length);
            TransferOptions options = isContent
                ? draft.Options with { StyleWeight = 0, ContentLayers = [new(layers[depth], 1)] }
                : draft.Options with { ContentWeight = 0, StyleLayers = [.. layers[..(depth + 1)].Select(layer => new LayerWeight(layer, 1.0 / (depth + 1)))] };
            // Both from the content's shape and the same noise, as the paper shows them.
            TransferJob job = draft with { Options = options, Content = content, Styles = isContent ? [] : [new JobStyle(style)] };
            string label = isContent ? $"relu{layers[depth][4..]}" : "relu" + string.Join(' ', layers[..(depth + 1)].Select(layer => layer[4..]));
            console.Say($"{i + 1}/{2 * layers.Length} {(isContent ? "content" : "style")} from {label}");
            Picture picture = runner.Run(JobArguments.Prepare(job, _job.TotalIterations(parsed), null, console), cancellation.Token).Picture;
            (isContent ? contents : styles).Add(new SheetCell(label, picture));
        }

        Picture cell = contents.Count > 1 ? contents[1].Picture! : contents[0].Picture!;
        PictureFile.Write(
            output, ContactSheet.Create([contents, styles], cell.Height, cell.Width, "Content and style reconstructions"),
            new PictureWriteOptions(draft.Depth, draft.Quality));
        console.Say($"saved {output}");
        return cancellation.Token.IsCancellationRequested ? Cancellation.ExitCode : 0;
    }
}
