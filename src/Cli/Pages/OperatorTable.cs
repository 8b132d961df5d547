using System.Globalization;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Operators;
using Spectre.Console;

namespace NativeStyle.Cli.Pages;

/// <summary>The table of <c>--breakdown</c>: what takes the time, beside the device's peak.</summary>
internal static class OperatorTable
{
    /// <summary>Prints each operator's share of the time and of the machine's peak.</summary>
    /// <param name="entries">What the profiler saw.</param>
    /// <param name="iterations">In how many iterations it saw that.</param>
    public static void Print(ComputeDevice device, IReadOnlyCollection<ProfileEntry> entries, int iterations)
    {
        DevicePeak? peak = DevicePeak.Measure(device);
        double total = entries.Sum(entry => entry.Seconds);
        var table = new Table().Border(TableBorder.Rounded);
        table.AddColumns("operator", "shape", "calls", "ms", "share", "GFLOP/s", "of peak", "GB/s", "of peak");
        foreach (TableColumn column in table.Columns.Skip(2)) column.RightAligned().NoWrap();
        foreach (ProfileEntry entry in entries) AddRow(entry.Operator, entry.Shape, entry);
        table.AddEmptyRow();
        foreach (IGrouping<string, ProfileEntry> group in entries.GroupBy(entry => entry.Operator))
        {
            double flop = group.Sum(entry => entry.Work.Flop);
            double made = group.Sum(entry => entry.Work.Flop / entry.Work.Saving);
            var sum = new Work(flop, group.Sum(entry => entry.Work.Bytes), made > 0 ? flop / made : 1);
            (int calls, double seconds) = (group.Sum(entry => entry.Calls), group.Sum(entry => entry.Seconds));
            AddRow(group.Key, "all", new ProfileEntry(group.Key, "all", calls, seconds, sum));
        }

        AnsiConsole.Write(table);
        Console.WriteLine(
            $"ms: per iteration, {Number(total * 1e3 / iterations, "f1")} in all; the clock waits for each operator");
        Console.WriteLine(
            "GFLOP/s: operations by the operator's definition; the share of the peak counts the operations that " +
            "are really made (Winograd: a quarter; the CPU's Gram: a half, and what blocks add along the diagonal)");
        Console.WriteLine(
            "GB/s: inputs and outputs, each counted once; faster than the peak means that they were in a cache");
        if (peak is not null)
        {
            Console.WriteLine(
                $"peak of this device, measured: {Number(peak.GigaflopsPerSecond, "f0")} GFLOP/s of multiply-adds " +
                "on registers, " +
                $"{Number(peak.GigabytesPerSecond, "f1")} GB/s of copying memory");
        }

        void AddRow(string name, string shape, ProfileEntry entry)
        {
            double gigaflops = entry.Work.Flop / entry.Seconds / 1e9;
            double gigabytes = entry.Work.Bytes / entry.Seconds / 1e9;
            table.AddRow(
                name, shape, $"{entry.Calls / iterations}", Number(entry.Seconds * 1e3 / iterations, "f2"),
                Percent(entry.Seconds / total),
                Number(gigaflops, "f1"), Percent(gigaflops / entry.Work.Saving / peak?.GigaflopsPerSecond),
                Number(gigabytes, "f1"),
                gigabytes > peak?.GigabytesPerSecond ? "in cache" : Percent(gigabytes / peak?.GigabytesPerSecond));
        }
    }

    private static string Number(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);

    private static string Percent(double? value) => value is null ? "-" : Number(value.Value * 100, "f1") + " %";
}
