using System.CommandLine;
using NativeStyle.Cli.Help;
using NativeStyle.Jobs;
using NativeStyle.Kernels.Devices;
using NativeStyle.Style.Options;

namespace NativeStyle.Cli.Arguments;

/// <summary>The options --device, --threads and --precision of every command that computes.</summary>
internal sealed class DeviceArguments
{
    public Option<string> Device { get; } = new("--device")
    {
        Description = "Where to compute: auto (a GPU that is right and faster than the CPU, else the CPU), cpu, " +
            "cuda, opencl, or another name that 'nativestyle devices' lists (default: auto)",
        DefaultValueFactory = _ => DeviceNames.Auto,
        HelpName = "NAME", CompletionSources = { DeviceNames.Usual },
    };

    private readonly Option<int?> _threads =
        Typed.Option("--threads", "CPU threads (default: one per core)", new NumberRange<int>(1, 1024));

    private readonly Option<Precision> _precision = Typed.Option(
        "--precision",
        "How to compute large products: float32, or tf32 on the tensor cores of NVIDIA GPUs (compute capability " +
        "8.0 or more), which is faster and uses 10-bit factors",
        new Words<Precision>((Precision.Float32, "float32"), (Precision.Tf32, "tf32")), Precision.Float32);

    public void AddTo(ProgramCommand command)
    {
        command.Add(OptionGroup.Run, Device, _threads);
        command.AddRare(OptionGroup.Run, _precision);
    }

    /// <param name="notice">
    /// Receives the reason why auto does not use a GPU. If null, it goes to standard error.
    /// </param>
    /// <param name="name">The device to open instead of the one that the option names.</param>
    /// <param name="otherwise">The CPU's threads if the user names no number; 0 for one per core.</param>
    public ComputeDevice Open(
        ParseResult parsed, Action<string>? notice = null, string? name = null, int otherwise = 0)
    {
        int threads = parsed.GetValue(_threads) ?? otherwise;
        return DeviceNames.Open(
            name ?? parsed.GetValue(Device)!, threads, parsed.GetValue(_precision) == Precision.Tf32,
            notice ?? (line => Console.Error.WriteLine($"nativestyle: {line}")));
    }
}
