using System.Globalization;

namespace NativeStyle.Kernels.Devices;

/// <summary>
/// The size of the cache that blocks of work are made for. Block sizes change the speed, never a result.
/// </summary>
internal static class CpuCache
{
    /// <summary>Bytes of a core's second-level cache; 1 MiB if the system does not report it.</summary>
    public static long SecondLevelBytes { get; } = Read() ?? 1L << 20;

    /// <summary>Reads the size in Linux's format: "2048K".</summary>
    private static long? Read()
    {
        try
        {
            string text = File.ReadAllText("/sys/devices/system/cpu/cpu0/cache/index2/size").Trim();
            return text.EndsWith('K') && long.TryParse(text[..^1], CultureInfo.InvariantCulture, out long kibibytes)
                ? Math.Clamp(kibibytes << 10, 1L << 18, 1L << 22) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
