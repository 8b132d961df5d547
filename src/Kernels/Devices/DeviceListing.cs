namespace NativeStyle.Kernels.Devices;

/// <summary>What drives a device.</summary>
public enum DeviceKind
{
    /// <summary>This program itself.</summary>
    Cpu,

    /// <summary>NVIDIA's driver.</summary>
    Cuda,

    /// <summary>An OpenCL driver.</summary>
    OpenCl,
}

/// <summary>A device of this machine, whether it can be used or not.</summary>
/// <param name="Name">The name that <c>--device</c> accepts.</param>
/// <param name="Hardware">The hardware, as its driver describes it.</param>
/// <param name="Driver">The driver and its version.</param>
/// <param name="MemoryBytes">Bytes of its memory.</param>
/// <param name="LargestBufferBytes">Bytes of the largest buffer.</param>
/// <param name="IsGpu">Whether it is a GPU or another accelerator, and not this computer's CPU.</param>
/// <param name="SharesHostMemory">Whether it has no memory of its own.</param>
/// <param name="WhyNot">Why it cannot be used; null if it can.</param>
/// <param name="Open">Opens it with the given number of CPU threads (0: all cores).</param>
public sealed record DeviceListing(
    DeviceKind Kind, string Name, string Hardware, string Driver, long MemoryBytes, long LargestBufferBytes, bool IsGpu,
    bool SharesHostMemory,
    string? WhyNot, Func<int, ComputeDevice> Open);
