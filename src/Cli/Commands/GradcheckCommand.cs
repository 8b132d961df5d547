using System.CommandLine;
using System.Globalization;
using System.Text;
using NativeStyle.Cli.Arguments;
using NativeStyle.Cli.Help;
using NativeStyle.Cli.Pages;
using NativeStyle.GradientCheck;
using NativeStyle.Imaging;
using NativeStyle.Jobs;
using NativeStyle.Kernels.Devices;
using NativeStyle.Style;
using NativeStyle.Style.Options;
using Spectre.Console;

namespace NativeStyle.Cli.Commands;

/// <summary>
/// <c>nativestyle gradcheck</c>: checks each operator on each device against references in double precision.
/// </summary>
internal sealed class GradcheckCommand : ProgramCommand
{
    private readonly Option<string[]> _operators =
        Typed.Names("--operator", "Only operators whose names contain one of these, e.g. Conv3x3,Gram")
            .Offering(() => OperatorCases.All(seed: 1).Select(check => check.Operator.Split(' ')[0]).Distinct());

    private readonly Option<(int Height, int Width, int Channels)?> _shape = Typed.Option<(int, int, int)?>(
        "--shape", "HxWxC", "Check the operators of feature maps at this shape (height x width x channels) instead " +
        "of the prepared ones",
        text => ParseShape(text));

    private readonly Option<int> _seed =
        Typed.Option("--seed", "Seed of the random inputs", new NumberRange<int>(0, int.MaxValue - 10_000), 1);

    private readonly Option<int> _seeds =
        Typed.Option("--seeds", "Number of seeds to check with, from --seed on", new NumberRange<int>(1, 10_000), 1);

    private readonly Option<string[]> _device = Typed.Names(
        "--device", "Check only on these devices (default: all of this machine)")
        .Offering(() => DeviceNames.Usual.Skip(1));
    private readonly Option<bool> _sweep = new("--sweep")
    {
        Description = "Also sweep the step of the finite differences, to show where their error is least and " +
            "why",
    };

    private readonly Option<bool> _verbose = new("--verbose", "-v")
    {
        Description = "Print a row for each shape with its worst element, not only the worst of each operator",
    };

    private readonly Option<string?> _html = new("--html")
    {
        Description = "Write all results as a page, with the sweeps as curves", HelpName = "FILE.html",
    };

    public GradcheckCommand()
        : base(
            "gradcheck",
            "Check every operator and its gradients on every device.",
            """
            Compares outputs with a MathNet reference in double precision, and gradients with the reference's and with
            central differences. Errors are relative to the magnitude of the added terms. Exit code 1 if a check fails.

              nativestyle gradcheck --operator Gram --verbose
              nativestyle gradcheck --operator Conv3x3 --shape 12x17x24 --seeds 5 --device cpu
              nativestyle gradcheck --device cpu --html gradients.html
            """)
    {
        Add(OptionGroup.Common, _operators, _shape, _seed, _seeds, _device, _sweep, _verbose, _html);
        SetAction(Run);
    }

    private int Run(ParseResult parsed)
    {
        (int seed, int seeds, string? html) = (parsed.GetValue(_seed), parsed.GetValue(_seeds), parsed.GetValue(_html));
        (int Height, int Width, int Channels)? shape = parsed.GetValue(_shape);
        if (html is not null) OutputFiles.CheckPage(html);
        string[] names = parsed.GetValue(_operators)!;
        foreach (string name in names.Where(name => !Cases(seed).Any(check => Matches(check, name))))
        {
            IEnumerable<string> operators = Cases(seed).Select(check => check.Operator).Distinct();
            throw new UsageException($"{_operators.Name} {name} is none of {string.Join(", ", operators)}");
        }

        Func<int, ComputeDevice>[] devices = parsed.GetValue(_device) is [_, ..] list
            ? [.. list.Select(name => DeviceNames.Find(name, _ => { }))]
            : [.. DeviceCatalog.All.Where(each => each.WhyNot is null).Select(each => each.Open)];
        List<(int Seed, CheckResult Result)> results = [];
        // All devices share the cases, so each reference is computed once.
        (int Seed, CheckCase[] Cases)[] drawn =
            [.. Enumerable.Range(seed, seeds).Select(each => (each, Chosen(each).ToArray()))];
        foreach (Func<int, ComputeDevice> open in devices)
        {
            using ComputeDevice device = open(0);
            foreach ((int each, CheckCase[] cases) in drawn)
            {
                foreach (CheckCase check in cases.Where(check => check.RunsOn(device)))
                    results.Add((each, GradientChecker.Check(check, device)));
            }
        }

        // The sweep uses only the reference, so it is the same on every device.
        Dictionary<string, (CheckCase Case, IReadOnlyList<(double Step, double Error)> Points)> sweeps = [];
        if (parsed.GetValue(_sweep) || html is not null)
        {
            foreach (var group in Chosen(seed).Where(check => check.ReferenceBackward is not null)
                .GroupBy(check => check.Operator))
            {
                CheckCase smallest = Smallest(group);
                sweeps[group.Key] = (smallest, GradientChecker.Sweep(smallest));
            }
        }

        ShowTable([.. results.Select(each => each.Result)], parsed.GetValue(_verbose));
        if (parsed.GetValue(_sweep)) ShowSweeps(sweeps);
        foreach ((int used, CheckResult failure) in results.Where(each => !each.Result.Passed))
        {
            Console.WriteLine(
                $"FAIL {failure.Case} on {failure.Device}, seed {used}: forward {Number(failure.ForwardError)}, " +
                $"backward {Number(failure.BackwardError)}, differences {Number(failure.DifferenceError)}, " +
                $"tolerance {Number(failure.Case.Tolerance)} " +
                $"({failure.Case.ToleranceReason}); worst: {Words(failure.Worst)}");
        }

        int failed = results.Count(each => !each.Result.Passed);
        string source = seeds == 1 ? $"seed {seed}" : $"seeds {seed} to {seed + seeds - 1}";
        string summary = $"{results.Count - failed} checks passed, {failed} failed, {source}";
        Console.WriteLine(summary);
        if (html is not null)
        {
            string page = GradcheckPage.Html([.. results.Select(each => each.Result)], sweeps, summary);
            AtomicFile.Write(html, Encoding.UTF8.GetBytes(page));
            Console.WriteLine($"saved {html}");
        }

        return failed == 0 ? 0 : 1;

        IEnumerable<CheckCase> Cases(int with) => shape is var (height, width, channels)
            ? OperatorCases.AtShape(with, height, width, channels) : OperatorCases.All(with);

        IEnumerable<CheckCase> Chosen(int with) =>
            Cases(with).Where(check => names.Length == 0 || names.Any(name => Matches(check, name)));

        // Picks a shape whose curve is quick to compute but not trivial.
        static CheckCase Smallest(IEnumerable<CheckCase> cases) =>
            cases.OrderBy(check => Math.Abs(check.Inputs.Sum(input => input.Length) - 300)).First();
    }

    /// <summary>Prints an error with one decimal, or a dash.</summary>
    public static string Number(double? value) =>
        value is null ? "-" : value.Value.ToString("0.0e+0", CultureInfo.InvariantCulture);

    /// <summary>Describes the worst element.</summary>
    public static string Words(WorstElement worst) => string.Create(
        CultureInfo.InvariantCulture, $"{worst.Of}[{worst.Index}] = {worst.Actual:g9}, expected {worst.Expected:g9}");

    private static bool Matches(CheckCase check, string name) =>
        check.Operator.Contains(name, StringComparison.OrdinalIgnoreCase);

    private static (int, int, int) ParseShape(string text)
    {
        string[] parts = text.Split('x', 'X');
        if (parts.Length != 3) throw new TransferException($"{text} is no shape, expected HxWxC, e.g. 12x17x24");
        int[] sizes = [.. parts.Select(part => new NumberRange<int>(1, 4096).Parse(part))];
        if ((long)sizes[0] * sizes[1] * sizes[2] * sizes[2] > 50_000_000)
            throw new TransferException($"{text} would take the references hours; choose a smaller one");
        return (sizes[0], sizes[1], sizes[2]);
    }

    private static void ShowTable(CheckResult[] results, bool verbose)
    {
        var table = new Table().Border(TableBorder.Rounded);
        table.AddColumns(
            "operator", "device", verbose ? "shape" : "shapes", "forward", "backward", "differences", "tolerance", "");
        if (verbose) table.AddColumn("worst element");
        foreach (TableColumn column in table.Columns.Skip(3).Take(4)) column.RightAligned().NoWrap();
        foreach (var group in results.GroupBy(result => (result.Case.Operator, result.Device)))
        {
            IEnumerable<CheckResult[]> rows = verbose ? group.Select(result => new[] { result }) : [[.. group]];
            foreach (CheckResult[] row in rows)
            {
                bool passed = row.All(result => result.Passed);
                string[] cells =
                [
                    group.Key.Item1, group.Key.Item2, verbose ? row[0].Case.Variant : $"{row.Length}",
                    Number(row.Max(result => (double?)result.ForwardError)),
                    Number(row.Max(result => result.BackwardError)),
                    Number(row.Max(result => result.DifferenceError)),
                    Number(row.Max(result => (double?)result.Case.Tolerance)),
                    passed ? "[green]pass[/]" : "[red]FAIL[/]",
                ];
                table.AddRow(verbose ? [.. cells, Markup.Escape(Words(row[0].Worst))] : cells);
            }
        }

        AnsiConsole.Write(table);
        Console.WriteLine(
            "forward, backward: largest error relative to the magnitude of the terms; differences: backward against " +
            "central differences");
        foreach (var group in results.GroupBy(result => (result.Case.Tolerance, result.Case.ToleranceReason)))
            Console.WriteLine($"tolerance {Number(group.Key.Item1)}: {group.Key.Item2}");
    }

    private static void ShowSweeps(
        Dictionary<string, (CheckCase Case, IReadOnlyList<(double Step, double Error)> Points)> sweeps)
    {
        var table = new Table().Border(TableBorder.Rounded).AddColumns(
            "operator", "shape", "h = 1/2", "best h", "error there", "h = 2^-44");
        foreach ((string name, (CheckCase check, IReadOnlyList<(double Step, double Error)> points)) in sweeps)
        {
            (double step, double error) = points.MinBy(point => point.Error);
            table.AddRow(
                name, check.Variant, Number(points[0].Error),
                $"2^{Math.Log2(step).ToString(CultureInfo.InvariantCulture)}", Number(error), Number(points[^1].Error));
        }

        AnsiConsole.Write(table);
        Console.WriteLine(
            "central differences of the reference against its own gradient: too long a step leaves terms out or " +
            "crosses a kink, too short a one cancels digits");
    }
}
