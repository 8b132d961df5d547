using System.Diagnostics;

namespace NativeStyle.Cli.Tests;

/// <summary>A shell that completes command lines of the program, in a folder of pictures.</summary>
internal sealed class Shell : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly string _program;

    private Shell(string program)
    {
        _program = program;
        // The program is where a user may have it: in a folder on the path, with a blank in its name.
        string programs = Directory.CreateDirectory(_folder.File("my programs")).FullName;
        string assembly = Path.Combine(AppContext.BaseDirectory, "nativestyle.dll");
        Called = Path.Combine(programs, OperatingSystem.IsWindows() ? "nativestyle.cmd" : "nativestyle");
        File.WriteAllText(Called, OperatingSystem.IsWindows()
            ? $"@dotnet \"{assembly}\" %*\r\n" : $"#!/bin/sh\nexec dotnet '{assembly}' \"$@\"\n");
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(Called, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        Pictures = Directory.CreateDirectory(_folder.File("pictures")).FullName;
        Directory.CreateDirectory(Path.Combine(Pictures, "my folder"));
        foreach (string file in new[] { "my photo.jpg", "painting.jpg" })
            File.WriteAllText(Path.Combine(Pictures, file), "");
    }

    /// <summary>The full name of the program.</summary>
    public string Called { get; }

    /// <summary>The folder of the shell: my folder, my photo.jpg, painting.jpg.</summary>
    public string Pictures { get; }

    /// <summary>
    /// Finds a shell, or skips the running test where it is missing. It fails instead if NATIVESTYLE_REQUIRE_SHELLS
    /// states that bash, zsh, fish and mandoc must be there, as in CI.
    /// </summary>
    public static Shell Find(string program)
    {
        Require(program);
        return new Shell(program);
    }

    /// <inheritdoc cref="Find"/>
    public static void Require(string program)
    {
        string name = OperatingSystem.IsWindows() ? $"{program}.exe" : program;
        bool found = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
            .Any(folder => File.Exists(Path.Combine(folder, name)));
        bool required = program != "pwsh"
            && Environment.GetEnvironmentVariable("NATIVESTYLE_REQUIRE_SHELLS") is not null;
        Assert.True(found || !required, $"{program} is required here");
        Skip.IfNot(found, $"{program} is not installed");
    }

    /// <summary>Runs a script that finds the program's script in the variable SCRIPT.</summary>
    /// <param name="shell">The name of the shell for the program.</param>
    /// <param name="script">What the shell does, in its language.</param>
    /// <returns>The lines that it printed.</returns>
    public string[] Run(string shell, string script)
    {
        CommandLine.Outcome completion = CommandLine.Run("completion", shell);
        Assert.Equal((0, ""), (completion.ExitCode, completion.Error));
        File.WriteAllText(_folder.File("completion.ps1"), completion.Output);
        File.WriteAllText(_folder.File("test.ps1"), script);
        string[] quietly = shell switch
        {
            "bash" => ["--noprofile", "--norc"],
            "zsh" => ["-f"],
            "fish" => ["--no-config"],
            _ => ["-NoProfile", "-File"],
        };
        ProcessStartInfo start =
            CommandLine.Apart(new ProcessStartInfo(_program, [.. quietly, _folder.File("test.ps1")]));
        start.WorkingDirectory = Pictures;
        start.Environment["SCRIPT"] = _folder.File("completion.ps1");
        start.Environment["PATH"] = Path.GetDirectoryName(Called) + Path.PathSeparator + start.Environment["PATH"];
        start.Environment["HOME"] = _folder.Path;
        (int code, string output, string error) = Programs.Run(start);
        Assert.True(code == 0 && error.Length == 0, $"{code}\n{output}\n{error}");
        return output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
    }

    public void Dispose() => _folder.Dispose();
}
