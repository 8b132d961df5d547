using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using NativeStyle.Cli.Arguments;
using NativeStyle.Cli.Help;
using NativeStyle.Cli.Pages;
using NativeStyle.Jobs;
using NativeStyle.Kernels.Devices;
using NativeStyle.Style.Options;
using NativeStyle.Style.Study;
using NativeStyle.Style.Tiling;

namespace NativeStyle.Cli.Commands;

/// <summary><c>nativestyle bench</c>: times an iteration on this machine, and shows what takes the time.</summary>
internal sealed class BenchCommand : ProgramCommand
{
    private readonly Argument<int> _height = Typed.Side("HEIGHT", "Rows of the picture");
    private readonly Argument<int> _width = Typed.Side("WIDTH", "Columns of the picture");
    private readonly Option<int> _iterations =
        Typed.Option("--iterations", "Iterations to take the median of", new NumberRange<int>(1, 100_000), 5);

    private readonly Option<bool> _breakdown = new("--breakdown")
    {
        Description = "Also print a table of all operators, compared with the peak of this machine",
    };

    private readonly Option<long?> _memory =
        Typed.Memory("Memory that bench may take, e.g. 1G; larger pictures go in tiles (default: no limit)");

    private readonly Option<string?> _weights = new("--weights")
    {
        Description = "VGG weights of the network to time (default: random VGG-19 to conv5_1)", HelpName = "FILE",
        CompletionSources = { WeightsLocator.Words },
    };

    private readonly DeviceArguments _device = new();

    public BenchCommand()
        : base(
            "bench",
            "Time an iteration, and each operator beside the device's peak.",
            """
            The iteration uses VGG-19 to conv5_1 (average pooling, content conv4_2, style conv1_1 to conv5_1, Adam) with
            random weights and pictures. Prints a line of JSON: medians in seconds, 10^9 operations of the convolutions
            by their definition, peak memory in MB. The time to the first iteration counts from the program's start.
            --weights uses the file's network with its channels, and those of these layers that it has.
            """)
    {
        Add(_height);
        Add(_width);
        Add(OptionGroup.Common, _iterations, _breakdown, _memory, _weights);
        _device.AddTo(this);
        Add(new BenchStylizeCommand());
        SetAction(Run);
    }

    private int Run(ParseResult parsed)
    {
        (int height, int width) = (parsed.GetValue(_height), parsed.GetValue(_width));
        int iterations = parsed.GetValue(_iterations);
        string? weights = parsed.GetValue(_weights);
        if (weights is not null) WeightsLocator.Require(weights);
        BenchmarkNetwork network = weights is null ? BenchmarkNetwork.Random : BenchmarkNetwork.Of(weights);
        using ComputeDevice device = _device.Open(parsed);
        MemoryPlanner? memory =
            parsed.GetValue(_memory) is long bytes ? IterationBenchmark.Planner(device, network, bytes) : null;
        MemoryEstimate? expected = memory?.At(height, width);
        if (expected is { } estimate)
        {
            if (!estimate.Fits)
                throw new UsageException(
                    $"{width} x {height} pixels need about {MemorySize.Words(estimate.PeakBytes)} even in tiles; " +
                    "give a larger --memory");
            Console.Error.WriteLine(
                $"memory about {MemorySize.Words(estimate.PeakBytes)}, scratch files " +
                $"{MemorySize.Words(estimate.ScratchBytes)}; {estimate.Tiles ?? "in one piece"}");
        }

        using var benchmark = new IterationBenchmark(device, network, height, width, memory);
        BenchmarkResult result = benchmark.Measure(iterations);
        using var process = Process.GetCurrentProcess();
        Console.WriteLine(JsonSerializer.Serialize(new
        {
            network = weights is null ? "random VGG-19"
                : $"{network.Architecture.Name} from {Path.GetFileName(weights)}",
            nativestyle = typeof(BenchCommand).Assembly.GetName().Version?.ToString(3),
            device = DeviceNames.NameOf(device),
            threads = (device as CpuDevice)?.Threads,
            height,
            width,
            seconds_per_iteration = Math.Round(result.SecondsPerIteration, 4),
            seconds_forward = result.SecondsForward is double forward ? Math.Round(forward, 4) : (double?)null,
            seconds_to_first_iteration = Math.Round(
                (result.FirstIterationEnded - process.StartTime.ToUniversalTime()).TotalSeconds, 2),
            direct_gflop_per_iteration = Math.Round(result.DirectGflop, 1),
            peak_rss_mb = process.PeakWorkingSet64 >> 20,
            device_peak_mb = device.MemoryBytes.Peak >> 20,
            estimated_seconds = expected is null ? (double?)null : Math.Round(expected.Seconds, 4),
            estimated_peak_mb = expected?.PeakBytes >> 20,
        }));
        if (parsed.GetValue(_breakdown)) OperatorTable.Print(device, benchmark.Profile(iterations), iterations);
        return 0;
    }
}
