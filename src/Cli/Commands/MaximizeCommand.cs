using System.CommandLine;
using System.Globalization;
using NativeStyle.Imaging;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Operators.Pool2x2;
using NativeStyle.Style;
using NativeStyle.Style.Study;
using NativeStyle.Vgg;

namespace NativeStyle.Cli.Commands;

/// <summary><c>nativestyle maximize --layer L --channel C -o OUT</c>: the picture that excites a unit most.</summary>
internal sealed class MaximizeCommand
{
    private readonly Option<string> _layer = new("--layer") { Description = "The layer, e.g. conv3_1", Required = true, HelpName = "L" };
    private readonly Option<string> _channels = new("--channel") { Description = "The channel, from 0; several with commas make a sheet", Required = true, HelpName = "C|C,C" };
    private readonly Option<string> _output = new("--output", "-o") { Description = "The result: .png, .jpg or .tif", Required = true, HelpName = "OUT" };
    private readonly Option<string?> _size = new("--size") { Description = "Rows and columns of the picture (default: 160)", HelpName = "N" };
    private readonly Option<string?> _iterations = new("--iterations") { Description = "Steps of gradient ascent (default: 300)", HelpName = "N" };
    private readonly Option<string?> _step = new("--step") { Description = "Root mean square of a step, of 0..1 (default: 0.02)", HelpName = "X" };
    private readonly Option<string?> _jitter = new("--jitter") { Description = "Shift by up to so many pixels before each step; 0 for none (default: 8)", HelpName = "N" };
    private readonly Option<string?> _blur = new("--blur-every") { Description = "Steps between slight blurs; 0 for none (default: 4)", HelpName = "N" };
    private readonly Option<string?> _tv = new("--tv-weight") { Description = "Total variation's gradient as a share of the activation's; 0 for none (default: 0.2)", HelpName = "X" };
    private readonly Option<bool> _center = new("--center") { Description = "Maximise the unit in the middle alone, not the whole channel's mean" };
    private readonly NetworkArguments _network = new();
    private readonly DeviceOptions _device = new();

    public static Command Create()
    {
        var maximize = new MaximizeCommand();
        var command = new Command(
            "maximize",
            "Finds the picture that a channel of a layer answers to most, by gradient ascent from noise.\n\n" +
            "  nativestyle maximize --layer conv3_1 --channel 42 -o unit.png\n" +
            "  nativestyle maximize --layer conv4_1 --channel 0,1,2,3,4,5,6,7 -o units.png --size 128\n\n" +
            "--jitter 0 --blur-every 0 --tv-weight 0 shows what comes without regularisation.")
        {
            maximize._layer, maximize._channels, maximize._output, maximize._size, maximize._iterations, maximize._step, maximize._jitter, maximize._blur, maximize._tv, maximize._center,
        };
        maximize._network.AddTo(command);
        maximize._device.AddTo(command);
        command.SetAction(maximize.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        TransferConsole console = _network.Console(parsed);
        string output = parsed.GetValue(_output)!;
        OutputArguments.RequireExtension(output, [.. PictureFile.WritableExtensions]);
        UserErrors.RequireWritable(output);
        int Whole(Option<string?> option, int least, int most, int otherwise) => parsed.GetValue(option) is string text ? Settings.ParseWhole(option.Name, text, least, most) : otherwise;
        double Number(Option<string?> option, double most, double otherwise) => parsed.GetValue(option) is string text ? Settings.ParseNumber(option.Name, text, 0, most) : otherwise;
        var options = new MaximizeOptions(
            Whole(_size, 16, 2048, 160), Whole(_iterations, 1, 100_000, 300), (float)Number(_step, 1, 0.02), Whole(_jitter, 0, 256, 8), Whole(_blur, 0, 10_000, 4),
            Number(_tv, 100, 0.2), parsed.GetValue(_center), _network.Seed(parsed));
        (string? file, VggArchitecture architecture) = _network.Find(parsed, console, parsed.GetValue(_layer)!);
        VggLayer layer = NetworkArguments.Layer("--layer", parsed.GetValue(_layer)!, architecture);
        int[] channels = [.. parsed.GetValue(_channels)!.Split(',').Select(text => Settings.ParseWhole("--channel", text.Trim(), 0, layer.OutChannels - 1))];
        (int height, int width) = VggArchitecture.SizeAt(layer, options.Size, options.Size, PoolEdge.Floor);
        if (Math.Min(height, width) < 1) throw new UsageException($"--size {options.Size} is too small for {layer.Name}");
        using ComputeDevice device = _device.Open(parsed, console.Say);
        using VggNetwork network = _network.Load(parsed, device, file, architecture, [layer.Name], console);
        using var cancellation = new Cancellation();
        List<SheetCell> cells = [];
        foreach (int channel in channels)
        {
            (double first, double last) = (0, 0);
            Picture picture = UnitMaximizer.Run(device, network, layer.Name, channel, options, (step, activation) =>
            {
                if (step == 1) first = activation;
                last = activation;
                if (step % 50 == 0) console.Say(string.Create(CultureInfo.InvariantCulture, $"channel {channel}: {step}/{options.Iterations}  activation {activation:g4}"));
            }, cancellation.Token);
            console.Say(string.Create(CultureInfo.InvariantCulture, $"{layer.Name} channel {channel}: activation {first:g3} to {last:g4}"));
            cells.Add(new SheetCell($"{layer.Name} {channel}", picture));
            if (cancellation.Token.IsCancellationRequested) break;
        }

        int columns = Math.Min(8, (int)Math.Ceiling(Math.Sqrt(cells.Count)));
        PictureFile.Write(output, cells.Count == 1 ? cells[0].Picture! : ContactSheet.Create([.. cells.Chunk(columns)], options.Size, options.Size));
        console.Say($"saved {output}");
        return cancellation.Token.IsCancellationRequested ? Cancellation.ExitCode : 0;
    }
}
