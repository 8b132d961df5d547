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

namespace NativeStyle.Cli.Commands;

/// <summary>
/// <c>nativestyle maximize --layer L --channel C -o OUT</c>: makes the picture that excites a unit most.
/// </summary>
internal sealed class MaximizeCommand : ProgramCommand
{
    private readonly UnitArguments _units = new();
    private readonly Option<string> _output = Typed.Output("The result: .png, .jpg or .tif");
    private readonly Option<int> _size =
        Typed.Option("--size", "Rows and columns of the picture", new NumberRange<int>(16, 2048), 160);

    private readonly Option<int> _iterations =
        Typed.Option("--iterations", "Steps of gradient ascent", new NumberRange<int>(1, 100_000), 300);

    private readonly Option<float> _step =
        Typed.Option("--step", "Root mean square of a step, with pixels in 0..1", new NumberRange<float>(0, 1), 0.02f);

    private readonly Option<int> _jitter =
        Typed.Option(
            "--jitter", "Most pixels by which to shift before each step; 0 for none", new NumberRange<int>(0, 256), 8);

    private readonly Option<int> _blur =
        Typed.Option("--blur-every", "Steps between slight blurs; 0 for none", new NumberRange<int>(0, 10_000), 4);

    private readonly Option<double> _tv = Typed.Option(
        "--tv-weight", "Total variation's gradient as a share of the activation's; 0 for none",
        new NumberRange<double>(0, 100), 0.2);

    private readonly Option<bool> _center = new("--center")
    {
        Description = "Maximise only the unit in the middle, not the mean of the channel",
    };

    private readonly NetworkArguments _network = new();
    private readonly DeviceArguments _device = new();

    public MaximizeCommand()
        : base(
            "maximize",
            "Find the picture that a unit of a network answers to most.",
            """
            Finds it by gradient ascent from noise.

              nativestyle maximize --layer conv3_1 --channel 42 -o unit.png
              nativestyle maximize --layer conv4_1 --channel 0,1,2,3,4,5,6,7 -o units.png --size 128

            With --jitter 0 --blur-every 0 --tv-weight 0 it shows the picture without regularisation.
            """)
    {
        _units.AddTo(this);
        Add(OptionGroup.Common, _output, _size, _iterations, _step, _jitter, _blur, _tv, _center);
        _network.AddTo(this);
        _device.AddTo(this);
        SetAction(Run);
    }

    private int Run(ParseResult parsed)
    {
        TransferConsole console = _network.Console(parsed);
        string output = parsed.GetValue(_output)!;
        OutputFiles.CheckPicture(output);
        var options = new MaximizeOptions(
            parsed.GetValue(_size), parsed.GetValue(_iterations), parsed.GetValue(_step), parsed.GetValue(_jitter),
            parsed.GetValue(_blur), parsed.GetValue(_tv), parsed.GetValue(_center), _network.Seed(parsed));
        (string? file, VggArchitecture architecture) = _network.Find(parsed, console, _units.LayerName(parsed));
        (VggLayer layer, IReadOnlyList<int> channels) = _units.Find(parsed, architecture);
        (int height, int width) = VggArchitecture.SizeAt(layer, options.Size, options.Size, PoolEdge.Floor);
        if (Math.Min(height, width) < 1)
            throw new UsageException($"--size {options.Size} is too small for {layer.Name}");
        using ComputeDevice device = _device.Open(parsed, console.Say);
        using VggNetwork network = _network.Load(parsed, device, file, architecture, [layer.Name], console);
        using var cancellation = new Cancellation();
        List<SheetCell> cells = [];
        foreach (int channel in channels)
        {
            (double first, double last) = (0, 0);
            Picture picture = UnitMaximizer.Run(device, network, layer.Name, channel, options, (step, activation) =>
            {
                cancellation.Keep();
                if (step == 1) first = activation;
                last = activation;
                if (step % 50 == 0)
                {
                    string shown = Short(activation, "g4");
                    console.Say($"channel {channel}: {step}/{options.Iterations}  activation {shown}");
                }
            }, cancellation.Token);
            console.Say(
                $"{layer.Name} channel {channel}: activation {Short(first, "g3")} to {Short(last, "g4")}");
            cells.Add(new SheetCell($"{layer.Name} {channel}", picture));
            if (cancellation.Token.IsCancellationRequested) break;
        }

        int columns = Math.Min(8, (int)Math.Ceiling(Math.Sqrt(cells.Count)));
        PictureFile.Write(
            output, cells.Count == 1 ? cells[0].Picture!
            : ContactSheet.Create([.. cells.Chunk(columns)], options.Size, options.Size));
        console.Say($"saved {output}");
        return cancellation.Token.IsCancellationRequested ? Cancellation.ExitCode : 0;
    }

    private static string Short(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}
