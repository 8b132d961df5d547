using System.Runtime.InteropServices;
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;

namespace NativeStyle.Kernels.Devices;

/// <summary>
/// Host memory in the shape that ILGPU's views want. ILGPU's own CPU buffers are aligned to 16 bytes; vectors want cache lines.
/// </summary>
internal sealed unsafe class HostSlab : CPUMemoryBuffer
{
    /// <summary>Bytes on a cache line; pages that were not written cost nothing.</summary>
    /// <param name="owner">
    /// Null where no accelerator of ILGPU's runs on the memory: the CPU's forms need none, and none is started for them.
    /// </param>
    /// <exception cref="OutOfMemoryException">The system has not so much.</exception>
    public HostSlab(long bytes, Accelerator? owner) : base(owner!, bytes, 1) =>
        NativePtr = (nint)NativeMemory.AlignedAlloc((nuint)bytes, 64);

    protected override void DisposeAcceleratorObject(bool disposing)
    {
        NativeMemory.AlignedFree((void*)NativePtr);
        NativePtr = 0;
    }
}
