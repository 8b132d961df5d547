using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using NativeStyle.Cli.Arguments;
using NativeStyle.Cli.Help;
using NativeStyle.Cli.Pages;
using NativeStyle.FeedForward;
using NativeStyle.Jobs;
using NativeStyle.Kernels.Devices;
using NativeStyle.Style.Options;
using NativeStyle.Style.Study;

namespace NativeStyle.Cli.Commands;

/// <summary><c>nativestyle bench stylize</c>: times the network of a trained style on this machine.</summary>
internal sealed class BenchStylizeCommand : ProgramCommand
{
    private readonly Argument<int> _height = Typed.Side("HEIGHT", "Rows of the picture");
    private readonly Argument<int> _width = Typed.Side("WIDTH", "Columns of the picture");
    private readonly Option<string?> _model = new("--model")
    {
        Description = "The style model to time, a file or the name of one that is built in (default: random weights)",
        HelpName = "NAME|FILE", CompletionSources = { _ => Models.Names },
    };

    private readonly Option<double> _share = Typed.Option(
        "--width", "Channels of random weights as a share of the published 32, 64 and 128",
        new NumberRange<double>(0.05, 4), 1);

    private readonly Option<int> _iterations =
        Typed.Option("--iterations", "Passes to take the median of", new NumberRange<int>(1, 100_000), 5);

    private readonly Option<bool> _breakdown = new("--breakdown")
    {
        Description = "Also print a table of all operators, compared with the peak of this machine",
    };

    private readonly DeviceArguments _device = new();

    public BenchStylizeCommand()
        : base(
            "stylize",
            "Time the network of a trained style on a picture, and each operator beside the device's peak.",
            """
            The picture is random and goes through the network in one piece. Reading and writing files does not count.
            Prints a line of JSON: median and fastest pass in seconds, frames and 10^6 pixels a second by the median,
            10^9 operations of the convolutions by their definition, peak memory in MB.
            """)
    {
        Add(_height);
        Add(_width);
        Add(OptionGroup.Common, _model, _share, _iterations, _breakdown);
        _device.AddTo(this);
        SetAction(Run);
    }

    private int Run(ParseResult parsed)
    {
        (int height, int width) = (parsed.GetValue(_height), parsed.GetValue(_width));
        int iterations = parsed.GetValue(_iterations);
        string? name = parsed.GetValue(_model);
        if (name is not null && parsed.GetResult(_share) is { Implicit: false })
            throw new UsageException("--width is for random weights; the model decides its channels, leave one out");
        StyleModel? model = name is null ? null : ModelArguments.Read(name);
        TransformerWeights weights =
            model?.Weights ?? TransformerWeights.Random(TransformerArchitecture.OfWidth(parsed.GetValue(_share)), 1);
        using ComputeDevice device = _device.Open(parsed);
        using var benchmark = new StylizeBenchmark(device, weights, height, width);
        RunTimes times = benchmark.Measure(iterations);
        using var process = Process.GetCurrentProcess();
        Console.WriteLine(JsonSerializer.Serialize(new
        {
            model = model?.Source ?? "random",
            network = weights.Architecture.ToString(),
            nativestyle = typeof(BenchStylizeCommand).Assembly.GetName().Version?.ToString(3),
            device = DeviceNames.NameOf(device),
            threads = (device as CpuDevice)?.Threads,
            height,
            width,
            seconds = Math.Round(times.Median, 4),
            seconds_min = Math.Round(times.Least, 4),
            frames_per_second = Math.Round(1 / times.Median, 2),
            megapixels_per_second = Math.Round(1e-6 * height * width / times.Median, 3),
            direct_gflop = Math.Round(benchmark.DirectGflop, 3),
            peak_rss_mb = process.PeakWorkingSet64 >> 20,
            device_peak_mb = device.MemoryBytes.Peak >> 20,
        }));
        if (parsed.GetValue(_breakdown)) OperatorTable.Print(device, benchmark.Profile(iterations), iterations);
        return 0;
    }
}
