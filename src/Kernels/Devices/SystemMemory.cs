using System.Globalization;

namespace NativeStyle.Kernels.Devices;

/// <summary>What the system lets this process have.</summary>
internal static class SystemMemory
{
    private const string Available = "/proc/meminfo", Limits = "/proc/self/limits", Status = "/proc/self/status";

    /// <summary>
    /// Addresses that the process may still take where they are limited (ulimit -v), of which the runtime takes more than half at
    /// its start unless DOTNET_GCRegionRange says less.
    /// </summary>
    public static long AddressesLeft => Number(Limits, "Max address space", 3) is long limit
        ? Math.Max(0, limit - ((Number(Status, "VmSize:", 1) ?? 0) << 10)) : long.MaxValue;

    /// <summary>
    /// Bytes that are free: MemAvailable on Linux, elsewhere what the runtime says; not more than a container allows, and half of
    /// the addresses that are left where these are limited.
    /// </summary>
    public static long AvailableBytes
    {
        get
        {
            GCMemoryInfo info = GC.GetGCMemoryInfo();
            long available = Number(Available, "MemAvailable:", 1) is long kibibytes
                ? Math.Min(info.TotalAvailableMemoryBytes, kibibytes << 10) : Math.Max(0, info.TotalAvailableMemoryBytes - info.MemoryLoadBytes);
            return Math.Min(available, AddressesLeft / 2);
        }
    }

    /// <summary>A number in a line of a file of Linux's.</summary>
    /// <param name="word">Its place among the words of the line.</param>
    private static long? Number(string file, string line, int word)
    {
        if (!File.Exists(file)) return null;
        string? found = File.ReadLines(file).FirstOrDefault(each => each.StartsWith(line, StringComparison.Ordinal));
        string? text = found?.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).ElementAtOrDefault(word);
        return long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long number) ? number : null;
    }
}
