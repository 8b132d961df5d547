using NativeStyle.Kernels.Devices;

namespace NativeStyle.Jobs;

/// <summary>Opens devices by the names that users and recipes give them.</summary>
internal static class DeviceNames
{
    /// <summary>The name of a GPU that is right and faster than the CPU, else of the CPU.</summary>
    public const string Auto = "auto";

    private const string TensorFloat = "+tf32";

    /// <summary>Names without numbers, of devices that this machine may have or not. No driver is asked.</summary>
    public static string[] Usual { get; } =
        [Auto, .. DeviceCatalog.Cpu.Select(device => device.Name), "cuda", "opencl"];

    /// <summary>Opens a device.</summary>
    /// <param name="name">Its name; with +tf32 at its end it computes large products on tensor cores.</param>
    /// <param name="threads">Threads of the CPU; 0 for one per core.</param>
    /// <param name="tensors">Whether to use tensor cores, whatever the name says.</param>
    /// <param name="notice">Receives what a user should know about the choice.</param>
    /// <exception cref="UsageException">No device has that name.</exception>
    /// <exception cref="DeviceException">The device is missing or cannot be used.</exception>
    public static ComputeDevice Open(string name, int threads, bool tensors, Action<string> notice)
    {
        string plain = name.Replace(TensorFloat, "", StringComparison.OrdinalIgnoreCase);
        ComputeDevice device = Find(plain, notice)(threads);
        if (!tensors && !name.EndsWith(TensorFloat, StringComparison.OrdinalIgnoreCase)) return device;
        device.Precision = Precision.Tf32;
        if (!device.HasTensorCores) notice($"{device.Name} has no tensor cores for tf32: computing in float32");
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
    /// <param name="notice">Receives the reason why auto does not use a GPU.</param>
    /// <exception cref="UsageException">No device has that name.</exception>
    /// <exception cref="DeviceException">The device is missing or cannot be used.</exception>
    public static Func<int, ComputeDevice> Find(string name, Action<string> notice)
    {
        if (name.Equals(Auto, StringComparison.OrdinalIgnoreCase))
            return threads => AutoDevice.OfThisMachine.Open(threads, notice);
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
}
