using System.Runtime.InteropServices;
using ILGPU.Runtime.CPU;

namespace NativeStyle.Kernels.Memory;

/// <summary>
/// A slab of a rehearsal: offsets without memory. Operators take views of it and launch nothing. Only slabs for small
/// requests have memory, because an operator may read a scalar between two launches. They all have the same, since
/// nothing but zeros is ever in it.
/// </summary>
internal sealed unsafe class RehearsedMemory : CPUMemoryBuffer
{
    /// <summary>An address where no program has memory, aligned like slabs.</summary>
    private const long Nowhere = 64;

    private static readonly nint s_zeros = (nint)NativeMemory.AllocZeroed((nuint)BufferPool.SmallSlab);

    public RehearsedMemory(long bytes)
        : base(null!, bytes, 1) =>
        NativePtr = bytes > BufferPool.SmallSlab ? (nint)Nowhere : s_zeros;

    protected override void DisposeAcceleratorObject(bool disposing) => NativePtr = 0;
}
