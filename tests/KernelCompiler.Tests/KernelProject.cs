using System.Reflection;
using System.Runtime.CompilerServices;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace NativeStyle.KernelCompiler.Tests;

/// <summary>A project of one file, compiled in memory with the generator.</summary>
internal static class KernelProject
{
    private static readonly MetadataReference[] s_references =
    [
        .. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator).Select(path => MetadataReference.CreateFromFile(path)),
    ];

    private static int s_count;

    /// <summary>What the generator and the compiler say of kernels in a class K; errors only.</summary>
    public static Diagnostic[] Errors(string members)
    {
        (Compilation compilation, Diagnostic[] fromGenerator) = Generate(members);
        return [.. fromGenerator.Concat(compilation.GetDiagnostics()).Where(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error)];
    }

    /// <summary>The class K of a project without errors, loaded.</summary>
    public static Type Load(string members)
    {
        (Compilation compilation, Diagnostic[] fromGenerator) = Generate(members);
        Assert.Empty(fromGenerator);
        using var image = new MemoryStream();
        var result = compilation.Emit(image);
        Assert.True(result.Success, string.Join("\n", result.Diagnostics) + members);
        var assembly = Assembly.Load(image.ToArray());
        RuntimeHelpers.RunModuleConstructor(assembly.ManifestModule.ModuleHandle);
        return assembly.GetTypes().Single(type => type.Name.StartsWith('K'));
    }

    private static (Compilation Compilation, Diagnostic[] FromGenerator) Generate(string members)
    {
        // A class of its own for each: kernels are found by their class's name.
        string source = $"using System;\nusing NativeStyle.Kernels;\npublic static class K{Interlocked.Increment(ref s_count)}\n{{\n{members}\n}}\n";
        var compilation = CSharpCompilation.Create(
            $"kernels{s_count}", [CSharpSyntaxTree.ParseText(source, new CSharpParseOptions(LanguageVersion.Latest))], s_references,
            new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary));
        CSharpGeneratorDriver.Create(new KernelGenerator()).RunGeneratorsAndUpdateCompilation(
            compilation, out Compilation updated, out var diagnostics);
        return (updated, [.. diagnostics]);
    }
}
