using System.Diagnostics;
using System.Globalization;

namespace NativeStyle.Fuzzing;

/// <summary>
/// Fuzzes the readers of files with feedback of coverage. This process copies the program, instruments the copy, and
/// runs each target's campaign in a process of the copy, so that it outlives a reader that ends its process.
/// </summary>
internal static class Program
{
    private const string Help = """
        fuzzes the readers of files
          --target NAME|all   what to fuzz, with commas between several (all)
          --inputs N          inputs of each target (10000)
          --seconds S         the most seconds for each target (no limit)
          --seed N            the seed of the damage (1)
          --corpus DIR        where inputs that reach new branches are kept and taken up again
          --findings DIR      where inputs that break a promise are saved (fuzz-findings)
          --list              prints the targets
        """;

    private const int FailedExitCode = 1, UsageExitCode = 2;

    /// <summary>How often a campaign goes on after its process ended.</summary>
    private const int MostCrashes = 20;

    private static readonly string[] s_instrumented =
    [
        "NativeStyle.Imaging", "NativeStyle.Vgg", "NativeStyle.Style", "NativeStyle.FeedForward", "NativeStyle.Jobs",
        "nativestyle", "StbImageSharp", "PureHDF",
    ];

    /// <summary>Made first, because the instrumented code writes to its map.</summary>
    private static readonly Coverage s_coverage = new();

    private static readonly FuzzTarget[] s_targets =
    [
        .. PictureTargets.All, .. WeightsTargets.All, .. ModelTargets.All, .. TransferTargets.All,
        .. CommandTargets.All, FrameTarget.Frames,
    ];

    public static CultureInfo Invariant => CultureInfo.InvariantCulture;

    private static int Main(string[] arguments)
    {
        var options = new Dictionary<string, string>
        {
            ["--target"] = "all", ["--inputs"] = "10000", ["--seconds"] = "1e9", ["--seed"] = "1", ["--corpus"] = "",
            ["--findings"] = "fuzz-findings", ["--work"] = "",
        };
        if (arguments is ["--list"])
        {
            Console.WriteLine(string.Join('\n', s_targets.Select(target => target.Name)));
            return 0;
        }

        for (int i = 0; i < arguments.Length; i += 2)
        {
            if (!options.ContainsKey(arguments[i]) || i + 1 == arguments.Length)
            {
                Console.Error.WriteLine(Help);
                return UsageExitCode;
            }

            options[arguments[i]] = arguments[i + 1];
        }

        string[] names = options["--target"] == "all" ? [.. s_targets.Select(target => target.Name)]
            : options["--target"].Split(',');
        if (names.FirstOrDefault(name => s_targets.All(target => target.Name != name)) is { } unknown)
        {
            string known = string.Join(", ", s_targets.Select(target => target.Name));
            Console.Error.WriteLine($"there is no target '{unknown}', expected all or some of {known}");
            return UsageExitCode;
        }

        return options["--work"].Length > 0 ? RunHere(names[0], options) : RunAll(names, options);
    }

    /// <summary>Runs a campaign in this process, which is instrumented.</summary>
    private static int RunHere(string name, Dictionary<string, string> options)
    {
        var target = s_targets.First(target => target.Name == name);
        string? corpus = options["--corpus"] is { Length: > 0 } folder ? Path.Combine(folder, name) : null;
        int seed = int.Parse(options["--seed"], Invariant);
        var campaign = new Campaign(target, s_coverage, seed, options["--work"], corpus, options["--findings"]);
        Console.WriteLine(campaign.Run(
            long.Parse(options["--inputs"], Invariant), double.Parse(options["--seconds"], Invariant)).Line());
        return 0;
    }

    private static int RunAll(string[] names, Dictionary<string, string> options)
    {
        string copy = Directory.CreateTempSubdirectory("nativestyle-fuzzing-").FullName;
        try
        {
            Copy(AppContext.BaseDirectory, copy);
            foreach (string assembly in s_instrumented)
                SharpFuzz.Fuzzer.Instrument(Path.Combine(copy, assembly + ".dll"), _ => true, SharpFuzz.Options.Value);
            var rows = new List<(string Name, Progress Done)>();
            foreach (string name in names) rows.Add((name, RunTarget(name, copy, options)));
            Console.WriteLine($"{"target",-20} {"inputs",10} {"edges",7} {"corpus",7} {"inputs/s",9} {"findings",9}");
            foreach ((string name, Progress done) in rows) Console.WriteLine(Row(name, done));
            Progress all = rows.Select(row => row.Done).Aggregate(Sum);
            Console.WriteLine(Row("all", all));
            return all.Findings == 0 ? 0 : FailedExitCode;
        }
        finally
        {
            Directory.Delete(copy, recursive: true);
        }
    }

    /// <summary>Runs a campaign in processes of the copy. A process that ends early is a finding.</summary>
    private static Progress RunTarget(string name, string copy, Dictionary<string, string> options)
    {
        var done = new Progress(0, 0, 0, 0, 0);
        long inputs = long.Parse(options["--inputs"], Invariant);
        double seconds = double.Parse(options["--seconds"], Invariant);
        for (int crashes = 0; crashes <= MostCrashes && done.Inputs < inputs && done.Seconds < seconds; crashes++)
        {
            string work = Directory.CreateTempSubdirectory("nativestyle-fuzz-").FullName;
            var start = new ProcessStartInfo("dotnet")
            {
                RedirectStandardOutput = true,
                // A read that asks for more memory fails; it must not take that of other programs.
                Environment =
                {
                    ["DOTNET_GCHeapHardLimit"] = "80000000", ["DOTNET_EnableDiagnostics"] = "0", ["TMPDIR"] = work,
                },
                ArgumentList =
                {
                    Path.Combine(copy, "NativeStyle.Fuzzing.dll"), "--work", work, "--target", name,
                    "--inputs", (inputs - done.Inputs).ToString(Invariant),
                    "--seconds", (seconds - done.Seconds).ToString(Invariant),
                    "--seed", (int.Parse(options["--seed"], Invariant) + crashes).ToString(Invariant),
                    "--corpus", options["--corpus"], "--findings", Path.GetFullPath(options["--findings"]),
                },
            };
            using Process process = Process.Start(start)!;
            Progress last = new(0, 0, 0, 0, 0);
            while (process.StandardOutput.ReadLine() is { } line)
            {
                if (Progress.Of(line) is { } progress) Console.WriteLine(Row(name, Sum(done, last = progress)));
                else Console.WriteLine(line);
            }

            process.WaitForExit();
            done = Sum(done, last);
            if (process.ExitCode != 0) done = done with { Findings = done.Findings + 1 };
            bool isOver = process.ExitCode == 0 || !SavesLast(name, work, process.ExitCode, options["--findings"]);
            Directory.Delete(work, recursive: true);
            if (isOver) break;
        }

        return done;
    }

    /// <summary>Saves the file that was read when a process ended. Returns whether there was one.</summary>
    private static bool SavesLast(string name, string work, int code, string findings)
    {
        Directory.CreateDirectory(findings);
        string what = code == Campaign.HangExitCode ? "a read did not end" : $"the process ended with exit code {code}";
        foreach (string file in Directory.GetFiles(work))
        {
            string saved = Path.Combine(findings, $"{name}-ended-{Guid.NewGuid():n}");
            File.Copy(file, saved);
            File.WriteAllText(saved + ".txt", what);
            Console.WriteLine($"FINDING in {name}: {what}; {saved}");
        }

        return Directory.GetFiles(work).Length > 0;
    }

    private static Progress Sum(Progress a, Progress b) => new(
        a.Inputs + b.Inputs, Math.Max(a.Edges, b.Edges), Math.Max(a.Corpus, b.Corpus), a.Seconds + b.Seconds,
        a.Findings + b.Findings);

    private static string Row(string name, Progress done)
    {
        double speed = done.Inputs / Math.Max(1e-3, done.Seconds);
        return FormattableString.Invariant(
            $"{name,-20} {done.Inputs,10} {done.Edges,7} {done.Corpus,7} {speed,9:f0} {done.Findings,9}");
    }

    private static void Copy(string from, string to)
    {
        foreach (string folder in Directory.GetDirectories(from, "*", SearchOption.AllDirectories))
            Directory.CreateDirectory(Path.Combine(to, Path.GetRelativePath(from, folder)));
        foreach (string file in Directory.GetFiles(from, "*", SearchOption.AllDirectories))
            File.Copy(file, Path.Combine(to, Path.GetRelativePath(from, file)));
    }
}
