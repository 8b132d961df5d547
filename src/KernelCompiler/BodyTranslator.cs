using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace NativeStyle.KernelCompiler;

/// <summary>The statements of one method, line by line with their comments; expressions are in ExpressionTranslator.cs.</summary>
internal sealed partial class BodyTranslator(KernelTranslator program, SemanticModel model, bool isKernel)
{
    /// <summary>Words that mean something in OpenCL C; a C# name like them gets an underscore.</summary>
    private static readonly HashSet<string> s_reserved =
    [
        "kernel", "global", "local", "constant", "private", "generic", "half", "signed", "unsigned", "auto", "register", "typedef", "union",
        "restrict", "inline", "complex", "image2d_t", "sampler_t", "event_t", "uchar", "ushort", "size_t", "bool2",
        "min", "max", "abs", "fabs", "fmin", "fmax", "sqrt", "exp", "exp2", "log", "log2", "pow", "sin", "cos", "tan", "tanh", "floor", "ceil",
        "rint", "trunc", "fma", "fmod", "clamp", "isnan", "barrier", "cbrt", "atan", "atan2", "rsqrt", "sign", "select", "as_int", "vload4", "vstore4",
    ];

    private readonly Dictionary<ISymbol, string> _names = new(SymbolEqualityComparer.Default);
    private readonly HashSet<string> _taken = [];
    private readonly Dictionary<ISymbol, string> _spaces = new(SymbolEqualityComparer.Default);
    private readonly StringBuilder _text = new();
    private readonly List<string> _sharedArrays = [];
    private int _depth;

    /// <summary>The C name of a local or parameter, the C# name where that is possible.</summary>
    public string Declare(ISymbol symbol)
    {
        if (_names.TryGetValue(symbol, out string? known)) return known;
        string name = symbol.Name.TrimStart('@');
        while (s_reserved.Contains(name) || (isKernel && symbol is ILocalSymbol && _taken.Contains(name) && IsShared(symbol))) name += "_";
        _taken.Add(name);
        return _names[symbol] = name;
    }

    public void SetSpace(ISymbol symbol, string space) => _spaces[symbol] = space;

    public string DeclareParameter(IParameterSymbol parameter, string space)
    {
        if (KernelTypes.ViewElement(parameter.Type) is { } element)
        {
            _spaces[parameter] = space;
            return $"{space} {ValueType(element, parameter.Locations[0])}* {Declare(parameter)}".TrimStart();
        }

        return $"{ValueType(parameter.Type, parameter.Locations[0])} {Declare(parameter)}";
    }

    /// <summary>The C name of a value's type; other types are errors.</summary>
    public string ValueType(ITypeSymbol type, Location location)
    {
        if (type.SpecialType == SpecialType.System_Double) program.UsesDouble = true;
        if (KernelTypes.OpenClName(type) is { } name) return name;
        Error(
            type.SpecialType is SpecialType.System_String or SpecialType.System_Char ? KernelDiagnostics.String
            : type.TypeKind == TypeKind.Delegate ? KernelDiagnostics.Delegate : KernelDiagnostics.Type,
            location, type.ToDisplayString());
        return "int";
    }

    /// <summary>The documentation and comments above a method, as comments.</summary>
    public static string Comments(MethodDeclarationSyntax method)
    {
        var text = new StringBuilder();
        foreach (SyntaxTrivia trivia in method.GetLeadingTrivia())
        {
            if (trivia.GetStructure() is DocumentationCommentTriviaSyntax documentation)
            {
                foreach (XmlElementSyntax element in documentation.Content.OfType<XmlElementSyntax>().Where(e => e.StartTag.Name.ToString() == "summary"))
                {
                    foreach (string line in PlainText(element).Split('\n').Select(line => line.Trim()).Where(line => line.Length > 0))
                        text.Append("// ").Append(line).Append('\n');
                }
            }
            else if (trivia.IsKind(SyntaxKind.SingleLineCommentTrivia))
            {
                text.Append(trivia.ToString()).Append('\n');
            }
        }

        return text.ToString();
    }

    /// <summary>The whole body in braces, after lines that open it.</summary>
    public string Body(MethodDeclarationSyntax method, IReadOnlyList<string>? opening = null)
    {
        _text.Clear();
        _depth = 1;
        foreach (string line in opening ?? []) Line(line);
        if (opening is { Count: > 0 }) _text.Append('\n');
        if (method.ExpressionBody is { } arrow)
        {
            bool isVoid = model.GetDeclaredSymbol(method)!.ReturnsVoid;
            if (isVoid) ExpressionStatement(arrow.Expression);
            else Line($"return {Converted(arrow.Expression)};");
        }
        else
        {
            foreach (StatementSyntax statement in method.Body!.Statements) Statement(statement);
        }

        return "{\n" + string.Concat(_sharedArrays.Select(array => $"    {array}\n")) + _text + "}\n";
    }

    private void Statement(StatementSyntax statement)
    {
        SyntaxTriviaList leading = statement.GetLeadingTrivia();
        if (leading.Count > 0 && leading[0].IsKind(SyntaxKind.EndOfLineTrivia)) _text.Append('\n');
        foreach (SyntaxTrivia trivia in leading)
        {
            if (trivia.IsKind(SyntaxKind.SingleLineCommentTrivia)) Line(trivia.ToString());
            else if (trivia.IsKind(SyntaxKind.MultiLineCommentTrivia)) Line(trivia.ToString());
        }

        switch (statement)
        {
            case BlockSyntax block:
                Block(block.Statements);
                break;
            case LocalDeclarationStatementSyntax local:
                foreach (VariableDeclaratorSyntax variable in local.Declaration.Variables) Declaration(variable);
                break;
            case ExpressionStatementSyntax expression:
                ExpressionStatement(expression.Expression);
                break;
            case IfStatementSyntax branch:
                If(branch, "");
                break;
            case ForStatementSyntax loop:
                For(loop);
                break;
            case WhileStatementSyntax loop:
                Line($"while ({Converted(loop.Condition)})");
                Nested(loop.Statement);
                break;
            case DoStatementSyntax loop:
                Line("do");
                Nested(loop.Statement);
                Line($"while ({Converted(loop.Condition)});");
                break;
            case ReturnStatementSyntax { Expression: null }:
                Line("return;");
                break;
            case ReturnStatementSyntax back:
                Line($"return {Converted(back.Expression!)};");
                break;
            case BreakStatementSyntax:
                Line("break;");
                break;
            case ContinueStatementSyntax:
                Line("continue;");
                break;
            case EmptyStatementSyntax:
                break;
            case ThrowStatementSyntax or TryStatementSyntax:
                Error(KernelDiagnostics.Exception, statement.GetLocation());
                break;
            case LocalFunctionStatementSyntax:
                Error(KernelDiagnostics.Delegate, statement.GetLocation());
                break;
            default:
                Error(KernelDiagnostics.Syntax, statement.GetLocation(), $"'{FirstLine(statement)}'");
                break;
        }
    }

    private void Declaration(VariableDeclaratorSyntax variable)
    {
        if (model.GetDeclaredSymbol(variable) is not ILocalSymbol local) return;
        ExpressionSyntax? value = variable.Initializer?.Value;
        if (KernelTypes.ViewElement(local.Type) is { } element)
        {
            ViewDeclaration(local, element, value, variable);
            return;
        }

        string type = ValueType(local.Type, variable.GetLocation());
        string name = Declare(local);
        Line(value is null ? $"{type} {name};" : $"{(local.IsConst ? "const " : "")}{type} {name} = {Converted(value)};");
    }

    /// <summary>Shared and private arrays, and windows on views.</summary>
    private void ViewDeclaration(ILocalSymbol local, ITypeSymbol element, ExpressionSyntax? value, VariableDeclaratorSyntax variable)
    {
        string type = ValueType(element, variable.GetLocation());
        if (value is InvocationExpressionSyntax call && model.GetSymbolInfo(call).Symbol is IMethodSymbol { Name: "Allocate" } allocate)
        {
            bool shared = KernelTypes.Is(allocate.ContainingType, "SharedMemory");
            if (shared || KernelTypes.Is(allocate.ContainingType, "LocalMemory"))
            {
                string? length = ConstantText(call.ArgumentList.Arguments[0].Expression);
                if (length is null) Error(KernelDiagnostics.Constant, call.ArgumentList.GetLocation());
                if (shared && (!isKernel || variable.FirstAncestorOrSelf<BlockSyntax>()?.Parent is not MethodDeclarationSyntax))
                    Error(KernelDiagnostics.Placement, call.GetLocation(), "shared memory is declared at the beginning of the kernel itself, outside of loops, conditions and helpers");
                if (shared && isKernel && variable.FirstAncestorOrSelf<MethodDeclarationSyntax>() is { } method
                    && model.GetDeclaredSymbol(method)!.Parameters.FirstOrDefault() is { } first && KernelTypes.IndexDimensions(first.Type) > 0)
                    Error(KernelDiagnostics.Placement, call.GetLocation(), "only explicitly grouped kernels, without an index parameter, share memory");
                SetSpace(local, shared ? "__local" : "");
                if (shared) _sharedArrays.Add($"__local {type} {Declare(local)}[{length}];");
                else Line($"{type} {Declare(local)}[{length}];");
                return;
            }
        }

        if (value is null)
        {
            Error(KernelDiagnostics.Syntax, variable.GetLocation(), "a view without a value");
            return;
        }

        SetSpace(local, Space(value));
        Line($"{Space(value)} {type}* {Declare(local)} = {Expression(value)};".TrimStart());
    }

    private void If(IfStatementSyntax branch, string prefix)
    {
        Line($"{prefix}if ({Converted(branch.Condition)})");
        Nested(branch.Statement);
        if (branch.Else is null) return;
        if (branch.Else.Statement is IfStatementSyntax next)
        {
            If(next, "else ");
            return;
        }

        Line("else");
        Nested(branch.Else.Statement);
    }

    private void For(ForStatementSyntax loop)
    {
        string start = "";
        if (loop.Declaration is { } declaration)
        {
            ILocalSymbol[] locals = [.. declaration.Variables.Select(variable => model.GetDeclaredSymbol(variable)).OfType<ILocalSymbol>()];
            string type = locals.Length == 0 ? "int" : ValueType(locals[0].Type, declaration.GetLocation());
            start = type + " " + string.Join(", ", declaration.Variables.Select((variable, i) =>
                $"{Declare(locals[i])} = {(variable.Initializer is null ? "0" : Converted(variable.Initializer.Value))}"));
        }
        else
        {
            start = string.Join(", ", loop.Initializers.Select(SideEffect));
        }

        string condition = loop.Condition is null ? "" : Converted(loop.Condition);
        if (IsShort(loop)) Line("#pragma unroll");
        Line($"for ({start}; {condition}; {string.Join(", ", loop.Incrementors.Select(SideEffect))})");
        Nested(loop.Statement);
    }

    /// <summary>Whether a loop counts in ones from a constant to a constant, few times: then registers instead of a counter.</summary>
    private bool IsShort(ForStatementSyntax loop) =>
        loop.Declaration?.Variables is { Count: 1 } variables && variables[0].Initializer?.Value is { } from
        && loop.Incrementors.Count == 1 && loop.Incrementors[0] is PostfixUnaryExpressionSyntax
        && loop.Condition is BinaryExpressionSyntax { RawKind: (int)SyntaxKind.LessThanExpression } condition
        && model.GetConstantValue(from).Value is int start && model.GetConstantValue(condition.Right).Value is int end && end - start is > 0 and <= 16;

    private void Nested(StatementSyntax statement)
    {
        if (statement is BlockSyntax block)
        {
            Block(block.Statements);
            return;
        }

        _depth++;
        Statement(statement);
        _depth--;
    }

    private void Block(IEnumerable<StatementSyntax> statements)
    {
        Line("{");
        _depth++;
        foreach (StatementSyntax statement in statements) Statement(statement);
        _depth--;
        Line("}");
    }

    private void ExpressionStatement(ExpressionSyntax expression) => Line(SideEffect(expression) + ";");

    private void Line(string text) => _text.Append(' ', 4 * _depth).Append(text).Append('\n');

    private void Error(DiagnosticDescriptor descriptor, Location location, params object[] arguments) =>
        program.Report(descriptor, location, arguments);

    private static bool IsShared(ISymbol symbol) => KernelTypes.ViewElement((symbol as ILocalSymbol)?.Type) is not null;

    private static string FirstLine(SyntaxNode node) => node.ToString().Split('\n')[0].Trim();

    /// <summary>Documentation as text: tags that name something give the name.</summary>
    private static string PlainText(XmlNodeSyntax node)
    {
        switch (node)
        {
            case XmlTextSyntax text:
                return string.Concat(text.TextTokens.Select(token => token.IsKind(SyntaxKind.XmlTextLiteralNewLineToken) ? "\n" : token.ValueText));
            case XmlElementSyntax element:
                return string.Concat(element.Content.Select(PlainText));
            case XmlEmptyElementSyntax empty:
                return empty.Attributes.OfType<XmlCrefAttributeSyntax>().Select(attribute => attribute.Cref.ToString()).FirstOrDefault()
                    ?? empty.Attributes.OfType<XmlNameAttributeSyntax>().Select(attribute => attribute.Identifier.ToString()).FirstOrDefault() ?? "";
            default:
                return "";
        }
    }

    /// <summary>A constant's text in C, or null.</summary>
    private string? ConstantText(ExpressionSyntax expression)
    {
        Optional<object?> constant = model.GetConstantValue(expression);
        return constant.HasValue && constant.Value is not null ? Number(constant.Value) is null ? null : Expression(expression) : null;
    }

    private static string? Number(object value)
    {
        switch (value)
        {
            case int i:
                return i == int.MinValue ? "(-2147483647 - 1)" : i < 0 ? $"({i.ToString(CultureInfo.InvariantCulture)})" : i.ToString(CultureInfo.InvariantCulture);
            case uint u:
                return u.ToString(CultureInfo.InvariantCulture) + "u";
            case long l:
                return l == long.MinValue ? "(-9223372036854775807L - 1L)" : $"({l.ToString(CultureInfo.InvariantCulture)}L)";
            case ulong ul:
                return ul.ToString(CultureInfo.InvariantCulture) + "UL";
            case bool b:
                return b ? "true" : "false";
            case float f:
                return float.IsNaN(f) ? "NAN" : float.IsPositiveInfinity(f) ? "INFINITY" : float.IsNegativeInfinity(f) ? "(-INFINITY)" : Real(f.ToString("R", CultureInfo.InvariantCulture), "f");
            case double d:
                return double.IsNaN(d) ? "NAN" : double.IsPositiveInfinity(d) ? "INFINITY" : double.IsNegativeInfinity(d) ? "(-INFINITY)" : Real(d.ToString("R", CultureInfo.InvariantCulture), "");
            default:
                return null;
        }
    }

    private static string Real(string digits, string suffix)
    {
        string text = digits.IndexOfAny(['.', 'E', 'e']) < 0 ? digits + ".0" : digits;
        return text[0] == '-' ? $"({text}{suffix})" : text + suffix;
    }
}
