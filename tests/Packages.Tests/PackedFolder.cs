using System.Diagnostics;
using System.Reflection;

namespace NativeStyle.Packages.Tests;

/// <summary>
/// The packages in a folder outside of the repository, and what a program needs that takes them from there: pictures, and
/// a folder for unpacked packages of its own, so that nothing of an earlier version is used.
/// </summary>
public sealed class PackedFolder : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public PackedFolder()
    {
        (int exitCode, string output) = Dotnet(
            Root, "pack", "NativeStyle.sln", "--no-build", "--no-restore", "-c", Built("Configuration"), "-o", Packages);
        Assert.True(exitCode == 0, output);
        Directory.CreateDirectory(Programs);
        Directory.CreateDirectory(_folder.File("data"));
        File.WriteAllText(Path.Combine(Programs, "nuget.config"), $"""
            <configuration>
              <packageSources><add key="packages" value="{Packages}" /></packageSources>
              <fallbackPackageFolders><add key="user" value="{Built("PackageFolder")}" /></fallbackPackageFolders>
            </configuration>
            """);
        // Analyzers are half of the compiler's time.
        File.WriteAllText(Path.Combine(Programs, "Directory.Build.props"), """
            <Project>
              <Target Name="WithoutAnalyzers" BeforeTargets="CoreCompile">
                <ItemGroup><Analyzer Remove="@(Analyzer)" /></ItemGroup>
              </Target>
            </Project>
            """);
        File.Copy(Path.Combine(Root, "samples/content/town.jpg"), Path.Combine(Programs, "photo.jpg"));
        File.Copy(Path.Combine(Root, "samples/style/strokes.jpg"), Path.Combine(Programs, "painting.jpg"));
    }

    /// <summary>The root of the repository.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>The version of the packages.</summary>
    public static string Version => Built("Version");

    /// <summary>The folder of the packages.</summary>
    public string Packages => _folder.File("packages");

    /// <summary>The folder in which programs are.</summary>
    public string Programs => _folder.File("programs");

    /// <summary>Runs a command of the SDK in a folder.</summary>
    public (int ExitCode, string Output) Dotnet(string folder, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", arguments) { WorkingDirectory = folder };
        // The variables of the test run are not for another one.
        foreach (string name in start.Environment.Keys.Where(
            name => name.StartsWith("MSBuild", StringComparison.OrdinalIgnoreCase)).ToArray())
            start.Environment.Remove(name);
        start.Environment["DOTNET_NOLOGO"] = "1";
        // Commands end before a profile of theirs would pay.
        start.Environment["DOTNET_TieredPGO"] = "0";
        if (folder != Root) start.Environment["NUGET_PACKAGES"] = _folder.File("unpacked");
        // Where the SDK builds programs of a single file.
        start.Environment["XDG_DATA_HOME"] = _folder.File("data");
        (int exitCode, string output, string error) = NativeStyle.Tests.Programs.Run(start);
        return (exitCode, output + error);
    }

    public void Dispose() => _folder.Dispose();

    private static string Built(string key) => typeof(PackedFolder).Assembly
        .GetCustomAttributes<AssemblyMetadataAttribute>().Single(each => each.Key == key).Value!;

    private static string FindRoot()
    {
        string folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "NativeStyle.sln"))) folder = Path.GetDirectoryName(folder)!;
        return folder;
    }
}
