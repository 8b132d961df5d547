using System.CommandLine;
using System.Globalization;
using NativeStyle.Imaging;
using NativeStyle.Kernels.Devices;
using NativeStyle.Style;
using NativeStyle.Style.Study;
using NativeStyle.Vgg;

namespace NativeStyle.Cli.Commands;

/// <summary><c>nativestyle patches DIR --layer L --channel C -o OUT</c>: the patches of pictures that excite a unit most.</summary>
internal sealed class PatchesCommand
{
    private readonly Argument<string> _folder = new("DIR") { Description = "A folder of pictures (PNG and JPEG), with its folders" };
    private readonly Option<string> _layer = new("--layer") { Description = "The layer, e.g. conv3_1", Required = true, HelpName = "L" };
    private readonly Option<string> _channel = new("--channel") { Description = "The channel, from 0; several with commas make a row each", Required = true, HelpName = "C|C,C" };
    private readonly Option<string> _output = new("--output", "-o") { Description = "The sheet of patches: .png, .jpg or .tif", Required = true, HelpName = "OUT" };
    private readonly Option<string?> _top = new("--top") { Description = "Patches for each channel (default: 9)", HelpName = "N" };
    private readonly Option<string?> _perPicture = new("--per-picture") { Description = "The most from one picture (default: 3)", HelpName = "N" };
    private readonly Option<string?> _size = new("--size") { Description = "Pictures with a longer side are made so long (default: 512)", HelpName = "N" };
    private readonly NetworkArguments _network = new();
    private readonly DeviceOptions _device = new();

    public static Command Create()
    {
        var patches = new PatchesCommand();
        var command = new Command(
            "patches",
            "Finds what a channel is looking for: the pieces of a folder's pictures that excite it most, cut out by the layer's\n" +
            "receptive field.\n\n" +
            "  nativestyle patches photos --layer conv3_1 --channel 42 -o patches.png\n" +
            "  nativestyle patches photos --layer conv2_1 --channel 0,1,2,3 -o patches.png --top 12")
        {
            patches._folder, patches._layer, patches._channel, patches._output, patches._top, patches._perPicture, patches._size,
        };
        patches._network.AddTo(command);
        patches._device.AddTo(command);
        command.SetAction(patches.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        const int CellSide = 96;
        TransferConsole console = _network.Console(parsed);
        (string folder, string output) = (parsed.GetValue(_folder)!, parsed.GetValue(_output)!);
        if (!Directory.Exists(folder)) throw new UsageException($"{folder} is no folder, expected one with pictures");
        OutputArguments.RequireExtension(output, [.. PictureFile.WritableExtensions]);
        UserErrors.RequireWritable(output);
        int Whole(Option<string?> option, int most, int otherwise) => parsed.GetValue(option) is string text ? Settings.ParseWhole(option.Name, text, 1, most) : otherwise;
        (int top, int perPicture, int size) = (Whole(_top, 100, 9), Whole(_perPicture, 100, 3), Whole(_size, 8192, 512));
        (string? file, VggArchitecture architecture) = _network.Find(parsed, console, parsed.GetValue(_layer)!);
        VggLayer layer = NetworkArguments.Layer("--layer", parsed.GetValue(_layer)!, architecture);
        int[] channels = [.. parsed.GetValue(_channel)!.Split(',').Select(text => Settings.ParseWhole("--channel", text.Trim(), 0, layer.OutChannels - 1))];
        string[] pictures = [.. Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)
            .Where(name => PictureFile.HasPictureName(name) && Path.GetFullPath(name) != Path.GetFullPath(output)).Order(StringComparer.Ordinal)];
        if (pictures.Length == 0) throw new UsageException($"{folder} has no pictures ({PictureFile.Readable})");
        using ComputeDevice device = _device.Open(parsed, console.Say);
        using VggNetwork network = _network.Load(parsed, device, file, architecture, [layer.Name], console);
        StrongestPatches[] finders = [.. channels.Select(channel => new StrongestPatches(device, network, layer.Name, channel, top, perPicture))];
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

                if (Math.Min(picture.Height, picture.Width) < least) throw new UsageException($"{name} is smaller than {least} pixels");
                foreach (StrongestPatches finder in finders) finder.Add(Path.GetFileName(name), picture);
                console.Say($"{++seen}/{pictures.Length} {Path.GetFileName(name)}");
            }
            catch (Exception wrong) when (wrong is InvalidDataException or IOException or UsageException)
            {
                // One picture that cannot be read does not keep the others from being seen.
                Console.Error.WriteLine($"nativestyle: passed over: {wrong.Message}");
            }
        }

        SheetCell[][] rows = [.. channels.Zip(finders, (channel, finder) => finder.Found.Select(patch => new SheetCell(
            string.Create(CultureInfo.InvariantCulture, $"{channel}: {patch.Activation:g3} {patch.Source}"), patch.Patch)).ToArray()).Where(row => row.Length > 0)];
        if (rows.Length == 0) throw new UsageException($"no patch of these {seen} pictures excites {layer.Name} channel {string.Join(", ", channels)}");
        ReceptiveField field = ReceptiveField.Of(architecture, layer);
        PictureFile.Write(output, ContactSheet.Create(
            rows, CellSide, CellSide, $"{layer.Name}, {field.Size} x {field.Size} pixels each"));
        foreach ((int channel, StrongestPatches finder) in channels.Zip(finders).Where(each => each.Second.Found.Count > 0))
            console.Say(string.Create(CultureInfo.InvariantCulture, $"{layer.Name} channel {channel}: strongest {finder.Found[0].Activation:g4} in {finder.Found[0].Source}"));
        console.Say($"saved {output}");
        return cancellation.Token.IsCancellationRequested ? Cancellation.ExitCode : 0;
    }
}
