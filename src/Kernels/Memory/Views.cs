using ILGPU;
using ILGPU.Runtime;

namespace NativeStyle.Kernels.Memory;

/// <summary>Adds to ILGPU's views what the CPU's forms and the tiled kernels need.</summary>
internal static class Views
{
    extension<T>(ArrayView<T> view) where T : unmanaged
    {
        /// <summary>
        /// The address in host memory, for the CPU's forms, which check their ranges once a call; null for an empty
        /// view.
        /// </summary>
        public unsafe T* Pointer => view.IsValid ? (T*)view.LoadEffectiveAddressAsPtr() : null;

        /// <summary>The elements as a span; only for the CPU's forms.</summary>
        public unsafe Span<T> HostSpan => new(view.Pointer, view.IntLength);

        /// <summary>
        /// Whether the elements start at a multiple of 16 bytes, so that a kernel may read four floats at a time. ILGPU
        /// assumes this of every view that is cast, without checking.
        /// </summary>
        public bool StartsAt16Bytes => ByteOffset(view) % 16 == 0;
    }

    /// <summary>Bytes from the start of the buffer, which every device aligns to 64 bytes or more.</summary>
    private static long ByteOffset<TView>(TView view) where TView : IContiguousArrayView => view.IndexInBytes;
}
