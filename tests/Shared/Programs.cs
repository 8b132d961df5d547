using System.Diagnostics;

namespace NativeStyle.Tests;

/// <summary>Programs that tests run.</summary>
internal static class Programs
{
    /// <summary>Runs a program to its end.</summary>
    /// <param name="start">What to run. Its output is redirected.</param>
    /// <param name="onLine">Called with each line of standard output as it comes.</param>
    public static (int ExitCode, string Output, string Error) Run(
        ProcessStartInfo start, Action<Process, string>? onLine = null)
    {
        (start.RedirectStandardOutput, start.RedirectStandardError) = (true, true);
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        // As the program wrote it, on every system.
        var output = new StringWriter { NewLine = "\n" };
        while (process.StandardOutput.ReadLine() is string line)
        {
            output.WriteLine(line);
            onLine?.Invoke(process, line);
        }

        process.WaitForExit();
        return (process.ExitCode, output.ToString(), error.Result.ReplaceLineEndings("\n"));
    }
}
