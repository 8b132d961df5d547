using System.Globalization;
using NativeStyle.Style;

namespace NativeStyle.Jobs;

/// <summary>Parses and prints amounts of memory as people write them.</summary>
internal static class MemorySize
{
    private const long Least = 64L << 20, Most = 1L << 50;

    private static readonly (string Suffix, long Bytes)[] s_units =
    [
        ("TiB", 1L << 40), ("GiB", 1L << 30), ("MiB", 1L << 20), ("TB", 1L << 40), ("GB", 1L << 30), ("MB", 1L << 20),
        ("T", 1L << 40), ("G", 1L << 30), ("M", 1L << 20),
    ];

    /// <summary>Parses an amount. 4G, 4GB and 4GiB all mean 2^32 bytes.</summary>
    /// <exception cref="TransferException">
    /// The text is no amount. The message is to follow the option's name.
    /// </exception>
    public static long Parse(string text)
    {
        (string suffix, long unit) = s_units.FirstOrDefault(
            each => text.EndsWith(each.Suffix, StringComparison.OrdinalIgnoreCase));
        ReadOnlySpan<char> digits = text.AsSpan(0, text.Length - (suffix?.Length ?? 0));
        bool parsed = double.TryParse(
            digits, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double number);
        if (suffix is null || !parsed)
            throw new TransferException(
                $"{text} is no amount of memory, expected a number with M or G, e.g. 800M or 4G");
        double bytes = number * unit;
        return bytes is >= Least and <= Most ? (long)bytes
            : throw new TransferException($"{text} is out of range, expected 64M to 1024T");
    }

    /// <summary>Prints GiB with two decimals, or MiB for amounts below 1 GiB.</summary>
    public static string Words(long bytes) => bytes >= 1L << 30
        ? string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 30):f2} GiB")
        : string.Create(CultureInfo.InvariantCulture, $"{bytes >> 20} MiB");

    /// <summary>Prints the exact amount in the form that --memory reads.</summary>
    public static string Option(long bytes) =>
        string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 20):r}M");
}
