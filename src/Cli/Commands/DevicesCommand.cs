using System.CommandLine;
using System.Globalization;
using NativeStyle.Cli.Help;
using NativeStyle.Kernels.Devices;
using Spectre.Console;

namespace NativeStyle.Cli.Commands;

/// <summary><c>nativestyle devices</c>: lists the devices that can compute here, and why others cannot.</summary>
internal static class DevicesCommand
{
    public static Command Create()
    {
        var command = new ProgramCommand(
            "devices", "List what can compute here.",
            "Each device of --device, with its driver and memory, and the reason if it cannot be used.");
        command.SetAction(_ =>
        {
            var table = new Table().Border(TableBorder.Rounded).AddColumns("device", "what it is", "driver", "memory");
            foreach (DeviceListing device in DeviceCatalog.All)
            {
                string what = device.Hardware;
                if (device.Kind == DeviceKind.Cpu)
                {
                    using ComputeDevice cpu = device.Open(0);
                    what = cpu.Description;
                }

                if (device.WhyNot is { } why) what = $"{what}; cannot be used: {why}";
                string memory = Gibibytes(device.MemoryBytes);
                if (device.LargestBufferBytes < device.MemoryBytes)
                    memory += $", {Gibibytes(device.LargestBufferBytes)} per buffer";
                table.AddRow(Markup.Escape(device.Name), Markup.Escape(what), Markup.Escape(device.Driver), memory);
            }

            AnsiConsole.Write(table);
            if (DeviceCatalog.WhyNoCuda is { } noCuda) Console.WriteLine($"CUDA: {noCuda}");
            if (DeviceCatalog.WhyNoOpenCl is { } noOpenCl) Console.WriteLine($"OpenCL: {noOpenCl}");
            using ComputeDevice auto = AutoDevice.OfThisMachine.Open(0, Console.WriteLine);
            Console.WriteLine($"auto: {auto.Name}");
            return 0;
        });
        return command;
    }

    private static string Gibibytes(long bytes) =>
        string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 30):f1} GiB");
}
