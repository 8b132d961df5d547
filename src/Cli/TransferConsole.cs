using System.Diagnostics;
using System.Globalization;
using NativeStyle.Imaging;
using NativeStyle.Jobs;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Operators.Pool2x2;
using NativeStyle.Style;
using NativeStyle.Style.Options;
using NativeStyle.Vgg;
using Spectre.Console;

namespace NativeStyle.Cli;

/// <summary>
/// Shows the progress of a transfer: a live bar on a terminal, plain lines in a pipe, nothing when quiet.
/// </summary>
internal sealed class TransferConsole(bool quiet) : IJobDisplay
{
    /// <summary>Seconds between plain lines.</summary>
    private const double LineInterval = 5;

    /// <summary>Seconds between lines about tiles.</summary>
    private const double PlainTileInterval = 20;

    private bool _tiled;
    private long _shown;
    private ProgressTask? _task;
    private string _line = "starting";

    /// <summary>The columns that a complete progress line needs.</summary>
    private const int WideTerminal = 125;

    public void Say(string line)
    {
        if (!quiet) Console.WriteLine(line);
    }

    public void Warn(string line) => Console.Error.WriteLine($"nativestyle: {line}");

    public void Begin(TransferOptions options, IReadOnlyList<ScaleStep> plan, ComputeDevice device, VggNetwork network)
    {
        Say($"preset {options.Name}: {options.Description}");
        Say($"network {network.Source}, {OptionWords.Pooling[options.Pooling]} pooling; " +
            $"content {Names(options.ContentLayers)}; style {Names(options.StyleLayers)}");
        Say($"device {DeviceNames.NameOf(device)}: {device.Description}");
        Say("scales " + string.Join(
            ", ", plan.Select(step => $"{step.Width} x {step.Height} ({step.Iterations} iterations)")));
    }

    /// <summary>Prints the table of layers with their shapes (height x width x channels) at the last scale.</summary>
    public void ShowLayers(TransferOptions options, VggArchitecture network, ScaleStep step)
    {
        if (quiet) return;
        var table = new Table().Border(TableBorder.Rounded).AddColumns("layer", "shape", "loss");
        table.AddRow("input", $"{step.Height} x {step.Width} x 3", "");
        for (int i = 0; i < network.Layers.Count; i++)
        {
            VggLayer layer = network.Layers[i];
            (int height, int width) = VggArchitecture.SizeAt(layer, step.Height, step.Width, options.PoolEdge);
            string[] roles = [
                .. options.ContentLayers.Where(l => l.Layer == layer.Name).Select(_ => "content"),
                .. options.StyleLayers.Where(l => l.Layer == layer.Name)
                    .Select(l => string.Create(CultureInfo.InvariantCulture, $"style x {l.Weight:0.###}")),
            ];
            table.AddRow(layer.Name, $"{height} x {width} x {layer.OutChannels}", string.Join(", ", roles));
            bool endOfBlock = i + 1 == network.Layers.Count || network.Layers[i + 1].Block != layer.Block;
            if (!endOfBlock) continue;
            var pool = new PoolShape(height, width, layer.OutChannels, options.PoolEdge);
            table.AddRow($"pool{layer.Block}", $"{pool.OutHeight} x {pool.OutWidth} x {layer.OutChannels}", "");
        }

        AnsiConsole.Write(table);
    }

    /// <summary>Prints the peak memory, if pictures went through the network in tiles.</summary>
    public void SayPeak(ComputeDevice device)
    {
        if (!_tiled) return;
        using var process = Process.GetCurrentProcess();
        long peak = device.UsesHostMemory ? process.PeakWorkingSet64 : device.MemoryBytes.Peak;
        Say($"peak memory {MemorySize.Words(peak)}");
    }

    /// <summary>Shows the progress of a long pass over tiles.</summary>
    public void ShowTile(int tile, int tiles)
    {
        // A target that goes through the network whole counts as one tile.
        if (tiles == 1) return;
        _tiled = true;
        double interval = Console.IsOutputRedirected ? PlainTileInterval : 0.2;
        if (quiet || Stopwatch.GetElapsedTime(_shown).TotalSeconds < interval) return;
        string progress = string.Create(CultureInfo.InvariantCulture, $"  tile {tile}/{tiles}");
        if (_task is { } task) task.Description = _line + progress;
        else if (_shown != 0) Console.WriteLine(progress);
        _shown = Stopwatch.GetTimestamp();
    }

    /// <summary>Runs iterations and shows their progress.</summary>
    /// <param name="total">The total number of iterations.</param>
    /// <param name="printEvery">
    /// Iterations between lines that stay. With 0, a terminal gets none and a pipe gets one every few seconds.
    /// </param>
    public T Follow<T>(int total, int printEvery, Func<Action<IterationReport>, T> run)
    {
        if (quiet) return run(_ => { });
        if (Console.IsOutputRedirected) return FollowPlain(total, printEvery, run);
        T? result = default;
        bool narrow = AnsiConsole.Profile.Width < WideTerminal;
        var bar = new ProgressBarColumn { Width = narrow ? 8 : 24 };
        var words = new TaskDescriptionColumn { Alignment = Justify.Left };
        AnsiConsole.Progress().AutoClear(false).Columns(bar, words).Start(context =>
        {
            ProgressTask task = _task = context.AddTask(_line, maxValue: total);
            var pace = new Pace(total);
            result = run(report =>
            {
                task.Value = report.Iteration;
                task.Description = _line = pace.Line(report, narrow);
                if (printEvery > 0 && report.Iteration % printEvery == 0) AnsiConsole.WriteLine(task.Description);
            });
        });
        _task = null;
        return result!;
    }

    T IJobDisplay.Follow<T>(
        int total, int printEvery, Func<Action<IterationReport, Func<Picture>>, T> run) =>
        Follow(total, printEvery, report => run((iteration, _) => report(iteration)));

    private T FollowPlain<T>(int total, int printEvery, Func<Action<IterationReport>, T> run)
    {
        var pace = new Pace(total);
        long shown = 0;
        _shown = Stopwatch.GetTimestamp();
        return run(report =>
        {
            string line = pace.Line(report);
            bool due = printEvery > 0 ? report.Iteration % printEvery == 0
                : shown == 0 || Stopwatch.GetElapsedTime(shown).TotalSeconds >= LineInterval;
            if (!due && report.Iteration != total) return;
            shown = _shown = Stopwatch.GetTimestamp();
            Console.WriteLine(line);
        });
    }

    /// <summary>The loss that only a training for films has.</summary>
    private static string Stability(IterationReport report) => report.Stability > 0
        ? string.Create(CultureInfo.InvariantCulture, $" + stability {report.Stability:g3}") : "";

    private static string Names(IReadOnlyList<LayerWeight> layers) =>
        string.Join(" ", layers.Select(layer => layer.Layer));

    /// <summary>Describes an iteration, with the time left at the recent pace of this scale.</summary>
    private sealed class Pace(int total)
    {
        private double _secondsPerIteration;
        private int _width;

        public string Line(IterationReport report, bool narrow = false)
        {
            bool newScale = report.Width != _width;
            _width = report.Width;
            _secondsPerIteration = newScale ? report.Seconds : (0.9 * _secondsPerIteration) + (0.1 * report.Seconds);
            var left = TimeSpan.FromSeconds((total - report.Iteration) * _secondsPerIteration);
            string losses = narrow
                ? string.Create(
                    CultureInfo.InvariantCulture,
                    $"loss {report.Loss:g3} (c {report.Content:g2} s {report.Style:g2})")
                : string.Create(
                    CultureInfo.InvariantCulture,
                    $"{report.Width}x{report.Height}  loss {report.Loss:g4} = content {report.Content:g3} + " +
                    $"style {report.Style:g3} + tv {report.Tv:g3}{Stability(report)} ");
            return string.Create(
                CultureInfo.InvariantCulture,
                $"{report.Iteration}/{total}  {losses} {_secondsPerIteration:f2} s/it  " +
                $"{(int)left.TotalMinutes}:{left.Seconds:00} left");
        }
    }
}
