using System.Diagnostics;
using NativeStyle.Cli;
using NativeStyle.Imaging;

namespace NativeStyle.Tests;

/// <summary>
/// Runs the program: in this process, which saves its start, or as a process where the test is about the process itself
/// (signals, its memory and addresses, its environment, what is done while it runs).
/// </summary>
internal static class CommandLine
{
    /// <summary>The console, the folder and the environment belong to the whole process, so runs in it take turns.</summary>
    private static readonly Lock s_turn = new();

    /// <summary>The folder and the environment of processes, whatever a run in this process has set.</summary>
    private static readonly string s_folder = Environment.CurrentDirectory;
    private static readonly KeyValuePair<string, string?>[] s_environment = [.. new ProcessStartInfo().Environment];

    /// <summary>
    /// What processes get, so that most tests of them take a third less time: the program is compiled by and by. A test
    /// of its memory or its times turns that off, and runs it as users do.
    /// </summary>
    private static readonly (string Name, string Value)[] s_soon =
        [("DOTNET_TieredCompilation", "1"), ("DOTNET_TC_QuickJitForLoops", "0")];

    /// <summary>The environment for processes that are compiled as users have them.</summary>
    public const string AsUsersDo = "DOTNET_TieredCompilation=0";

    public sealed record Outcome(int ExitCode, string Output, string Error);

    public static Outcome Run(params string[] arguments) => RunHere(s_folder, "", arguments);

    /// <summary>Runs the program in a folder.</summary>
    public static Outcome RunIn(string folder, params string[] arguments) => RunHere(folder, "", arguments);

    /// <summary>
    /// Runs the program with environment variables: NAME=VALUE, separated by semicolons. Tests that run at the same
    /// time see them too, so they must be variables that only commands read.
    /// </summary>
    public static Outcome RunWith(string environment, params string[] arguments) =>
        RunHere(s_folder, environment, arguments);

    /// <summary>Runs the program as a process.</summary>
    public static Outcome RunProcess(params string[] arguments) => Run(null, arguments, "");

    /// <param name="onLine">Called with the process for each line of output.</param>
    public static Outcome RunProcess(Action<Process, string> onLine, params string[] arguments) =>
        Run(onLine, arguments, "");

    /// <summary>Runs the program as a process with environment variables: NAME=VALUE, separated by semicolons.</summary>
    public static Outcome RunProcessWith(string environment, params string[] arguments) =>
        Run(null, arguments, environment);

    /// <inheritdoc cref="RunProcessWith(string, string[])"/>
    /// <param name="onLine">Called with the process for each line of output.</param>
    public static Outcome RunProcessWith(
        string environment, Action<Process, string> onLine, params string[] arguments) =>
        Run(onLine, arguments, environment);

    /// <summary>Runs the program as on a computer without an OpenCL driver.</summary>
    public static Outcome RunWithoutOpenCl(params string[] arguments) =>
        RunProcessWith("OCL_ICD_VENDORS=/nowhere", arguments);

    /// <summary>Runs the program as a process under ulimit -v.</summary>
    /// <param name="kibibytes">
    /// The addresses in KiB. Without an environment variable, the runtime would reserve all of them for its own heap.
    /// </param>
    public static Outcome RunLimited(int kibibytes, string[] arguments) =>
        Run(null, arguments, "DOTNET_GCRegionRange=0x20000000;" + AsUsersDo, kibibytes);

    /// <summary>Starts the program for tests that end it, and drops its output.</summary>
    public static Process Start(params string[] arguments) => Start(_ => { }, arguments);

    /// <param name="onError">Called with each line of standard error, and with null at its end.</param>
    public static Process Start(Action<string?> onError, string[] arguments) => Start(_ => { }, onError, arguments);

    /// <param name="onOutput">Called with each line of standard output, and with null at its end.</param>
    /// <param name="onError">Called with each line of standard error, and with null at its end.</param>
    public static Process Start(Action<string?> onOutput, Action<string?> onError, string[] arguments)
    {
        Process process = Process.Start(StartInfo(arguments))!;
        process.OutputDataReceived += (_, line) => onOutput(line.Data);
        process.ErrorDataReceived += (_, line) => onError(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    private static ProcessStartInfo StartInfo(string[] arguments)
    {
        // Tests that run in the background ignore some signals, and their children inherit that. These children do not.
        string[] program = [Path.Combine(AppContext.BaseDirectory, "nativestyle.dll"), .. arguments];
        ProcessStartInfo start = OperatingSystem.IsLinux()
            ? new("env", ["--default-signal=INT,TERM,HUP", "dotnet", .. program])
            : new("dotnet", program);
        (start.RedirectStandardOutput, start.RedirectStandardError) = (true, true);
        return Apart(start);
    }

    /// <summary>Keeps from a process what a run in this process has set at the same time. It starts soon.</summary>
    public static ProcessStartInfo Apart(ProcessStartInfo start)
    {
        start.WorkingDirectory = s_folder;
        start.Environment.Clear();
        foreach ((string name, string? value) in s_environment) start.Environment[name] = value;
        foreach ((string name, string value) in s_soon) start.Environment[name] = value;
        return start;
    }

    private static Outcome RunHere(string folder, string environment, string[] arguments)
    {
        string[][] variables = [.. environment.Split(';', StringSplitOptions.RemoveEmptyEntries)
            .Select(variable => variable.Split('='))];
        // Tests read the same lines on every system.
        using StringWriter output = new() { NewLine = "\n" }, error = new() { NewLine = "\n" };
        lock (s_turn)
        {
            (TextWriter oldOutput, TextWriter oldError) = (Console.Out, Console.Error);
            string?[] old = [.. variables.Select(variable => Environment.GetEnvironmentVariable(variable[0]))];
            try
            {
                Environment.CurrentDirectory = folder;
                foreach (string[] variable in variables) Environment.SetEnvironmentVariable(variable[0], variable[1]);
                Console.SetOut(TextWriter.Synchronized(output));
                Console.SetError(TextWriter.Synchronized(error));
                int exitCode = Program.Run(arguments, null);
                return new Outcome(exitCode, output.ToString(), error.ToString());
            }
            finally
            {
                Console.SetOut(oldOutput);
                Console.SetError(oldError);
                foreach ((string[] variable, string? value) in variables.Zip(old))
                    Environment.SetEnvironmentVariable(variable[0], value);
                Environment.CurrentDirectory = s_folder;
            }
        }
    }

    private static Outcome Run(
        Action<Process, string>? onLine, string[] arguments, string environment, int kibibytes = 0)
    {
        ProcessStartInfo start = StartInfo(arguments);
        if (kibibytes > 0)
        {
            string[] command = [start.FileName, .. start.ArgumentList];
            start.FileName = "sh";
            start.ArgumentList.Clear();
            foreach (string word in new[] { "-c", $"ulimit -v {kibibytes}; exec \"$@\"", "sh" }.Concat(command))
                start.ArgumentList.Add(word);
        }

        foreach (string variable in environment.Split(';', StringSplitOptions.RemoveEmptyEntries))
            start.Environment[variable.Split('=')[0]] = variable.Split('=')[1];
        (int exitCode, string output, string error) = Programs.Run(start, onLine);
        return new Outcome(exitCode, output, error);
    }

    /// <summary>
    /// Checks that the program refused its input with exit code 2 and one line on standard error with these words.
    /// </summary>
    public static void AssertRefused(Outcome outcome, params string[] words)
    {
        Assert.True(outcome.ExitCode == 2, $"exit code {outcome.ExitCode}\n{outcome.Output}\n{outcome.Error}");
        Assert.StartsWith("nativestyle: ", outcome.Error, StringComparison.Ordinal);
        Assert.Single(outcome.Error.Trim().Split('\n'));
        foreach (string word in words) Assert.Contains(word, outcome.Error, StringComparison.Ordinal);
    }

    /// <summary>The numbers of a .npy file.</summary>
    public static float[] Values(string path)
    {
        byte[] file = File.ReadAllBytes(path);
        int start = 10 + file[8] + (256 * file[9]);
        return System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(file.AsSpan(start)).ToArray();
    }

    /// <summary>Writes small content and style pictures into a folder.</summary>
    public static (string Content, string Style) Pictures(TemporaryFolder folder)
    {
        var content = new Picture(40, 56);
        var style = new Picture(48, 40);
        for (int i = 0; i < content.Pixels.Length; i++) content.Pixels[i] = 0.5f + (0.4f * MathF.Sin(i * 0.011f));
        for (int i = 0; i < style.Pixels.Length; i++) style.Pixels[i] = i / 30 % 2;
        PictureFile.Write(folder.File("content.png"), content);
        PictureFile.Write(folder.File("style.jpg"), style);
        return (folder.File("content.png"), folder.File("style.jpg"));
    }
}
