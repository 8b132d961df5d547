using System.CommandLine;
using NativeStyle.Kernels;
using NativeStyle.Kernels.OpenCl;

namespace NativeStyle.Cli.Commands;

/// <summary>--device and --threads, wherever a command computes.</summary>
internal sealed class DeviceOptions
{
    public const int MaxThreads = 1024;

    public Option<string> Device { get; } = new("--device")
    {
        Description = "Where to compute: cpu, opencl, auto (a GPU if there is one), or another name that 'nativestyle devices' lists",
        DefaultValueFactory = _ => "cpu",
        HelpName = "NAME",
    };

    public Option<int?> Threads { get; } = new("--threads")
    {
        Description = "CPU threads (default: one per core)",
        HelpName = "N",
    };

    public void AddTo(Command command)
    {
        command.Add(Device);
        command.Add(Threads);
    }

    /// <summary>The CPU's devices, best first, and how to open each with a number of threads (0: all cores).</summary>
    public static IReadOnlyList<(string Name, Func<int, Accelerator> Open)> Cpu { get; } =
    [
        ("cpu", threads => new CpuAccelerator(threads)),
        .. new[] { 256, 128 }.Where(bits => bits < CpuAccelerator.WidestVectorBits).Select(
            bits => ($"cpu-{bits}", (Func<int, Accelerator>)(threads => new CpuAccelerator(threads, CpuPath.Vectorized, bits)))),
        ("cpu-kernels", threads => new CpuAccelerator(threads, CpuPath.Kernels)),
    ];

    /// <summary>The OpenCL devices; asking for them starts their drivers.</summary>
    public static IReadOnlyList<(string Name, OpenClDevice Device)> OpenCl =>
        [.. OpenClDevice.All.Select((device, i) => (i == 0 ? "opencl" : $"opencl:{i}", device))];

    /// <summary>All devices of this machine.</summary>
    public static IEnumerable<(string Name, Func<int, Accelerator> Open)> All =>
        Cpu.Concat(OpenCl.Select(each => (each.Name, (Func<int, Accelerator>)(_ => new OpenClAccelerator(each.Device, each.Name)))));

    /// <param name="name">Another device than the option says.</param>
    public Accelerator Open(ParseResult parsed, Action<string>? notice = null, string? name = null)
    {
        int threads = parsed.GetValue(Threads) ?? 0;
        if (parsed.GetValue(Threads) is < 1 or > MaxThreads)
            throw new UsageException($"--threads {threads} is out of range, expected 1 to {MaxThreads}");
        return Find(name ?? parsed.GetValue(Device)!, notice)(threads);
    }

    /// <summary>The way to open the device of that name.</summary>
    /// <param name="notice">Told when auto has to be content with the CPU.</param>
    /// <exception cref="UsageException">There is none.</exception>
    public static Func<int, Accelerator> Find(string name, Action<string>? notice = null)
    {
        if (name.Equals("auto", StringComparison.OrdinalIgnoreCase))
        {
            foreach ((string gpu, OpenClDevice device) in OpenCl)
                if (device is { IsGpu: true, SharesHostMemory: false }) return _ => new OpenClAccelerator(device, gpu);
            notice?.Invoke($"no GPU with memory of its own: {OpenClDevice.WhyNone ?? "OpenCL offers " + string.Join(", ", OpenClDevice.All.Select(device => device.Name))}; using the CPU");
            return Cpu[0].Open;
        }

        // The CPU's names without a look at OpenCL, whose drivers take their time to start.
        IEnumerable<(string Name, Func<int, Accelerator> Open)> known = name.StartsWith("cpu", StringComparison.OrdinalIgnoreCase) ? Cpu : All;
        if (known.FirstOrDefault(device => device.Name.Equals(name, StringComparison.OrdinalIgnoreCase)).Open is { } open) return open;
        string there = $"there are auto, {string.Join(", ", All.Select(device => device.Name))}";
        throw new UsageException(
            name.StartsWith("opencl", StringComparison.OrdinalIgnoreCase) && OpenClDevice.WhyNone is { } why
            ? $"there is no device '{name}': {why}; {there}" : $"there is no device '{name}'; {there}");
    }
}
