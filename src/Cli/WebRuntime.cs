using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Loader;
using NativeStyle.Jobs;

namespace NativeStyle.Cli;

/// <summary>
/// ASP.NET Core, which only the studio needs. The program does not name it as a framework, because it would then not
/// start without it. It is found beside .NET itself, unless the program brings both (Cli.csproj).
/// </summary>
internal static class WebRuntime
{
    private const string Framework = "Microsoft.AspNetCore.App";

    /// <summary>Lets assemblies of ASP.NET Core be loaded from now on.</summary>
    /// <exception cref="UsageException">This .NET comes without it.</exception>
    public static void Find()
    {
        if (AppContext.TryGetSwitch("NativeStyle.BringsAspNetCore", out bool isInside) && isInside) return;
        string runtime = RuntimeEnvironment.GetRuntimeDirectory();
        string versions = Path.GetFullPath(Path.Combine(runtime, "..", "..", Framework));
        string? folder = !Directory.Exists(versions) ? null : Directory.EnumerateDirectories(versions)
            .Select(path => (Path: path, Version: VersionOf(path)))
            .Where(each => each.Version is { } version && version.Major == Environment.Version.Major)
            .OrderByDescending(each => each.Version == Environment.Version).ThenByDescending(each => each.Version)
            .Select(each => each.Path).FirstOrDefault();
        if (folder is null)
        {
            throw new UsageException(
                $"the studio needs ASP.NET Core {Environment.Version.Major}, which is not in {versions}; install the " +
                $".NET SDK, or the package aspnetcore-runtime-{Environment.Version.ToString(2)}");
        }

        AssemblyLoadContext.Default.Resolving +=
            (context, name) => Load(context, Path.Combine(folder, name.Name + ".dll"));
    }

    private static Assembly? Load(AssemblyLoadContext context, string path) =>
        File.Exists(path) ? context.LoadFromAssemblyPath(path) : null;

    private static Version? VersionOf(string folder) =>
        Version.TryParse(Path.GetFileName(folder).Split('-')[0], out Version? version) ? version : null;
}
