using System.IO.Compression;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using NativeStyle.Imaging;

namespace NativeStyle.Packages.Tests;

/// <summary>Takes the packages as somebody does who has no more than them.</summary>
public sealed partial class PackageTests(PackedFolder packed) : IClassFixture<PackedFolder>
{
    /// <summary>The programs of docs/library.md: one for each way to use the packages.</summary>
    private static readonly string[] s_programs =
        [.. Program().Matches(Text("docs/library.md")).Select(match => match.Groups[1].Value)];

    private static readonly string[] s_libraries =
        ["Kernels", "Autodiff", "Imaging", "Vgg", "Style", "FeedForward", "GradientCheck"];

    private static readonly MetadataReference[] s_references =
    [
        .. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!)
            .Split(Path.PathSeparator).Select(path => MetadataReference.CreateFromFile(path)),
    ];

    public static TheoryData<string> Libraries => [.. s_libraries];

    [Fact]
    public void ThereAreALibraryEachAndTheTool()
    {
        string[] names = [.. s_libraries, "Tool"];
        Assert.Equal(
            names.Select(name => $"NativeStyle.{name}.{PackedFolder.Version}.nupkg").Order(StringComparer.Ordinal),
            Directory.GetFiles(packed.Packages, "*.nupkg").Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Libraries))]
    public void ALibraryHasItsPapersAndSymbols(string library)
    {
        string name = $"NativeStyle.{library}", package = Path.Combine(packed.Packages, $"{name}.{PackedFolder.Version}");
        using ZipArchive files = ZipFile.OpenRead($"{package}.nupkg");
        foreach (string file in new[] { $"lib/net10.0/{name}.dll", $"lib/net10.0/{name}.xml", "PACKAGE.md", "icon.png" })
            Assert.NotNull(files.GetEntry(file));
        using Stream manifest = files.GetEntry($"{name}.nuspec")!.Open();
        XElement metadata = XDocument.Load(manifest).Root!.Elements().Single(each => each.Name.LocalName == "metadata");
        Dictionary<string, string> values = metadata.Elements().GroupBy(each => each.Name.LocalName)
            .ToDictionary(group => group.Key, group => group.First().Value);
        Assert.StartsWith("MIT", values["license"], StringComparison.Ordinal);
        Assert.Equal(("PACKAGE.md", "icon.png"), (values["readme"], values["icon"]));
        Assert.NotEmpty(values["description"]);
        // Analyzers are for the build of the repository alone.
        Assert.DoesNotContain("CodeAnalysis", metadata.ToString(), StringComparison.Ordinal);
        using ZipArchive symbols = ZipFile.OpenRead($"{package}.snupkg");
        Assert.NotNull(symbols.GetEntry($"lib/net10.0/{name}.pdb"));
    }

    [Theory]
    [MemberData(nameof(Libraries))]
    public void TheReadmesProgramCompiles(string library)
    {
        Match program = Readme().Match(Text($"src/{library}/PACKAGE.md"));
        Assert.True(program.Success);
        // What the SDK adds to each file, and what the text says is there.
        const string Usings =
            "global using System; global using System.Collections.Generic; global using System.IO; global using System.Linq;";
        string code = program.Groups[1].Value;
        if (library == "GradientCheck") code = code.Replace("(check,", "(default(CheckCase)!,", StringComparison.Ordinal);
        var compilation = CSharpCompilation.Create(
            "Readme", [CSharpSyntaxTree.ParseText(code), CSharpSyntaxTree.ParseText(Usings)], s_references,
            new CSharpCompilationOptions(OutputKind.ConsoleApplication));
        Assert.Empty(compilation.GetDiagnostics().Where(each => each.Severity == DiagnosticSeverity.Error));
    }

    [Fact]
    public void AProgramOfTenLinesMakesATransfer()
    {
        string program = Only("StyleTransfer.Run(content, style)");
        Assert.True(program.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length <= 10);
        // The same with a smaller picture, which takes seconds less.
        program = program.Replace(
            "Run(content, style)",
            "Run(content, style, NativeStyle.Style.Options.Presets.DefaultCompact with { Size = 64, Iterations = [5] })",
            StringComparison.Ordinal);
        Run("art.cs", program);
        AssertPainted("art.png", 64);
    }

    [Fact]
    public void AProgramTellsItsProgress()
    {
        string output = Run("options.cs", Only("cancellation.Token"));
        Assert.Contains("20 of 20: loss", output, StringComparison.Ordinal);
        AssertPainted("half-way.png", 128);
        AssertPainted("art.jpg", 128);
    }

    [Fact]
    public void AProgramDrawsInATrainedStyle()
    {
        Run("drawn.cs", Only("new Stylizer").Replace("art.png", "drawn.png", StringComparison.Ordinal));
        AssertPainted("drawn.png", 512);
    }

    [Fact]
    public void AProgramHasAKernelOfItsOwn()
    {
        string output = Run("kernel.cs", Only("device.Launch"), "cpu-kernels");
        Assert.Contains("cpu-kernels: 9 16 144", output, StringComparison.Ordinal);
    }

    [Fact]
    public void AProgramHasALossOfItsOwn()
    {
        string output = Run("loss.cs", Only(": CustomStyleLoss"));
        double[] losses = [.. Number().Matches(output).Select(
            match => double.Parse(match.Value, System.Globalization.CultureInfo.InvariantCulture))];
        Assert.True(losses[1] < losses[0] / 4, output);
        AssertPainted("own.png", 96);
    }

    [Fact]
    public void TheToolInstallsAndRuns()
    {
        string tools = Path.Combine(packed.Programs, "tools");
        (int exitCode, string output) = packed.Dotnet(
            packed.Programs, "tool", "install", "NativeStyle.Tool", "--tool-path", tools, "--version",
            PackedFolder.Version);
        Assert.True(exitCode == 0, output);
        var start = new System.Diagnostics.ProcessStartInfo(
            Path.Combine(tools, OperatingSystem.IsWindows() ? "nativestyle.exe" : "nativestyle"),
            ["transfer", "photo.jpg", "painting.jpg", "-o", "tool.png", "--size", "48", "--iterations", "3"])
        {
            WorkingDirectory = packed.Programs,
        };
        (exitCode, output, string error) = NativeStyle.Tests.Programs.Run(start);
        Assert.True(exitCode == 0, output + error);
        AssertPainted("tool.png", 48);
    }

    /// <summary>The only program of the page with this in it.</summary>
    private static string Only(string part) =>
        Assert.Single(s_programs, program => program.Contains(part, StringComparison.Ordinal));

    private string Run(string name, string program, params string[] arguments)
    {
        File.WriteAllText(Path.Combine(packed.Programs, name), program);
        (int exitCode, string output) = packed.Dotnet(
            packed.Programs, ["run", "-c", "Release", name, "--", .. arguments]);
        Assert.True(exitCode == 0, output);
        return output;
    }

    /// <summary>Checks that there is a picture of that longest side which is not the photo.</summary>
    private void AssertPainted(string name, int side)
    {
        Picture picture = PictureFile.Read(Path.Combine(packed.Programs, name));
        Assert.Equal(side, Math.Max(picture.Height, picture.Width));
        Picture photo = PictureFile.Read(Path.Combine(packed.Programs, "photo.jpg")).At(picture.Height, picture.Width);
        double change = picture.Pixels.Zip(photo.Pixels, (a, b) => Math.Abs(a - b)).Average();
        Assert.True(change > 0.01, $"a change of {change}");
    }

    private static string Text(string path) =>
        File.ReadAllText(Path.Combine(PackedFolder.Root, path)).ReplaceLineEndings("\n");

    [GeneratedRegex(@"```csharp\n(#:package.*?)```", RegexOptions.Singleline)]
    private static partial Regex Program();

    [GeneratedRegex(@"```csharp\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Readme();

    [GeneratedRegex(@"\d+\.\d+")]
    private static partial Regex Number();
}
