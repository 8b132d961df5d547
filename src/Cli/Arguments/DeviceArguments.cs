using System.CommandLine;
using NativeStyle.Cli.Help;
using NativeStyle.Kernels.Devices;
using NativeStyle.Style.Options;

namespace NativeStyle.Cli.Arguments;

/// <summary>The options --device, --threads and --precision of every command that computes.</summary>
internal sealed class DeviceArguments
{
    private const string Auto = "auto";
    private const string TensorFloat = "+tf32";

    public Option<string> Device { get; } = new("--device")
    {
        Description = "Where to compute: auto (a GPU that is right and faster than the CPU, else the CPU), cpu, " +
            "cuda, opencl, or another name that 'nativestyle devices' lists (default: auto)",
        DefaultValueFactory = _ => Auto,
        HelpName = "NAME",
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
        string full = name ?? parsed.GetValue(Device)!;
        bool tensors = full.EndsWith(TensorFloat, StringComparison.OrdinalIgnoreCase)
            || parsed.GetValue(_precision) == Precision.Tf32;
        string plain = full.Replace(TensorFloat, "", StringComparison.OrdinalIgnoreCase);
        ComputeDevice device = Find(plain, notice)(threads);
        if (!tensors) return device;
        device.Precision = Precision.Tf32;
        if (!device.HasTensorCores) Say(notice, $"{device.Name} has no tensor cores for tf32: computing in float32");
        return device;
    }

    /// <summary>Returns the name that opens the device with its present precision, e.g. cuda+tf32.</summary>
    public static string NameOf(ComputeDevice device) =>
        device.HasTensorCores && device.Precision == Precision.Tf32 ? device.Name + TensorFloat : device.Name;

    /// <summary>
    /// Returns the name that opens a device which computes the same bytes, also on another machine: that of a CPU says
    /// how wide its vectors are.
    /// </summary>
    public static string ExactNameOf(ComputeDevice device) =>
        device is CpuDevice cpu ? $"cpu-{cpu.VectorBits}" : NameOf(device);

    /// <summary>Finds a device by its name. Returns the function that opens it with a number of threads.</summary>
    /// <inheritdoc cref="Open"/>
    /// <exception cref="UsageException">No device has that name.</exception>
    /// <exception cref="DeviceException">The device is missing or cannot be used.</exception>
    public static Func<int, ComputeDevice> Find(string name, Action<string>? notice = null)
    {
        if (name.Equals(Auto, StringComparison.OrdinalIgnoreCase))
            return threads => AutoDevice.OfThisMachine.Open(threads, line => Say(notice, line));
        if (DeviceCatalog.Find(name) is { } device)
        {
            return device.WhyNot is null ? device.Open
                : throw new DeviceException($"{device.Name} ({device.Hardware}) cannot be used: {device.WhyNot}");
        }

        // The program knows this kind of device, but this machine has no such device.
        string? why =
            IsKind(name, "opencl") ? DeviceCatalog.WhyNoOpenCl ?? $"OpenCL offers {Names(DeviceCatalog.OpenCl)}"
            : IsKind(name, "cuda") ? DeviceCatalog.WhyNoCuda ?? $"CUDA offers {Names(DeviceCatalog.Cuda)}" : null;
        if (why is not null) throw new DeviceException($"there is no device '{name}': {why}");
        throw new UsageException($"there is no device '{name}'; there are {Auto}, {Names(DeviceCatalog.All)}");
    }

    private static bool IsKind(string name, string kind) =>
        name.Equals(kind, StringComparison.OrdinalIgnoreCase)
            || name.StartsWith(kind + ":", StringComparison.OrdinalIgnoreCase);

    private static string Names(IEnumerable<DeviceListing> devices) =>
        string.Join(", ", devices.Select(device => device.Name));

    private static void Say(Action<string>? notice, string line)
    {
        if (notice is not null) notice(line);
        else Console.Error.WriteLine($"nativestyle: {line}");
    }
}
