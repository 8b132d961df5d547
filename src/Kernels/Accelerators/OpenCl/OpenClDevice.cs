using System.Text;

namespace NativeStyle.Kernels.OpenCl;

/// <summary>A device that the system's OpenCL drivers offer.</summary>
/// <param name="Name">As its vendor calls it.</param>
/// <param name="Platform">The driver it belongs to.</param>
/// <param name="DriverVersion">The driver's version.</param>
/// <param name="IsGpu">Whether it is a GPU or another accelerator, and not this computer's CPU.</param>
/// <param name="SharesHostMemory">Whether it has no memory of its own.</param>
/// <param name="ComputeUnits">Cores, in the vendor's sense.</param>
/// <param name="MemoryBytes">Its memory.</param>
/// <param name="LargestAllocation">The largest single buffer.</param>
/// <param name="LocalMemoryBytes">Shared memory of a group.</param>
/// <param name="MaxGroupSize">Work items of a group at most.</param>
/// <param name="HasDouble">Whether it computes in double precision.</param>
public sealed record OpenClDevice(
    string Name, string Platform, string DriverVersion, bool IsGpu, bool SharesHostMemory, int ComputeUnits, long MemoryBytes,
    long LargestAllocation, long LocalMemoryBytes, int MaxGroupSize, bool HasDouble)
{
    private const ulong AllDevices = 0xFFFFFFFF;

    private static readonly Lazy<(IReadOnlyList<OpenClDevice> Devices, string? WhyNone)> s_found = new(Find);

    /// <summary>All devices, GPUs first, in the drivers' order.</summary>
    public static IReadOnlyList<OpenClDevice> All => s_found.Value.Devices;

    /// <summary>Why there is none, and what to install; null where there are some.</summary>
    public static string? WhyNone => s_found.Value.WhyNone;

    internal nint Handle { get; init; }

    internal nint PlatformHandle { get; init; }

    private static unsafe (IReadOnlyList<OpenClDevice> Devices, string? WhyNone) Find()
    {
        if (!OpenClApi.IsPresent)
        {
            return ([], "no OpenCL loader was found (libOpenCL.so.1, OpenCL.dll); it comes with the graphics driver, " +
                "or on Debian and Ubuntu with ocl-icd-libopencl1");
        }

        uint count = 0;
        if (OpenClApi.clGetPlatformIDs(0, null, &count) != 0 || count == 0)
        {
            return ([], "the OpenCL loader finds no driver; install the graphics driver's OpenCL package " +
                "(Debian: nvidia-opencl-icd, mesa-opencl-icd, intel-opencl-icd, or pocl-opencl-icd for the CPU)");
        }

        nint[] platforms = new nint[count];
        fixed (nint* all = platforms) OpenClApi.Check(OpenClApi.clGetPlatformIDs(count, all, null), "clGetPlatformIDs");
        var devices = new List<OpenClDevice>();
        foreach (nint platform in platforms)
        {
            uint found = 0;
            if (OpenClApi.clGetDeviceIDs(platform, AllDevices, 0, null, &found) != 0 || found == 0) continue;
            nint[] handles = new nint[found];
            fixed (nint* all = handles) OpenClApi.Check(OpenClApi.clGetDeviceIDs(platform, AllDevices, found, all, null), "clGetDeviceIDs");
            devices.AddRange(handles.Select(handle => Describe(platform, handle)));
        }

        return devices.Count == 0 ? ([], "the OpenCL drivers are there, but offer no device") : ([.. devices.OrderBy(device => !device.IsGpu)], null);
    }

    private static unsafe OpenClDevice Describe(nint platform, nint handle)
    {
        ulong type = Number<ulong>(handle, 0x1000);
        return new OpenClDevice(
            Text((size, value, needed) => OpenClApi.clGetDeviceInfo(handle, 0x102B, size, (void*)value, (nuint*)needed)),
            Text((size, value, needed) => OpenClApi.clGetPlatformInfo(platform, 0x0902, size, (void*)value, (nuint*)needed)),
            Text((size, value, needed) => OpenClApi.clGetDeviceInfo(handle, 0x102D, size, (void*)value, (nuint*)needed)),
            IsGpu: (type & (4 | 8)) != 0,
            SharesHostMemory: Number<uint>(handle, 0x1035) != 0,
            ComputeUnits: (int)Number<uint>(handle, 0x1002),
            MemoryBytes: (long)Number<ulong>(handle, 0x101F),
            LargestAllocation: (long)Number<ulong>(handle, 0x1010),
            LocalMemoryBytes: (long)Number<ulong>(handle, 0x1023),
            MaxGroupSize: (int)Math.Min(int.MaxValue, (ulong)Number<nuint>(handle, 0x1004)),
            HasDouble: Text((size, value, needed) => OpenClApi.clGetDeviceInfo(handle, 0x1030, size, (void*)value, (nuint*)needed))
                .Split(' ').Contains("cl_khr_fp64"))
        {
            Handle = handle,
            PlatformHandle = platform,
        };
    }

    private static unsafe T Number<T>(nint device, uint name) where T : unmanaged
    {
        T value = default;
        OpenClApi.Check(OpenClApi.clGetDeviceInfo(device, name, (nuint)sizeof(T), &value, null), "clGetDeviceInfo");
        return value;
    }

    private static unsafe string Text(Func<nuint, nint, nint, int> query)
    {
        nuint size = 0;
        if (query(0, 0, (nint)(&size)) != 0 || size is 0 or > 1 << 20) return "";
        byte[] text = new byte[size];
        fixed (byte* target = text) OpenClApi.Check(query(size, (nint)target, 0), "clGetDeviceInfo");
        return Encoding.UTF8.GetString(text).TrimEnd('\0').Trim();
    }
}
