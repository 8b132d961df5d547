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

namespace NativeStyle.Cli.Commands;

/// <summary>
/// <c>nativestyle patches DIR --layer L --channel C -o OUT</c>: finds the patches of pictures that excite a unit most.
/// </summary>
internal sealed class PatchesCommand : ProgramCommand
{
    private readonly Argument<string> _folder = new("DIR")
    {
        Description = "A folder of pictures (PNG and JPEG), including its subfolders",
    };

    private readonly UnitArguments _units = new();
    private readonly Option<string> _output = Typed.Output("The sheet of patches: .png, .jpg or .tif");
    private readonly Option<int> _top = Typed.Option(
        "--top", "Patches for each channel", new NumberRange<int>(1, 100), 9);
    private readonly Option<int> _perPicture =
        Typed.Option("--per-picture", "Most patches from one picture", new NumberRange<int>(1, 100), 3);

    private readonly Option<int> _size =
        Typed.Option("--size", "Longest side to which larger pictures are reduced", new NumberRange<int>(1, 8192), 512);

    private readonly NetworkArguments _network = new();
    private readonly DeviceArguments _device = new();

    public PatchesCommand()
        : base(
            "patches",
            "Find the pieces of pictures that a unit of a network answers to most.",
            """
            Cuts them out of a folder's pictures, as large as the layer's receptive field.

              nativestyle patches photos --layer conv3_1 --channel 42 -o patches.png
              nativestyle patches photos --layer conv2_1 --channel 0,1,2,3 -o patches.png --top 12
            """)
    {
        Add(_folder);
        _units.AddTo(this);
        Add(OptionGroup.Common, _output, _top, _perPicture, _size);
        _network.AddTo(this);
        _device.AddTo(this);
        SetAction(Run);
    }

    private int Run(ParseResult parsed)
    {
        const int CellSide = 96;
        TransferConsole console = _network.Console(parsed);
        (string folder, string output) = (parsed.GetValue(_folder)!, parsed.GetValue(_output)!);
        string[] pictures = InputFiles.Pictures(folder, withFolders: true);
        OutputFiles.CheckPicture(output);
        pictures = [.. pictures.Where(name => Path.GetFullPath(name) != Path.GetFullPath(output))];
        (int top, int perPicture, int size) =
            (parsed.GetValue(_top), parsed.GetValue(_perPicture), parsed.GetValue(_size));
        (string? file, VggArchitecture architecture) = _network.Find(parsed, console, _units.LayerName(parsed));
        (VggLayer layer, IReadOnlyList<int> channels) = _units.Find(parsed, architecture);
        using ComputeDevice device = _device.Open(parsed, console.Say);
        using VggNetwork network = _network.Load(parsed, device, file, architecture, [layer.Name], console);
        StrongestPatches[] finders = [.. channels.Select(
            channel => new StrongestPatches(device, network, layer.Name, channel, top, perPicture))];
        using var cancellation = new Cancellation();
        int least = 1 << (layer.Block - 1), seen = 0;
        foreach (string name in pictures)
        {
            if (cancellation.Token.IsCancellationRequested) break;
            try
            {
                Picture picture = PictureFile.Read(name);
                if (Math.Max(picture.Height, picture.Width) > size)
                {
                    (int height, int width) = Resampler.FitInto(picture.Height, picture.Width, size);
                    picture = Resampler.Resize(picture, height, width);
                }

                if (Math.Min(picture.Height, picture.Width) < least)
                    throw new UsageException($"{name} is smaller than {least} pixels");
                foreach (StrongestPatches finder in finders) finder.Add(Path.GetFileName(name), picture);
                cancellation.Keep();
                console.Say($"{++seen}/{pictures.Length} {Path.GetFileName(name)}");
            }
            catch (Exception wrong) when (wrong is InvalidDataException or IOException or UsageException)
            {
                // Skip a picture that cannot be read, and continue with the others.
                Console.Error.WriteLine($"nativestyle: passed over: {UserErrors.Words(wrong)}");
            }
        }

        SheetCell[][] rows = [.. channels.Zip(finders, (channel, finder) => finder.Found.Select(patch => new SheetCell(
            string.Create(CultureInfo.InvariantCulture, $"{channel}: {patch.Activation:g3} {patch.Source}"),
            patch.Patch)).ToArray()).Where(row => row.Length > 0)];
        if (rows.Length == 0 && cancellation.Token.IsCancellationRequested) return Cancellation.ExitCode;
        if (rows.Length == 0)
            throw new UsageException(
                $"no patch of these {seen} pictures excites {layer.Name} channel {string.Join(", ", channels)}");
        ReceptiveField field = ReceptiveField.Of(architecture, layer);
        PictureFile.Write(output, ContactSheet.Create(
            rows, CellSide, CellSide, $"{layer.Name}, {field.Size} x {field.Size} pixels each"));
        foreach ((int channel, StrongestPatches finder) in channels.Zip(finders)
            .Where(each => each.Second.Found.Count > 0))
        {
            string strongest = finder.Found[0].Activation.ToString("g4", CultureInfo.InvariantCulture);
            console.Say($"{layer.Name} channel {channel}: strongest {strongest} in {finder.Found[0].Source}");
        }

        console.Say($"saved {output}");
        return cancellation.Token.IsCancellationRequested ? Cancellation.ExitCode : 0;
    }
}
