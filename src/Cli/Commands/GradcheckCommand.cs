using System.CommandLine;
using System.Globalization;
using System.Text;
using NativeStyle.GradientCheck;
using NativeStyle.Imaging;
using NativeStyle.Kernels.Devices;
using Spectre.Console;

namespace NativeStyle.Cli.Commands;

/// <summary><c>nativestyle gradcheck</c>: every operator on every device against references in double precision.</summary>
internal sealed class GradcheckCommand
{
    private readonly Option<string?> _operators = new("--operator") { Description = "Only operators whose names contain one of these, e.g. Conv3x3,Gram", HelpName = "A,B" };
    private readonly Option<string?> _shape = new("--shape") { Description = "The operators of feature maps at this shape (height x width x channels) instead of the prepared ones", HelpName = "HxWxC" };
    private readonly Option<string?> _seed = new("--seed") { Description = "Seed of the random inputs (default: 1)", HelpName = "N" };
    private readonly Option<string?> _seeds = new("--seeds") { Description = "Check with so many seeds, from --seed on (default: 1)", HelpName = "N" };
    private readonly Option<string?> _device = new("--device") { Description = "Only on these devices (default: all of this machine)", HelpName = "A,B" };
    private readonly Option<bool> _sweep = new("--sweep") { Description = "Also sweep the step of the finite differences: where their error is least, and why not elsewhere" };
    private readonly Option<bool> _verbose = new("--verbose", "-v") { Description = "A row for every shape, with the worst element, not only the worst of each operator" };
    private readonly Option<string?> _html = new("--html") { Description = "Write all of it as a page, with the sweeps as curves", HelpName = "FILE.html" };

    public static Command Create()
    {
        var gradcheck = new GradcheckCommand();
        var command = new Command(
            "gradcheck",
            "Checks every operator: its output against a MathNet reference in double precision, its gradients against the\n" +
            "reference's, and against central differences. Errors are relative to the magnitude of what was added; exit code 1 on a fail.\n\n" +
            "  nativestyle gradcheck --operator Gram --verbose\n" +
            "  nativestyle gradcheck --operator Conv3x3 --shape 12x17x24 --seeds 5 --device cpu\n" +
            "  nativestyle gradcheck --device cpu --html gradients.html")
        {
            gradcheck._operators, gradcheck._shape, gradcheck._seed, gradcheck._seeds, gradcheck._device, gradcheck._sweep, gradcheck._verbose, gradcheck._html,
        };
        command.SetAction(gradcheck.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        int seed = parsed.GetValue(_seed) is string first ? Settings.ParseWhole("--seed", first, 0, int.MaxValue - 10_000) : 1;
        int seeds = parsed.GetValue(_seeds) is string count ? Settings.ParseWhole("--seeds", count, 1, 10_000) : 1;
        (int Height, int Width, int Channels)? shape = parsed.GetValue(_shape) is string text ? ParseShape(text) : null;
        string? html = parsed.GetValue(_html);
        if (html is not null)
        {
            OutputArguments.RequireExtension(html, ".html", ".htm");
            UserErrors.RequireWritable(html);
        }

        string[] wanted = parsed.GetValue(_operators)?.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) ?? [];
        foreach (string name in wanted.Where(name => !Cases(seed).Any(check => Matches(check, name))))
            throw new UsageException($"--operator {name} is none of {string.Join(", ", Cases(seed).Select(check => check.Operator).Distinct())}");
        Func<int, ComputeDevice>[] devices = parsed.GetValue(_device) is string named
            ? [.. named.Split(',', StringSplitOptions.TrimEntries).Select(name => DeviceOptions.Find(name))] : [.. DeviceCatalog.All.Where(each => each.WhyNot is null).Select(each => each.Open)];
        List<(int Seed, CheckResult Result)> results = [];
        // The same cases for every device: a reference is computed once.
        (int Seed, CheckCase[] Cases)[] drawn = [.. Enumerable.Range(seed, seeds).Select(each => (each, Chosen(each).ToArray()))];
        foreach (Func<int, ComputeDevice> open in devices)
        {
            using ComputeDevice device = open(0);
            foreach ((int each, CheckCase[] cases) in drawn)
                results.AddRange(cases.Where(check => check.RunsOn(device)).Select(check => (each, GradientChecker.Check(check, device))));
        }

        // The reference's own differences: the same on every device.
        Dictionary<string, (CheckCase Case, IReadOnlyList<(double Step, double Error)> Points)> sweeps = parsed.GetValue(_sweep) || html is not null
            ? Chosen(seed).Where(check => check.ReferenceBackward is not null).GroupBy(check => check.Operator)
                .ToDictionary(group => group.Key, group => Smallest(group) is var check ? (check, GradientChecker.Sweep(check)) : default) : [];
        ShowTable([.. results.Select(each => each.Result)], parsed.GetValue(_verbose));
        if (parsed.GetValue(_sweep)) ShowSweeps(sweeps);
        foreach ((int used, CheckResult failure) in results.Where(each => !each.Result.Passed))
        {
            Console.WriteLine(
                $"FAIL {failure.Case} on {failure.Device}, seed {used}: forward {Number(failure.ForwardError)}, backward " +
                $"{Number(failure.BackwardError)}, differences {Number(failure.DifferenceError)}, tolerance {Number(failure.Case.Tolerance)} " +
                $"({failure.Case.ToleranceReason}); worst: {Words(failure.Worst)}");
        }

        int failed = results.Count(each => !each.Result.Passed);
        string summary = $"{results.Count - failed} checks passed, {failed} failed, {(seeds == 1 ? $"seed {seed}" : $"seeds {seed} to {seed + seeds - 1}")}";
        Console.WriteLine(summary);
        if (html is not null)
        {
            AtomicFile.Write(html, Encoding.UTF8.GetBytes(GradcheckPage.Html([.. results.Select(each => each.Result)], sweeps, summary)));
            Console.WriteLine($"saved {html}");
        }

        return failed == 0 ? 0 : 1;

        IEnumerable<CheckCase> Cases(int with) => shape is var (height, width, channels) ? OperatorCases.AtShape(with, height, width, channels) : OperatorCases.All(with);

        IEnumerable<CheckCase> Chosen(int with) => Cases(with).Where(check => wanted.Length == 0 || wanted.Any(name => Matches(check, name)));

        // A shape whose curve is quick to compute and not trivial.
        static CheckCase Smallest(IEnumerable<CheckCase> cases) =>
            cases.OrderBy(check => Math.Abs(check.Inputs.Sum(input => input.Length) - 300)).First();
    }

    /// <summary>An error in one decimal, or a dash.</summary>
    public static string Number(double? value) =>
        value is null ? "-" : value.Value.ToString("0.0e+0", CultureInfo.InvariantCulture);

    /// <summary>The worst element in words.</summary>
    public static string Words(WorstElement worst) => string.Create(
        CultureInfo.InvariantCulture, $"{worst.Of}[{worst.Index}] = {worst.Actual:g9}, expected {worst.Expected:g9}");

    private static bool Matches(CheckCase check, string name) => check.Operator.Contains(name, StringComparison.OrdinalIgnoreCase);

    private static (int, int, int) ParseShape(string text)
    {
        string[] parts = text.Split('x', 'X');
        if (parts.Length != 3) throw new UsageException($"--shape {text} is no shape, expected HxWxC, e.g. 12x17x24");
        int[] sizes = [.. parts.Select(part => Settings.ParseWhole("--shape", part, 1, 4096))];
        if ((long)sizes[0] * sizes[1] * sizes[2] * sizes[2] > 50_000_000)
            throw new UsageException($"--shape {text} would take the references hours; choose a smaller one");
        return (sizes[0], sizes[1], sizes[2]);
    }

    private static void ShowTable(CheckResult[] results, bool verbose)
    {
        var table = new Table().Border(TableBorder.Rounded);
        table.AddColumns("operator", "device", verbose ? "shape" : "shapes", "forward", "backward", "differences", "tolerance", "");
        if (verbose) table.AddColumn("worst element");
        foreach (TableColumn column in table.Columns.Skip(3).Take(4)) column.RightAligned().NoWrap();
        foreach (IGrouping<(string, string), CheckResult> group in results.GroupBy(result => (result.Case.Operator, result.Device)))
        {
            IEnumerable<CheckResult[]> rows = verbose ? group.Select(result => new[] { result }) : [[.. group]];
            foreach (CheckResult[] row in rows)
            {
                bool passed = row.All(result => result.Passed);
                string[] cells =
                [
                    group.Key.Item1, group.Key.Item2, verbose ? row[0].Case.Variant : $"{row.Length}",
                    Number(row.Max(result => (double?)result.ForwardError)), Number(row.Max(result => result.BackwardError)),
                    Number(row.Max(result => result.DifferenceError)), Number(row.Max(result => (double?)result.Case.Tolerance)),
                    passed ? "[green]pass[/]" : "[red]FAIL[/]",
                ];
                table.AddRow(verbose ? [.. cells, Markup.Escape(Words(row[0].Worst))] : cells);
            }
        }

        AnsiConsole.Write(table);
        Console.WriteLine("forward, backward: largest error relative to the magnitude of the terms; differences: backward against central differences");
        foreach (IGrouping<(double, string), CheckResult> group in results.GroupBy(result => (result.Case.Tolerance, result.Case.ToleranceReason)))
            Console.WriteLine($"tolerance {Number(group.Key.Item1)}: {group.Key.Item2}");
    }

    private static void ShowSweeps(Dictionary<string, (CheckCase Case, IReadOnlyList<(double Step, double Error)> Points)> sweeps)
    {
        var table = new Table().Border(TableBorder.Rounded).AddColumns("operator", "shape", "h = 1/2", "best h", "error there", "h = 2^-44");
        foreach ((string name, (CheckCase check, IReadOnlyList<(double Step, double Error)> points)) in sweeps)
        {
            (double step, double error) = points.MinBy(point => point.Error);
            table.AddRow(name, check.Variant, Number(points[0].Error), $"2^{Math.Log2(step).ToString(CultureInfo.InvariantCulture)}", Number(error), Number(points[^1].Error));
        }

        AnsiConsole.Write(table);
        Console.WriteLine("central differences of the reference against its own gradient: too long a step leaves terms out, too short a one cancels digits");
    }
}
