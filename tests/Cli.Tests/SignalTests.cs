using System.Diagnostics;
using NativeStyle.Imaging;

namespace NativeStyle.Cli.Tests;

/// <summary>
/// Tests what signals do to runs: what there is is kept, the exit code is 128 and the signal's number, and no temporary
/// file is left. Also what closed pipes and full devices do.
/// </summary>
public sealed class SignalTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly string _content;
    private readonly string _style;

    public SignalTests() => (_content, _style) = CommandLine.Pictures(_folder);

    public void Dispose() => _folder.Dispose();

    [SkippableTheory]
    [InlineData("INT", 130)]
    [InlineData("TERM", 143)]
    [InlineData("HUP", 129)]
    public void ASignalKeepsThePictureAndTheCheckpoint(string signal, int code)
    {
        RequireSignals();
        string output = _folder.File("out.png"), checkpoint = _folder.File("run.ckpt");
        CommandLine.Outcome outcome = EndAt(
            "1/", signal, [.. Endless, "-o", output, "--checkpoint", checkpoint, "--size", "48"]);
        Assert.Equal((code, ""), (outcome.ExitCode, outcome.Error));
        Assert.Contains("saved the picture so far", outcome.Output, StringComparison.Ordinal);
        Assert.Equal(48, PictureFile.Read(output).Width);
        if (signal == "TERM")
        {
            CommandLine.Outcome resumed = EndAt(
                "going on after iteration", "TERM", ["transfer", "--resume", checkpoint, "-o", output]);
            Assert.Equal((143, ""), (resumed.ExitCode, resumed.Error));
        }

        AssertNothingElse("content.png", "style.jpg", "out.png", "run.ckpt");
    }

    /// <summary>Pictures in tiles end between two tiles, before and in their first iteration and after it.</summary>
    [SkippableTheory]
    [InlineData("600 x 429 goes in tiles", false)]
    [InlineData("1/", true)]
    public void ARunInTilesEndsAtATile(string moment, bool hasPicture)
    {
        RequireSignals();
        string output = _folder.File("out.png");
        CommandLine.Outcome outcome = EndAt(
            moment, "TERM",
            [.. Endless, "-o", output, "--size", "600", "--coarsest-size", "0", "--memory", "118M"]);
        Assert.Equal((143, ""), (outcome.ExitCode, outcome.Error));
        Assert.Equal(hasPicture, File.Exists(output));
        AssertNothingElse(hasPicture ? ["content.png", "style.jpg", "out.png"] : ["content.png", "style.jpg"]);
    }

    /// <summary>Before there is a picture, a file that was there before stays as it is.</summary>
    [SkippableFact]
    public void ASignalBeforeTheFirstIterationLeavesWhatWasThere()
    {
        RequireSignals();
        string output = _folder.File("out.png");
        File.Copy(_content, output);
        CommandLine.Outcome outcome = EndAt("preset ", "INT", [.. Endless, "-o", output, "--size", "700"]);
        Assert.Equal((130, ""), (outcome.ExitCode, outcome.Error));
        Assert.Equal(File.ReadAllBytes(_content), File.ReadAllBytes(output));
        AssertNothingElse("content.png", "style.jpg", "out.png");
    }

    /// <summary>
    /// The second signal ends a run that cannot end its iteration: the reader of its trace reads no more.
    /// </summary>
    [SkippableFact]
    public void TheSecondSignalEndsAtOnce()
    {
        RequireSignals();
        string trace = _folder.File("trace");
        Process.Start("mkfifo", [trace]).WaitForExit();
        using var reader = new FileStream(trace, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        CommandLine.Outcome outcome = EndAt(
            "100/", SendTwice, [.. Endless, "-o", _folder.File("out.png"), "--size", "24", "--trace", trace]);
        Assert.Equal((143, ""), (outcome.ExitCode, outcome.Error));
        AssertNothingElse("content.png", "style.jpg", "trace");

        static void SendTwice(Process process)
        {
            // A pipe holds 64 KiB, some hundreds of lines. Then the run waits and computes no more. On a busy machine a
            // run that computes may wait for some hundred milliseconds, too.
            TimeSpan before, now = TimeSpan.MinValue;
            do
            {
                before = now;
                Thread.Sleep(1000);
                process.Refresh();
                now = process.TotalProcessorTime;
            }
            while (now != before);
            Send("TERM", process);
            // What comes sooner is the same request.
            Thread.Sleep(400);
            Assert.False(process.HasExited);
            Send("TERM", process);
        }
    }

    /// <summary>A signal after the last iteration changes nothing: the result is written whole.</summary>
    [SkippableFact]
    public void ASignalWhileTheResultIsWrittenLosesNothing()
    {
        RequireSignals();
        string output = _folder.File("out.png");
        CommandLine.Outcome outcome = EndAt(
            "1/1", "TERM",
            ["transfer", _content, _style, .. Cheap, "-o", output, "--size", "700", "--coarsest-size", "0",
             "--iterations", "1", "--depth", "16"]);
        // 143 if the program had said all, and was about to end.
        Assert.Contains(outcome.ExitCode, new[] { 0, 143 });
        Assert.Contains("saved " + output, outcome.Output, StringComparison.Ordinal);
        Assert.Equal(700, PictureFile.Read(output).Width);
        AssertNothingElse("content.png", "style.jpg", "out.png");
    }

    /// <summary><c>timeout</c> signals the program and its group, which is one request.</summary>
    [SkippableFact]
    public void TwoSignalsAtATimeAreOneRequest()
    {
        RequireSignals();
        string output = _folder.File("out.png");
        CommandLine.Outcome outcome = EndAt("1/", SendBoth, [.. Endless, "-o", output, "--size", "48"]);
        Assert.Equal((143, ""), (outcome.ExitCode, outcome.Error));
        Assert.Equal(48, PictureFile.Read(output).Width);

        static void SendBoth(Process process)
        {
            using var both = Process.Start("sh", ["-c", $"kill -TERM {process.Id}; kill -TERM {process.Id}"]);
            both.WaitForExit();
        }
    }

    [SkippableFact]
    public void ABatchKeepsWhatIsPaintedAndSaysWhatIsLeft()
    {
        RequireSignals();
        string contents = Directory.CreateDirectory(_folder.File("contents")).FullName;
        for (int i = 0; i < 3; i++) File.Copy(_content, Path.Combine(contents, $"{i}.png"));
        string styles = Directory.CreateDirectory(_folder.File("styles")).FullName;
        File.Copy(_style, Path.Combine(styles, "s.jpg"));
        string[] Batch(string output) =>
            ["batch", "--content", contents, "--style", styles, "--out", _folder.File(output), .. Cheap, "--size", "64",
             "--coarsest-size", "0", "--iterations", "60", "--print-every", "1"];
        int painting = 0;
        CommandLine.Outcome outcome = EndAt(
            line => (painting += line.StartsWith('[') ? 1 : 0) == 2 && line.StartsWith("7/", StringComparison.Ordinal),
            process => Send("TERM", process), Batch("out"));
        Assert.Equal((143, ""), (outcome.ExitCode, outcome.Error));
        Assert.Equal(["0--s.png", "1--s.png.ckpt"], Names("out"));
        Assert.Contains(
            "1 painted, 0 were there already, 0 failed, 2 not begun or not finished", outcome.Output,
            StringComparison.Ordinal);
        // The same command goes on where it was.
        outcome = CommandLine.Run(Batch("out"));
        Assert.Contains("going on after iteration ", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("2 painted, 1 were there already, 0 failed", outcome.Output, StringComparison.Ordinal);
        Assert.Equal(0, CommandLine.Run(Batch("whole")).ExitCode);
        Assert.Equal(["0--s.png", "1--s.png", "2--s.png"], Names("out"));
        foreach (string name in Names("whole"))
            Assert.Equal(Bytes($"whole/{name}"), Bytes($"out/{name}"));

        byte[] Bytes(string name) => File.ReadAllBytes(_folder.File(name));

        string[] Names(string folder) =>
            [.. Directory.GetFiles(_folder.File(folder)).Select(path => Path.GetFileName(path)!).Order()];
    }

    [SkippableFact]
    public void ATrainingKeepsItsModel()
    {
        RequireSignals();
        string photos = Directory.CreateDirectory(_folder.File("photos")).FullName;
        string model = _folder.File("m.safetensors");
        File.Copy(_content, Path.Combine(photos, "a.png"));
        string[] training =
            ["train", _style, "--pictures", photos, "-o", model, "--iterations", "1000000", "--crop", "32", "--batch",
             "1", "--width", "0.1", "--weights", "compact", "--style-size", "40"];
        CommandLine.Outcome early = EndAt("memory ", "HUP", training);
        Assert.Equal((129, ""), (early.ExitCode, early.Error));
        Assert.False(File.Exists(model));
        CommandLine.Outcome outcome = EndAt("1/", "HUP", training);
        Assert.Equal((129, ""), (outcome.ExitCode, outcome.Error));
        Assert.Equal(0, CommandLine.Run("stylize", _content, "-o", _folder.File("x.png"), "--model", model).ExitCode);
    }

    [SkippableFact]
    public void AFolderKeepsWhatIsDrawn()
    {
        RequireSignals();
        string photos = Directory.CreateDirectory(_folder.File("photos")).FullName;
        for (int i = 0; i < 200; i++) File.Copy(_content, Path.Combine(photos, $"{i:000}.png"));
        CommandLine.Outcome outcome = EndAt(
            "[3/200]", "TERM", ["stylize", photos, "-o", _folder.File("out"), "--model", "mosaic", "--size", "300"]);
        Assert.Equal((143, ""), (outcome.ExitCode, outcome.Error));
        string[] drawn = Directory.GetFiles(_folder.File("out"));
        Assert.InRange(drawn.Length, 2, 199);
        Assert.All(drawn, picture => Assert.Equal(300, PictureFile.Read(picture).Width));
    }

    /// <summary>Commands without a result to keep end at once.</summary>
    [SkippableTheory]
    [InlineData("gradcheck --device cpu --seeds 1000 --operator Conv3x3", 130)]
    [InlineData("bench 600 600 --iterations 100000", 130)]
    public void OthersEndAtOnce(string command, int code)
    {
        RequireSignals();
        using Process process = CommandLine.Start(command.Split(' '));
        Thread.Sleep(1500);
        Assert.False(process.HasExited);
        Send("INT", process);
        Assert.True(process.WaitForExit(20_000));
        Assert.Equal(code, process.ExitCode);
    }

    /// <summary>
    /// Nobody reads the output any more: its reader has gone, its disk is full, or it was never open.
    /// </summary>
    [SkippableTheory]
    [InlineData("| head -1")]
    [InlineData("> /dev/full 2> /dev/full")]
    [InlineData(">&- 2>&-")]
    public void ARunGoesOnWithoutAReader(string redirection)
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "uses /dev/full");
        string output = _folder.File("out.png");
        int code = Shell(redirection, [.. Cheap.Prepend(_style).Prepend(_content).Prepend("transfer"), "-o", output,
            "--size", "48", "--iterations", "3", "--print-every", "1"]);
        Assert.Equal(0, code);
        Assert.Equal(48, PictureFile.Read(output).Width);
    }

    [SkippableTheory]
    [InlineData("> /dev/full", 1)]
    [InlineData("| head -1", 0)]
    public void ACommandThatPrintsItsProductFailsOnAFullDevice(string redirection, int code)
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "uses /dev/full");
        Assert.Equal(code, Shell(redirection, ["presets", "show", "gatys"]));
        Assert.Equal(code, Shell(redirection, ["--help"]));
    }

    [SkippableFact]
    public void ATraceThatCannotBeWrittenIsGivenUp()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "uses /dev/full");
        string output = _folder.File("out.png");
        CommandLine.Outcome outcome = CommandLine.Run(
            [.. Cheap.Prepend(_style).Prepend(_content).Prepend("transfer"), "-o", output, "--size", "48",
             "--iterations", "3", "--trace", "/dev/full"]);
        // The picture is there, but not all that was asked for.
        Assert.Equal(2, outcome.ExitCode);
        Assert.Equal(48, PictureFile.Read(output).Width);
        string[] lines = outcome.Error.Trim().Split('\n');
        Assert.Equal(2, lines.Length);
        Assert.Contains("/dev/full cannot be written: No space left on device", lines[0], StringComparison.Ordinal);
        Assert.Contains("/dev/full lacks the iterations from 1 on", lines[1], StringComparison.Ordinal);
    }

    private static string[] Cheap =>
        ["--content-layers", "conv2_1", "--style-layers", "conv1_1", "--weights", "compact"];

    /// <summary>A transfer that only a signal ends, with a line after each iteration.</summary>
    private string[] Endless =>
        ["transfer", _content, _style, .. Cheap, "--iterations", "1000000", "--print-every", "1"];

    private static void RequireSignals() => Skip.If(OperatingSystem.IsWindows(), "signals are sent with kill");

    private static void Send(string signal, Process process)
    {
        using Process kill = Process.Start("kill", [$"-{signal}", $"{process.Id}"]);
        kill.WaitForExit();
    }

    /// <summary>Runs the program, and sends a signal at the first line that begins with some words.</summary>
    private static CommandLine.Outcome EndAt(string line, string signal, string[] arguments) =>
        EndAt(line, process => Send(signal, process), arguments);

    private static CommandLine.Outcome EndAt(string line, Action<Process> send, string[] arguments) =>
        EndAt(words => words.StartsWith(line, StringComparison.Ordinal), send, arguments);

    private static CommandLine.Outcome EndAt(Func<string, bool> isMoment, Action<Process> send, string[] arguments)
    {
        bool sent = false;
        using var deadline = new CancellationTokenSource();
        CommandLine.Outcome outcome = CommandLine.RunProcess(
            (process, words) =>
            {
                if (sent || !isMoment(words)) return;
                sent = true;
                deadline.Token.Register(() => process.Kill());
                deadline.CancelAfter(TimeSpan.FromSeconds(60));
                send(process);
            },
            arguments);
        Assert.True(sent, $"the moment did not come\n{outcome.Output}\n{outcome.Error}");
        return outcome;
    }

    /// <summary>Runs the program in a shell with a redirection, and returns its own exit code.</summary>
    private static int Shell(string redirection, string[] arguments)
    {
        string program = Path.Combine(AppContext.BaseDirectory, "nativestyle.dll");
        string script = $"timeout 60 dotnet \"{program}\" \"$@\" {redirection}; echo ${{PIPESTATUS[0]}}";
        ProcessStartInfo start = new("bash", ["-c", script, "bash", .. arguments]);
        (_, string output, _) = Programs.Run(CommandLine.Apart(start));
        return int.Parse(output.Trim().Split('\n')[^1], System.Globalization.CultureInfo.InvariantCulture);
    }

    private void AssertNothingElse(params string[] names) => Assert.Equal(
        names.Order(StringComparer.Ordinal),
        Directory.GetFiles(_folder.Path).Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal));
}
