using System.Runtime.InteropServices;
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;

namespace NativeStyle.Kernels.Devices;

/// <summary>
/// Host memory as ILGPU's views need it. ILGPU's own CPU buffers are aligned to 16 bytes; vectors need cache lines.
/// </summary>
internal sealed unsafe class HostSlab : CPUMemoryBuffer
{
    /// <summary>
    /// Allocates bytes aligned to a cache line. Pages that have not been written cost nothing.
    /// </summary>
    /// <param name="owner">
    /// Null if no ILGPU accelerator runs on the memory: the CPU's forms need none, and none is started for them.
    /// </param>
    /// <exception cref="OutOfMemoryException">The system does not have that much memory.</exception>
    public HostSlab(long bytes, Accelerator? owner) : base(owner!, bytes, 1) =>
        NativePtr = (nint)NativeMemory.AlignedAlloc((nuint)bytes, 64);

    protected override void DisposeAcceleratorObject(bool disposing)
    {
        NativeMemory.AlignedFree((void*)NativePtr);
        NativePtr = 0;
    }
}
