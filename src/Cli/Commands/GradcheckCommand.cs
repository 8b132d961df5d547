using System.CommandLine;
using System.Globalization;
using NativeStyle.GradientCheck;
using NativeStyle.Kernels;
using Spectre.Console;

namespace NativeStyle.Cli.Commands;

/// <summary><c>nativestyle gradcheck</c>: every operator on every accelerator against its references.</summary>
internal static class GradcheckCommand
{
    public static Command Create()
    {
        var seed = new Option<int>("--seed")
        {
            Description = "Seed of the random inputs",
            DefaultValueFactory = _ => 1,
            HelpName = "N",
        };
        var device = new Option<string?>("--device") { Description = "Check this device only", HelpName = "NAME" };
        var verbose = new Option<bool>("--verbose", "-v") { Description = "A row for every shape, not only the worst of each operator" };
        var command = new Command(
            "gradcheck",
            "Checks every operator: its output against a MathNet reference in double precision, its gradients against the\n" +
            "reference's, and against central differences. Errors are relative to the magnitude of what was added; exit code 1 on a fail.")
        {
            seed, device, verbose,
        };
        command.SetAction(parsed => Run(parsed.GetValue(seed), parsed.GetValue(device), parsed.GetValue(verbose)));
        return command;
    }

    private static int Run(int seed, string? device, bool verbose)
    {
        List<CheckResult> results = [];
        foreach (Func<int, Accelerator> open in device is null ? DeviceOptions.All.Select(each => each.Open) : [DeviceOptions.Find(device)])
        {
            using Accelerator accelerator = open(0);
            foreach (CheckCase check in OperatorCases.All(seed)) results.Add(GradientChecker.Check(check, accelerator));
        }

        var table = new Table().Border(TableBorder.Rounded);
        table.AddColumns("operator", "accelerator", verbose ? "shape" : "shapes", "forward", "backward", "differences", "tolerance", "");
        foreach (TableColumn column in table.Columns.Skip(3)) column.RightAligned().NoWrap();
        foreach (IGrouping<(string, string), CheckResult> group in results.GroupBy(result => (result.Case.Operator, result.Accelerator)))
        {
            IEnumerable<CheckResult[]> rows = verbose ? group.Select(result => new[] { result }) : [[.. group]];
            foreach (CheckResult[] row in rows)
            {
                bool passed = row.All(result => result.Passed);
                table.AddRow(
                    group.Key.Item1, group.Key.Item2, verbose ? row[0].Case.Variant : $"{row.Length}",
                    Number(row.Max(result => (double?)result.ForwardError)), Number(row.Max(result => result.BackwardError)),
                    Number(row.Max(result => result.DifferenceError)), Number(row.Max(result => (double?)result.Case.Tolerance)),
                    passed ? "[green]pass[/]" : "[red]FAIL[/]");
            }
        }

        AnsiConsole.Write(table);
        Console.WriteLine("forward, backward: largest error relative to the magnitude of the terms; differences: backward against central differences");
        foreach (IGrouping<(double, string), CheckResult> group in results.GroupBy(result => (result.Case.Tolerance, result.Case.ToleranceReason)))
            Console.WriteLine($"tolerance {Number(group.Key.Item1)}: {group.Key.Item2}");
        CheckResult[] failures = [.. results.Where(result => !result.Passed)];
        foreach (CheckResult failure in failures)
        {
            Console.WriteLine(
                $"FAIL {failure.Case} on {failure.Accelerator}, seed {seed}: forward {Number(failure.ForwardError)}, backward " +
                $"{Number(failure.BackwardError)}, differences {Number(failure.DifferenceError)}, tolerance {Number(failure.Case.Tolerance)} " +
                $"({failure.Case.ToleranceReason})");
        }

        Console.WriteLine($"{results.Count - failures.Length} checks passed, {failures.Length} failed, seed {seed}");
        return failures.Length == 0 ? 0 : 1;
    }

    private static string Number(double? value) =>
        value is null ? "-" : value.Value.ToString("0.0e+0", CultureInfo.InvariantCulture);
}
