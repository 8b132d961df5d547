using System.Reflection;
using ILGPU;
using ILGPU.Algorithms;
using ILGPU.Backends.OpenCL;
using ILGPU.Backends.PTX;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;
using ILGPU.Runtime.OpenCL;
using NativeStyle.Kernels.Translation;

namespace NativeStyle.Kernels.Devices;

/// <summary>Lists the devices of this machine: the CPU's, NVIDIA's through CUDA, others through OpenCL.</summary>
public static class DeviceCatalog
{
    /// <summary>CL_DEVICE_HOST_UNIFIED_MEMORY of cl.h, which ILGPU does not name.</summary>
    private const CLDeviceInfoType HostUnifiedMemory = (CLDeviceInfoType)0x1035;

    private const string NoCudaDriver = "no NVIDIA driver was found (libcuda.so.1, nvcuda.dll)";
    private const string NoOpenClLoader = "no OpenCL loader was found (libOpenCL.so.1, OpenCL.dll)";
    private const string DriverIsThere = "NVIDIA's driver is here; nativestyle devices lists what it offers";
    private const string LoaderIsThere = "a loader is here; nativestyle devices lists what it offers";

    private static readonly (int Bits, DeviceListing Device)[] s_widths = [.. new[] { 512, 256, 128 }
        .Select(bits => (bits, OfCpu($"cpu-{bits}", threads => new CpuDevice(threads, bits))))];

    private static readonly Dictionary<string, (Context, Accelerator, Dictionary<MethodInfo, Delegate>)> s_kept = [];

    private static readonly Lazy<IReadOnlyList<DeviceListing>> s_cuda = new(() => FindAll(FindCuda));
    private static readonly Lazy<IReadOnlyList<DeviceListing>> s_openCl = new(() => FindAll(FindOpenCl));

    /// <summary>The CPU's devices, best first. Reading this list starts no driver.</summary>
    public static IReadOnlyList<DeviceListing> Cpu { get; } =
    [
        OfCpu("cpu", threads => new CpuDevice(threads)),
        .. s_widths.Where(each => each.Bits < CpuDevice.WidestVectorBits).Select(each => each.Device),
        OfCpu("cpu-kernels", _ => KernelDevice.OnCpu()),
    ];

    /// <summary>NVIDIA's devices: cuda, cuda:1, ... Reading this list starts the driver.</summary>
    public static IReadOnlyList<DeviceListing> Cuda => s_cuda.Value;

    /// <summary>
    /// OpenCL's devices, GPUs first: opencl, opencl:1, ... Reading this list starts the drivers.
    /// </summary>
    public static IReadOnlyList<DeviceListing> OpenCl => s_openCl.Value;

    /// <summary>All devices.</summary>
    public static IEnumerable<DeviceListing> All => [.. Cpu, .. Cuda, .. OpenCl];

    /// <summary>Why there is no device through CUDA, and what to install; null if there are some.</summary>
    public static string? WhyNoCuda => Cuda.Count > 0 ? null
        : !NativeDrivers.HasCuda ? NoCudaDriver
        : "NVIDIA's driver is there, but offers no device (nvidia-smi says more)";

    /// <summary>Why there is no device through OpenCL, and what to install; null if there are some.</summary>
    public static string? WhyNoOpenCl => OpenCl.Count > 0 ? null
        : !NativeDrivers.HasOpenCl
            ? $"{NoOpenClLoader}; it comes with the graphics driver, "
                + "or on Debian and Ubuntu with ocl-icd-libopencl1"
            : "the OpenCL loader finds no device; install the graphics driver's OpenCL package "
                + "(Debian: nvidia-opencl-icd, mesa-opencl-icd, intel-opencl-icd, or pocl-opencl-icd for the CPU)";

    /// <summary>
    /// Whether what a driver has opened and compiled is kept for the next device of that name. For tests that open a
    /// device thousands of times, one after the other.
    /// </summary>
    internal static bool KeepsDrivers { get; set; }

    /// <summary>What can compute here, a line each, without starting a driver.</summary>
    internal static IEnumerable<string> Glance()
    {
        string vectors = $"{CpuDevice.WidestVectorBits}-bit vectors ({CpuDevice.UnitOf(CpuDevice.WidestVectorBits)})";
        yield return $"cpu: {Environment.ProcessorCount} threads, {vectors}";
        yield return $"cuda: {(NativeDrivers.HasCuda ? DriverIsThere : NoCudaDriver)}";
        yield return $"opencl: {(NativeDrivers.HasOpenCl ? LoaderIsThere : NoOpenClLoader)}";
    }

    /// <summary>
    /// Finds the device of that name; null if there is none. A number of 0 may be left out. A CPU has every width of
    /// vectors, so that a run can be made again, but only those of the list are worth a choice.
    /// </summary>
    public static DeviceListing? Find(string name)
    {
        string shortName = name.EndsWith(":0", StringComparison.Ordinal) ? name[..^2] : name;
        // Names of the CPU are looked up without asking drivers, which take time to start.
        IEnumerable<DeviceListing> candidates =
            shortName.StartsWith("cpu", StringComparison.OrdinalIgnoreCase)
                ? Cpu.Concat(s_widths.Select(each => each.Device))
            : shortName.StartsWith("cuda", StringComparison.OrdinalIgnoreCase) ? Cuda : OpenCl;
        return candidates.FirstOrDefault(
            device => device.Name.Equals(shortName, StringComparison.OrdinalIgnoreCase));
    }

    private static DeviceListing OfCpu(string name, Func<int, ComputeDevice> open)
    {
        long memory = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        return new DeviceListing(DeviceKind.Cpu, name, "", "", memory, memory, false, true, null, open);
    }

    /// <summary>Lists devices. A driver that fails while it lists its devices offers none.</summary>
    private static IReadOnlyList<DeviceListing> FindAll(Func<IReadOnlyList<DeviceListing>> find)
    {
        try
        {
            NativeDrivers.Resolve();
            return find();
        }
        catch (Exception error) when (error is AcceleratorException or TypeLoadException or NotSupportedException
            or TypeInitializationException or CapabilityNotSupportedException)
        {
            return [];
        }
    }

    private static IReadOnlyList<DeviceListing> FindCuda()
    {
        if (!NativeDrivers.HasCuda) return [];
        using Context context = Context.Create(builder => builder.Cuda((CudaDevice _) => true));
        return [.. context.Devices.OfType<CudaDevice>().Select((device, i) =>
        {
            bool isSupported = device.InstructionSet is { } set
                && PTXCodeGenerator.SupportedInstructionSets.Contains(set);
            string? why = isSupported && device.Architecture is not null ? null
                : $"ILGPU does not know its architecture ({device.Architecture}) with this driver; "
                    + "install a newer driver";
            int id = device.DeviceId;
            string name = Numbered("cuda", i);
            string hardware =
                $"{device.Name}, {device.NumMultiprocessors} multiprocessors, {device.Architecture}";
            return new DeviceListing(
                DeviceKind.Cuda, name, hardware, $"CUDA {device.DriverVersion}", device.MemorySize, device.MemorySize,
                true, false, why,
                _ => Open(
                    builder => builder.Cuda((CudaDevice one) => one.DeviceId == id), name, hardware,
                    device.MemorySize));
        })];
    }

    private static IReadOnlyList<DeviceListing> FindOpenCl()
    {
        if (!NativeDrivers.HasOpenCl) return [];
        CLDevice[] devices = [.. CLDevice.GetDevices(_ => true).Cast<CLDevice>().OrderBy(device => !IsGpu(device))];
        return [.. devices.Select((device, i) =>
        {
            string? why = device.CLStdVersion < CLBackend.MinimumVersion
                ? $"it knows OpenCL C {device.CLStdVersion}, ILGPU needs {CLBackend.MinimumVersion}"
                : !device.Capabilities.GenericAddressSpace
                    ? "it has no generic address space, which ILGPU needs (OpenCL 2.0's, optional in 3.0); "
                        + "a newer driver may have it"
                    : null;
            nint id = device.DeviceId;
            long largest = (long)device.GetDeviceInfo<ulong>(CLDeviceInfoType.CL_DEVICE_MAX_MEM_ALLOC_SIZE);
            string name = Numbered("opencl", i);
            string hardware = $"{device.Name.Trim()}, {device.NumMultiprocessors} compute units, "
                + $"groups of up to {device.MaxNumThreadsPerGroup}";
            string version = CLAPI.CurrentAPI.GetDeviceInfo(id, CLDeviceInfoType.CL_DRIVER_VERSION);
            return new DeviceListing(
                DeviceKind.OpenCl, name, hardware, $"{device.PlatformName}, driver {version}", device.MemorySize,
                largest, IsGpu(device), device.GetDeviceInfo<int>(HostUnifiedMemory) != 0, why,
                _ => Open(builder => builder.OpenCL((CLDevice one) => one.DeviceId == id), name, hardware, largest));
        })];
    }

    private static KernelDevice Open(
        Func<Context.Builder, Context.Builder> choose, string name, string hardware, long largestBufferBytes)
    {
        if (KeepsDrivers && s_kept.TryGetValue(name, out (Context, Accelerator, Dictionary<MethodInfo, Delegate>) kept))
            return new KernelDevice(kept.Item1, kept.Item2, name, hardware, largestBufferBytes, kept.Item3);
        Context? context = null;
        try
        {
            context = Context.Create(builder => choose(builder).EnableAlgorithms().Optimize(OptimizationLevel.O2));
            Device device = context.Devices.FirstOrDefault() ?? throw new DeviceException($"{name} is gone");
            Accelerator accelerator = device.CreateAccelerator(context);
            Dictionary<MethodInfo, Delegate>? kernels = KeepsDrivers ? [] : null;
            if (kernels is not null) s_kept[name] = (context, accelerator, kernels);
            return new KernelDevice(context, accelerator, name, hardware, largestBufferBytes, kernels);
        }
        catch (Exception error) when (error is DeviceException || DeviceFailure.Of(error, name, null) is not null)
        {
            context?.Dispose();
            throw DeviceFailure.Of(error, name, null) ?? error;
        }
    }

    private static bool IsGpu(CLDevice device) =>
        (device.DeviceType & (CLDeviceType.CL_DEVICE_TYPE_GPU | CLDeviceType.CL_DEVICE_TYPE_ACCELERATOR)) != 0;

    private static string Numbered(string kind, int index) => index == 0 ? kind : $"{kind}:{index}";
}
