using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using NativeStyle.Imaging;
using Xunit.Abstractions;

namespace NativeStyle.Cli.Tests;

/// <summary>
/// Kills runs with SIGKILL at random moments: while they start, compute, write a checkpoint or a result, also again
/// before they got anywhere. What continues them gives the bytes of an uninterrupted run, and leaves nothing else.
/// NATIVESTYLE_KILLS sets how often each kind of run is killed, for a long campaign.
/// </summary>
public sealed class KillTests(ITestOutputHelper log) : IDisposable
{
    private const int UsualKills = 1;

    /// <summary>Seconds in which a run starts; some kills come within them.</summary>
    private const double StartSeconds = 0.7;

    private const string Layers = "--content-layers relu2_1 --style-layers conv1_1:0.5,conv2_1:0.5 --weights compact";

    private readonly TemporaryFolder _folder = new();
    private readonly Random _random = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>
    /// The command, the command that continues it if there is a checkpoint, and the files or folders of the results.
    /// </summary>
    [SkippableTheory]
    [InlineData(
        "transfer content.png style.jpg -o {out}/o.png --plot {out}/o.svg --checkpoint run.ckpt --checkpoint-every 2 " +
        "--size 160 --coarsest-size 0 --iterations 40 --memory 1G " + Layers,
        "transfer --resume run.ckpt -o {out}/o.png --plot {out}/o.svg")]
    [InlineData(
        "transfer content.png style.jpg -o {out}/o.png --checkpoint run.ckpt --checkpoint-every 3 --depth 16 " +
        "--optimizer lbfgs --clamp false --size 96 --coarsest-size 40 --iterations 8,8,8 " +
        "--memory 1G " + Layers,
        "transfer --resume run.ckpt -o {out}/o.png")]
    [InlineData(
        "transfer content.png style.jpg -o {out}/o.tif --checkpoint run.ckpt --checkpoint-every 1 --size 600 " +
        "--coarsest-size 0 --iterations 3 --memory 128M " + Layers,
        "transfer --resume run.ckpt -o {out}/o.tif")]
    [InlineData(
        "train style.jpg --pictures photos -o {out}/m.safetensors --checkpoint run.ckpt --checkpoint-every 5 " +
        "--iterations 60 --crop 32 --batch 1 --width 0.1 --style-size 40 --weights compact --memory 1G",
        "train --resume run.ckpt -o {out}/m.safetensors --memory 1G")]
    [InlineData(
        "batch --content photos --style styles --out {out} --checkpoint-seconds 0 --size 64 --iterations 8 " +
        "--memory 1G " + Layers, null)]
    [InlineData("stylize photos -o {out} --model mosaic --size 400 --memory 1G", null)]
    public void AKilledRunGoesOnToTheSameBytes(string start, string? resume)
    {
        Skip.If(OperatingSystem.IsWindows(), "processes are killed with kill -9");
        int kills = int.TryParse(
            Environment.GetEnvironmentVariable("NATIVESTYLE_KILLS"), CultureInfo.InvariantCulture, out int many)
            ? many : UsualKills;
        CreatePictures();
        string whole = CreateFolder("whole"), killed = CreateFolder("killed");
        long begin = Stopwatch.GetTimestamp();
        AssertDone(CommandLine.RunProcess(Words(start, whole)));
        double seconds = Stopwatch.GetElapsedTime(begin).TotalSeconds;
        File.Delete(_folder.File("run.ckpt"));
        (int done, int whileWriting, int finished) = (0, 0, 0);
        while (done < kills)
        {
            string before = Temporary();
            ConcurrentQueue<string?> errors = [];
            using Process process = CommandLine.Start(errors.Enqueue, Next(start, resume, killed));
            // One in four comes early, perhaps before a new checkpoint; one in four while a file is written.
            int kind = _random.Next(4);
            double moment = _random.NextDouble() * (kind == 0 ? StartSeconds : seconds);
            if (process.WaitForExit(TimeSpan.FromSeconds(moment)) || (kind == 1 && EndsBeforeItWrites(process, before)))
            {
                // It was faster than the moment. The next one begins anew.
                process.WaitForExit();
                Assert.Equal((0, ""), (process.ExitCode, string.Join('\n', errors)));
                finished++;
                AssertSame(whole, killed);
                foreach (string file in Directory.GetFiles(killed)) File.Delete(file);
                File.Delete(_folder.File("run.ckpt"));
                continue;
            }

            process.Kill();
            process.WaitForExit();
            done++;
            string left = Temporary();
            if (left.Length > 0 && left != before) whileWriting++;
            // One for a result and one for the checkpoint: kills do not pile them up.
            int files = start.Contains("--checkpoint", StringComparison.Ordinal) ? 2 : 1;
            Assert.True(left.Count(c => c == '\n') <= files, left);
            AssertWhole(whole, killed);
        }

        AssertDone(CommandLine.Run(Next(start, resume, killed)));
        AssertSame(whole, killed);
        log.WriteLine(
            $"{done} kills in runs of {seconds:f1} s, {whileWriting} of them while a file was written; {finished} " +
            $"runs finished in between: {start.Split(' ')[0]}");
    }

    /// <summary>Waits until the process writes a file, and up to some milliseconds more.</summary>
    /// <param name="before">The temporary files before it started.</param>
    private bool EndsBeforeItWrites(Process process, string before)
    {
        while (Temporary() is var now && (now.Length == 0 || now == before))
        {
            if (process.WaitForExit(TimeSpan.Zero)) return true;
        }

        Thread.Sleep(_random.Next(8));
        return false;
    }

    /// <summary>A line for each temporary file, which changes when the file does.</summary>
    private string Temporary() => string.Concat(new DirectoryInfo(_folder.Path)
        .EnumerateFiles("*.tmp", SearchOption.AllDirectories)
        .Select(file => $"{file.Name} {(file.Exists ? file.Length : 0)} {file.LastWriteTimeUtc.Ticks}\n"));

    private void CreatePictures()
    {
        (string content, string style) = CommandLine.Pictures(_folder);
        (string photos, string styles) = (CreateFolder("photos"), CreateFolder("styles"));
        File.Copy(style, Path.Combine(styles, "s.jpg"));
        for (int i = 0; i < 4; i++) File.Copy(content, Path.Combine(photos, $"{i}.png"));
    }

    private string CreateFolder(string name) => Directory.CreateDirectory(_folder.File(name)).FullName;

    private string[] Next(string start, string? resume, string outputs) =>
        Words(resume is not null && File.Exists(_folder.File("run.ckpt")) ? resume : start, outputs);

    /// <summary>The words of a command, with files in the test's folder.</summary>
    private string[] Words(string command, string outputs) => [.. command.Split(' ').Select(word =>
        word is "content.png" or "style.jpg" or "run.ckpt" or "photos" or "styles"
            ? _folder.File(word) : word.Replace("{out}", outputs, StringComparison.Ordinal)), "--quiet"];

    private static void AssertDone(CommandLine.Outcome outcome) =>
        Assert.True(outcome.ExitCode == 0, $"{outcome.Output}\n{outcome.Error}");

    /// <summary>Checks that each file under a result's name is a whole one.</summary>
    private static void AssertWhole(string whole, string killed)
    {
        string[] others = [".tmp", ".running", ".ckpt"];
        foreach (string file in Directory.GetFiles(killed).Where(file => !others.Contains(Path.GetExtension(file))))
            Assert.Equal(File.ReadAllBytes(Path.Combine(whole, Path.GetFileName(file))), File.ReadAllBytes(file));
    }

    /// <summary>Checks that there are the same files with the same bytes, and nothing else anywhere.</summary>
    private void AssertSame(string whole, string killed)
    {
        Assert.Equal(Names(whole), Names(killed));
        AssertWhole(whole, killed);
        Assert.Equal("", Temporary());
        Assert.Empty(Names(_folder.Path).Except(["content.png", "style.jpg", "run.ckpt"]));
    }

    private static IEnumerable<string> Names(string folder) =>
        Directory.GetFiles(folder).Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal);
}
