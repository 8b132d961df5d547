using System.Runtime.InteropServices;
using System.Runtime.Loader;

namespace NativeStyle.Kernels.Devices;

/// <summary>
/// Finds the drivers' libraries. ILGPU asks for libOpenCL.so and libcuda.so, names that plain Debian and Ubuntu have
/// only with the development packages; the drivers themselves install names that end in .so.1.
/// </summary>
internal static class NativeDrivers
{
    private static readonly Lazy<bool> s_resolving = new(() =>
    {
        AssemblyLoadContext.Default.ResolvingUnmanagedDll += (_, name) =>
            (name is "OpenCL" or "cuda") && NativeLibrary.TryLoad($"lib{name}.so.1", out nint library) ? library : 0;
        return true;
    });

    /// <summary>Whether an OpenCL loader is installed.</summary>
    public static bool HasOpenCl => IsThere(
        "libOpenCL.so.1", "libOpenCL.so", "OpenCL.dll", "/System/Library/Frameworks/OpenCL.framework/OpenCL");

    /// <summary>Whether NVIDIA's driver is installed.</summary>
    public static bool HasCuda => IsThere("libcuda.so.1", "libcuda.so", "nvcuda.dll");

    /// <summary>Lets ILGPU find the libraries by either name. Call it before ILGPU looks for them.</summary>
    public static void Resolve() => _ = s_resolving.Value;

    private static bool IsThere(params string[] names)
    {
        foreach (string name in names)
        {
            if (!NativeLibrary.TryLoad(name, out nint library)) continue;
            NativeLibrary.Free(library);
            return true;
        }

        return false;
    }
}
