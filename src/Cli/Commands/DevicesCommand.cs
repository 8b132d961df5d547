using System.CommandLine;
using NativeStyle.Kernels;
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
            string memory = $"{GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / (double)(1L << 30):f1} GiB";
            foreach ((string name, Func<int, Accelerator> open) in DeviceOptions.All)
            {
                using Accelerator accelerator = open(0);
                table.AddRow(name, accelerator.Description, memory);
            }

            AnsiConsole.Write(table);
            return 0;
        });
        return command;
    }
}
