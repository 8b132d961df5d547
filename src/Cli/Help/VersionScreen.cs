using System.CommandLine;
using System.CommandLine.Invocation;
using System.Reflection;
using NativeStyle.Kernels.Devices;

namespace NativeStyle.Cli.Help;

/// <summary>
/// Prints the version in a line of its own, as <c>nativestyle 0.1.0+abc1234</c>, then the commit and what can compute
/// here, a line each. No driver is started for that.
/// </summary>
internal sealed class VersionScreen : SynchronousCommandLineAction
{
    /// <summary>Digits of the commit behind the version, as many as Git shows.</summary>
    private const int ShortCommit = 7;

    public override bool ClearsParseErrors => true;

    public override int Invoke(ParseResult parseResult)
    {
        string version = typeof(VersionScreen).Assembly
            .GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;
        foreach (string line in Lines(version)) Console.WriteLine(line);
        return 0;
    }

    /// <summary>Returns what is printed for a version, which has its commit behind a plus where it was known.</summary>
    internal static IEnumerable<string> Lines(string version)
    {
        string[] parts = version.Split('+', 2);
        string commit = parts.ElementAtOrDefault(1) ?? "";
        yield return commit.Length > 0
            ? $"nativestyle {parts[0]}+{commit[..Math.Min(ShortCommit, commit.Length)]}" : $"nativestyle {parts[0]}";
        yield return commit.Length > 0 ? $"commit: {commit}" : "commit: unknown, it was built without Git";
        foreach (string line in DeviceCatalog.Glance()) yield return line;
    }
}
