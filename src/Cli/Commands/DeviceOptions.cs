using System.CommandLine;
using NativeStyle.Kernels;

namespace NativeStyle.Cli.Commands;

/// <summary>--device and --threads, wherever a command computes.</summary>
internal sealed class DeviceOptions
{
    public const int MaxThreads = 1024;

    public Option<string> Device { get; } = new("--device")
    {
        Description = "Where to compute: cpu, or cpu-kernels (the C# kernels as they are: slow, for study); see 'nativestyle devices'",
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

    public Accelerator Open(ParseResult parsed)
    {
        int threads = parsed.GetValue(Threads) ?? 0;
        if (parsed.GetValue(Threads) is < 1 or > MaxThreads)
            throw new UsageException($"--threads {threads} is out of range, expected 1 to {MaxThreads}");
        string device = parsed.GetValue(Device)!;
        return device.ToLowerInvariant() switch
        {
            "cpu" => new CpuAccelerator(threads),
            "cpu-kernels" => new CpuAccelerator(threads, CpuPath.Kernels),
            _ => throw new UsageException($"there is no device '{device}'; there are cpu and cpu-kernels"),
        };
    }
}
