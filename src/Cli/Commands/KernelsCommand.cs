using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using ILGPU;
using ILGPU.Runtime.Cuda;
using NativeStyle.Cli.Arguments;
using NativeStyle.Cli.Help;
using NativeStyle.Jobs;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;
using NativeStyle.Kernels.Operators.Gram;
using NativeStyle.Kernels.Translation;
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

        var time = new ProgramCommand(
            "time", "Time one operator in each of its forms, from naive to fast.",
            "The operator is the Gram matrix of 128 x 128 pixels and 64 channels.");
        time.SetAction(_ => Time());
        command.Add(time);

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
        using var translator = new KernelTranslator();
        var table = new Table().Border(TableBorder.Rounded)
            .AddColumns("kernel", "kind", "lines of C#", "of OpenCL C", "of PTX");
        foreach (TableColumn column in table.Columns.Skip(2)) column.RightAligned();
        foreach (KernelEntry kernel in KernelCatalog.All)
        {
            table.AddRow(
                kernel.Name,
                kernel.Grouped ? $"groups of {kernel.GroupItems}, shared memory" : "one work item per index",
                $"{Lines(KernelSource.Of(kernel)).Length}",
                kernel.LeastArchitecture is null ? $"{Lines(translator.ToOpenCl(kernel)).Length}" : "-",
                $"{Lines(translator.ToPtx(kernel, CudaArchitecture.SM_80)).Length}");
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
        PtxAssembler assembler = PtxAssembler.Find() ?? throw new UsageException(
            "no ptxas was found in NATIVESTYLE_PTXAS or in the PATH; it comes with NVIDIA's CUDA toolkit (Debian: " +
            "nvidia-cuda-toolkit)");
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

    private static string Number(double value) =>
        value.ToString(value < 10 ? "0.00" : "0.0", CultureInfo.InvariantCulture);

    private static string[] Lines(string text) => text.TrimEnd('\n').Split('\n');

    private delegate void GramForm(ComputeDevice device, ArrayView<float> features, ArrayView<float> gram);
}
