using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace NativeStyle.Fuzzing;

/// <summary>What a campaign did so far.</summary>
internal sealed record Progress(long Inputs, int Edges, int Corpus, double Seconds, int Findings)
{
    private const string Mark = "::";

    public string Line() => FormattableString.Invariant($"{Mark} {Inputs} {Edges} {Corpus} {Seconds} {Findings}");

    public static Progress? Of(string line)
    {
        string[] parts = line.Split(' ');
        return parts is [Mark, var inputs, var edges, var corpus, var seconds, var findings]
            ? new Progress(
                long.Parse(inputs, Program.Invariant), int.Parse(edges, Program.Invariant),
                int.Parse(corpus, Program.Invariant), double.Parse(seconds, Program.Invariant),
                int.Parse(findings, Program.Invariant))
            : null;
    }
}

/// <summary>
/// Damages a target's inputs, keeps those that reach new branches, and saves those that break a promise. It runs in a
/// process of its own, whose readers are instrumented. A read that never ends, or that ends the process, is left to the
/// parent.
/// </summary>
internal sealed class Campaign
{
    /// <summary>The exit code if a read does not end. Its input is the file that is being read.</summary>
    public const int HangExitCode = 98;

    /// <summary>By how much a read may raise the process' peak of memory, beyond what it may allocate.</summary>
    private const long Slack = 256 << 20;

    /// <summary>Longer files are read too slowly to be damaged often.</summary>
    private const int MostSeedBytes = 200_000;

    private static readonly TimeSpan s_report = TimeSpan.FromSeconds(2);

    private readonly FuzzTarget _target;
    private readonly Coverage _coverage;
    private readonly FuzzInputs _inputs;
    private readonly FuzzCheck _check;
    private readonly string? _corpus;
    private readonly string _findings;
    private readonly HashSet<string> _kinds = [];
    private long _count;
    private long _began = long.MaxValue;

    /// <param name="work">An empty folder for the input's file.</param>
    /// <param name="corpus">A folder with more inputs, in which new ones are kept, or null.</param>
    /// <param name="findings">A folder for inputs that break a promise.</param>
    public Campaign(FuzzTarget target, Coverage coverage, int seed, string work, string? corpus, string findings)
    {
        (_target, _coverage, _corpus, _findings) = (target, coverage, corpus, findings);
        _inputs = new FuzzInputs(target, seed);
        _check = new FuzzCheck(target, work);
        _inputs.Corpus.AddRange(FromElsewhere());
        if (Directory.Exists(corpus)) _inputs.Corpus.AddRange(Contents(Directory.GetFiles(corpus)));
    }

    /// <summary>Reads inputs until there were enough of them, or for a time.</summary>
    public Progress Run(long inputs, double seconds)
    {
        var watchdog = new Thread(EndIfAReadHangs) { IsBackground = true };
        watchdog.Start();
        long start = Stopwatch.GetTimestamp(), reported = start;
        foreach (byte[] seed in _inputs.Corpus.ToArray()) Read(seed);
        while (_count < inputs && Stopwatch.GetElapsedTime(start).TotalSeconds < seconds)
        {
            byte[] input = _inputs.Next();
            if (Read(input)) Keep(input);
            if (Stopwatch.GetElapsedTime(reported) < s_report) continue;
            reported = Stopwatch.GetTimestamp();
            Console.WriteLine(Now().Line());
        }

        return Now();

        Progress Now() => new(
            _count, _coverage.Edges, _inputs.Corpus.Count, Stopwatch.GetElapsedTime(start).TotalSeconds, _kinds.Count);
    }

    /// <summary>Reads an input. Returns whether it reached new branches.</summary>
    private bool Read(byte[] input)
    {
        long peak = PeakBytes();
        _coverage.Begin();
        Volatile.Write(ref _began, Stopwatch.GetTimestamp());
        try
        {
            _check.Accepts(input);
            long most = _target.MostBytes + ((long)_target.MostBytesPerByte * input.Length) + Slack;
            long grown = peak > Slack ? PeakBytes() - peak : 0;
            Finding.Require(grown < most, $"the process' peak of memory grew by {grown:n0} bytes, at most {most:n0}");
        }
        catch (Finding finding)
        {
            Save(input, finding);
        }

        Volatile.Write(ref _began, long.MaxValue);
        _count++;
        return _coverage.IsNew();
    }

    /// <summary>Reads small files of other programs, in the folder that NATIVESTYLE_TESTDATA names.</summary>
    private IEnumerable<byte[]> FromElsewhere()
    {
        string? root = Environment.GetEnvironmentVariable("NATIVESTYLE_TESTDATA");
        if (string.IsNullOrEmpty(root) || _target.Extension.Length == 0) return [];
        string[] files = Directory.GetFiles(root, "*" + _target.Extension, SearchOption.AllDirectories);
        return Contents(files.Where(file => new FileInfo(file).Length < MostSeedBytes));
    }

    private static IEnumerable<byte[]> Contents(IEnumerable<string> files) =>
        files.Order(StringComparer.Ordinal).Select(File.ReadAllBytes);

    private void Keep(byte[] input)
    {
        _inputs.Corpus.Add(input);
        if (_corpus is null) return;
        Directory.CreateDirectory(_corpus);
        File.WriteAllBytes(Path.Combine(_corpus, Digest(input)), input);
    }

    /// <summary>Saves the first input of each kind of finding: the same exception at the same place is one.</summary>
    private void Save(byte[] input, Finding finding)
    {
        Exception cause = finding.InnerException ?? finding;
        string place = new StackTrace(cause, false).GetFrames()
            .Select(DiagnosticMethodInfo.Create)
            .Where(method => method is not null)
            .Select(method => $"{method!.DeclaringTypeName}.{method.Name}")
            .FirstOrDefault(IsReader, new string([.. finding.Message.Where(c => !char.IsDigit(c)).Take(60)]));
        if (!_kinds.Add($"{cause.GetType()} {place}")) return;
        Directory.CreateDirectory(_findings);
        string file = Path.Combine(_findings, $"{_target.Name}-{Digest(input)}");
        File.WriteAllBytes(file, input);
        File.WriteAllText(file + ".txt", finding.ToString());
        Console.WriteLine($"FINDING in {_target.Name}: {finding.Message.ReplaceLineEndings(" ")} ({place}); {file}");
    }

    private static bool IsReader(string method) =>
        method.StartsWith("NativeStyle.", StringComparison.Ordinal)
        && !method.StartsWith("NativeStyle.Tests.", StringComparison.Ordinal)
        && !method.StartsWith("NativeStyle.Fuzzing.", StringComparison.Ordinal);

    private static string Digest(byte[] input) => Convert.ToHexStringLower(SHA256.HashData(input))[..16];

    private void EndIfAReadHangs()
    {
        while (true)
        {
            Thread.Sleep(500);
            long began = Volatile.Read(ref _began);
            // The check itself finds a read that ends late.
            if (began == long.MaxValue || Stopwatch.GetElapsedTime(began) < 3 * FuzzCheck.Deadline) continue;
            Environment.Exit(HangExitCode);
        }
    }

    /// <summary>
    /// The process' peak of memory so far, native memory included; 0 where the system does not tell cheaply.
    /// </summary>
    private static long PeakBytes()
    {
        if (!OperatingSystem.IsLinux()) return 0;
        Span<long> usage = stackalloc long[18];
        const int Self = 0, PeakKilobytes = 4;
        return GetUsage(Self, ref usage[0]) == 0 ? usage[PeakKilobytes] << 10 : 0;
    }

    [DllImport("libc", EntryPoint = "getrusage")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int GetUsage(int who, ref long usage);
}
