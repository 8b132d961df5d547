using System.Diagnostics;
using System.Runtime.InteropServices;
using ILGPU;
using NativeStyle.GradientCheck.References;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Ladder;
using NativeStyle.Kernels.Memory;
using NativeStyle.Kernels.Operators.Pool2x2;

namespace NativeStyle.Cli.Pages;

/// <summary>A measured time.</summary>
/// <param name="Step">The step; null for the operator that transfers use.</param>
/// <param name="Seconds">The fastest of several runs.</param>
/// <param name="Error">The largest error, relative to the magnitude of the added terms.</param>
/// <param name="Peak">The device's peak; null for the debugger's device.</param>
internal sealed record LadderTime(
    LadderStep? Step, DeviceListing Device, LadderSize Size, double Seconds, double Error, DevicePeak? Peak);

/// <summary>Measures the steps of a ladder, and compares their results with MathNet in double precision.</summary>
internal static class LadderTimes
{
    /// <summary>Rounds over all steps: what else runs on the machine seldom lasts as long as all of them.</summary>
    private const int Rounds = 3;

    /// <summary>The time that a step has in a round, after its first two runs.</summary>
    private static readonly TimeSpan s_round = TimeSpan.FromSeconds(0.3);

    /// <summary>
    /// The devices that a ladder is measured on: the CPU, the debugger's device, GPUs and OpenCL devices.
    /// </summary>
    public static IReadOnlyList<DeviceListing> Devices =>
    [
        .. new[] { "cpu", "cpu-kernels" }.Select(name => DeviceCatalog.Find(name)!),
        .. DeviceCatalog.Cuda.Concat(DeviceCatalog.OpenCl).Where(device => device.WhyNot is null),
    ];

    /// <summary>
    /// The processor, its cores and the devices that are not the processor's own, for a line above a table.
    /// </summary>
    public static string Machine(IEnumerable<DeviceListing> devices)
    {
        string processor = $"{RuntimeInformation.ProcessArchitecture}";
        if (OperatingSystem.IsLinux())
        {
            Dictionary<string, string> facts = [];
            foreach (string[] pair in File.ReadLines("/proc/cpuinfo").Select(line => line.Split(':', 2)))
                if (pair.Length == 2) facts.TryAdd(pair[0].Trim(), pair[1].Trim());
            if (facts.TryGetValue("model name", out string? model))
                processor = $"{model} (family {facts["cpu family"]}, model {facts["model"]})";
        }

        return string.Join("; ", [
            $"{processor}, {Environment.ProcessorCount} cores",
            .. devices.Where(device => device.Driver.Length > 0)
                .Select(device => $"{device.Name}: {device.Hardware}, {device.Driver}"),
        ]);
    }

    /// <summary>Measures steps on devices. Steps that a device does not run are left out.</summary>
    /// <param name="steps">The steps; the operator itself is measured if all are asked for.</param>
    /// <param name="channels">Channels of the map instead of the usual ones; null for these.</param>
    public static IReadOnlyList<LadderTime> Measure(
        KernelLadder ladder, IReadOnlyList<LadderStep> steps, IReadOnlyList<DeviceListing> devices, int? channels)
    {
        List<LadderTime> times = [];
        foreach (DeviceListing listing in devices) times.AddRange(On(listing, ladder, steps, channels));
        if (steps.Count < ladder.Steps.Count || devices.All(device => device.Name != "cpu")) return times;
        // The vectorised forms of all widths, next to the operator's form on each device.
        times.AddRange(DeviceCatalog.Cpu.Where(device => device.Name is not ("cpu" or "cpu-kernels"))
            .SelectMany(device => On(device, ladder, [], channels)));
        return times;
    }

    private static IEnumerable<LadderTime> On(
        DeviceListing listing, KernelLadder ladder, IReadOnlyList<LadderStep> steps, int? channels)
    {
        LadderSize size = ladder.SizeFor(listing);
        size = size with { Channels = channels ?? size.Channels };
        float[] map = new float[size.Length];
        var random = new Random(1);
        for (int i = 0; i < map.Length; i++) map[i] = random.NextSingle() - 0.5f;
        var errors = new LadderErrors(ladder, map, size);
        using ComputeDevice device = listing.Open(0);
        var peak = DevicePeak.Measure(device);
        LadderStep?[] wanted = [.. steps.Where(step => step.WhyNot(device, size) is null)];
        if (steps.Count is 0 || steps.Count == ladder.Steps.Count) wanted = [.. wanted, null];
        double[] best = [.. wanted.Select(_ => double.PositiveInfinity)], error = new double[wanted.Length];
        using DeviceBuffer<float> input = device.Allocate<float>(map.Length);
        using DeviceBuffer<float> output = device.Allocate<float>(ladder.OutputLength(size));
        for (int round = 0; round < Rounds; round++)
        {
            for (int i = 0; i < wanted.Length; i++)
            {
                // A step that takes seconds, as on the debugger's device, is not worth another round.
                if (best[i] is > 1 and < double.PositiveInfinity) continue;
                input.CopyFromCPU(wanted[i] is { } step ? KernelLadder.InputOf(step, map, size) : map);
                Action<ComputeDevice, ArrayView<float>, ArrayView<float>, LadderSize> run =
                    wanted[i]?.Run ?? ladder.RunOperator;
                long begin = Stopwatch.GetTimestamp();
                // The first run compiles the kernel.
                for (int n = 0; n < 2 || Stopwatch.GetElapsedTime(begin) < s_round; n++)
                {
                    long start = Stopwatch.GetTimestamp();
                    run(device, input.View, output.View, size);
                    device.Synchronize();
                    if (n > 0) best[i] = Math.Min(best[i], Stopwatch.GetElapsedTime(start).TotalSeconds);
                }

                if (round == 0) error[i] = errors.Of(output.GetAsArray());
            }
        }

        return wanted.Select((step, i) => new LadderTime(step, listing, size, best[i], error[i], peak));
    }

    /// <summary>The errors of results against MathNet in double precision, on a part of the result.</summary>
    private sealed class LadderErrors
    {
        /// <summary>Channels of G that are compared, and rows of a pooled map.</summary>
        private const int Sample = 16;

        private readonly Func<float[], IEnumerable<float>> _sample;
        private readonly double[] _expected, _terms;

        public LadderErrors(KernelLadder ladder, float[] map, LadderSize size)
        {
            if (ladder == KernelLadder.Gram)
            {
                // An element of G depends on two channels alone.
                int stride = size.Channels / Sample;
                double[] part = new double[size.Pixels * Sample];
                for (int i = 0; i < part.Length; i++)
                    part[i] = map[(i / Sample * size.Channels) + (i % Sample * stride)];
                _expected = StyleReference.Gram(part, size.Pixels, Sample, 1.0 / size.Pixels);
                _terms = StyleReference.Gram([.. part.Select(Math.Abs)], size.Pixels, Sample, 1.0 / size.Pixels);
                _sample = output => Enumerable.Range(0, Sample * Sample).Select(
                    i => output[(i / Sample * stride * size.Channels) + (i % Sample * stride)]);
            }
            else
            {
                // The last rows of the map.
                var shape = new PoolShape(Math.Min(Sample, size.Rows), size.Columns, size.Channels, PoolEdge.Floor);
                double[] part = [.. map.TakeLast((int)shape.InLength).Select(value => (double)value)];
                _expected = PoolReference.Average(part, shape);
                _terms = PoolReference.Average([.. part.Select(Math.Abs)], shape);
                _sample = output => output.TakeLast((int)shape.OutLength);
            }
        }

        public double Of(float[] output) =>
            _sample(output).Select((value, i) => Math.Abs(value - _expected[i]) / _terms[i]).Aggregate(Math.Max);
    }
}
