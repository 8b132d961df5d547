using System.Globalization;

namespace NativeStyle.Kernels.Devices;

/// <summary>The memory that the system lets this process have.</summary>
internal static class SystemMemory
{
    private const string Available = "/proc/meminfo", Limits = "/proc/self/limits", Status = "/proc/self/status";

    /// <summary>
    /// Addresses that the process may still take if they are limited (ulimit -v). The runtime takes more than half of
    /// them at its start unless DOTNET_GCRegionRange says less.
    /// </summary>
    public static long AddressesLeft => Number(Limits, "Max address space", 3) is long limit
        ? Math.Max(0, limit - ((Number(Status, "VmSize:", 1) ?? 0) << 10)) : long.MaxValue;

    /// <summary>
    /// Bytes that are free: MemAvailable on Linux, elsewhere the runtime's number. It is at most what a container
    /// allows, and at most half of the addresses that are left if these are limited.
    /// </summary>
    public static long AvailableBytes
    {
        get
        {
            GCMemoryInfo info = GC.GetGCMemoryInfo();
            long available = Number(Available, "MemAvailable:", 1) is long kibibytes
                ? Math.Min(info.TotalAvailableMemoryBytes, kibibytes << 10)
                : Math.Max(0, info.TotalAvailableMemoryBytes - info.MemoryLoadBytes);
            return Math.Min(available, AddressesLeft / 2);
        }
    }

    /// <summary>Reads a number from a line of a system file of Linux.</summary>
    /// <param name="word">The number's index among the words of the line.</param>
    private static long? Number(string file, string line, int word)
    {
        if (!File.Exists(file)) return null;
        string? match = File.ReadLines(file).FirstOrDefault(each => each.StartsWith(line, StringComparison.Ordinal));
        string? text = match?.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).ElementAtOrDefault(word);
        return long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long number) ? number : null;
    }
}
