using System.Globalization;
using System.Text.RegularExpressions;
using ILGPU.Runtime.Cuda;
using NativeStyle.Imaging;
using NativeStyle.Jobs;
using NativeStyle.Kernels.Devices;
using NativeStyle.Kernels.Ladder;
using NativeStyle.Kernels.Translation;

namespace NativeStyle.Cli.Pages;

/// <summary>
/// The parts of docs/ladder that this program writes: code, and tables of what was predicted and measured. In a page
/// they stand between <c>&lt;!-- name --&gt;</c> and <c>&lt;!-- /name --&gt;</c>.
/// </summary>
internal static class LadderPages
{
    public static string[] ModelHead(KernelLadder ladder) => ladder.IsBoundByMemory
        ? ["step", "bytes an operation", "sectors for 5 accesses", "bytes moved that are wanted"]
        : ["step", "bytes of global memory an operation", "passes a multiply-add", "of an A100's arithmetic at most"];

    public static string[] NeedsHead => ["step", "kernel", "group", "registers", "shared bytes", "occupancy"];

    public static string[] TimesHead(KernelLadder ladder) =>
    [
        "step", "device", "size", "ms", ladder.IsBoundByMemory ? "GB/s" : "GFLOP/s", "of peak", "times the step before",
        "expected", "error",
    ];

    /// <summary>The kernel of a step: all of it, or what differs from the step before.</summary>
    public static string Code(KernelLadder ladder, LadderStep step)
    {
        string[] lines = KernelSource.LinesOf(step.Kernel);
        LadderStep? before = ladder.Steps.FirstOrDefault(each => each.Number == step.Before);
        return before is null || before.Kernel.Method.DeclaringType != step.Kernel.Method.DeclaringType
            || !step.Kernel.Name.Contains("Ladder", StringComparison.Ordinal)
            ? $"```csharp\n{string.Join('\n', lines)}\n```"
            : $"```diff\n{string.Join('\n', LineDiff.Of(KernelSource.LinesOf(before.Kernel), lines))}\n```";
    }

    /// <summary>What the addresses of a warp foretell.</summary>
    public static string[] Model(KernelLadder ladder, LadderStep step) => ladder.IsBoundByMemory
        ?
        [
            Name(step), Digits(step.BytesPerFlop), $"{step.Accesses.Sum(access => access.Sectors)}",
            Percent(step.UsefulShare),
        ]
        :
        [
            Name(step), Digits(step.BytesPerFlop), Digits(step.PassesPerMultiplyAdd), Percent(step.ArithmeticShare),
        ];

    /// <summary>What the kernel needs of an A100, by NVIDIA's assembler.</summary>
    public static string[] Needs(LadderStep step, PtxAssembler assembler)
    {
        // What a translator has translated before may change a few registers.
        using var translator = new KernelTranslator();
        KernelResources needs = assembler.Assemble(
            translator.ToPtx(step.Kernel, CudaArchitecture.SM_80), "sm_80", step.Kernel.GroupItems);
        return
        [
            Name(step), step.Kernel.Name, $"{step.Kernel.GroupItems}", $"{needs.Registers}", $"{needs.SharedBytes}",
            Percent(needs.Occupancy),
        ];
    }

    /// <summary>A measured time beside the device's peak and the step before.</summary>
    public static string[] Time(KernelLadder ladder, LadderTime time, IReadOnlyList<LadderTime> all)
    {
        double rate = 1e-9 * (ladder.IsBoundByMemory ? ladder.LeastBytes(time.Size) : ladder.Flop(time.Size))
            / time.Seconds;
        double? peak = ladder.IsBoundByMemory ? time.Peak?.GigabytesPerSecond : time.Peak?.GigaflopsPerSecond;
        LadderTime? before = all.FirstOrDefault(each =>
            time.Step is not null && each.Step?.Number == time.Step.Before && each.Device == time.Device);
        bool isPocl = time.Device is { IsGpu: false, Kind: DeviceKind.OpenCl };
        return
        [
            time.Step is null ? "the operator" : Name(time.Step), time.Device.Name, $"{time.Size}",
            Digits(1e3 * time.Seconds), Digits(rate), peak is null ? "-" : Percent(rate / peak.Value),
            before is null ? "-" : Digits(before.Seconds / time.Seconds),
            isPocl && time.Step?.ExpectedGain is { } gain ? Digits(gain) : "-",
            time.Error.ToString("0.0e-0", CultureInfo.InvariantCulture),
        ];
    }

    /// <summary>The lines above a table of times: the machine, and the peaks of its devices.</summary>
    public static string Machine(IReadOnlyList<LadderTime> times)
    {
        LadderTime[] devices = [.. times.DistinctBy(time => time.Device)];
        string peaks = string.Join(", ", devices.Where(time => time.Peak is not null).Select(time =>
            $"{time.Device.Name} {Digits(time.Peak!.GigaflopsPerSecond)} GFLOP/s and " +
            $"{Digits(time.Peak.GigabytesPerSecond)} GB/s"));
        return $"{LadderTimes.Machine(devices.Select(time => time.Device))}. Peaks, measured in the same run: {peaks}.";
    }

    public static string Markdown(string[] head, IEnumerable<string[]> rows) => string.Join('\n', [
        Row(head), Row([.. head.Select(_ => "---")]), .. rows.Select(Row),
    ]);

    /// <summary>Replaces a part of a page.</summary>
    /// <exception cref="UsageException">The page has no such part.</exception>
    public static string Replace(string page, string name, string text)
    {
        var part = new Regex($@"(?<=<!-- {name} -->\n).*?(?=<!-- /{name} -->)", RegexOptions.Singleline);
        if (!part.IsMatch(page)) throw new UsageException($"the page has no part <!-- {name} --> to write to");
        return part.Replace(page, _ => text + "\n", 1);
    }

    /// <summary>Writes code, predictions and times into the pages of a ladder.</summary>
    /// <param name="folder">The folder with README.md and a page for each step, as docs/ladder has them.</param>
    /// <exception cref="UsageException">A page is missing.</exception>
    public static void Write(
        string folder, KernelLadder ladder, IReadOnlyList<LadderTime> times, PtxAssembler assembler)
    {
        Dictionary<LadderStep, string[]> needs = ladder.Steps.ToDictionary(step => step, step => Needs(step, assembler));
        string machine = $"{Machine(times)}\n\n";
        foreach (LadderStep step in ladder.Steps)
        {
            Change($"{ladder.Name}-{step.Number}.md", page =>
            {
                page = Replace(page, "code", Code(ladder, step));
                page = Replace(page, "model", Markdown(ModelHead(ladder), [Model(ladder, step)]));
                page = Replace(page, "needs", Markdown(NeedsHead, [needs[step]]));
                IEnumerable<string[]> rows =
                    times.Where(time => time.Step == step).Select(time => Time(ladder, time, times));
                return Replace(page, "times", Markdown(TimesHead(ladder), rows));
            });
        }

        Change("README.md", page =>
        {
            page = Replace(
                page, $"{ladder.Name} model",
                Markdown(ModelHead(ladder), ladder.Steps.Select(step => Model(ladder, step))));
            page = Replace(
                page, $"{ladder.Name} needs", Markdown(NeedsHead, ladder.Steps.Select(step => needs[step])));
            IEnumerable<string[]> rows = times.Where(time => time.Device.Name != "cpu-kernels")
                .OrderBy(time => time.Step?.Number ?? int.MaxValue).Select(time => Time(ladder, time, times));
            return Replace(page, $"{ladder.Name} times", machine + Markdown(TimesHead(ladder), rows));
        });

        void Change(string name, Func<string, string> change)
        {
            string path = Path.Combine(folder, name);
            if (!File.Exists(path))
                throw new UsageException($"{path} does not exist, expected a page as docs/ladder has them");
            string text;
            try
            {
                text = change(File.ReadAllText(path));
            }
            catch (UsageException error)
            {
                throw new UsageException($"{path}: {error.Message}");
            }

            AtomicFile.Write(path, System.Text.Encoding.UTF8.GetBytes(text));
        }
    }

    public static string Name(LadderStep step) => $"{step.Number}. {step.Title}";

    /// <summary>Three digits.</summary>
    public static string Digits(double value) => value.ToString(
        value >= 100 ? "0" : value >= 10 ? "0.0" : value >= 1 ? "0.00" : value >= 0.1 ? "0.000" : "0.0000", CultureInfo.InvariantCulture);

    private static string Percent(double share) =>
        (100 * share).ToString(share < 0.2 ? "0.0" : "0", CultureInfo.InvariantCulture) + " %";

    private static string Row(string[] cells) => $"| {string.Join(" | ", cells)} |";
}
