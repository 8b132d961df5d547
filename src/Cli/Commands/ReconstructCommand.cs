using System.CommandLine;
using NativeStyle.Imaging;
using NativeStyle.Kernels.Devices;
using NativeStyle.Style;

namespace NativeStyle.Cli.Commands;

/// <summary><c>nativestyle reconstruct IMAGE --layer L -o OUT</c>: what a layer knows of a picture.</summary>
internal sealed class ReconstructCommand
{
    private readonly Argument<string> _image = new("IMAGE") { Description = $"The picture that is reconstructed ({PictureFile.Readable})" };
    private readonly Option<string> _layer = new("--layer") { Description = "The layer whose feature map it is found from, e.g. conv3_1 or relu4_2; several with commas", Required = true, HelpName = "L" };
    private readonly JobArguments _job = new("gatys", [.. Recipe.ReconstructSettings]);
    private readonly OutputArguments _outputs = new();
    private readonly DeviceOptions _device = new();

    public static Command Create()
    {
        var reconstruct = new ReconstructCommand();
        var command = new Command(
            "reconstruct",
            "Finds a picture, from noise, that a layer of the network cannot tell from IMAGE: what the layer keeps of it, and what it\n" +
            "forgets (Mahendran and Vedaldi 2015; Gatys et al. 2016, figure 1).\n\n" +
            "  nativestyle reconstruct photo.jpg --layer conv4_1 -o seen.png --size 256")
        {
            reconstruct._image, reconstruct._layer,
        };
        reconstruct._outputs.AddTo(command);
        reconstruct._job.AddTo(command);
        reconstruct._device.AddTo(command);
        command.SetAction(reconstruct.Run);
        return command;
    }

    /// <summary>A preset made one that reconstructs from layers: the relative error of their maps, and no style.</summary>
    public static TransferOptions Options(TransferOptions preset, IReadOnlyList<LayerWeight> layers) => preset with
    {
        ContentLayers = layers,
        ContentWeight = 1,
        ContentLossScale = LossScale.RelativeToTarget,
        StyleWeight = 0,
        StyleLayers = [],
        TvWeight = 0,
        Iterations = [200],
        Size = 256,
        Colors = ColorMode.Style,
    };

    private int Run(ParseResult parsed)
    {
        TransferConsole console = _job.Console(parsed);
        string image = parsed.GetValue(_image)!;
        UserErrors.RequireFile(image, $"the picture to reconstruct ({PictureFile.Readable})");
        Outputs outputs = _outputs.Parse(parsed, [image, .. _job.Inputs(parsed)]);
        TransferJob draft = _job.Draft(parsed, console, (options, architecture, _) =>
            Options(options, LayerList.Parse("--layer", parsed.GetValue(_layer), architecture)!)) with { Content = image };
        PreparedJob prepared = JobArguments.Prepare(draft, _job.TotalIterations(parsed), null, console);
        using ComputeDevice device = _device.Open(parsed, console.Say);
        return TransferCommand.Finish(console, device, prepared, outputs);
    }
}
