using System.CommandLine;
using NativeStyle.Kernels;

namespace NativeStyle.Cli.Commands;

/// <summary>--device and --threads, wherever a command computes.</summary>
internal sealed class DeviceOptions
{
    public const int MaxThreads = 1024;

    public Option<string> Device { get; } = new("--device")
    {
        Description = "Where to compute; 'nativestyle devices' lists them (cpu-kernels: the C# kernels as they are, slow, for study)",
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

    /// <summary>The devices of this machine, best first, and how to open each with a number of threads (0: all cores).</summary>
    public static IReadOnlyList<(string Name, Func<int, Accelerator> Open)> All { get; } =
    [
        ("cpu", threads => new CpuAccelerator(threads)),
        .. new[] { 256, 128 }.Where(bits => bits < CpuAccelerator.WidestVectorBits).Select(
            bits => ($"cpu-{bits}", (Func<int, Accelerator>)(threads => new CpuAccelerator(threads, CpuPath.Vectorized, bits)))),
        ("cpu-kernels", threads => new CpuAccelerator(threads, CpuPath.Kernels)),
    ];

    public Accelerator Open(ParseResult parsed)
    {
        int threads = parsed.GetValue(Threads) ?? 0;
        if (parsed.GetValue(Threads) is < 1 or > MaxThreads)
            throw new UsageException($"--threads {threads} is out of range, expected 1 to {MaxThreads}");
        return Find(parsed.GetValue(Device)!)(threads);
    }

    /// <summary>The way to open the device of that name.</summary>
    /// <exception cref="UsageException">There is none.</exception>
    public static Func<int, Accelerator> Find(string name) =>
        All.FirstOrDefault(device => device.Name.Equals(name, StringComparison.OrdinalIgnoreCase)).Open
        ?? throw new UsageException($"there is no device '{name}'; there are {string.Join(", ", All.Select(device => device.Name))}");
}
