using System.Runtime.InteropServices;
using ILGPU.Runtime.CPU;

namespace NativeStyle.Kernels.Memory;

/// <summary>
/// A slab of a rehearsal: offsets without memory. Operators take views of it and launch nothing. Only slabs for small
/// requests have memory, all zeros, because an operator may read a scalar between two launches.
/// </summary>
internal sealed unsafe class RehearsedMemory : CPUMemoryBuffer
{
    /// <summary>An address where no program has memory, aligned like slabs.</summary>
    private const long Nowhere = 64;

    public RehearsedMemory(long bytes)
        : base(null!, bytes, 1) =>
        NativePtr = bytes > BufferPool.SmallSlab ? (nint)Nowhere : (nint)NativeMemory.AllocZeroed((nuint)bytes);

    protected override void DisposeAcceleratorObject(bool disposing)
    {
        if (NativePtr != (nint)Nowhere) NativeMemory.Free((void*)NativePtr);
        NativePtr = 0;
    }
}
