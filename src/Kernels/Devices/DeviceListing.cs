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
/// <param name="Name">As <c>--device</c> takes it.</param>
/// <param name="Hardware">What it is, as its driver says.</param>
/// <param name="Driver">The driver and its version.</param>
/// <param name="MemoryBytes">Its memory.</param>
/// <param name="LargestBufferBytes">Of one buffer.</param>
/// <param name="IsGpu">Whether it is a GPU or another accelerator, and not this computer's CPU.</param>
/// <param name="SharesHostMemory">Whether it has no memory of its own.</param>
/// <param name="WhyNot">Why it cannot be used; null where it can.</param>
/// <param name="Open">Starts it, with so many CPU threads (0: all cores).</param>
public sealed record DeviceListing(
    DeviceKind Kind, string Name, string Hardware, string Driver, long MemoryBytes, long LargestBufferBytes, bool IsGpu, bool SharesHostMemory,
    string? WhyNot, Func<int, ComputeDevice> Open);
