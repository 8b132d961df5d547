using System.CommandLine;
using System.Globalization;
using NativeStyle.Kernels;
using NativeStyle.Kernels.OpenCl;
using Spectre.Console;

namespace NativeStyle.Cli.Commands;

/// <summary><c>nativestyle devices</c>: what can compute here.</summary>
internal static class DevicesCommand
{
    public static Command Create()
    {
        var command = new Command("devices", "Lists the devices that --device takes.");
        command.SetAction(_ =>
        {
            var table = new Table().Border(TableBorder.Rounded).AddColumns("device", "what it is", "memory");
            string memory = Gibibytes(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes);
            foreach ((string name, Func<int, Accelerator> open) in DeviceOptions.Cpu)
            {
                using Accelerator accelerator = open(0);
                table.AddRow(name, accelerator.Description, memory);
            }

            foreach ((string name, OpenClDevice device) in DeviceOptions.OpenCl)
            {
                table.AddRow(
                    Markup.Escape(name),
                    Markup.Escape($"{device.Name}: {(device.IsGpu ? "GPU" : "CPU")}, {device.ComputeUnits} compute units, groups of up to {device.MaxGroupSize}, " +
                    $"{device.LocalMemoryBytes >> 10} KiB shared; {device.Platform}, driver {device.DriverVersion}"),
                    $"{Gibibytes(device.MemoryBytes)}, {Gibibytes(device.LargestAllocation)} a buffer");
            }

            AnsiConsole.Write(table);
            if (OpenClDevice.WhyNone is { } why) Console.WriteLine($"OpenCL: {why}");
            return 0;
        });
        return command;
    }

    private static string Gibibytes(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 30):f1} GiB");
}
