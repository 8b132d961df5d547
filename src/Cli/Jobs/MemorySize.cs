using System.Globalization;

namespace NativeStyle.Cli;

/// <summary>Amounts of memory as people write them.</summary>
internal static class MemorySize
{
    private const long Least = 64L << 20, Most = 1L << 50;

    private static readonly (string Suffix, long Bytes)[] s_units =
        [("TiB", 1L << 40), ("GiB", 1L << 30), ("MiB", 1L << 20), ("TB", 1L << 40), ("GB", 1L << 30), ("MB", 1L << 20), ("T", 1L << 40), ("G", 1L << 30), ("M", 1L << 20)];

    /// <summary>4G, 4GB and 4GiB are 2^32 bytes.</summary>
    /// <exception cref="UsageException">It is no amount.</exception>
    public static long Parse(string option, string text)
    {
        (string suffix, long unit) = s_units.FirstOrDefault(unit => text.EndsWith(unit.Suffix, StringComparison.OrdinalIgnoreCase));
        if (suffix is null || !double.TryParse(text.AsSpan(0, text.Length - suffix.Length), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double number))
            throw new UsageException($"{option} {text} is no amount of memory, expected a number with M or G, e.g. 800M or 4G");
        double bytes = number * unit;
        return bytes is >= Least and <= Most ? (long)bytes : throw new UsageException($"{option} {text} is out of range, expected 64M to 1024T");
    }

    /// <summary>In GiB with two decimals, or MiB below one.</summary>
    public static string Words(long bytes) => bytes >= 1L << 30
        ? string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 30):f2} GiB") : string.Create(CultureInfo.InvariantCulture, $"{bytes >> 20} MiB");

    /// <summary>As --memory takes it: exactly.</summary>
    public static string Option(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 20):r}M");
}
