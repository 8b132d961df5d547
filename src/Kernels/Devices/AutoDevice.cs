using System.Globalization;
using System.Text.Json;

namespace NativeStyle.Kernels.Devices;

/// <summary>
/// Chooses the device for <c>--device auto</c>: CUDA, then an OpenCL GPU, then the CPU. A GPU is trusted when
/// <see cref="DeviceCheck"/> finds it right and clearly faster than all cores of the CPU. The verdict is kept in the
/// user's cache folder for each device, driver, CPU and build of this program, so that the choice is made once. GPUs
/// that share the host's memory are skipped.
/// </summary>
public sealed class AutoDevice
{
    /// <summary>
    /// How many times as fast as the CPU a GPU must be: more than two measurements of the same device differ by.
    /// </summary>
    private const double Margin = 1.5;

    private readonly IEnumerable<DeviceListing> _gpus;
    private readonly Func<ComputeDevice, DeviceVerdict> _check;
    private readonly string _file;

    /// <param name="gpus">The devices to choose from, best first.</param>
    /// <param name="check">Checks one device.</param>
    /// <param name="file">The file that keeps the verdicts.</param>
    internal AutoDevice(IEnumerable<DeviceListing> gpus, Func<ComputeDevice, DeviceVerdict> check, string file) =>
        (_gpus, _check, _file) = (gpus, check, file);

    /// <summary>The choice among the devices of this machine.</summary>
    public static AutoDevice OfThisMachine => new(Gpus(), CheckAgainstCpu, DefaultFile);

    /// <summary>devices.json in the user's cache folder.</summary>
    public static string DefaultFile => Path.Combine(
        Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } cache ? cache
            : OperatingSystem.IsWindows() ? Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData)
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache"),
        "nativestyle", "devices.json");

    /// <summary>Opens the device.</summary>
    /// <param name="threads">Threads of the CPU; 0 for all cores.</param>
    /// <param name="notice">Is told why a GPU is not used, and when one is checked for the first time.</param>
    public ComputeDevice Open(int threads = 0, Action<string>? notice = null)
    {
        foreach (DeviceListing gpu in _gpus)
        {
            if (!gpu.IsGpu || gpu.SharesHostMemory) continue;
            if (gpu.WhyNot is { } why)
            {
                notice?.Invoke($"{gpu.Name} ({gpu.Hardware}) cannot be used: {why}");
                continue;
            }

            if (TryOpen(gpu, threads, notice) is { } device) return device;
        }

        return new CpuDevice(threads);
    }

    private ComputeDevice? TryOpen(DeviceListing gpu, int threads, Action<string>? notice)
    {
        string key = $"{gpu.Hardware} | {gpu.Driver} | {Environment.ProcessorCount} cores, "
            + $"{CpuDevice.WidestVectorBits} bits | {typeof(AutoDevice).Module.ModuleVersionId}";
        Dictionary<string, DeviceVerdict> verdicts = Read();
        ComputeDevice? device = null;
        DeviceVerdict? verdict = verdicts.GetValueOrDefault(key);
        try
        {
            if (verdict is null)
            {
                notice?.Invoke($"{gpu.Name} ({gpu.Hardware}) is new here: checking it against the CPU");
                // A driver that crashes the whole program must not do so at every start.
                verdicts[key] = new DeviceVerdict("it did not survive its first check", 0);
                Write(verdicts);
                device = gpu.Open(threads);
                verdict = _check(device);
                verdicts[key] = verdict;
                Write(verdicts);
            }

            if (verdict.Fault is null && verdict.TimesTheCpu >= Margin) return device ?? gpu.Open(threads);
            notice?.Invoke(verdict.Fault is { } fault
                ? $"{gpu.Name} ({gpu.Hardware}) is left alone: {fault} "
                    + $"(try a newer driver; delete {_file} to check it again)"
                : string.Create(
                    CultureInfo.InvariantCulture,
                    $"{gpu.Name} ({gpu.Hardware}) is {verdict.TimesTheCpu:0.0#} times as fast as the CPU; "
                        + $"using the CPU"));
        }
        catch (Exception failed) when (failed is DeviceException or OutOfMemoryException)
        {
            string message = failed.Message.ReplaceLineEndings(" ");
            notice?.Invoke($"{gpu.Name} ({gpu.Hardware}) failed: {message}; it is left alone");
            verdicts[key] = new DeviceVerdict($"it failed its check: {message}", 0);
            Write(verdicts);
        }

        device?.Dispose();
        return null;
    }

    private static IEnumerable<DeviceListing> Gpus()
    {
        foreach (DeviceListing device in DeviceCatalog.Cuda) yield return device;
        foreach (DeviceListing device in DeviceCatalog.OpenCl) yield return device;
    }

    private static DeviceVerdict CheckAgainstCpu(ComputeDevice device)
    {
        using var cpu = new CpuDevice();
        return DeviceCheck.Run(device, cpu);
    }

    /// <summary>Reads the verdicts. A missing or damaged file holds none: the checks are made again.</summary>
    private Dictionary<string, DeviceVerdict> Read()
    {
        try
        {
            if (File.Exists(_file) && new FileInfo(_file).Length < 1 << 20)
                return JsonSerializer.Deserialize<Dictionary<string, DeviceVerdict>>(File.ReadAllText(_file)) ?? [];
        }
        catch (Exception e)
            when (e is IOException or UnauthorizedAccessException or JsonException or NotSupportedException)
        {
            // Treated like a missing file.
        }

        return [];
    }

    /// <summary>
    /// Writes the verdicts. It is no error if the cache cannot be written: the check is made again the next time.
    /// </summary>
    private void Write(Dictionary<string, DeviceVerdict> verdicts)
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(_file)!);
            string temporary = $"{_file}.{Environment.ProcessId}.tmp";
            File.WriteAllText(temporary, JsonSerializer.Serialize(verdicts));
            File.Move(temporary, _file, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The device is checked, but the verdict is not remembered.
        }
    }
}
