using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using System.Text;
using System.Threading;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace NativeStyle.KernelCompiler;

/// <summary>
/// One kernel and the helpers that it calls, to one OpenCL program. Helpers that take views become one C function for
/// each combination of address spaces they are called with, because OpenCL 1.2 has no pointer that fits all.
/// </summary>
internal sealed class KernelTranslator(Compilation compilation, IMethodSymbol kernel, CancellationToken cancellation)
{
    private readonly List<Diagnostic> _diagnostics = [];
    private readonly Dictionary<string, string> _helperNames = [];
    private readonly List<string> _helperTexts = [];
    private readonly List<string> _helperSources = [];
    private readonly Stack<IMethodSymbol> _calling = new();
    private readonly SortedDictionary<string, string> _constants = new(System.StringComparer.Ordinal);
    private readonly SortedSet<string> _prelude = new(System.StringComparer.Ordinal);

    /// <summary>Whether double appears anywhere.</summary>
    public bool UsesDouble { get; set; }

    /// <summary>The kernel's view parameters whose length it reads.</summary>
    public HashSet<string> LengthsRead { get; } = [];

    public Compilation Compilation => compilation;

    public Translation Translate()
    {
        var syntax = (MethodDeclarationSyntax)kernel.DeclaringSyntaxReferences[0].GetSyntax(cancellation);
        Location location = syntax.Identifier.GetLocation();
        string type = kernel.ContainingType.ToDisplayString(new SymbolDisplayFormat(
            typeQualificationStyle: SymbolDisplayTypeQualificationStyle.NameAndContainingTypesAndNamespaces));
        string entry = $"{kernel.ContainingType.Name}_{kernel.Name}";
        string? wrong = CheckSignature();
        if (wrong is not null) Report(KernelDiagnostics.Signature, location, wrong);

        bool grouped = !(kernel.Parameters.Length > 0 && KernelTypes.IndexDimensions(kernel.Parameters[0].Type) > 0);
        ImmutableArray<bool> lengths = [];
        string text = "";
        if (wrong is null)
        {
            new DivergenceCheck(this, compilation.GetSemanticModel(syntax.SyntaxTree), syntax, grouped).Run();
            text = TranslateKernel(syntax, entry, grouped);
            lengths = [.. kernel.Parameters.Skip(grouped ? 0 : 1).Select(parameter => LengthsRead.Contains(parameter.Name))];
        }

        return new Translation(
            type, kernel.Name, entry, grouped, UsesDouble, lengths, string.Join("\n\n", new[] { SourceOf(syntax) }.Concat(_helperSources)),
            text, [.. _diagnostics], location);
    }

    public void Report(DiagnosticDescriptor descriptor, Location location, params object[] arguments) =>
        _diagnostics.Add(Diagnostic.Create(descriptor, location, arguments));

    /// <summary>A constant field's value under its own name, as a #define.</summary>
    public string Constant(IFieldSymbol field, string value)
    {
        string name = $"{field.ContainingType.Name}_{field.Name}";
        _constants[name] = value;
        return name;
    }

    /// <summary>A function of the translation's own that the program needs, such as a maximum that keeps not-a-number.</summary>
    public string Prelude(string name, string text)
    {
        _prelude.Add(text);
        return name;
    }

    /// <summary>The C function for a helper called with views of these address spaces; translated at its first call.</summary>
    public string Helper(IMethodSymbol method, IReadOnlyList<string> spaces, Location call)
    {
        if (_calling.Contains(method, SymbolEqualityComparer.Default) || SymbolEqualityComparer.Default.Equals(method, kernel))
        {
            Report(KernelDiagnostics.Recursion, call, method.Name);
            return method.Name;
        }

        string suffix = string.Concat(spaces.Select(space => space.Length == 0 ? "" : "_" + space.TrimStart('_')));
        string overload = string.Concat(method.Parameters.Select(parameter => parameter.Type.Name + ","));
        string key = $"{method.ContainingType.ToDisplayString()}.{method.Name}({overload}){suffix}";
        if (_helperNames.TryGetValue(key, out string? known)) return known;
        string name = $"{method.ContainingType.Name}_{method.Name}{(suffix.Replace("_global", "").Length == 0 ? "" : suffix)}";
        while (_helperNames.ContainsValue(name)) name += "_";
        _helperNames[key] = name;

        _calling.Push(method);
        if (method.DeclaringSyntaxReferences.Select(reference => reference.GetSyntax(cancellation)).OfType<MethodDeclarationSyntax>().FirstOrDefault() is not { } syntax)
        {
            Report(KernelDiagnostics.Call, call, method.ToDisplayString());
        }
        else
        {
            var body = new BodyTranslator(this, compilation.GetSemanticModel(syntax.SyntaxTree), isKernel: false);
            var parameters = new List<string>();
            for (int i = 0; i < method.Parameters.Length; i++)
            {
                IParameterSymbol parameter = method.Parameters[i];
                if (parameter.RefKind != RefKind.None) Report(KernelDiagnostics.Syntax, parameter.Locations[0], "a parameter by reference");
                parameters.Add(body.DeclareParameter(parameter, spaces[i]));
            }

            string result = method.ReturnsVoid ? "void" : body.ValueType(method.ReturnType, syntax.ReturnType.GetLocation());
            string head = $"{result} {name}({(parameters.Count == 0 ? "void" : string.Join(", ", parameters))})";
            string text = body.Body(syntax);
            _helperTexts.Add(BodyTranslator.Comments(syntax) + head + "\n" + text);
            _helperSources.Add(SourceOf(syntax));
        }

        _calling.Pop();
        return name;
    }

    private string TranslateKernel(MethodDeclarationSyntax syntax, string entry, bool grouped)
    {
        var body = new BodyTranslator(this, compilation.GetSemanticModel(syntax.SyntaxTree), isKernel: true);
        var parameters = new List<string>();
        var opening = new List<string>();
        foreach (IParameterSymbol parameter in kernel.Parameters)
        {
            int dimensions = KernelTypes.IndexDimensions(parameter.Type);
            if (dimensions > 0)
            {
                string[] axes = [.. "xyz".Substring(0, dimensions).Select(axis => axis.ToString())];
                string name = body.Declare(parameter);
                parameters.AddRange(axes.Select(axis => $"const int extent_{axis}"));
                string[] ids = [.. axes.Select((_, i) => $"(int)get_global_id({i})")];
                opening.Add(dimensions == 1 ? $"int {name} = {ids[0]};"
                    : dimensions == 2 ? $"int2 {name} = (int2)({string.Join(", ", ids)});"
                    : $"int4 {name} = (int4)({string.Join(", ", ids)}, 0);");
                // The number of work items is rounded up to whole groups.
                opening.Add("if (" + string.Join(" || ", axes.Select(axis =>
                    $"{(dimensions == 1 ? name : $"{name}.{axis}")} >= extent_{axis}")) + ") return;");
            }
            else if (KernelTypes.ViewElement(parameter.Type) is { } element)
            {
                string name = body.Declare(parameter);
                body.SetSpace(parameter, "__global");
                string type = body.ValueType(element, parameter.Locations[0]);
                parameters.Add($"__global {type}* {name}_buffer");
                parameters.Add($"const long {name}_start");
                opening.Add($"__global {type}* {name} = {name}_buffer + {name}_start;");
            }
            else
            {
                parameters.Add($"{body.ValueType(parameter.Type, parameter.Locations[0])} {body.Declare(parameter)}");
            }
        }

        string text = body.Body(syntax, opening);
        foreach (IParameterSymbol parameter in kernel.Parameters.Where(parameter => LengthsRead.Contains(parameter.Name)))
        {
            string name = body.Declare(parameter);
            parameters.Insert(parameters.IndexOf($"const long {name}_start") + 1, $"const int {name}_length");
        }

        var program = new StringBuilder();
        program.Append($"// {kernel.ContainingType.Name}.{kernel.Name}, translated from C#.\n");
        if (UsesDouble) program.Append("#pragma OPENCL EXTENSION cl_khr_fp64 : enable\n");
        program.Append('\n');
        foreach (KeyValuePair<string, string> constant in _constants) program.Append($"#define {constant.Key} {constant.Value}\n");
        if (_constants.Count > 0) program.Append('\n');
        foreach (string own in _prelude) program.Append(own).Append("\n\n");
        // A helper's text is complete after those of the helpers that it calls: they stand in the order that C wants.
        foreach (string helper in _helperTexts) program.Append(helper).Append('\n');
        program.Append(BodyTranslator.Comments(syntax));
        program.Append($"__kernel void {entry}(\n    {string.Join(",\n    ", parameters)})\n{text}");
        return program.ToString();
    }

    private string? CheckSignature()
    {
        if (!kernel.IsStatic) return $"{kernel.Name} is not static";
        if (!kernel.ReturnsVoid) return $"{kernel.Name} returns {kernel.ReturnType.ToDisplayString()}";
        if (kernel.IsGenericMethod || kernel.ContainingType.IsGenericType) return $"{kernel.Name} is generic";
        for (int i = 0; i < kernel.Parameters.Length; i++)
        {
            IParameterSymbol parameter = kernel.Parameters[i];
            if (parameter.RefKind != RefKind.None) return $"{parameter.Name} is passed by reference";
            bool index = KernelTypes.IndexDimensions(parameter.Type) > 0;
            if (index && i > 0) return $"the index {parameter.Name} is not the first parameter";
            if (index) continue;
            ITypeSymbol? element = KernelTypes.ViewElement(parameter.Type);
            if (element is not null && !KernelTypes.IsViewElement(element)) return $"{parameter.Name} is a view of {element.ToDisplayString()}";
            if (element is null && parameter.Type.SpecialType is not (SpecialType.System_Int32 or SpecialType.System_UInt32 or SpecialType.System_Single
                or SpecialType.System_Double or SpecialType.System_Int64 or SpecialType.System_UInt64))
                return $"{parameter.Name} is a {parameter.Type.ToDisplayString()}";
        }

        return null;
    }

    /// <summary>A method's text without its documentation and attributes, moved to the left margin.</summary>
    private static string SourceOf(MethodDeclarationSyntax syntax)
    {
        string[] lines = syntax.ToString().Replace("\r", "").Split('\n');
        int margin = syntax.GetLocation().GetLineSpan().StartLinePosition.Character;
        return string.Join("\n", lines.Select(line => line.Length >= margin && line.Take(margin).All(c => c == ' ') ? line.Substring(margin) : line));
    }
}
