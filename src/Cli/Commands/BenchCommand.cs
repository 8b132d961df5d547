using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using NativeStyle.Cli.Arguments;
using NativeStyle.Cli.Help;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Operators;
using NativeStyle.Style.Options;
using NativeStyle.Style.Study;
using NativeStyle.Style.Tiling;
using Spectre.Console;

namespace NativeStyle.Cli.Commands;

/// <summary><c>nativestyle bench</c>: times an iteration on this machine, and shows what takes the time.</summary>
internal sealed class BenchCommand : ProgramCommand
{
    private readonly Argument<int> _height = Side("HEIGHT", "Rows of the picture");
    private readonly Argument<int> _width = Side("WIDTH", "Columns of the picture");
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
            device = DeviceArguments.NameOf(device),
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
        if (parsed.GetValue(_breakdown)) Break(benchmark, iterations, device);
        return 0;
    }

    /// <summary>Prints each operator's share of the time and of the machine's peak.</summary>
    private static void Break(IterationBenchmark benchmark, int iterations, ComputeDevice device)
    {
        DevicePeak? peak = DevicePeak.Measure(device);
        IReadOnlyCollection<ProfileEntry> entries = benchmark.Profile(iterations);
        double total = entries.Sum(entry => entry.Seconds);
        var table = new Table().Border(TableBorder.Rounded);
        table.AddColumns("operator", "shape", "calls", "ms", "share", "GFLOP/s", "of peak", "GB/s", "of peak");
        foreach (TableColumn column in table.Columns.Skip(2)) column.RightAligned().NoWrap();
        foreach (ProfileEntry entry in entries) AddRow(entry.Operator, entry.Shape, entry);
        table.AddEmptyRow();
        foreach (IGrouping<string, ProfileEntry> group in entries.GroupBy(entry => entry.Operator))
        {
            double flop = group.Sum(entry => entry.Work.Flop);
            double made = group.Sum(entry => entry.Work.Flop / entry.Work.Saving);
            var sum = new Work(flop, group.Sum(entry => entry.Work.Bytes), made > 0 ? flop / made : 1);
            (int calls, double seconds) = (group.Sum(entry => entry.Calls), group.Sum(entry => entry.Seconds));
            AddRow(group.Key, "all", new ProfileEntry(group.Key, "all", calls, seconds, sum));
        }

        AnsiConsole.Write(table);
        Console.WriteLine(
            $"ms: per iteration, {Number(total * 1e3 / iterations, "f1")} in all; the clock waits for each operator");
        Console.WriteLine(
            "GFLOP/s: operations by the operator's definition; the share of the peak counts the operations that " +
            "are really made (Winograd: a quarter)");
        Console.WriteLine("GB/s: inputs and outputs, each counted once");
        if (peak is not null)
        {
            Console.WriteLine(
                $"peak of this device, measured: {Number(peak.GigaflopsPerSecond, "f0")} GFLOP/s of multiply-adds " +
                "on registers, " +
                $"{Number(peak.GigabytesPerSecond, "f1")} GB/s of copying memory");
        }

        void AddRow(string name, string shape, ProfileEntry entry)
        {
            double gigaflops = entry.Work.Flop / entry.Seconds / 1e9;
            double gigabytes = entry.Work.Bytes / entry.Seconds / 1e9;
            table.AddRow(
                name, shape, $"{entry.Calls / iterations}", Number(entry.Seconds * 1e3 / iterations, "f2"),
                Percent(entry.Seconds / total),
                Number(gigaflops, "f1"), Percent(gigaflops / entry.Work.Saving / peak?.GigaflopsPerSecond),
                Number(gigabytes, "f1"), Percent(gigabytes / peak?.GigabytesPerSecond));
        }
    }

    private static Argument<int> Side(string name, string help) =>
        new(name) { Description = help, CustomParser = result => Typed.Sides(result) is [var side] ? side : 0 };

    private static string Number(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);

    private static string Percent(double? value) => value is null ? "-" : Number(value.Value * 100, "f1") + " %";
}
