using System.Text.RegularExpressions;
using NativeStyle.FeedForward;
using NativeStyle.FeedForward.Training;
using NativeStyle.Imaging;
using NativeStyle.Kernels.Devices;
using NativeStyle.Style;

namespace NativeStyle.Faults.Tests;

/// <summary>What a run promises when a call fails.</summary>
internal enum Promise
{
    /// <summary>No harm.</summary>
    None,

    /// <summary>No harm, and the picture of the iterations that were made is somewhere.</summary>
    KeepWhatWasMade,

    /// <summary>As if nothing had failed.</summary>
    Complete,
}

/// <summary>How a command ended.</summary>
/// <param name="Escaped">An exception that no user should see.</param>
internal sealed record Outcome(int ExitCode, string Output, string Error, Exception? Escaped);

/// <summary>
/// Runs a command again and again in this process, each time with another call that fails, and says what a user would
/// complain about.
/// </summary>
internal sealed partial class Harness : IDisposable
{
    /// <summary>
    /// A run that has not ended by then hangs. It takes a second; a campaign of the lowest priority may wait for minutes.
    /// </summary>
    private static readonly TimeSpan s_deadline = TimeSpan.FromMinutes(15);

    private readonly Scenario _scenario;
    private readonly string _root;
    private readonly string _folder;
    private readonly string _temporary;
    private readonly string _template;
    private readonly string[] _more;
    private readonly Dictionary<string, byte[]> _inputs;
    private readonly Dictionary<string, byte[]> _complete;
    private readonly HashSet<ComputeDevice> _devices = [];
    private readonly string? _temporaryBefore = Environment.GetEnvironmentVariable("TMPDIR");

    /// <param name="root">A folder for everything.</param>
    /// <param name="more">More options of the command, e.g. the device.</param>
    public Harness(Scenario scenario, string root, params string[] more)
    {
        (_scenario, _root, _more) = (scenario, root, more);
        (_template, _folder) = (Path.Combine(root, "in"), Path.Combine(root, "work"));
        _temporary = Path.Combine(root, "tmp");
        Directory.CreateDirectory(_template);
        Directory.CreateDirectory(_temporary);
        Environment.SetEnvironmentVariable("TMPDIR", _temporary);
        Scenario.Prepare(_template);
        if (scenario.Name == "resume") PrepareCheckpoint();
        _inputs = Files(_template);
        Outcome = RunOnce(kind =>
        {
            DeviceCalls[kind] = DeviceCalls.GetValueOrDefault(kind) + 1;
            return null;
        });
        if (Outcome.ExitCode != 0 || Outcome.Escaped is not null)
            throw new InvalidOperationException($"{scenario.Name} fails by itself: {Outcome.Error} {Outcome.Escaped}");
        _complete = Files(_folder).Where(file => !_inputs.ContainsKey(file.Key)).ToDictionary();
        string[] expected = [.. scenario.Results, .. scenario.Beside];
        if (!expected.Order(StringComparer.Ordinal).SequenceEqual(_complete.Keys.Order(StringComparer.Ordinal)))
            throw new InvalidOperationException($"{scenario.Name} wrote {string.Join(", ", _complete.Keys)}");
    }

    /// <summary>What fails in the next run, for the message about one that hangs.</summary>
    public string Fault { get; set; } = "nothing";

    /// <summary>The run in which nothing fails.</summary>
    public Outcome Outcome { get; }

    /// <summary>The folder in which the command runs.</summary>
    public string Folder => _folder;

    /// <summary>The files that the command writes if nothing fails.</summary>
    public IReadOnlyDictionary<string, byte[]> Complete => _complete;

    /// <summary>How many calls of each kind a device makes in that run.</summary>
    public Dictionary<DeviceCall, int> DeviceCalls { get; } = [];

    /// <summary>Runs the command once.</summary>
    /// <param name="fault">Returns, for a call of the device, the exception that it is to throw, or null.</param>
    /// <param name="prepared">Called when the files are there that the command reads.</param>
    public Outcome RunOnce(Func<DeviceCall, Exception?>? fault, Action? prepared = null)
    {
        PrepareFolder();
        prepared?.Invoke();
        _devices.Clear();
        ComputeDevice.BeforeCall = (device, kind) =>
        {
            _devices.Add(device);
            if (fault?.Invoke(kind) is { } exception) throw exception;
        };
        try
        {
            return Run([.. _scenario.Arguments(_folder), .. _more]);
        }
        finally
        {
            ComputeDevice.BeforeCall = null;
        }
    }

    /// <summary>Goes on from a checkpoint.</summary>
    public Outcome Resume(string checkpoint, string result) =>
        Run(["transfer", "--resume", checkpoint, "-o", result, .. _more]);

    /// <summary>Removes what a run wrote, and puts the files there that it reads.</summary>
    public void PrepareFolder()
    {
        if (Directory.Exists(_folder)) Directory.Delete(_folder, recursive: true);
        foreach (string left in Directory.GetFiles(_temporary)) File.Delete(left);
        foreach ((string name, byte[] bytes) in _inputs)
        {
            string path = Path.Combine(_folder, name);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllBytes(path, bytes);
        }

        if (!_scenario.HasOld) return;
        foreach (string old in _scenario.Results.Concat(_scenario.Beside))
            File.WriteAllBytes(Path.Combine(_folder, old), Scenario.Old);
    }

    /// <summary>Says what is wrong with the end of a run in which a call failed; null if nothing is.</summary>
    /// <param name="mayLeave">Whether files cannot be deleted, so that temporary ones may stay.</param>
    public string? Complaint(Outcome outcome, Promise promise, bool mayLeave = false)
    {
        if (outcome.Escaped is { } escaped) return $"an exception escaped: {escaped}";
        if (outcome.ExitCode is not (0 or 1 or 2)) return $"exit code {outcome.ExitCode}";
        if (outcome.Error.Contains("   at ", StringComparison.Ordinal)) return "a stack trace";
        if (outcome.ExitCode != 0 && !outcome.Error.Contains("nativestyle: ", StringComparison.Ordinal)
            && !outcome.Output.Contains("failed: ", StringComparison.Ordinal))
            return $"exit code {outcome.ExitCode} without a word";
        if (promise == Promise.Complete && outcome.ExitCode != 0) return $"exit code {outcome.ExitCode}, expected 0";
        Dictionary<string, byte[]> files = Files(_folder);
        foreach ((string name, byte[] bytes) in _inputs)
        {
            if (!files.Remove(name, out byte[]? now)) return $"the input {name} is gone";
            if (!now.AsSpan().SequenceEqual(bytes)) return $"the input {name} was changed";
        }

        Dictionary<string, byte[]> kept = Files(_temporary);
        foreach (string result in _scenario.Results)
        {
            files.Remove(result, out byte[]? bytes);
            bool isNew = bytes is not null && !bytes.AsSpan().SequenceEqual(Scenario.Old);
            if (_scenario.HasOld && bytes is null) return $"the old {result} is gone";
            // A training says so and goes on if a picture cannot be read.
            bool asExpected = isNew && (bytes!.AsSpan().SequenceEqual(_complete[result])
                || outcome.Output.Contains("passed over: ", StringComparison.Ordinal));
            if (outcome.ExitCode == 0 && !asExpected)
                return $"exit code 0, but {result} is not what it should be";
            if (isNew && Damage(result, bytes!) is { } damage) return $"{result} is damaged: {damage}";
            bool isKept = isNew || kept.Keys.Any(name =>
                name.EndsWith(result, StringComparison.Ordinal) && IsNamed(name));
            // A printed iteration was made, and its picture must be kept. Those of a batch are made again.
            bool madeSome = _scenario.Results.Length == 1 && Iteration().IsMatch(outcome.Output);
            if (promise == Promise.KeepWhatWasMade && madeSome && !isKept) return $"{result} is lost";
        }

        foreach (string beside in _scenario.Beside)
        {
            if (!files.Remove(beside, out byte[]? bytes) || bytes.AsSpan().SequenceEqual(Scenario.Old))
            {
                if (outcome.ExitCode == 0 && !outcome.Error.Contains(beside, StringComparison.Ordinal))
                    return $"exit code 0, but {beside} is missing without a word";
                continue;
            }

            if (Damage(beside, bytes) is { } damage) return $"{beside} is damaged: {damage}";
        }

        if (mayLeave) kept = kept.Where(file => IsNamed(file.Key)).ToDictionary();
        foreach (string name in kept.Keys.Where(name => !IsNamed(name)))
            return $"{name} was left in the folder for temporary files";
        foreach ((string name, byte[] bytes) in kept)
            if (Damage(name, bytes) is { } damage) return $"{name} is damaged: {damage}";
        // A job that failed says why in a file, and what cannot be deleted stays.
        IEnumerable<string> others = files.Keys.Where(name =>
            !(outcome.ExitCode == 1 && name.EndsWith(".failed.txt", StringComparison.Ordinal))
            && !(mayLeave && Path.GetExtension(name) is ".tmp" or ".running"));
        if (others.FirstOrDefault() is { } left) return $"{left} was left";
        // What a driver could not give back has no owner any more.
        ComputeDevice? leaking = _devices.FirstOrDefault(device => device.MemoryBytes.InUse > 0);
        return leaking is null ? null : $"{leaking.MemoryBytes.InUse} bytes of {leaking.Name} are still in use";

        bool IsNamed(string name) => outcome.Error.Contains(name, StringComparison.Ordinal);
    }

    public void Dispose()
    {
        Environment.SetEnvironmentVariable("TMPDIR", _temporaryBefore);
        Directory.Delete(_root, recursive: true);
    }

    /// <summary>Says what is wrong with a file that should be complete; null if nothing is.</summary>
    private string? Damage(string name, byte[] bytes)
    {
        string copy = $"{_root}-{Path.GetFileName(name)}";
        File.WriteAllBytes(copy, bytes);
        try
        {
            switch (Path.GetExtension(name))
            {
                case ".png":
                    PictureFile.Read(copy);
                    break;
                case ".safetensors":
                    ModelFile.Read(copy);
                    break;
                case ".ckpt" when _scenario.Name == "train":
                    TrainingCheckpoint.Read(copy);
                    break;
                case ".ckpt":
                    Checkpoint.Read(copy);
                    break;
                case ".svg":
                    System.Xml.Linq.XDocument.Load(copy);
                    break;
                default:
                    // The size of a TIFF follows from that of the picture.
                    int expected =
                        _complete.First(file => name.EndsWith(file.Key, StringComparison.Ordinal)).Value.Length;
                    if (bytes.Length != expected) return $"{bytes.Length} bytes instead of {expected}";
                    break;
            }

            return null;
        }
        catch (Exception error) when (error is InvalidDataException or System.Xml.XmlException)
        {
            return error.Message;
        }
        finally
        {
            File.Delete(copy);
        }
    }

    private Outcome Run(string[] arguments)
    {
        (TextWriter output, TextWriter error) = (Console.Out, Console.Error);
        using StringWriter said = new(), complained = new();
        Console.SetOut(TextWriter.Synchronized(said));
        Console.SetError(TextWriter.Synchronized(complained));
        (int code, Exception? escaped) = (0, null);
        try
        {
            var run = new Thread(() =>
            {
                try
                {
                    code = Cli.Program.Run(arguments, null);
                }
                catch (Exception exception)
                {
                    escaped = exception;
                }
            });
            run.Start();
            if (!run.Join(s_deadline))
            {
                Environment.FailFast(
                    $"{string.Join(' ', arguments)} has not ended after {s_deadline}, fault: {Fault}\n{said}{complained}");
            }
        }
        finally
        {
            Console.SetOut(output);
            Console.SetError(error);
        }

        return new Outcome(code, said.ToString(), complained.ToString(), escaped);
    }

    private void PrepareCheckpoint()
    {
        string checkpoint = Path.Combine(_template, "before.ckpt");
        string[] job = Scenario.Find("transfer").Arguments(_template);
        int options = Array.IndexOf(job, "--checkpoint");
        Outcome outcome = Run(
            [.. job[..options], "--checkpoint", checkpoint, "--checkpoint-every", "4", .. _more]);
        if (outcome.ExitCode != 0) throw new InvalidOperationException(outcome.Error);
        File.Delete(Path.Combine(_template, "out.png"));
    }

    private static Dictionary<string, byte[]> Files(string folder) =>
        Directory.Exists(folder)
            ? Directory.GetFiles(folder, "*", SearchOption.AllDirectories)
                .ToDictionary(file => Path.GetRelativePath(folder, file), File.ReadAllBytes)
            : [];

    [GeneratedRegex(@"^\d+/\d+ ", RegexOptions.Multiline)]
    private static partial Regex Iteration();
}
