using System.Diagnostics;
using NativeStyle.Imaging;

namespace NativeStyle.Cli.Tests;

/// <summary>
/// Small pictures for tests of several processes that share a batch, and the program under the name by which the
/// scripts of docs/cluster call it.
/// </summary>
internal sealed class Shards : IDisposable
{
    private const string Letters = "abcdef";

    private readonly TemporaryFolder _folder = new();

    public Shards(int contents, int styles)
    {
        foreach ((string name, int count) in new[] { ("photos", contents), ("paintings", styles) })
        {
            Directory.CreateDirectory(File(name));
            for (int i = 0; i < count; i++)
            {
                var picture = new Picture(36, 48);
                for (int j = 0; j < picture.Pixels.Length; j++)
                    picture.Pixels[j] = ((j * (name.Length + i)) + (j / 144 * 7 * (i + 1))) % 97 / 97f;
                PictureFile.Write(File($"{name}/{Letters[i]}.png"), picture);
            }
        }

        Directory.CreateDirectory(File("bin"));
        string program = Path.Combine(AppContext.BaseDirectory, "nativestyle.dll");
        System.IO.File.WriteAllText(
            File("bin/nativestyle"),
            $"#!/bin/sh\nexec env --default-signal=INT,TERM,HUP dotnet \"{program}\" \"$@\"\n");
        Process.Start("chmod", ["+x", File("bin/nativestyle")]).WaitForExit();
        Names = [.. from content in Letters[..contents]
            from style in Letters[..styles]
            select $"{content}--{style}.png"];
    }

    /// <summary>The results, in the order of the jobs.</summary>
    public string[] Names { get; }

    /// <summary>Those that are there.</summary>
    public string[] Painted => [.. Names.Where(name => System.IO.File.Exists(File($"art/{name}")))];

    public string File(string name) => _folder.File(name);

    public void Dispose() => _folder.Dispose();

    /// <summary>Runs batch in this process.</summary>
    public CommandLine.Outcome Batch(string output, params IEnumerable<string> options) => CommandLine.Run(
        ["batch", "--content", File("photos"), "--style", File("paintings"), "--out", File(output), .. options]);

    /// <summary>Runs a program with the variables that the scripts of docs/cluster read.</summary>
    public string Run(string program, IEnumerable<string> arguments, params (string Name, string Value)[] variables)
    {
        ProcessStartInfo start = CommandLine.Apart(new ProcessStartInfo(program, arguments));
        (start.Environment["PHOTOS"], start.Environment["PAINTINGS"]) = (File("photos"), File("paintings"));
        start.Environment["OUT"] = File("art");
        start.Environment["PATH"] = $"{File("bin")}:{start.Environment["PATH"]}";
        foreach ((string name, string value) in variables) start.Environment[name] = value;
        start.WorkingDirectory = _folder.Path;
        (int code, string output, string error) = Programs.Run(start);
        Assert.True(code == 0, $"{program} ended with {code}\n{output}\n{error}");
        return output.Trim();
    }

    /// <summary>Returns the path of a file of docs/cluster.</summary>
    public static string Shipped(string name) => Path.Combine(AppContext.BaseDirectory, "cluster", name);

    /// <summary>
    /// Checks that every picture is there, with the bytes that a run without a scheduler gives, and nothing else.
    /// </summary>
    public void AssertAllPainted(IEnumerable<string> options)
    {
        CommandLine.Outcome outcome = Batch("whole", options);
        Assert.True(outcome.ExitCode == 0, outcome.Error);
        Assert.Equal(
            Names,
            Directory.GetFiles(File("art")).Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal));
        foreach (string name in Names) Assert.Equal(Bytes($"whole/{name}"), Bytes($"art/{name}"));
        CommandLine.Outcome status = Batch("art", "--status");
        string all = $"{Names.Length} jobs: {Names.Length} done, 0 running, 0 failed, 0 stopped, 0 to do\n";
        Assert.Equal((0, all), (status.ExitCode, status.Output));

        byte[] Bytes(string name) => System.IO.File.ReadAllBytes(File(name));
    }
}
