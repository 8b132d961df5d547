using System.CommandLine;
using System.Globalization;
using NativeStyle.Cli.Arguments;
using NativeStyle.Cli.Help;
using NativeStyle.Jobs;
using NativeStyle.Kernels.Devices;
using NativeStyle.Style.Options;
using NativeStyle.Style.Tiling;
using NativeStyle.Vgg;
using Spectre.Console;

namespace NativeStyle.Cli.Commands;

/// <summary>
/// <c>nativestyle plan HEIGHT WIDTH</c>: estimates what a transfer of some size takes, without making it.
/// </summary>
internal sealed class PlanCommand : ProgramCommand
{
    private readonly Argument<int[]> _sizes = new("HEIGHT WIDTH")
    {
        Description = "Rows and columns of the result; more pairs for more sizes", Arity = ArgumentArity.OneOrMore,
        CustomParser = Typed.Sides,
    };

    private readonly JobArguments _job = new(except: OptionTable.Size);
    private readonly DeviceArguments _device = new();

    public PlanCommand()
        : base(
            "plan",
            "Tell what sizes take: memory, tiles, scratch files, time.",
            """
            Computes only one convolution, to measure the speed of the device.

              nativestyle plan 2048 2048
              nativestyle plan 2048 2048 4096 4096 8192 8192 --memory 4G
              nativestyle plan 3000 4000 --preset gatys --optimizer lbfgs

            Every transfer begins with the same planning.
            """)
    {
        Add(_sizes);
        _job.AddTo(this);
        _device.AddTo(this);
        SetAction(Run);
    }

    private int Run(ParseResult parsed)
    {
        TransferConsole console = _job.Console(parsed);
        int[] sizes = parsed.GetValue(_sizes)!;
        if (sizes.Length % 2 != 0)
            throw new UsageException($"plan takes pairs of HEIGHT and WIDTH, not {sizes.Length} numbers");
        TransferJob job = _job.Draft(parsed, console);
        // A total over all scales bounds what L-BFGS remembers.
        if (_job.TotalIterations(parsed) is int total)
            job = job with { Options = job.Options with { Iterations = [total] } };
        using ComputeDevice device = _device.Open(parsed, console.Say);
        MemoryBudget budget = MemoryBudget.Of(device, job.Memory);
        VggArchitecture architecture = WeightsLocator.Architecture(job.Weights, job.Options.Architecture);
        string tiled = budget.Tiled == budget.Whole ? "" : $" whole, {MemorySize.Words(budget.Tiled)} in tiles";
        console.Say(
            $"preset {job.Options.Name} on {device.Name}, at most {MemorySize.Words(budget.Whole)} of memory{tiled}");
        var table = new Table().Border(TableBorder.Rounded).AddColumns(
            "height x width", "memory", "scratch files", "s per iteration", "how");
        foreach (TableColumn column in table.Columns.Take(4)) column.NoWrap();
        bool fits = true;
        foreach (int[] pair in sizes.Chunk(2))
        {
            MemoryPlanner planner = MemoryPlanner.For(device, architecture, job.Options, budget, 0, pair[0], pair[1]);
            MemoryEstimate estimate = planner.At(pair[0], pair[1]);
            fits &= estimate.Fits;
            string how = !estimate.Fits ? "does not fit, even in tiles" : estimate.Tiles ?? "whole";
            if (planner.Options.History < job.Options.History)
                how += $"; L-BFGS remembers {planner.Options.History} steps instead of {job.Options.History}";
            table.AddRow(
                $"{pair[0]} x {pair[1]}", MemorySize.Words(estimate.PeakBytes),
                estimate.ScratchBytes == 0 ? "-" : MemorySize.Words(estimate.ScratchBytes),
                estimate.Seconds.ToString(estimate.Seconds < 10 ? "f2" : "f0", CultureInfo.InvariantCulture), how);
        }

        AnsiConsole.Write(table);
        return fits ? 0 : UserErrors.ExitCode;
    }
}
