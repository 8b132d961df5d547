using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using ILGPU;
using ILGPU.Runtime.Cuda;
using NativeStyle.Cli.Arguments;
using NativeStyle.Cli.Help;
using NativeStyle.Cli.Pages;
using NativeStyle.Jobs;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Ladder;
using NativeStyle.Kernels.Memory;
using NativeStyle.Kernels.Operators.Gram;
using NativeStyle.Kernels.Translation;
using NativeStyle.Style;
using NativeStyle.Style.Options;
using Spectre.Console;

namespace NativeStyle.Cli.Commands;

/// <summary><c>nativestyle kernels</c>: shows the kernels in C#, PTX and OpenCL C, for study.</summary>
internal static class KernelsCommand
{
    public static Command Create()
    {
        var command = new ProgramCommand(
            "kernels", "Show the kernels in C#, PTX and OpenCL C, and time them.", "Without a command, lists them.");
        command.SetAction(_ => List());

        var name = new Argument<string>("NAME")
        {
            Description = "Operator and method as in the list, e.g. Gram.ForwardKernel, or a part of that",
            CompletionSources = { _ => KernelCatalog.All.Select(kernel => kernel.Name) },
        };
        var openClOnly = new Option<bool>("--opencl") { Description = "Print only the OpenCL C" };
        var ptxOnly =
            new Option<bool>("--ptx") { Description = "Print only the PTX, NVIDIA's assembly language, for sm_80" };
        var show = new ProgramCommand("show", "Print a kernel in C# beside ILGPU's OpenCL C, and its PTX.")
        {
            name, openClOnly, ptxOnly,
        };
        show.SetAction(parsed => Show(parsed.GetValue(name)!, parsed.GetValue(openClOnly), parsed.GetValue(ptxOnly)));
        command.Add(show);

        command.Add(TimeCommand());

        string[] architectures = ["sm_70", "sm_80", "sm_90"];
        Option<string> architecture = Typed.Option(
            "--arch", "The GPU's architecture", new Words<string>([.. architectures.Select(name => (name, name))]),
            "sm_80");
        var assemble = new ProgramCommand(
            "assemble", "Assemble every kernel with NVIDIA's ptxas, without a GPU.",
            "Prints registers, spills, shared memory and occupancy.") { architecture };
        assemble.SetAction(parsed => Assemble(parsed.GetValue(architecture)!));
        command.Add(assemble);
        return command;
    }

    private static ProgramCommand TimeCommand()
    {
        Option<KernelLadder?> ladder = Typed.Option(
            "--ladder", "NAME", "Time the steps of docs/ladder: gram (the Gram matrix) or pool (average pooling)",
            text => KernelLadder.All.FirstOrDefault(each => each.Name == text)
                ?? throw new TransferException($"{text} is unknown, expected one of gram, pool"))
            .Offering(() => KernelLadder.All.Select(each => each.Name));
        Option<int?> step = Typed.Option(
            "--step", "Show and time one step of a ladder (default: of gram): what it changes, what is expected, and " +
            "the time on each device", new NumberRange<int>(1, KernelLadder.All.Max(each => each.Steps.Count)));
        var deviceName = new Option<string?>("--device")
        {
            Description = "The device that runs the steps (default: cpu, cpu-kernels with a tiny map, and all GPUs)",
            HelpName = "NAME", CompletionSources = { _ => DeviceNames.Usual.Skip(1) },
        };
        Option<int?> channels = Typed.Option(
            "--channels", "Channels of the map, a multiple of 8 (default: 256 for gram, 64 for pool)",
            new NumberRange<int>(16, 2048));
        var pages = new Option<string?>("--pages")
        {
            Description = "Also write code, predictions and times into the pages of this folder (docs/ladder)",
            HelpName = "FOLDER",
        };
        var time = new ProgramCommand(
            "time", "Time one operator in each of its forms, from naive to fast.",
            """
            The operator is the Gram matrix of 128 x 128 pixels and 64 channels. With --ladder or --step, times kernels
            that differ from each other in one idea each; docs/ladder has a page for each.

              nativestyle kernels time --step 3
              nativestyle kernels time --ladder pool --device cpu-kernels
            """) { ladder, step, deviceName, channels };
        time.AddRare(OptionGroup.Common, pages);
        time.SetAction(parsed =>
        {
            if (parsed.GetValue(ladder) is null && parsed.GetValue(step) is null)
            {
                Option? stray = new Option[] { deviceName, channels, pages }
                    .FirstOrDefault(option => parsed.GetResult(option) is not null);
                if (stray is not null)
                    throw new UsageException($"{stray.Name} is for a ladder; give --ladder or --step, too");
                return Time();
            }

            return Climb(
                parsed.GetValue(ladder) ?? KernelLadder.Gram, parsed.GetValue(step), parsed.GetValue(deviceName),
                parsed.GetValue(channels), parsed.GetValue(pages));
        });
        return time;
    }

    /// <summary>Shows and times the steps of a ladder.</summary>
    /// <param name="number">The number of the only step; null for all.</param>
    /// <param name="deviceName">The name of the only device; null for all that suit.</param>
    /// <param name="channels">The map's channels; null for the usual ones.</param>
    /// <param name="pages">The folder of the pages to write to; null for none.</param>
    private static int Climb(KernelLadder ladder, int? number, string? deviceName, int? channels, string? pages)
    {
        if (channels % 8 > 0) throw new UsageException($"--channels {channels} is no multiple of 8");
        if (number > ladder.Steps.Count)
            throw new UsageException($"--step {number} is out of range, {ladder.Name} has {ladder.Steps.Count} steps");
        if (pages is not null && (number ?? channels ?? (object?)deviceName) is not null)
            throw new UsageException("--pages is for all steps as they are; leave away --step, --device and --channels");
        var assembler = PtxAssembler.Find();
        if (pages is not null && assembler is null) throw NoAssembler();
        if (deviceName is not null) _ = DeviceNames.Find(deviceName, _ => { });
        IReadOnlyList<DeviceListing> devices = deviceName is null ? LadderTimes.Devices
            : [DeviceCatalog.Find(deviceName) ?? throw new UsageException("--device auto is no device of a ladder")];
        // The step before is measured too, to compare with.
        IReadOnlyList<LadderStep> steps = number is null ? ladder.Steps
            : [.. ladder.Steps.Where(
                each => each.Number == number || each.Number == ladder.Steps[number.Value - 1].Before)];
        LadderStep[] shown = [.. steps.Where(each => number is null || each.Number == number)];
        if (number is not null)
        {
            string[] code = LadderPages.Code(ladder, shown[0]).Split('\n');
            Console.WriteLine($"{LadderPages.Name(shown[0])}\n\n{string.Join('\n', code[1..^1])}\n");
        }

        Print(LadderPages.ModelHead(ladder), shown.Select(each => LadderPages.Model(ladder, each)));
        if (assembler is not null)
            Print(LadderPages.NeedsHead, shown.Select(each => LadderPages.Needs(each, assembler)));

        IReadOnlyList<LadderTime> times = LadderTimes.Measure(ladder, steps, devices, channels);
        Print(
            LadderPages.TimesHead(ladder),
            times.Where(each => number is null || each.Step?.Number == number)
                .OrderBy(each => each.Step?.Number ?? int.MaxValue)
                .Select(each => LadderPages.Time(ladder, each, times)));
        if (times.Count > 0) Console.WriteLine(LadderPages.Machine(times));
        if (pages is not null) LadderPages.Write(pages, ladder, times, assembler!);
        return 0;

        static void Print(string[] head, IEnumerable<string[]> rows)
        {
            var table = new Table().Border(TableBorder.Rounded).AddColumns(head);
            foreach (TableColumn column in table.Columns.Skip(1)) column.RightAligned();
            foreach (string[] row in rows) table.AddRow(row);
            AnsiConsole.Write(table);
        }
    }

    /// <summary>Times the forms from docs/kernels.md. Each time is the fastest of several runs.</summary>
    private static int Time()
    {
        const int Pixels = 128 * 128, Channels = 64;
        var random = new Random(1);
        float[] values = [.. Enumerable.Range(0, Pixels * Channels).Select(_ => random.NextSingle() - 0.5f)];
        IEnumerable<DeviceListing> gpus =
            DeviceCatalog.Cuda.Concat(DeviceCatalog.OpenCl).Where(each => each.WhyNot is null);
        List<(string Form, DeviceListing Device, GramForm Run)> forms =
        [
            ("plain kernel", DeviceCatalog.Find("cpu-kernels")!, Plain),
            ("plain kernel, called as a method", DeviceCatalog.Find("cpu")!, Plain),
            .. gpus.SelectMany(each => new[] { ("plain kernel", each, (GramForm)Plain), ("tiled kernel", each, Best) }),
            .. DeviceCatalog.Cpu.Where(each => each.Name != "cpu-kernels").Reverse()
                .Select(each => ("vectorised", each, (GramForm)Best)),
        ];
        var table = new Table().Border(TableBorder.Rounded)
            .AddColumns("form", "device", "ms", "GFLOP/s", "times the first");
        foreach (TableColumn column in table.Columns.Skip(2)) column.RightAligned();
        double first = 0;
        foreach ((string form, DeviceListing listing, var run) in forms)
        {
            using ComputeDevice device = listing.Open(0);
            using DeviceBuffer<float> features = device.Allocate<float>(values);
            using DeviceBuffer<float> gram = device.Allocate<float>(Channels * Channels);
            double best = double.PositiveInfinity;
            for (int i = 0; i < 12; i++)
            {
                long start = Stopwatch.GetTimestamp();
                run(device, features.View, gram.View);
                device.Synchronize();
                // The first run compiles the kernel.
                if (i > 1) best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
            }

            if (first == 0) first = best;
            double gigaflops = 2e-9 * Pixels * Channels * Channels / best;
            table.AddRow(form, listing.Name, Number(1e3 * best), Number(gigaflops), Number(first / best));
        }

        AnsiConsole.Write(table);
        return 0;

        static void Plain(ComputeDevice device, ArrayView<float> features, ArrayView<float> gram) =>
            GramOp.PlainForward(device, features, gram, Pixels, Channels, 1f / Pixels);

        static void Best(ComputeDevice device, ArrayView<float> features, ArrayView<float> gram) =>
            GramOp.Forward(device, features, gram, Pixels, Channels, 1f / Pixels);
    }

    private static int List()
    {
        var table = new Table().Border(TableBorder.Rounded).AddColumns("kernel", "kind", "lines of C#", "runs on");
        table.Columns[2].RightAligned();
        foreach (KernelEntry kernel in KernelCatalog.All)
        {
            table.AddRow(
                kernel.Name,
                kernel.Grouped ? $"groups of {kernel.GroupItems}, shared memory" : "one work item per index",
                $"{Lines(KernelSource.Of(kernel)).Length}",
                kernel.LeastArchitecture is { } least ? $"CUDA from {least}" : "CUDA, OpenCL");
        }

        AnsiConsole.Write(table);
        return 0;
    }

    private static int Show(string name, bool openClOnly, bool ptxOnly)
    {
        KernelEntry kernel = Find(name);
        bool cudaOnly = kernel.LeastArchitecture is not null;
        if (openClOnly && cudaOnly)
            throw new UsageException(
                $"{kernel.Name} works with the warps of NVIDIA's GPUs, so it has no form in OpenCL C");
        using var translator = new KernelTranslator();
        if (openClOnly || ptxOnly)
        {
            if (openClOnly) Console.Write(translator.ToOpenCl(kernel));
            if (ptxOnly) Console.Write(translator.ToPtx(kernel, CudaArchitecture.SM_80));
            return 0;
        }

        string csharp = KernelSource.Of(kernel), openCl = cudaOnly ? "" : translator.ToOpenCl(kernel);
        string ptx = translator.ToPtx(kernel, CudaArchitecture.SM_80);
        string[] left = Lines(csharp), right = Lines(openCl);
        int width = left.Max(line => line.Length), rightWidth = right.Max(line => line.Length);
        if (cudaOnly)
        {
            Console.WriteLine(csharp + "\n");
        }
        else if (!Console.IsOutputRedirected && width + rightWidth + 3 > AnsiConsole.Profile.Width)
        {
            // The terminal is too narrow for two columns.
            Console.WriteLine(csharp + "\n");
            Console.WriteLine(openCl);
        }
        else
        {
            Console.WriteLine($"{$"{kernel.Name}, C#".PadRight(width)} | OpenCL C 2.0, by ILGPU");
            Console.WriteLine($"{new string('-', width)}-+-{new string('-', rightWidth)}");
            for (int i = 0; i < Math.Max(left.Length, right.Length); i++)
            {
                string leftLine = i < left.Length ? left[i] : "", rightLine = i < right.Length ? right[i] : "";
                Console.WriteLine($"{leftLine.PadRight(width)} | {rightLine}".TrimEnd());
            }

            Console.WriteLine();
        }

        Console.WriteLine("PTX, by ILGPU\n-------------");
        Console.Write(ptx);
        return 0;
    }

    /// <summary>Finds the kernel with this name, or the only one whose name contains it.</summary>
    private static KernelEntry Find(string name)
    {
        IReadOnlyList<KernelEntry> all = KernelCatalog.All;
        KernelEntry[] matches =
            [.. all.Where(kernel => kernel.Name.Equals(name, StringComparison.OrdinalIgnoreCase))];
        if (matches.Length == 0)
            matches = [.. all.Where(kernel => kernel.Name.Contains(name, StringComparison.OrdinalIgnoreCase))];
        return matches switch
        {
            [] => throw new UsageException($"no kernel is called '{name}'; 'nativestyle kernels' lists them"),
            [var kernel] => kernel,
            _ => throw new UsageException(
                $"'{name}' is part of {string.Join(", ", matches.Select(kernel => kernel.Name))}; name one of them"),
        };
    }

    private static int Assemble(string architecture)
    {
        PtxAssembler assembler = PtxAssembler.Find() ?? throw NoAssembler();
        using var translator = new KernelTranslator();
        var table = new Table().Border(TableBorder.Rounded).AddColumns(
            "kernel", "group", "registers", "spilled bytes", "stack bytes", "shared bytes", "occupancy");
        foreach (TableColumn column in table.Columns.Skip(1)) column.RightAligned();
        // ILGPU's PTX for sm_90 says sm_80. From it, ptxas still makes code for sm_90.
        CudaArchitecture of = architecture == "sm_70" ? CudaArchitecture.SM_70 : CudaArchitecture.SM_80;
        // ptxas reads a temporary file, which a signal must not leave there.
        using Cancellation cancellation = new Cancellation().Keep();
        foreach (KernelEntry kernel in KernelCatalog.All)
        {
            if (cancellation.Token.IsCancellationRequested) return Cancellation.ExitCode;
            if (kernel.LeastArchitecture is { } least && least > of)
            {
                table.AddRow(
                    kernel.Name, $"{kernel.GroupItems}", $"from sm_{least.Major}{least.Minor} on", "", "", "", "");
                continue;
            }

            KernelResources needs = assembler.Assemble(translator.ToPtx(kernel, of), architecture, kernel.GroupItems);
            table.AddRow(
                kernel.Name, $"{kernel.GroupItems}", $"{needs.Registers}", $"{needs.SpillBytes}",
                $"{needs.StackBytes}", $"{needs.SharedBytes}", $"{100 * needs.Occupancy:f0} %");
        }

        AnsiConsole.Write(table);
        return 0;
    }

    private static UsageException NoAssembler() => new(
        "no ptxas was found in NATIVESTYLE_PTXAS or in the PATH; it comes with NVIDIA's CUDA toolkit (Debian: " +
        "nvidia-cuda-toolkit)");

    private static string Number(double value) =>
        value.ToString(value < 10 ? "0.00" : "0.0", CultureInfo.InvariantCulture);

    private static string[] Lines(string text) => text.TrimEnd('\n').Split('\n');

    private delegate void GramForm(ComputeDevice device, ArrayView<float> features, ArrayView<float> gram);
}
