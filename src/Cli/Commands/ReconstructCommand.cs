using System.CommandLine;
using NativeStyle.Cli.Arguments;
using NativeStyle.Cli.Help;
using NativeStyle.Imaging;
using NativeStyle.Jobs;
using NativeStyle.Kernels.Devices;
using NativeStyle.Style.Options;

namespace NativeStyle.Cli.Commands;

/// <summary><c>nativestyle reconstruct IMAGE --layer L -o OUT</c>: shows what a layer knows of a picture.</summary>
internal sealed class ReconstructCommand : ProgramCommand
{
    private readonly Argument<string> _image = new("IMAGE")
    {
        Description = $"The picture to reconstruct ({PictureFile.Readable})",
    };

    private readonly Option<IReadOnlyList<LayerWeight>?> _layer = Typed.Option(
        "--layer", "L|L,L", "The layer from which to reconstruct, e.g. conv3_1 or relu4_2, or several with commas",
        OptionTable.ContentLayers.Type.Parse).Offering(() => Typed.LayerNames);

    private readonly JobArguments _job = new("gatys", JobKinds.SetByReconstruct);
    private readonly OutputArguments _outputs = new();
    private readonly DeviceArguments _device = new();

    public ReconstructCommand()
        : base(
            "reconstruct",
            "Show what a layer of a network knows of a picture.",
            """
            Starts from noise, and finds a picture that the layer cannot tell from IMAGE. It shows what the layer keeps
            and what it forgets (Mahendran and Vedaldi 2015; Gatys et al. 2016, figure 1).

              nativestyle reconstruct photo.jpg --layer conv4_1 -o seen.png --size 256
            """)
    {
        _layer.Required = true;
        Add(_image);
        Add(OptionGroup.Common, _layer);
        _outputs.AddTo(this);
        _job.AddTo(this);
        _device.AddTo(this);
        SetAction(Run);
    }

    private int Run(ParseResult parsed)
    {
        TransferConsole console = _job.Console(parsed);
        string image = parsed.GetValue(_image)!;
        InputFiles.RequirePicture(image, "the picture to reconstruct");
        Outputs outputs = _outputs.Parse(parsed, [image, .. _job.Inputs(parsed)]);
        IReadOnlyList<LayerWeight> layers = parsed.GetValue(_layer)!;
        TransferJob draft = _job.Draft(parsed, console, (options, architecture, _) => JobKinds.Reconstruct(
            options, UserErrors.For(_layer.Name, () => LayerList.Resolve(layers, architecture)))) with
        {
            Content = image,
        };
        PreparedJob prepared = PreparedJob.Create(draft, _job.TotalIterations(parsed), null, console);
        using ComputeDevice device = _device.Open(parsed, console.Say);
        return TransferCommand.Finish(console, device, prepared, outputs);
    }
}
