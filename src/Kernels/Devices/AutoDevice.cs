using System.Globalization;
using System.Text.Json;

namespace NativeStyle.Kernels.Devices;

/// <summary>
/// The choice of <c>--device auto</c>: CUDA, then an OpenCL GPU, then the CPU. A GPU is trusted when <see cref="DeviceCheck"/>
/// found it right and clearly faster than all cores of the CPU; what it found is kept in the user's cache folder for each device,
/// driver, CPU and build of this program, so that the choice is made once. GPUs that share the host's memory are passed over.
/// </summary>
/// <param name="gpus">The devices to choose among, best first.</param>
/// <param name="check">Checks one.</param>
/// <param name="file">Where verdicts are kept.</param>
public sealed class AutoDevice(IEnumerable<DeviceListing> gpus, Func<ComputeDevice, DeviceVerdict> check, string file)
{
    /// <summary>So much faster a GPU must be: more than two measurements of the same device differ.</summary>
    private const double Margin = 1.5;

    /// <summary>For the devices of this machine.</summary>
    public static AutoDevice OfThisMachine => new(Gpus(), CheckAgainstCpu, DefaultFile);

    /// <summary>devices.json in the user's cache folder.</summary>
    public static string DefaultFile => Path.Combine(
        Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } cache ? cache
            : OperatingSystem.IsWindows() ? Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData)
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache"),
        "nativestyle", "devices.json");

    /// <summary>Opens the device.</summary>
    /// <param name="threads">Of the CPU; 0 for all cores.</param>
    /// <param name="notice">Told why a GPU is left, and when one is checked for the first time.</param>
    public ComputeDevice Open(int threads, Action<string>? notice = null)
    {
        foreach (DeviceListing gpu in gpus)
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
        string key = $"{gpu.Hardware} | {gpu.Driver} | {Environment.ProcessorCount} cores, {CpuDevice.WidestVectorBits} bits | {typeof(AutoDevice).Module.ModuleVersionId}";
        Dictionary<string, DeviceVerdict> known = Read();
        ComputeDevice? device = null;
        DeviceVerdict? verdict = known.GetValueOrDefault(key);
        try
        {
            if (verdict is null)
            {
                notice?.Invoke($"{gpu.Name} ({gpu.Hardware}) is new here: checking it against the CPU");
                // A driver that takes the whole program along must not do so every time.
                known[key] = new DeviceVerdict("it did not survive its first check", 0);
                Write(known);
                device = gpu.Open(threads);
                verdict = check(device);
                known[key] = verdict;
                Write(known);
            }

            if (verdict.Fault is null && verdict.TimesTheCpu >= Margin) return device ?? gpu.Open(threads);
            notice?.Invoke(verdict.Fault is { } fault
                ? $"{gpu.Name} ({gpu.Hardware}) is left alone: {fault} (try a newer driver; delete {file} to check it again)"
                : string.Create(CultureInfo.InvariantCulture, $"{gpu.Name} ({gpu.Hardware}) is {verdict.TimesTheCpu:0.0#} times as fast as the CPU; using the CPU"));
        }
        catch (Exception failed) when (failed is DeviceException or OutOfMemoryException)
        {
            notice?.Invoke($"{gpu.Name} ({gpu.Hardware}) failed: {failed.Message.ReplaceLineEndings(" ")}; it is left alone");
            known[key] = new DeviceVerdict($"it failed its check: {failed.Message.ReplaceLineEndings(" ")}", 0);
            Write(known);
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

    /// <summary>A file that is missing or damaged says nothing: the check is made again.</summary>
    private Dictionary<string, DeviceVerdict> Read()
    {
        try
        {
            if (File.Exists(file) && new FileInfo(file).Length < 1 << 20)
                return JsonSerializer.Deserialize<Dictionary<string, DeviceVerdict>>(File.ReadAllText(file)) ?? [];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException or NotSupportedException)
        {
            // As if it were not there.
        }

        return [];
    }

    /// <summary>A cache that cannot be written is no error: the check is made again the next time.</summary>
    private void Write(Dictionary<string, DeviceVerdict> verdicts)
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            string temporary = $"{file}.{Environment.ProcessId}.tmp";
            File.WriteAllText(temporary, JsonSerializer.Serialize(verdicts));
            File.Move(temporary, file, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Checked, but not remembered.
        }
    }
}
