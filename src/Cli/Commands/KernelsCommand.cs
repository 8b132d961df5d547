using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using ILGPU;
using ILGPU.Runtime.Cuda;
using NativeStyle.Cli.Arguments;
using NativeStyle.Cli.Help;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Memory;
using NativeStyle.Kernels.Operators.Gram;
using NativeStyle.Kernels.Translation;
using NativeStyle.Style.Options;
using Spectre.Console;

namespace NativeStyle.Cli.Commands;

/// <summary><c>nativestyle kernels</c>: the kernels to study, in C#, PTX and OpenCL C.</summary>
internal static class KernelsCommand
{
    public static Command Create()
    {
        var command = new ProgramCommand(
            "kernels", "Show the kernels in C#, PTX and OpenCL C, and time them.", "Without a command it lists them.");
        command.SetAction(_ => List());

        var name = new Argument<string>("NAME") { Description = "Operator and method, as the list has it: Gram.ForwardKernel, or a part of it" };
        var openClOnly = new Option<bool>("--opencl") { Description = "Only the OpenCL C" };
        var ptxOnly = new Option<bool>("--ptx") { Description = "Only the PTX, NVIDIA's assembly language, for sm_80" };
        var show = new ProgramCommand("show", "Print a kernel in C# beside ILGPU's OpenCL C, and its PTX.") { name, openClOnly, ptxOnly };
        show.SetAction(parsed => Show(parsed.GetValue(name)!, parsed.GetValue(openClOnly), parsed.GetValue(ptxOnly)));
        command.Add(show);

        var time = new ProgramCommand(
            "time", "Time one operator by each of its forms, from naive to fast.",
            "It is the Gram matrix of 128 x 128 pixels and 64 channels.");
        time.SetAction(_ => Time());
        command.Add(time);

        string[] architectures = ["sm_70", "sm_80", "sm_90"];
        Option<string> architecture = Typed.Option(
            "--arch", "The GPU's architecture", new Words<string>([.. architectures.Select(name => (name, name))]), "sm_80");
        var assemble = new ProgramCommand(
            "assemble", "Assemble every kernel by NVIDIA's ptxas, without a GPU.",
            "Prints registers, spills, shared memory and occupancy.") { architecture };
        assemble.SetAction(parsed => Assemble(parsed.GetValue(architecture)!));
        command.Add(assemble);
        return command;
    }

    /// <summary>The forms that docs/kernels.md follows, fastest of several runs each.</summary>
    private static int Time()
    {
        const int Pixels = 128 * 128, Channels = 64;
        var random = new Random(1);
        float[] values = [.. Enumerable.Range(0, Pixels * Channels).Select(_ => random.NextSingle() - 0.5f)];
        List<(string Form, DeviceListing Device, Action<ComputeDevice, ArrayView<float>, ArrayView<float>> Run)> forms =
        [
            ("plain kernel", DeviceCatalog.Find("cpu-kernels")!, Plain), ("plain kernel, called as a method", DeviceCatalog.Find("cpu")!, Plain),
            .. DeviceCatalog.Cuda.Concat(DeviceCatalog.OpenCl).Where(each => each.WhyNot is null)
                .SelectMany(each => new[] { ("plain kernel", each, (Action<ComputeDevice, ArrayView<float>, ArrayView<float>>)Plain), ("tiled kernel", each, Best) }),
            .. DeviceCatalog.Cpu.Where(each => each.Name != "cpu-kernels").Reverse()
                .Select(each => ("vectorised", each, (Action<ComputeDevice, ArrayView<float>, ArrayView<float>>)Best)),
        ];
        var table = new Table().Border(TableBorder.Rounded).AddColumns("form", "device", "ms", "GFLOP/s", "times the first");
        foreach (TableColumn column in table.Columns.Skip(2)) column.RightAligned();
        double first = 0;
        foreach ((string form, DeviceListing listing, var run) in forms)
        {
            using ComputeDevice device = listing.Open(0);
            using DeviceBuffer<float> features = device.Allocate<float>(values), gram = device.Allocate<float>(Channels * Channels);
            double best = double.PositiveInfinity;
            for (int i = 0; i < 12; i++)
            {
                long start = Stopwatch.GetTimestamp();
                run(device, features.View, gram.View);
                device.Synchronize();
                // The first run compiles.
                if (i > 1) best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
            }

            if (first == 0) first = best;
            table.AddRow(form, listing.Name, Number(1e3 * best), Number(2e-9 * Pixels * Channels * Channels / best), Number(first / best));
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
        var table = new Table().Border(TableBorder.Rounded).AddColumns("kernel", "kind", "lines of C#", "of OpenCL C", "of PTX");
        foreach (TableColumn column in table.Columns.Skip(2)) column.RightAligned();
        foreach (KernelEntry kernel in KernelCatalog.All)
        {
            table.AddRow(
                kernel.Name, kernel.Grouped ? $"groups of {kernel.GroupItems}, shared memory" : "one work item an index",
                $"{Lines(KernelSource.Of(kernel)).Length}", kernel.LeastArchitecture is null ? $"{Lines(translator.ToOpenCl(kernel)).Length}" : "-",
                $"{Lines(translator.ToPtx(kernel, CudaArchitecture.SM_80)).Length}");
        }

        AnsiConsole.Write(table);
        return 0;
    }

    private static int Show(string name, bool openClOnly, bool ptxOnly)
    {
        KernelEntry[] found = [.. KernelCatalog.All.Where(kernel => kernel.Name.Equals(name, StringComparison.OrdinalIgnoreCase))];
        if (found.Length == 0) found = [.. KernelCatalog.All.Where(kernel => kernel.Name.Contains(name, StringComparison.OrdinalIgnoreCase))];
        if (found.Length == 0) throw new UsageException($"no kernel is called '{name}'; 'nativestyle kernels' lists them");
        if (found.Length > 1) throw new UsageException($"'{name}' is part of {string.Join(", ", found.Select(kernel => kernel.Name))}; name one of them");
        bool cudaOnly = found[0].LeastArchitecture is not null;
        if (openClOnly && cudaOnly) throw new UsageException($"{found[0].Name} works with the warps of NVIDIA's GPUs: there is no OpenCL C of it");
        using var translator = new KernelTranslator();
        if (openClOnly || ptxOnly)
        {
            if (openClOnly) Console.Write(translator.ToOpenCl(found[0]));
            if (ptxOnly) Console.Write(translator.ToPtx(found[0], CudaArchitecture.SM_80));
            return 0;
        }

        string csharp = KernelSource.Of(found[0]), openCl = cudaOnly ? "" : translator.ToOpenCl(found[0]), ptx = translator.ToPtx(found[0], CudaArchitecture.SM_80);
        string[] left = Lines(csharp), right = Lines(openCl);
        int width = left.Max(line => line.Length), rightWidth = right.Max(line => line.Length);
        if (cudaOnly)
        {
            Console.WriteLine(csharp + "\n");
        }
        else if (!Console.IsOutputRedirected && width + rightWidth + 3 > AnsiConsole.Profile.Width)
        {
            // Too narrow for both: one after the other.
            Console.WriteLine(csharp + "\n");
            Console.WriteLine(openCl);
        }
        else
        {
            Console.WriteLine($"{$"{found[0].Name}, C#".PadRight(width)} | OpenCL C 2.0, by ILGPU");
            Console.WriteLine($"{new string('-', width)}-+-{new string('-', rightWidth)}");
            for (int i = 0; i < Math.Max(left.Length, right.Length); i++)
                Console.WriteLine($"{(i < left.Length ? left[i] : "").PadRight(width)} | {(i < right.Length ? right[i] : "")}".TrimEnd());
            Console.WriteLine();
        }

        Console.WriteLine("PTX, by ILGPU\n-------------");
        Console.Write(ptx);
        return 0;
    }

    private static int Assemble(string architecture)
    {
        PtxAssembler assembler = PtxAssembler.Find() ?? throw new UsageException(
            "no ptxas was found; it comes with NVIDIA's CUDA toolkit (Debian: nvidia-cuda-toolkit), and is looked for in NATIVESTYLE_PTXAS and in the PATH");
        using var translator = new KernelTranslator();
        var table = new Table().Border(TableBorder.Rounded).AddColumns("kernel", "group", "registers", "spilled bytes", "stack bytes", "shared bytes", "occupancy");
        foreach (TableColumn column in table.Columns.Skip(1)) column.RightAligned();
        // ILGPU's PTX for sm_90 says sm_80: ptxas makes sm_90's code of it all the same.
        CudaArchitecture of = architecture == "sm_70" ? CudaArchitecture.SM_70 : CudaArchitecture.SM_80;
        foreach (KernelEntry kernel in KernelCatalog.All)
        {
            if (kernel.LeastArchitecture is { } least && least > of)
            {
                table.AddRow(kernel.Name, $"{kernel.GroupItems}", $"from sm_{least.Major}{least.Minor} on", "", "", "", "");
                continue;
            }

            KernelResources needs = assembler.Assemble(translator.ToPtx(kernel, of), architecture, kernel.GroupItems);
            table.AddRow(
                kernel.Name, $"{kernel.GroupItems}", $"{needs.Registers}", $"{needs.SpillBytes}", $"{needs.StackBytes}", $"{needs.SharedBytes}",
                $"{100 * needs.Occupancy:f0} %");
        }

        AnsiConsole.Write(table);
        return 0;
    }

    private static string Number(double value) => value.ToString(value < 10 ? "0.00" : "0.0", CultureInfo.InvariantCulture);

    private static string[] Lines(string text) => text.TrimEnd('\n').Split('\n');
}
