using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using NativeStyle.Kernels;
using Spectre.Console;

namespace NativeStyle.Cli.Commands;

/// <summary><c>nativestyle kernels</c>: the kernels to study, in C# and in OpenCL C.</summary>
internal static class KernelsCommand
{
    public static Command Create()
    {
        var command = new Command("kernels", "Lists the kernels that devices run; 'kernels show NAME' prints one in C# beside its translation.");
        command.SetAction(_ => List());

        var name = new Argument<string>("NAME") { Description = "Class and method, as the list has it: Gram.ForwardKernel, or a part of it" };
        var openClOnly = new Option<bool>("--opencl") { Description = "Only the translation: a complete OpenCL C 1.2 program" };
        var show = new Command("show", "Prints a kernel in C# beside its translation to OpenCL C.") { name, openClOnly };
        show.SetAction(parsed => Show(parsed.GetValue(name)!, parsed.GetValue(openClOnly)));
        command.Add(show);

        var time = new Command("time", "Times one operator, the Gram matrix of 128 x 128 pixels and 64 channels, by each of its versions, from naive to fast.");
        time.SetAction(_ => Time());
        command.Add(time);
        return command;
    }

    /// <summary>The versions that docs/kernels.md follows, fastest of several runs each.</summary>
    private static int Time()
    {
        const int Pixels = 128 * 128, Channels = 64;
        var random = new Random(1);
        float[] values = [.. Enumerable.Range(0, Pixels * Channels).Select(_ => random.NextSingle() - 0.5f)];
        List<(string Version, string Device, Func<Accelerator> Open, Action<Accelerator, ArrayView<float>, ArrayView<float>> Run)> versions =
        [
            ("plain kernel, as C#", "cpu-kernels", () => new CpuAccelerator(0, CpuPath.Kernels), Plain),
            .. DeviceOptions.OpenCl.Take(1).SelectMany(each => new (string, string, Func<Accelerator>, Action<Accelerator, ArrayView<float>, ArrayView<float>>)[]
            {
                ("plain kernel, translated", each.Name, () => new Kernels.OpenCl.OpenClAccelerator(each.Device, each.Name), Plain),
                ("tiled kernel, translated", each.Name, () => new Kernels.OpenCl.OpenClAccelerator(each.Device, each.Name),
                    (accelerator, features, gram) => Gram.TiledForward(accelerator, features, gram, Pixels, Channels, 1f / Pixels)),
            }),
            .. DeviceOptions.Cpu.Where(each => each.Name != "cpu-kernels").Reverse().Select(each => ("micro-kernel", each.Name, (Func<Accelerator>)(() => each.Open(0)),
                (Action<Accelerator, ArrayView<float>, ArrayView<float>>)((accelerator, features, gram) => Gram.Forward(accelerator, features, gram, Pixels, Channels, 1f / Pixels)))),
        ];
        var table = new Table().Border(TableBorder.Rounded).AddColumns("version", "device", "ms", "GFLOP/s", "times the first");
        foreach (TableColumn column in table.Columns.Skip(2)) column.RightAligned();
        double first = 0;
        foreach ((string version, string device, Func<Accelerator> open, var run) in versions)
        {
            using Accelerator accelerator = open();
            using MemoryBuffer<float> features = accelerator.Allocate<float>(values), gram = accelerator.Allocate<float>(Channels * Channels);
            double best = double.PositiveInfinity;
            for (int i = 0; i < 12; i++)
            {
                long start = Stopwatch.GetTimestamp();
                run(accelerator, features.View, gram.View);
                accelerator.Synchronize();
                // The first run compiles.
                if (i > 1) best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
            }

            if (first == 0) first = best;
            table.AddRow(version, device, Number(1e3 * best), Number(2e-9 * Pixels * Channels * Channels / best), Number(first / best));
        }

        AnsiConsole.Write(table);
        return 0;

        static void Plain(Accelerator accelerator, ArrayView<float> features, ArrayView<float> gram) =>
            accelerator.Launch(Gram.ForwardKernel, (Index1D)gram.IntLength, features, gram, Pixels, Channels, 1f / Pixels);

        static string Number(double value) => value.ToString(value < 10 ? "0.00" : "0.0", CultureInfo.InvariantCulture);
    }

    private static int List()
    {
        var table = new Table().Border(TableBorder.Rounded).AddColumns("kernel", "kind", "lines of C#", "lines of OpenCL C");
        table.Columns[2].RightAligned();
        table.Columns[3].RightAligned();
        foreach (TranslatedKernel kernel in All())
        {
            table.AddRow(
                kernel.Name, kernel.Grouped ? "groups, shared memory" : "one work item an index", $"{Lines(kernel.CSharp).Length}",
                $"{Lines(kernel.OpenCl).Length}");
        }

        AnsiConsole.Write(table);
        return 0;
    }

    private static int Show(string name, bool openClOnly)
    {
        TranslatedKernel[] found = [.. All().Where(kernel => kernel.Name.Equals(name, StringComparison.OrdinalIgnoreCase))];
        if (found.Length == 0) found = [.. All().Where(kernel => kernel.Name.Contains(name, StringComparison.OrdinalIgnoreCase))];
        if (found.Length == 0) throw new UsageException($"no kernel is called '{name}'; 'nativestyle kernels' lists them");
        if (found.Length > 1) throw new UsageException($"'{name}' is part of {string.Join(", ", found.Select(kernel => kernel.Name))}; name one of them");
        TranslatedKernel kernel = found[0];
        if (openClOnly)
        {
            Console.Write(kernel.OpenCl);
            return 0;
        }

        string[] left = Lines(kernel.CSharp), right = Lines(kernel.OpenCl);
        int width = left.Max(line => line.Length), rightWidth = right.Max(line => line.Length);
        if (!Console.IsOutputRedirected && width + rightWidth + 3 > AnsiConsole.Profile.Width)
        {
            // Too narrow for both: one after the other.
            Console.WriteLine(kernel.CSharp + "\n");
            Console.Write(kernel.OpenCl);
            return 0;
        }

        Console.WriteLine($"{$"{kernel.Name}, C#".PadRight(width)} | OpenCL C 1.2");
        Console.WriteLine($"{new string('-', width)}-+-{new string('-', rightWidth)}");
        for (int i = 0; i < Math.Max(left.Length, right.Length); i++)
            Console.WriteLine($"{(i < left.Length ? left[i] : "").PadRight(width)} | {(i < right.Length ? right[i] : "")}".TrimEnd());
        return 0;
    }

    private static IReadOnlyList<TranslatedKernel> All()
    {
        // The translations register when their assembly is loaded.
        System.Runtime.CompilerServices.RuntimeHelpers.RunModuleConstructor(typeof(Accelerator).Module.ModuleHandle);
        return KernelRegistry.All;
    }

    private static string[] Lines(string text) => text.TrimEnd('\n').Split('\n');
}
