using System.Runtime.InteropServices;

namespace NativeStyle.Cli;

/// <summary>The C library's heap, from which the CPU's slabs, the threads' scratch and decoders take memory.</summary>
internal static partial class HostHeap
{
    /// <summary>M_MMAP_THRESHOLD of glibc's malloc.h.</summary>
    private const int MapThreshold = -3;

    /// <summary>Bytes from which a block is mapped by itself.</summary>
    private const int LargeBlock = 1 << 20;

    /// <summary>
    /// Lets glibc give large blocks back as soon as they are freed. Otherwise the first that is freed makes it keep
    /// later ones in its heap, where sizes that change from job to job leave holes. Other C libraries need no word.
    /// </summary>
    public static void GiveBackLargeBlocks()
    {
        if (!OperatingSystem.IsLinux()) return;
        try
        {
            _ = SetOption(MapThreshold, LargeBlock);
        }
        catch (Exception missing) when (missing is DllNotFoundException or EntryPointNotFoundException)
        {
            // This C library is not glibc.
        }
    }

    [LibraryImport("libc.so.6", EntryPoint = "mallopt")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int SetOption(int option, int value);
}
