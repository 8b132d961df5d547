using System.CommandLine;
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
        return command;
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
